// What is typed in the bunker's terminal, where this browser cannot do it.

/** quoted is one word as a shell reads it. */
export const quoted = (word: string): string => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);

/** line is a command: its words, and flags where they have a value. */
export function line(words: string[], flags: Record<string, string | undefined> = {}): string {
  const out = ["nsecbunker", ...words.map(quoted)];
  for (const [name, value] of Object.entries(flags)) if (value) out.push(`--${name}`, quoted(value));
  return out.join(" ");
}
