// Signatures by app and by day, from lines of the log.

export interface Signed {
  /** Unix ms. */
  time: number;
  connection?: string | undefined;
}

/** Bar is one day: how many each series had, in the order of the series. */
export interface Bar {
  /** Midnight where the reader is. */
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

/** firstDay is the midnight with which the chart begins. */
export function firstDay(now: Date): Date {
  return new Date(now.getFullYear(), now.getMonth(), now.getDate() - dayCount + 1);
}

export function days(rows: readonly Signed[], now: Date): Days {
  const from = firstDay(now);
  const byApp = new Map<string, number>();
  for (const r of rows) byApp.set(r.connection ?? "", (byApp.get(r.connection ?? "") ?? 0) + 1);
  const ranked = [...byApp].toSorted((a, b) => b[1] - a[1]).map(([id]) => id);
  const series = ranked.slice(0, shownApps);
  const others = ranked.length > shownApps;
  const bars = Array.from({ length: dayCount }, (_, i): Bar => ({
    day: new Date(from.getFullYear(), from.getMonth(), from.getDate() + i), parts: new Array(series.length + (others ? 1 : 0)).fill(0), all: 0,
  }));
  let all = 0;
  for (const r of rows) {
    const d = new Date(r.time);
    const bar = bars.find((b) => b.day.getFullYear() === d.getFullYear() && b.day.getMonth() === d.getMonth() && b.day.getDate() === d.getDate());
    if (!bar) continue;
    const at = series.indexOf(r.connection ?? "");
    bar.parts[at < 0 ? series.length : at]!++;
    bar.all++;
    all++;
  }
  return { series, others, bars, all, top: Math.max(1, ...bars.map((b) => b.all)) };
}
