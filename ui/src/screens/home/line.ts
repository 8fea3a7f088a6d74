import type { Commands } from "../../lib/api/commands";
import { t } from "../../lib/i18n/index.svelte";

/** line says in a few words what a record of the log is about. */
export function line(r: Commands["audit.list"]["result"]["records"][number], key: string): string {
  return t().activity.line(r.action, r.kind, key);
}
