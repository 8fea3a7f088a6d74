// A line of the log as people read it: who, what became of it, what, as whom.

import { actOf, crowd, ofApp } from "../../lib/format/act";
import { canOf } from "../../lib/format/perms";
import type { Line } from "../../lib/format/log";
import { t } from "../../lib/i18n/index.svelte";
import { w } from "../../lib/i18n/log/index.svelte";
import { called, self } from "../../lib/state/people.svelte";

const own = (of: Record<string, string>, name: string): string | undefined => (Object.hasOwn(of, name) ? of[name] : undefined);

/** whatOf is what was asked or done: "post notes", "added a key". */
export function whatOf(r: Line): string {
  if (!ofApp(r)) return actOf(r, w());
  if (r.action === "sign_event" && r.kind !== undefined) return canOf(`sign_event:${r.kind}`, t().connections);
  return own(w().methods, r.action) ?? canOf(r.action, t().connections);
}

export type Effect = "allow" | "ask" | "deny" | "you";

/** markOf is the mark of a line: what came of an app's request, or a diamond for what an admin did. */
export function markOf(r: Line): Effect {
  return (ofApp(r) || crowd(r)) && (r.effect === "allow" || r.effect === "ask" || r.effect === "deny") ? r.effect : "you";
}

/** doer is who did something, as a sentence begins: "You", "Ana", "Somebody at the machine". */
export function doer(r: Line): string {
  if (r.principal === "system" || crowd(r)) return t().home.bunker;
  if (r.principal === "local") return w().machine;
  return self.npub && r.principal === self.npub ? w().you : called(r.principal);
}
