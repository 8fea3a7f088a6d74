// What a person or the bunker itself did, as a line of the log says it.

import type { Line } from "./log";

export interface ActWords {
  acts: Record<string, string>;
  /** Of lines that count what many did, by who they were. */
  crowds: Record<string, string>;
}

const own = (of: Record<string, string>, name: string): string | undefined => (Object.hasOwn(of, name) ? of[name] : undefined);

/** ofApp says whether an app asked it; else a person or the bunker did it. */
export const ofApp = (r: Line): boolean => r.step !== "admin" && r.principal !== "system" && (r.connection !== undefined || r.principal.startsWith("client "));

/** crowd reports whether a line counts what the bunker refused to many apps, instead of naming one. */
export const crowd = (r: Line): boolean => r.principal === "strangers" || r.principal === "clients";

/** actOf says it in words; what has none is said as the log has it. */
export function actOf(r: Line, w: ActWords): string {
  if (crowd(r)) return `${own(w.crowds, r.principal) ?? r.action}${r.count ? ` ×${r.count}` : ""}`;
  return own(w.acts, r.action) ?? r.action;
}
