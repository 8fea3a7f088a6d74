// Signatures by app and by day, as the bunker counted them.

import type { Commands } from "../../lib/api/commands";

export type Count = Commands["audit.count"]["result"];

/** Bar is one day: how many each series had, in the order of the series. */
export interface Bar {
  /** When the day begins. */
  day: Date;
  parts: number[];
  all: number;
}

export interface Days {
  /** Ids of the apps with most signatures, the most first; the last series, when there is one more, is all others. */
  series: string[];
  others: boolean;
  bars: Bar[];
  all: number;
  top: number;
}

export const dayCount = 14;
const shownApps = 3;

export function days(c: Count): Days {
  const sum = (list: readonly number[]) => list.reduce((a, b) => a + b, 0);
  const ranked = c.apps.map((a) => ({ ...a, all: sum(a.signed) })).filter((a) => a.all > 0).toSorted((a, b) => b.all - a.all);
  const series = ranked.slice(0, shownApps);
  const named = c.days.map((_, i) => sum(series.map((a) => a.signed[i] ?? 0)));
  // What apps signed that the bunker does not name, too: the day knows of all.
  const others = c.days.some((d, i) => d.signed > named[i]!);
  const bars = c.days.map((d, i): Bar => ({ day: new Date(d.at), all: d.signed, parts: [...series.map((a) => a.signed[i] ?? 0), ...(others ? [d.signed - named[i]!] : [])] }));
  return { series: series.map((a) => a.connection), others, bars, all: sum(c.days.map((d) => d.signed)), top: Math.max(1, ...bars.map((b) => b.all)) };
}
