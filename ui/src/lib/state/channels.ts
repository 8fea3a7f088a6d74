// Channels of notices: their order, and what is sent to add or to change one.

import type { Commands } from "../api/commands";
import { seconds } from "../format/duration";

export type Channel = Commands["notify.list"]["result"]["channels"][number];
export type Failed = NonNullable<Commands["notify.list"]["result"]["failed"]>[number];
export type Adding = Commands["notify.add"]["params"];

export const kinds = ["nostr", "ntfy", "mail", "webhook"] as const;
export type Kind = (typeof kinds)[number];
export const classes = ["questions", "answers", "alarms"] as const;

/** Options are what a channel hears and when, as the controls of the page hold it. */
export interface Options {
  classes: string[];
  details: boolean;
  /** "" at once. */
  after: string;
  quiet: boolean;
  from: string;
  to: string;
  zone: string;
  quietAlarms: boolean;
  answers: boolean;
  secret: string;
}

const zoneHere = () => Intl.DateTimeFormat().resolvedOptions().timeZone;

/** fresh is what a new channel begins with, as the bunker would have it. */
export const fresh = (): Options => ({ classes: ["questions", "alarms"], details: false, after: "", quiet: false, from: "22:00", to: "07:00", zone: zoneHere(), quietAlarms: false, answers: false, secret: "" });

/** of reads the options of a channel that is there. */
export function of(c: Channel): Options {
  const m = /^(\d\d:\d\d)-(\d\d:\d\d)$/.exec(c.quiet ?? "");
  return {
    ...fresh(), classes: [...c.classes], details: c.details, after: c.after ?? "", quiet: m !== null, from: m?.[1] ?? "22:00", to: m?.[2] ?? "07:00",
    zone: c.zone || (m ? "UTC" : zoneHere()), quietAlarms: c.quiet_alarms ?? false, answers: c.answers ?? false,
  };
}

/** params is what the bunker is told: everything, so that what was taken away is gone. answers is of direct messages only. */
export function params(o: Options, kind: string) {
  return {
    classes: classes.filter((c) => o.classes.includes(c)), details: o.details, after: o.after, quiet: o.quiet ? `${o.from}-${o.to}` : "", zone: o.quiet ? o.zone : "",
    quiet_alarms: o.quiet && o.quietAlarms, ...(kind === "nostr" ? { answers: o.answers } : {}), ...(o.secret ? { secret: o.secret } : {}),
  };
}

/** onCall puts channels into the order in which they hear of a question: at once, then those who wait. Channels that hear of none stand last. */
export function onCall(list: readonly Channel[]): Channel[] {
  const wait = (c: Channel) => (c.classes.includes("questions") ? (c.after ? seconds(c.after) : 0) : Infinity);
  return list.toSorted((a, b) => (wait(a) === wait(b) ? a.name.localeCompare(b.name) : wait(a) - wait(b)));
}

/** pushName is what this browser's channel is called: the bunker takes letters, digits, dots, hyphens and underscores. */
export const pushName = (device: string): string => `browser-${device.slice(0, 8)}`;
