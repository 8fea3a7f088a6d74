import { actOf, ofApp, type ActWords } from "../../lib/format/act";
import type { Line } from "../../lib/format/log";
import { t } from "../../lib/i18n/index.svelte";

/** line says in a few words what a record of the log is about; w are the words of what no app did. */
export function line(r: Line, key: string, w: ActWords | null = null): string {
  if (w && !ofApp(r)) return `${actOf(r, w)}${key ? `: ${key}` : ""}`;
  const action = t().home.actions[r.action];
  return action ? t().home.did(action, r.kind, key) : t().activity.line(r.action, r.kind, key);
}
