import { expect, test } from "vitest";
import { health, share, slow } from "./relays";

const relay = (state?: string, ms?: number) => (state ? { health: { url: "wss://x", state, ...(ms ? { latency_ms: ms } : {}) } } : {});

test("a relay that waits to be dialled again is down, one that is being dialled is on its way", () => {
  expect(health(relay("up"))).toBe("up");
  expect(health(relay("embedded"))).toBe("up");
  expect(health(relay("connecting"))).toBe("wait");
  expect(health(relay("waiting"))).toBe("down");
  expect(health(relay())).toBe("wait");
});

test("one scale for all relays, from nothing to the whole bar", () => {
  expect(share(0)).toBe(0);
  expect(share(20)).toBeLessThan(share(60));
  expect(share(60_000)).toBe(1);
});

test("only a relay that is there is slow", () => {
  expect(slow(relay("up", 640))).toBe(true);
  expect(slow(relay("up", 90))).toBe(false);
  expect(slow(relay("waiting", 640))).toBe(false);
});
