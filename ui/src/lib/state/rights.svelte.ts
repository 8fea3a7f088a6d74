// What each app may do is asked for when its row comes into sight, and kept for a while: a list of ten thousand apps asks for a dozen.

import { speech } from "../i18n/speech/index.svelte";
import type { Commands } from "../api/commands";
import { app } from "./app.svelte";

export type Grant = Commands["connection.show"]["result"]["grants"][number];
export type Policy = Commands["policy.show"]["result"]["policy"];

const fresh = 30_000;

class Kept<T> {
  private all = new Map<string, { at: number; got: Promise<T> }>();
  private readonly ask: (id: string) => Promise<T>;
  constructor(ask: (id: string) => Promise<T>) {
    this.ask = ask;
  }

  of(id: string): Promise<T> {
    const had = this.all.get(id);
    if (had && Date.now() - had.at < fresh) return had.got;
    const got = this.ask(id);
    got.catch(() => this.all.delete(id));
    this.all.set(id, { at: Date.now(), got });
    return got;
  }

  forget() {
    this.all.clear();
  }
}

/** The grants of a connection, by its id, as its row in a list shows them. */
export const grants = new Kept<Grant[]>(async (id) => (await app.glance("connection.show", { id })).grants);

/** A policy with its rules, by name or id. */
export const policies = new Kept<Policy>(async (policy) => (await app.call("policy.show", { policy })).policy);

/** allPolicies are all of the bunker's, for where one is chosen of them. */
export async function allPolicies() {
  const out: Commands["policy.list"]["result"]["policies"] = [];
  for (let after = ""; ; ) {
    const page = await app.call("policy.list", after ? { after } : {});
    out.push(...page.policies);
    after = page.next ?? "";
    if (!after) return out;
  }
}

/** summary is a whole policy in one sentence, "" where it has none. */
export const summary = (p: Policy): string => (p.summary ? speech().policy(p.rules ?? [], p.zone, p.summary) : "");

/** forget is for after something of it was changed here. */
export function forget() {
  grants.forget();
  policies.forget();
}

/** may says whether who is logged in here has that role, or a higher one. It only hides what would be refused: the bunker decides. */
export function may(role: "approver" | "operator" | "owner"): boolean {
  const order = ["viewer", "approver", "operator", "owner"];
  return order.indexOf(app.session?.ready.role ?? "viewer") >= order.indexOf(role);
}
