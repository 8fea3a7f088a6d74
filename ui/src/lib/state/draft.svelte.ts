// A policy that is being written: as rules or as text, with what the bunker says of it. What was typed stays until it is saved or discarded.

import type { Commands } from "../api/commands";
import { clean, idOf, type Rule } from "../policy/rule";
import { app } from "./app.svelte";
import type { Policy } from "./rights.svelte";

export type Said = Commands["policy.check"]["result"];
/** Row is one rule; key is the page's own, as the rule's id can change. named: somebody gave its id. */
export interface Row {
  key: number;
  named: boolean;
  rule: Rule;
}

const pause = 300;
/** A message to the bunker holds no more. */
export const mostText = 24 << 10;
let keys = 0;

export class Draft {
  name = $state("");
  description = $state("");
  zone = $state("");
  rows = $state<Row[]>([]);
  /** It is written as text. */
  asText = $state(false);
  text = $state("");
  /** What the bunker said last; null before it said anything. */
  said = $state.raw<Said | null>(null);
  problem = $state("");
  checking = $state(false);
  /** It was changed since it was opened. */
  changed = $state(false);
  /** The policy that it changes; null for a new one. */
  readonly of: Policy | null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private turn = 0;

  constructor(of: Policy | null, begin: { name: string; description?: string | undefined; zone?: string | undefined; rules?: readonly Rule[] | undefined }) {
    this.of = of;
    this.name = begin.name;
    this.description = begin.description ?? "";
    this.zone = begin.zone ?? "";
    this.rows = (begin.rules ?? []).map((rule) => row(rule, true));
    void this.check();
  }

  /** rules are those of the rows, each with a name. */
  get rules(): Rule[] {
    const taken = this.rows.filter((r) => r.named).map((r) => r.rule.id);
    return this.rows.map((r) => {
      const rule = clean($state.snapshot(r.rule) as Rule);
      if (!r.named || !rule.id) {
        rule.id = idOf(rule, taken);
        taken.push(rule.id);
      }
      return rule;
    });
  }

  add(rule: Rule): number {
    const r = row(rule, false);
    this.rows.push(r);
    this.touch();
    return r.key;
  }

  remove(key: number) {
    this.rows = this.rows.filter((r) => r.key !== key);
    this.touch();
  }

  /** touch is for after every change: soon the bunker is asked what it means now. */
  touch() {
    this.changed = true;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.check(), pause);
  }

  /** write goes on as text, rule as rules; what cannot be read stays as it is. */
  write() {
    if (this.said?.policy?.text) this.text = this.said.policy.text;
    this.asText = true;
  }

  rule(): boolean {
    const p = this.said?.policy;
    if (!p || this.checking) return false;
    this.take(p);
    this.asText = false;
    return true;
  }

  /** read begins with a text. */
  read(text: string) {
    this.text = text;
    this.asText = true;
    this.touch();
  }

  /** check asks the bunker what it means now, and says whether just that was answered. */
  async check(): Promise<boolean> {
    const turn = ++this.turn;
    this.checking = true;
    const against = this.of ? { against: this.of.id } : {};
    try {
      // An empty text says nothing of the policy: it is not the same as leaving text out.
      const said = this.asText ? await app.call("policy.check", { text: this.text || "\n", ...against }) : await app.call("policy.check", { name: this.name || "policy", description: this.description, zone: this.zone, rules: this.rules, ...against });
      if (turn !== this.turn) return false;
      this.said = said;
      this.problem = "";
      return true;
    } catch (e) {
      if (turn === this.turn) this.problem = e instanceof Error ? e.message : String(e);
    } finally {
      if (turn === this.turn) this.checking = false;
    }
    return false;
  }

  /** save keeps it, and says what it is then. */
  async save(): Promise<Policy> {
    clearTimeout(this.timer);
    // A text is kept as the bunker read it: what it read before is another text.
    while (!(await this.check())) if (this.problem) throw new Error(this.problem);
    const p = this.asText ? this.said?.policy : { name: this.name.trim(), description: this.description, zone: this.zone, rules: this.rules };
    const bad = this.said?.problems.find((x) => !x.warning);
    if (!p || (this.asText && !this.said?.good)) throw new Error(bad?.words ?? "");
    const whole = { name: p.name, description: p.description ?? "", zone: p.zone ?? "", rules: p.rules };
    const done = this.of ? await app.call("policy.edit", { policy: this.of.id, ...this.edits(whole), if_version: this.of.version }) : await app.call("policy.create", whole);
    this.changed = false;
    return done.policy;
  }

  /** edits is what differs: no zone is shown as UTC, and sending that back would change it. */
  private edits(whole: { name: string; description: string; zone: string; rules: Rule[] }) {
    const of = this.of!;
    return {
      rules: whole.rules, ...(whole.name !== of.name ? { name: whole.name } : {}), ...(whole.description !== (of.description ?? "") ? { description: whole.description } : {}),
      ...((whole.zone || "UTC") !== of.zone ? { zone: whole.zone } : {}),
    };
  }

  private take(p: NonNullable<Said["policy"]>) {
    this.name = p.name;
    this.description = p.description ?? "";
    this.zone = p.zone ?? "";
    const named = new Set(this.rows.filter((r) => r.named).map((r) => r.rule.id));
    this.rows = p.rules.map((rule) => row(rule, named.has(rule.id) || /\bid\s*=/.test(this.text)));
  }
}

const row = (rule: Rule, named: boolean): Row => ({ key: ++keys, named, rule: structuredClone(rule) });

/** What is open: a draft stays when somebody looks at something else meanwhile. */
const open = new Map<string, Draft>();

export const drafts = {
  of: (id: string): Draft | undefined => open.get(id),
  keep: (id: string, d: Draft) => void open.set(id, d),
  drop: (id: string) => void open.delete(id),
};

/** A text that was chosen to be read in; the editor takes it when it opens. */
export const incoming = { text: "" };
