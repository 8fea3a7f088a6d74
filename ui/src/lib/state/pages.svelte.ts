// A list that is read page by page as somebody scrolls, and anew when the bunker says that something changed.

import { untrack } from "svelte";

export interface Page<T> {
  rows: T[];
  /** Where the list goes on; "" or nothing at its end. */
  next?: string | undefined;
}

export class Pages<T> {
  rows = $state.raw<T[]>([]);
  loading = $state(false);
  /** The whole list is here. */
  whole = $state(false);
  problem = $state("");
  private after = "";
  private turn = 0;
  private readonly load: (after: string) => Promise<Page<T>>;

  constructor(load: (after: string) => Promise<Page<T>>) {
    this.load = load;
  }

  /** more reads the next page, if there is one and none is on its way. An effect that calls it, or again, does not hang on what is read here: it would never end. */
  async more() {
    if (untrack(() => this.loading || this.whole)) return;
    const turn = this.turn;
    this.loading = true;
    try {
      const p = await this.load(this.after);
      if (turn !== this.turn) return;
      this.rows = [...this.rows, ...p.rows];
      this.after = p.next ?? "";
      this.whole = !p.next;
      this.problem = "";
    } catch (e) {
      if (turn === this.turn) this.problem = e instanceof Error ? e.message : String(e);
    } finally {
      if (turn === this.turn) this.loading = false;
    }
  }

  /** again reads the list from its beginning; what is shown stays until then. */
  async again() {
    const turn = ++this.turn;
    const want = untrack(() => this.rows.length);
    this.loading = true;
    try {
      let rows: T[] = [];
      let after = "";
      do {
        const p = await this.load(after);
        if (turn !== this.turn) return;
        rows = [...rows, ...p.rows];
        after = p.next ?? "";
      } while (after && rows.length < want);
      this.rows = rows;
      this.after = after;
      this.whole = !after;
      this.problem = "";
    } catch (e) {
      if (turn === this.turn) this.problem = e instanceof Error ? e.message : String(e);
    } finally {
      if (turn === this.turn) this.loading = false;
    }
  }
}
