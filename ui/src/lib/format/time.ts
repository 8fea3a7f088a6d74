// Times are shown relative to now, with the exact one on hover; both follow the locale.

const steps: readonly (readonly [Intl.RelativeTimeFormatUnit, number])[] = [
  ["second", 60], ["minute", 60], ["hour", 24], ["day", 7], ["week", 4.345], ["month", 12], ["year", Infinity],
];

/** ago says how far a moment is from now, in words: "2 minutes ago", "in 3 days". */
export function ago(at: Date, now: Date, locale: string): string {
  const words = new Intl.RelativeTimeFormat(locale, { numeric: "auto", style: "short" });
  let n = (at.getTime() - now.getTime()) / 1000;
  for (const [unit, size] of steps) {
    if (Math.abs(n) < size) return words.format(Math.trunc(n), unit);
    n /= size;
  }
  return words.format(Math.trunc(n), "year");
}

/** exact is the whole date and time. */
export function exact(at: Date, locale: string): string {
  return new Intl.DateTimeFormat(locale, { dateStyle: "full", timeStyle: "medium" }).format(at);
}

/** left is what a countdown shows: "0:27", "3 h 12 min", "1 d 23 h"; "" when nothing is left. */
export function left(ms: number): string {
  if (ms <= 0) return "";
  const s = Math.ceil(ms / 1000);
  if (s < 3600) return `${Math.floor(s / 60)}:${String(s % 60).padStart(2, "0")}`;
  const h = Math.floor(s / 3600);
  if (h < 24) return `${h} h ${Math.floor((s % 3600) / 60)} min`;
  return `${Math.floor(h / 24)} d ${h % 24} h`;
}
