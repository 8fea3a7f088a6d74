// The order by which a hosted bunker is renewed. Its name is made up here and kept in this browser before anything is sent: what is sent twice is
// one order, and after a reload it is found again.

import type { Commands } from "../api/commands";
import { Refused } from "../door/door";
import { app } from "./app.svelte";

export type PlanOrder = Commands["plan.order"]["result"]["order"];

/** How long is waited between two looks at an order that waits. */
const between = 2000;
const place = (bunker: string) => `nsecbunker.renewal.${bunker}`;
const form = /^[0-9a-z]{16,64}$/;

/** moves reports whether an order goes on by itself. */
export const moves = (o: PlanOrder | null): boolean => o?.state === "new" || o?.state === "invoiced" || o?.state === "paid";

export class Renewal {
  order = $state.raw<PlanOrder | null>(null);
  private name = "";
  private stop: (() => void) | null = null;
  private readonly bunker: string;

  constructor(bunker: string) {
    this.bunker = bunker;
    const kept = localStorage.getItem(place(bunker)) ?? "";
    if (form.test(kept)) this.name = kept;
  }

  /** resume finds the order of before, if there is one that still counts. */
  async resume(): Promise<void> {
    if (!this.name) return;
    try {
      const { order } = await app.call("plan.order", { order: this.name });
      if (order.state === "made" || order.state === "closed") return this.leave();
      this.order = order;
      this.watch();
    } catch (e) {
      if (e instanceof Refused && e.code === "not-found") this.leave();
      else throw e;
    }
  }

  async begin(people: number, year: boolean): Promise<void> {
    this.name = [...crypto.getRandomValues(new Uint8Array(16))].map((x) => x.toString(16).padStart(2, "0")).join("");
    localStorage.setItem(place(this.bunker), this.name);
    this.order = (await app.call("plan.renew", { order: this.name, people, year })).order;
    this.watch();
  }

  /** watch looks at the order while it moves and somebody sees this page; what cannot be read now is read again. */
  private watch() {
    this.pause();
    let over = false;
    this.stop = () => (over = true);
    const look = async () => {
      if (over || !moves(this.order)) return;
      if (document.visibilityState === "visible") {
        const o = await app.call("plan.order", { order: this.name }).catch(() => null);
        if (over) return;
        if (o) this.order = o.order;
        if (this.order?.state === "made") await app.look().catch(() => {});
      }
      setTimeout(() => void look(), between);
    };
    void look();
  }

  /** pause is for when nobody looks at this screen any more. */
  pause() {
    this.stop?.();
    this.stop = null;
  }

  /** leave begins anew; an invoice that is paid counts all the same. */
  leave() {
    this.pause();
    localStorage.removeItem(place(this.bunker));
    this.name = "";
    this.order = null;
  }
}
