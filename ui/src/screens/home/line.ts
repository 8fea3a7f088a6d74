import type { Commands } from "../../lib/api/commands";
import { t } from "../../lib/i18n/index.svelte";

/** line says in a few words what a record of the log is about. */
export function line(r: Commands["audit.list"]["result"]["records"][number], key: string): string {
  const action = t().home.actions[r.action];
  return action ? t().home.did(action, r.kind, key) : t().activity.line(r.action, r.kind, key);
}
