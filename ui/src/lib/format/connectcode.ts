/** What an app says of itself in its own code (nostrconnect://…). It is read here only to be shown: the bunker reads the code itself. */
export interface Code {
  name: string;
  wants: string;
}

/** Longer names and wishes are cut: they are a stranger's words. */
const longestName = 128;
const longestWants = 4096;

/** readCode reads an app's code; null where it is none. */
export function readCode(text: string): Code | null {
  const s = text.trim();
  if (!/^nostrconnect:\/\/[0-9a-f]{64}\?/i.test(s)) return null;
  const q = new URLSearchParams(s.slice(s.indexOf("?") + 1));
  let old: { name?: unknown } | null = {};
  try {
    old = JSON.parse(q.get("metadata") ?? "{}") as typeof old;
  } catch {
    // not of the old form
  }
  return { name: (q.get("name") ?? (typeof old?.name === "string" ? old.name : "")).slice(0, longestName), wants: (q.get("perms") ?? "").slice(0, longestWants) };
}
