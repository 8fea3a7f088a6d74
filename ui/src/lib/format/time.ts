// Times are shown relative to now, with the exact one on hover; both follow the locale.

const steps: readonly (readonly [Intl.RelativeTimeFormatUnit, number])[] = [
  ["second", 60], ["minute", 60], ["hour", 24], ["day", 7], ["week", 4.345], ["month", 12], ["year", Infinity],
];

const kept = new Map<string, Intl.DateTimeFormat | Intl.RelativeTimeFormat>();

/** once makes a format at its first use: making one takes longer than a hundred uses, and a list has one in each row. */
function once<T extends Intl.DateTimeFormat | Intl.RelativeTimeFormat>(name: string, make: () => T): T {
  let f = kept.get(name) as T | undefined;
  if (!f) kept.set(name, (f = make()));
  return f;
}

/** dates is the format of dates of a locale. */
export function dates(locale: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  return once(`${locale} ${JSON.stringify(options)}`, () => new Intl.DateTimeFormat(locale, options));
}

/** ago says how far a moment is from now, in words: "2 minutes ago", "in 3 days". */
export function ago(at: Date, now: Date, locale: string): string {
  const words = once(`${locale} ago`, () => new Intl.RelativeTimeFormat(locale, { numeric: "auto", style: "short" }));
  let n = (at.getTime() - now.getTime()) / 1000;
  for (const [unit, size] of steps) {
    if (Math.abs(n) < size) return words.format(Math.trunc(n), unit);
    n /= size;
  }
  return words.format(Math.trunc(n), "year");
}

/** exact is the whole date and time. */
export function exact(at: Date, locale: string): string {
  return dates(locale, { dateStyle: "full", timeStyle: "medium" }).format(at);
}

/** left is what a countdown shows: "0:27", "3 h 12 min", "23 h", "1 d 23 h"; "" when nothing is left. */
export function left(ms: number): string {
  if (ms <= 0) return "";
  const s = Math.ceil(ms / 1000);
  if (s < 3600) return `${Math.floor(s / 60)}:${String(s % 60).padStart(2, "0")}`;
  const h = Math.floor(s / 3600);
  if (h < 10) return `${h} h ${Math.floor((s % 3600) / 60)} min`;
  if (h < 24) return `${h} h`;
  return `${Math.floor(h / 24)} d ${h % 24} h`;
}
