// The log as it is read: newest first, further back as somebody scrolls, and what is new without reading the rest again.

import { untrack } from "svelte";
import type { Commands } from "../api/commands";
import { fits, here, paramsOf, type Filter, type Line } from "../format/log";
import { app } from "./app.svelte";

const page = 200;
/** A search looks so far at once, and stops when it has found enough to fill the screen. */
const searchPages = 10;
const enough = 40;
/** More that is new than this is read from the beginning. */
const newPages = 3;

type Params = Commands["audit.list"]["params"];

export class Log {
  rows = $state.raw<Line[]>([]);
  loading = $state(false);
  whole = $state(false);
  /** It was read once: an empty list is really empty. */
  read = $state(false);
  problem = $state("");
  /** Lines that were looked at. */
  looked = $state(0);
  private after = "";
  private first = 0;
  private turn = 0;
  private stale = false;
  private under = false;

  private readonly filter: Filter;
  private readonly more_: (r: Line) => string;
  private readonly params: Params;

  /** more says what else a search looks at in a line. */
  constructor(filter: Filter, more: (r: Line) => string) {
    this.filter = filter;
    this.more_ = more;
    this.params = paramsOf(filter, new Date());
  }

  /** search says whether this page looks for lines itself. */
  get search(): boolean {
    return here(this.filter);
  }

  async more() {
    if (untrack(() => this.loading || this.whole)) return;
    const turn = this.turn;
    this.loading = true;
    try {
      const found: Line[] = [];
      for (let n = 0; n < (this.search ? searchPages : 1); n++) {
        const r = await this.ask(this.after);
        if (turn !== this.turn) return;
        found.push(...this.fitting(r.records));
        this.looked += r.records.length;
        if (!this.first && r.records[0]) this.first = r.records[0].seq;
        this.after = r.next ?? "";
        if (!this.after || found.length >= enough) break;
      }
      this.rows = [...untrack(() => this.rows), ...found];
      this.whole = this.after === "";
      this.problem = "";
      this.read = true;
    } catch (e) {
      if (turn === this.turn) this.problem = e instanceof Error ? e.message : String(e);
    } finally {
      if (turn === this.turn) this.loading = false;
      if (this.stale) void this.newer().catch(() => {}); // what came meanwhile may not be in what was read
    }
  }

  /** newer puts what is new on top; what is looked for while that is under way is looked for once more after it. */
  async newer() {
    if (untrack(() => !this.read && !this.loading)) return;
    this.stale = true;
    if (this.under) return;
    this.under = true;
    try {
      while (this.stale && untrack(() => this.read && !this.loading)) {
        this.stale = false;
        await this.top();
      }
    } finally {
      this.under = false;
    }
  }

  private async top() {
    const turn = this.turn;
    const fresh: Line[] = [];
    let after = "";
    for (let n = 0; n < newPages; n++) {
      const r = await app.call("audit.list", { ...this.params, limit: n === 0 ? 20 : page, ...(after ? { after } : {}) });
      if (turn !== this.turn) return;
      const known = r.records.findIndex((x) => x.seq <= this.first);
      fresh.push(...(known < 0 ? r.records : r.records.slice(0, known)));
      after = r.next ?? "";
      if (known >= 0 || !after) {
        if (fresh.length === 0) return;
        this.first = fresh[0]!.seq;
        this.looked += fresh.length;
        this.rows = [...this.fitting(fresh), ...this.rows];
        return;
      }
    }
    this.begin();
  }

  private begin() {
    this.turn++;
    this.rows = [];
    this.after = "";
    this.first = this.looked = 0;
    this.whole = this.loading = false;
    void this.more();
  }

  private fitting = (list: Line[]): Line[] => (this.search ? list.filter((r) => fits(r, this.filter, this.more_(r))) : list);
  private ask = (after: string) => app.call("audit.list", { ...this.params, limit: page, ...(after ? { after } : {}) });
}
