// The log: its filters as they stand in the address, what a search finds, and what an export holds.

import type { Commands } from "../api/commands";

export type Line = Commands["audit.list"]["result"]["records"][number];
type Params = Commands["audit.list"]["params"];

export interface Filter {
  effect: string;
  /** Id of a key. */
  key: string;
  /** Id of a connection. */
  app: string;
  /** "7d" is the last seven days; "" is any time. */
  span: string;
  /** One day, "2026-11-29"; it goes before span. */
  day: string;
  /** Number of a kind, as text. */
  kind: string;
  /** Words that must all be there. */
  find: string;
}

const names = ["effect", "key", "app", "span", "day", "kind", "find"] as const;

/** filterOf reads the filters of an address. */
export function filterOf(q: URLSearchParams): Filter {
  return Object.fromEntries(names.map((n) => [n, q.get(n) ?? ""])) as unknown as Filter;
}

/** none is for taking all filters away. */
export const none = Object.fromEntries(names.map((n) => [n, undefined])) as Record<string, undefined>;

/** some says whether anything is left out. */
export const some = (f: Filter): boolean => names.some((n) => f[n] !== "");

/** here says whether the page itself must look at each line: the bunker does not filter by these. */
export const here = (f: Filter): boolean => f.find.trim() !== "" || f.kind !== "";

/** paramsOf is what the bunker filters by. */
export function paramsOf(f: Filter, now: Date): Params {
  const day = dayOf(f.day);
  const days = Number(/^(\d+)d$/.exec(f.span)?.[1] ?? 0);
  const since = day ?? (days ? new Date(now.getFullYear(), now.getMonth(), now.getDate() - days + 1) : null);
  return {
    ...(["allow", "ask", "deny"].includes(f.effect) ? { effect: f.effect } : {}), ...(f.key ? { key: f.key } : {}), ...(f.app ? { connection: f.app } : {}),
    ...(since ? { since: since.toISOString() } : {}), ...(day ? { until: new Date(day.getFullYear(), day.getMonth(), day.getDate() + 1).toISOString() } : {}),
  };
}

/** daysOf is how many days a chart of the filter has. */
export function daysOf(f: Filter): number {
  if (dayOf(f.day)) return 1;
  return Number(/^(\d+)d$/.exec(f.span)?.[1] ?? 0) || 30;
}

function dayOf(s: string): Date | null {
  const m = /^(\d{4})-(\d\d)-(\d\d)$/.exec(s);
  if (!m) return null;
  const d = new Date(Number(m[1]), Number(m[2]) - 1, Number(m[3]));
  return Number.isNaN(d.getTime()) ? null : d;
}

/** dayName is a day as the address has it. */
export const dayName = (d: Date): string => `${d.getFullYear()}-${String(d.getMonth() + 1).padStart(2, "0")}-${String(d.getDate()).padStart(2, "0")}`;

/** fits says whether a line has all the words; more is what the page knows of it besides: names, and the line in words. */
export function fits(r: Line, f: Filter, more: string): boolean {
  if (f.kind && String(r.kind ?? "") !== f.kind) return false;
  const words = f.find.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return true;
  const text = [r.seq, r.principal, r.action, r.effect, r.rule, r.reason, r.needed, r.event, r.signed, r.object, r.person, r.peer, r.relay, r.kind, more].join(" ").toLowerCase();
  return words.every((w) => text.includes(w));
}

const columns = [
  "seq", "time", "principal", "door", "action", "step", "kind", "effect", "rule", "reason", "needed", "key", "connection", "person", "object", "event", "signed", "peer", "tags", "size", "skew", "result", "relay", "digest", "count",
] as const;

/** csv is lines as a table, with what apps and keys are called here. Texts begin no formula: spreadsheets run what begins with =, +, - or @. */
export function csv(lines: readonly Line[], app: (r: Line) => string, key: (r: Line) => string): string {
  const rows = lines.map((r) => [...columns.map((c) => (c === "time" ? new Date(r.time).toISOString() : cell(r[c]))), cell(app(r)), cell(key(r))]);
  return [[...columns, "app_name", "key_name"], ...rows].map((row) => row.map(quoted).join(",")).join("\r\n") + "\r\n";
}

function cell(v: unknown): string {
  if (v === undefined || v === null) return "";
  if (typeof v === "number") return String(v);
  const s = Array.isArray(v) ? v.join(" ") : String(v);
  return /^[=+\-@\t\r]/.test(s) ? `'${s}` : s;
}

const quoted = (s: string): string => (/[",\r\n]/.test(s) ? `"${s.replaceAll('"', '""')}"` : s);
