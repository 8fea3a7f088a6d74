// How a relay does, as it is shown: on one scale, so that two relays can be compared by eye.

import type { Commands } from "../api/commands";

type Relay = Pick<Commands["relay.list"]["result"]["relays"][number], "health">;

/** From here on a relay is slow: people notice. */
export const slowFrom = 500;
/** The whole bar. */
const longest = 2000;

/** health is whether a relay is there: up, on its way, or not. */
export function health(r: Relay): "up" | "wait" | "down" {
  const s = r.health?.state;
  if (s === "up" || s === "embedded") return "up";
  return s === undefined || s === "connecting" ? "wait" : "down";
}

export const slow = (r: Relay): boolean => health(r) === "up" && (r.health?.latency_ms ?? 0) >= slowFrom;

/** share is how much of the bar a latency takes, 0 to 1. The scale is logarithmic: 20 ms and 60 ms differ, 1.5 s and 2 s hardly do. */
export function share(ms: number): number {
  return ms <= 0 ? 0 : Math.min(1, Math.log1p(ms) / Math.log1p(longest));
}
