// Who did something, as it is said here: "you", an admin's name, the machine, or a short npub.

import { speech } from "../i18n/speech/index.svelte";
import { extension } from "../door/signer";
import { short } from "../format/npub";
import { t } from "../i18n/index.svelte";
import { app } from "./app.svelte";

class Self {
  npub = $state("");
  /** The id of this browser, as the bunker knows it. */
  device = $state("");
  /** The keys that the role is for, by id; none: the whole bunker. */
  keys = $state.raw<string[]>([]);
  private of: unknown = null;

  /** look asks once per session who is logged in. */
  look() {
    if (!app.session || this.of === app.session) return;
    this.of = app.session;
    this.npub = this.device = "";
    this.keys = [];
    app.call("admin.self", {}).then((r) => {
      this.npub = r.name;
      this.device = r.device ?? "";
      this.keys = r.keys ?? [];
    }, () => {});
  }
}
export const self = new Self();

/** signs reports whether this page has a key that can sign dangerous commands. A browser that was paired to the machine has none: its person is no npub. */
export function signs(): boolean {
  if (app.session?.pubkey) return true;
  return self.npub.startsWith("npub1") && extension() !== null;
}

/** called is how whoever did something is called; by is an npub, a pubkey, local or system. */
export function called(by: string): string {
  if (by === "local") return t().connections.machine;
  if (self.npub && by === self.npub) return t().connections.you;
  const a = app.status?.admins?.find((x) => x.npub === by || x.pubkey === by);
  return a?.name || (by.startsWith("npub1") ? short(by) : by);
}

const npubs = /npub1[02-9ac-hj-np-z]{58}/g;

/** plain says a sentence of the bunker in the reader's language, shortens the npubs in it, and names those that are known. */
export const plain = (words: string): string => speech().reason(words).replace(npubs, (n) => called(n));
