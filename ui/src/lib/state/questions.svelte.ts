import type { Commands } from "../api/commands";
import { Refused } from "../door/door";
import { app } from "./app.svelte";

export type Question = Commands["approval.list"]["result"]["approvals"][number];
export type Card = NonNullable<Question["card"]>;
export type Answer = Omit<Commands["approval.answer"]["params"], "id" | "digest">;

/** Item is what is answered together: one question, or those of one burst. */
export interface Item {
  id: string;
  list: Question[];
}

/** What is read at most: a queue that is longer is not answered one by one. */
const mostPages = 3;
/** As many as are answered together (MaxBatch of the bunker). */
const mostTogether = 100;

/** risky reports that a question is denied with the main button, and signed by holding another: something would be lost, handed out, or is not as it seems. */
export function risky(q: Question): boolean {
  return !q.card || q.once_only || q.card.cut === true || Boolean(q.card.guard) || Boolean(q.asker?.alike) || (q.method !== "connect" && Boolean(q.card.warnings?.length));
}

/** itemsOf puts together what may be answered together: a burst of one app, one method and one kind, of which none needs a closer look. */
export function itemsOf(list: Question[]): Item[] {
  const out: Item[] = [];
  const bursts = new Map<string, Item>();
  for (const q of list) {
    const alone = q.method === "connect" || risky(q);
    const burst = alone ? undefined : bursts.get(q.batch);
    if (burst && burst.list.length < mostTogether) burst.list.push(q);
    else {
      const item = { id: q.id, list: [q] };
      out.push(item);
      if (!alone) bursts.set(q.batch, item);
    }
  }
  return out;
}

/** placeOf is the place of the question that is shown: the one that the address names; else the one that was looked at last; and when that is answered, the one
 * that took its place, so that whoever left some for later is not led back to them at each answer. */
export function placeOf(items: readonly Item[], want: string | undefined, seen: { id: string; at: number }): number {
  const of = (id: string | undefined) => items.findIndex((i) => i.list.some((q) => q.id === id));
  return [of(want), of(seen.id)].find((at) => at >= 0) ?? Math.max(0, Math.min(seen.at, items.length - 1));
}

/** What waits for somebody's answer, oldest first; read anew at once when the bunker says that something changed. */
class Questions {
  list = $state.raw<Question[]>([]);
  /** They were read at least once. */
  here = $state(false);
  problem = $state("");
  /** The question that came last while this page was open, for those who do not see it come. */
  news = $state.raw<Question | null>(null);
  /** By id: how many further people must say yes to what was answered here, and of how many. */
  votes = $state.raw<Record<string, { more: number; of: number }>>({});
  items = $derived(itemsOf(this.list));
  private busy = false;
  private stale = false;
  /** What was answered here since the reading that is under way began: it may not know of it yet. */
  private gone = new Set<string>();

  /** load reads what waits; calls that come meanwhile lead to one more reading. */
  async load() {
    this.stale = true;
    if (this.busy) return;
    this.busy = true;
    try {
      while (this.stale) {
        this.stale = false;
        await this.read();
      }
      this.problem = "";
    } catch (e) {
      this.problem = e instanceof Error ? e.message : String(e);
    } finally {
      this.busy = false;
    }
  }

  private async read() {
    this.gone.clear();
    const read: Question[] = [];
    let after = "";
    for (let n = 0; n < mostPages; n++) {
      const p = await app.call("approval.list", after ? { after } : {});
      read.push(...p.approvals);
      after = p.next ?? "";
      if (!after) break;
    }
    const list = read.filter((q) => !this.gone.has(q.id));
    const known = new Set(this.list.map((q) => q.id));
    const fresh = list.filter((q) => !known.has(q.id));
    if (this.here && fresh.length) this.news = fresh[fresh.length - 1]!;
    this.list = list;
    this.here = true;
  }

  /** answer answers what was shown, each with its digest. What it returns is the bunker's warnings; a yes that others must join is no failure. */
  async answer(shown: readonly Question[], a: Answer): Promise<{ warnings: string[]; waits?: { more: number; of: number } }> {
    const first = shown[0]!;
    try {
      const r = shown.length === 1
        ? await app.call("approval.answer", { ...a, id: first.id, digest: first.digest })
        : await app.call("approval.batch", { ...a, questions: shown.map((q) => ({ id: q.id, digest: q.digest })) });
      this.drop(shown);
      return { warnings: r.warnings ?? [] };
    } catch (e) {
      if (!(e instanceof Refused) || e.code !== "waits") throw e;
      const m = /(\d+) more of (\d+)/.exec(e.message);
      const waits = { more: Number(m?.[1] ?? 1), of: Number(m?.[2] ?? 2) };
      this.votes = { ...this.votes, [first.id]: waits };
      return { warnings: [], waits };
    }
  }

  /** forget leaves nothing of a bunker that the page was in before. */
  forget() {
    this.list = [];
    this.here = false;
    this.news = null;
    this.votes = {};
  }

  private drop(shown: readonly Question[]) {
    for (const q of shown) this.gone.add(q.id);
    this.list = this.list.filter((q) => !this.gone.has(q.id));
    void this.load();
  }
}

export const questions = new Questions();
