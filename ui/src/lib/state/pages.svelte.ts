// A list that is read page by page as somebody scrolls. When the bunker says that something changed, its first page and what is in
// sight are read anew at once, and the rest when it comes into sight: deep in a long list all of it would be hundreds of readings.

import { untrack } from "svelte";

export interface Page<T> {
  rows: T[];
  /** Where the list goes on; "" or nothing at its end. */
  next?: string | undefined;
}

/** Leaf is a page that was read: from where, and whether something may have changed since. */
interface Leaf<T> {
  after: string;
  rows: T[];
  stale: boolean;
}

export class Pages<T> {
  rows = $state.raw<T[]>([]);
  loading = $state(false);
  /** The whole list is here. */
  whole = $state(false);
  problem = $state("");
  private leaves: Leaf<T>[] = [];
  private after = "";
  private turn = 0;
  /** The next page was asked for while something else was read: whoever stands at the end asks once. */
  private wanted = false;
  /** The rows in sight; all, of a list that does not tell. */
  private from = 0;
  private to = Infinity;
  private readonly load: (after: string) => Promise<Page<T>>;
  private readonly id: (row: T) => unknown;

  /** id tells rows apart: what moves from one page to another while only one of them is read anew is in the list once. */
  constructor(load: (after: string) => Promise<Page<T>>, id: (row: T) => unknown = (row) => row) {
    this.load = load;
    this.id = id;
  }

  /** more reads the next page, if there is one; after what is on its way. An effect that calls it, or again, does not hang on what is read here: it would never end. */
  async more() {
    if (untrack(() => this.whole)) return;
    if (untrack(() => this.loading)) {
      this.wanted ||= untrack(() => this.rows.length) > 0; // who sees nothing yet is not at an end
      return;
    }
    await this.take(async (turn) => {
      const p = await this.load(this.after);
      if (turn === this.turn) this.put([...this.leaves, { after: this.after, rows: p.rows, stale: false }], p.next ?? "");
    });
  }

  /** again is for when something changed; what is shown stays until it is read anew. */
  async again() {
    this.wanted ||= untrack(() => this.loading); // a page that was on its way is not taken
    this.turn++;
    this.leaves = this.leaves.length ? this.leaves.map((l) => ({ ...l, stale: true })) : [{ after: "", rows: [], stale: true }];
    await this.renew();
  }

  /** see says which rows are in sight. */
  see(from: number, to: number) {
    this.from = from;
    this.to = to;
    if (!untrack(() => this.loading) && this.due(this.leaves) >= 0) void this.renew();
  }

  /** renew reads what is stale and in sight, from the front: a page that ends elsewhere than before moves the beginning of the next one. */
  private renew() {
    return this.take(async (turn) => {
      let leaves = this.leaves;
      let end = this.after;
      for (let i = this.due(leaves); i >= 0; i = this.due(leaves)) {
        const { after } = leaves[i]!;
        const p = await this.load(after);
        if (turn !== this.turn) return;
        const next = p.next ?? "";
        const read = { after, rows: p.rows, stale: false };
        const behind = next ? leaves.slice(i + 1) : [];
        if (behind[0] && behind[0].after !== next) behind[0] = { ...behind[0], after: next, stale: true };
        if (behind.length === 0) end = next;
        leaves = [...leaves.slice(0, i), read, ...behind];
      }
      this.put(leaves, end);
    });
  }

  /** due is the first page that is stale and in sight, or -1. The first page always is: what is new is mostly there. */
  private due(leaves: readonly Leaf<T>[]): number {
    let at = 0;
    return leaves.findIndex((l, i) => {
      const begin = at;
      at += l.rows.length;
      return l.stale && (i === 0 || (begin <= this.to && at >= this.from));
    });
  }

  private async take(read: (turn: number) => Promise<void>) {
    const turn = ++this.turn;
    this.loading = true;
    try {
      await read(turn);
      if (turn === this.turn) this.problem = "";
    } catch (e) {
      if (turn === this.turn) this.problem = e instanceof Error ? e.message : String(e);
    } finally {
      if (turn === this.turn) {
        this.loading = false;
        const on = this.wanted && !this.problem;
        this.wanted = false;
        if (on) void this.more();
      }
    }
  }

  /** put shows the pages; of a row that is in two of them, the one that was read last. */
  private put(leaves: Leaf<T>[], after: string) {
    this.leaves = leaves;
    this.after = after;
    this.whole = !after;
    const fresh = new Set(leaves.flatMap((l) => (l.stale ? [] : l.rows.map(this.id))));
    const shown = new Set<unknown>();
    this.rows = leaves.flatMap((l) => l.rows.filter((r) => {
      const id = this.id(r);
      if (shown.has(id) || (l.stale && fresh.has(id))) return false;
      shown.add(id);
      return true;
    }));
  }
}
