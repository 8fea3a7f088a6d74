/** What a secret key that somebody types looks like. Only what is shown around it hangs on this: the bunker reads it itself. */
export type Form = "" | "nsec" | "ncryptsec" | "words" | "hex" | "npub" | "other";

/** How many words a recovery phrase can have. */
const counts = [12, 15, 18, 21, 24];

/** wordsIn counts words. */
export const wordsIn = (text: string): number => text.split(/\s+/).filter(Boolean).length;

/** whole says whether a recovery phrase can be of so many words. */
export const whole = (n: number): boolean => counts.includes(n);

/** formOf names the form; "other" only when it can be no beginning of one any more. */
export function formOf(text: string): Form {
  const s = text.trim();
  if (!s) return "";
  if (/\s/.test(s)) return "words";
  const m = /^(nsec|ncryptsec|npub)1/i.exec(s);
  if (m) return m[1]!.toLowerCase() as Form;
  if (/^[0-9a-f]{64}$/i.test(s)) return "hex";
  // A first word is typed before its space; hex digits come one by one.
  return /^[a-z]{0,9}$/i.test(s) || /^[0-9a-f]{0,63}$/i.test(s) ? "" : "other";
}

/** oneLine makes what was pasted one line: words are often kept one a line, and a field for one line would join them. */
export const oneLine = (text: string): string => text.trim().replace(/\s+/g, " ");
