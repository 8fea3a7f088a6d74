// A rule as the editor has it: how what is typed becomes a rule, and back.

import kindNames from "../api/kinds.json";
import type { Commands } from "../api/commands";

export type Rule = Commands["policy.create"]["params"]["rules"][number];
export type Kinds = NonNullable<Rule["kinds"]>[number];
export type Hours = NonNullable<Rule["hours"]>[number];
export type Tag = NonNullable<Rule["tags"]>[number];

interface Named {
  name: string;
  from: number;
  to?: number;
  other?: boolean;
}
const names = kindNames as Named[];
const last = 65_535;
const fold = (s: string) => s.toLowerCase().split(/[\s_-]+/).filter(Boolean).join(" ");

/** What a kind is called in the reader's language. */
type Say = (english: string) => string;
const plainly: Say = (english) => english;

/** kindOf reads one entry: a name, a number, a range, or all; null for what is none. */
export function kindOf(text: string, say: Say = plainly): Kinds | null {
  const s = text.trim();
  if (fold(s) === "all") return { from: 0, to: last };
  const word = fold(s);
  const named = names.find((n) => n.name === word) ?? names.find((n) => fold(say(n.name)) === word) ?? names.find((n) => n.name === word.replace(/s$/, ""));
  if (named) return { from: named.from, to: named.to ?? named.from };
  const m = /^(\d{1,5})(?:\s*[-–]\s*(\d{1,5}))?$/.exec(s);
  if (!m) return null;
  const from = Number(m[1]);
  const to = m[2] === undefined ? from : Number(m[2]);
  return from <= to && to <= last ? { from, to } : null;
}

/** kindName is how a kind, or a range, is shown. */
export function kindName(k: Kinds, say: Say = plainly): string {
  if (k.from === 0 && k.to === last) return "all";
  const name = names.find((n) => !n.other && n.from === k.from && (n.to ?? n.from) === k.to)?.name;
  const number = k.from === k.to ? String(k.from) : `${k.from}–${k.to}`;
  return name ? `${say(name)} (${number})` : number;
}

/** The names that are offered, without those that are another word for the same. */
export const offered: readonly string[] = names.filter((n) => !n.other).map((n) => n.name);

/** list reads texts that are separated by commas or lines. */
export const list = (s: string): string[] => s.split(/[,\n]/).map((x) => x.trim()).filter(Boolean);

const day = 24 * 60;
/** clockOf shows minutes after midnight. The end of the day is its beginning, as clocks have it. */
export const clockOf = (minutes: number): string => `${String(Math.floor((minutes % day) / 60)).padStart(2, "0")}:${String(minutes % 60).padStart(2, "0")}`;

/** minutesOf reads what clockOf shows. */
export function minutesOf(clock: string): number {
  const m = /^(\d\d?):(\d\d)/.exec(clock);
  return m ? Number(m[1]) * 60 + Number(m[2]) : 0;
}

const units = { d: 86_400, h: 3600, m: 60, s: 1 } as const;
export type Unit = keyof typeof units;

/** periodOf is a length of time in the largest unit that it is whole in. */
export function periodOf(seconds: number): { n: number; unit: Unit } {
  const unit = (Object.keys(units) as Unit[]).find((u) => seconds % units[u] === 0) ?? "s";
  return { n: seconds / units[unit], unit };
}
export const secondsOf = (n: number, unit: Unit): number => Math.round(n * units[unit]);

/** clean leaves out what says nothing, so that a rule is the same however it was made. */
export function clean(r: Rule): Rule {
  const some = <T>(x: T[] | undefined): T[] | undefined => (x?.length ? x : undefined);
  const c = r.content;
  const content = c && (c.min_length || c.max_length || c.words?.length || c.pattern) ? strip({ min_length: c.min_length || undefined, max_length: c.max_length || undefined, words: some(c.words), pattern: c.pattern || undefined }) : undefined;
  const b = r.budget;
  const budget = r.effect === "allow" && b && (b.total || b.per_minute || b.per_hour || b.per_day)
    ? strip({ total: b.total || undefined, per_minute: b.per_minute || undefined, per_hour: b.per_hour || undefined, per_day: b.per_day || undefined, per: b.per || undefined, when_spent: b.when_spent }) : undefined;
  return strip({
    id: r.id, note: r.note?.trim() || undefined, effect: r.effect, methods: some(r.methods), rights: some(r.rights), kinds: some(r.kinds), peers: some(r.peers), results: some(r.results),
    tags: some(r.tags?.filter((t) => t.name !== "").map((t) => strip({ name: t.name, values: some(t.values), absent: t.absent || undefined, max: t.max || undefined }) as Tag)),
    content, max_skew: r.max_skew || undefined, hours: some(r.hours?.map((h) => strip({ days: some(h.days), from: h.from, to: h.to }) as Hours)), doors: some(r.doors), relays: some(r.relays), budget,
    expires_at: r.expires_at || undefined, for: r.for || undefined, quorum: r.effect === "ask" ? r.quorum || undefined : undefined,
  }) as Rule;
}

function strip(o: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(o).filter(([, v]) => v !== undefined));
}

/** idOf is a name for a rule that has none: from what it says, and unlike the others. */
export function idOf(r: Rule, taken: readonly string[]): string {
  const about = [...(r.rights ?? []), ...(r.methods ?? []).map((m) => m.replaceAll("_", "-")), ...(r.kinds ?? []).map((k) => (k.from === k.to ? `kind-${k.from}` : `kinds-${k.from}-${k.to}`))];
  const base = [r.effect, ...about.slice(0, 2)].join("-").slice(0, 56);
  if (!taken.includes(base)) return base;
  for (let n = 2; ; n++) if (!taken.includes(`${base}-${n}`)) return `${base}-${n}`;
}

/** instantOf is the moment of a day and a clock in a time zone, in unix ms; 0 where it cannot be read. */
export function instantOf(date: string, clock: string, zone: string): number {
  const m = /^(\d{4})-(\d\d)-(\d\d)$/.exec(date);
  if (!m) return 0;
  const wall = Date.UTC(Number(m[1]), Number(m[2]) - 1, Number(m[3]), 0, minutesOf(clock || "00:00"));
  // The zone's distance from Greenwich is that of the moment itself: a second look is right also where the clocks change.
  const first = wall - offset(wall, zone);
  return wall - offset(first, zone);
}

/** wallOf is instantOf backwards. */
export function wallOf(ms: number, zone: string): { date: string; clock: string } {
  const s = new Date(ms + offset(ms, zone)).toISOString();
  return { date: s.slice(0, 10), clock: s.slice(11, 16) };
}

function offset(ms: number, zone: string): number {
  const parts = new Intl.DateTimeFormat("en-US", { timeZone: zone, hourCycle: "h23", year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric", second: "numeric" }).formatToParts(ms);
  const of = (t: string) => Number(parts.find((p) => p.type === t)?.value ?? 0);
  return Date.UTC(of("year"), of("month") - 1, of("day"), of("hour"), of("minute"), of("second")) - Math.floor(ms / 1000) * 1000;
}

/** knownZone says whether this browser knows a time zone. */
export function knownZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: zone || "UTC" });
    return true;
  } catch {
    return false;
  }
}
