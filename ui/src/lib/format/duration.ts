// Durations as the bunker writes them ("1h30m0s") and as people type them ("7d"), and in words.

const units: Record<string, number> = { ms: 0.001, s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };

/** seconds reads a duration; NaN for what is none. */
export function seconds(text: string): number {
  if (!/^(\d+(\.\d+)?(ms|[smhdw]))+$/.test(text)) return NaN;
  let sum = 0;
  for (const [, n, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|[smhdw])/g)) sum += Number(n) * units[unit!]!;
  return sum;
}

const names = [["week", 604_800], ["day", 86_400], ["hour", 3600], ["minute", 60], ["second", 1]] as const;

/** lasting says a duration in words, in the largest unit that it is a whole number of: "5 minutes", "90 seconds". Weeks only where they are at least two. */
export function lasting(text: string, locale: string): string {
  const s = seconds(text);
  if (!Number.isFinite(s)) return text;
  const [unit, size] = names.find(([unit, size]) => s >= size * (unit === "week" ? 2 : 1) && s % size === 0) ?? (["second", 1] as const);
  return new Intl.NumberFormat(locale, { style: "unit", unit, unitDisplay: "long" }).format(s / size);
}
