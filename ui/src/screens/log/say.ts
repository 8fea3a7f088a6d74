// A line of the log as people read it: who, what became of it, what, as whom.

import { canOf } from "../../lib/format/perms";
import type { Line } from "../../lib/format/log";
import { t } from "../../lib/i18n/index.svelte";
import { w } from "../../lib/i18n/log/index.svelte";
import { called, self } from "../../lib/state/people.svelte";

const own = (of: Record<string, string>, name: string): string | undefined => (Object.hasOwn(of, name) ? of[name] : undefined);

/** ofApp says whether an app asked it; else a person or the bunker did it. */
export const ofApp = (r: Line): boolean => r.step !== "admin" && (r.connection !== undefined || r.principal.startsWith("client "));

/** whatOf is what was asked or done: "post notes", "added a key". */
export function whatOf(r: Line): string {
  if (!ofApp(r)) return own(w().acts, r.action) ?? r.action;
  if (r.action === "sign_event" && r.kind !== undefined) return canOf(`sign_event:${r.kind}`, t().connections);
  return own(w().methods, r.action) ?? canOf(r.action, t().connections);
}

export type Effect = "allow" | "ask" | "deny" | "you";

/** markOf is the mark of a line: what came of an app's request, or a diamond for what an admin did. */
export function markOf(r: Line): Effect {
  return ofApp(r) && (r.effect === "allow" || r.effect === "ask" || r.effect === "deny") ? r.effect : "you";
}

/** doer is who did something, as a sentence begins: "You", "Ana", "Somebody at the machine". */
export function doer(r: Line): string {
  if (r.principal === "system") return t().home.bunker;
  if (r.principal === "local") return w().machine;
  return self.npub && r.principal === self.npub ? w().you : called(r.principal);
}
