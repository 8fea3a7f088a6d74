import { Refused } from "../lib/door/door";
import { ask, unknown, type Order, type Terms } from "./api";
import { forget, keep, known, newSecret } from "./secret";

/** How long is waited before an order is read again that could not be read. */
const between = 3000;

/** Shop is the order that this page is at, and what is sold. */
class Shop {
  terms = $state.raw<Terms | null>(null);
  order = $state.raw<Order | null>(null);
  /** The order cannot be read now; it is tried again. */
  lost = $state(false);
  /** There is no such order. */
  missing = $state(false);
  /** Whether it is known yet if there is an order. */
  begun = $state(false);
  secret = "";
  private watching: AbortController | null = null;

  async start() {
    const secret = known();
    void this.price();
    if (secret) await this.come(secret);
    this.begun = true;
  }

  /** price reads what is sold, until it is known. */
  private async price() {
    while (!this.terms) {
      try {
        this.terms = await ask("terms", {});
      } catch {
        await new Promise((done) => setTimeout(done, between));
      }
    }
  }

  /** come goes to an order that there is. */
  private async come(secret: string) {
    this.secret = secret;
    try {
      this.take(await ask("look", { secret }));
      keep(secret);
    } catch (e) {
      if (e instanceof Refused && e.code === "not-found") this.missing = true;
      else this.lost = true;
    }
    if (!this.missing) void this.watch();
  }

  private take(o: Order) {
    this.order = o;
    this.lost = this.missing = false;
  }

  /** buy sends an order. The secret is kept before it is sent: whatever becomes of the answer, this page finds the order again. */
  async buy(kind: "bunker" | "trial", admins: string[], people: number) {
    const secret = this.secret || newSecret();
    this.secret = secret;
    keep(secret);
    try {
      this.take(await ask("order", { secret, kind, admins, people }));
    } catch (e) {
      // What the provider itself refused is no order. Of anything else it is not known: it may have been taken.
      if (e instanceof Refused && e.code !== unknown) {
        forget();
        this.secret = "";
      }
      throw e;
    }
    void this.watch();
  }

  /** renew orders a year more, or more people, for the bunker of this order. */
  async renew(people: number, year: boolean) {
    const secret = newSecret();
    const o = await ask("renew", { of: this.secret, secret, people, year });
    this.secret = secret;
    keep(secret);
    this.take(o);
    void this.watch();
  }

  /** quote asks what a change costs now. */
  quote(people: number, year: boolean) {
    return ask("quote", { of: this.secret, people, year });
  }

  /** fewer lowers the number of people, for nothing. */
  async fewer(people: number) {
    this.take(await ask("fewer", { of: this.secret, people }));
  }

  async again() {
    this.take(await ask("again", { secret: this.secret }));
    void this.watch();
  }

  leave() {
    this.watching?.abort();
    forget();
    this.secret = "";
    this.order = null;
    this.lost = this.missing = false;
  }

  /** watch hears of the order's moves: each request waits at the provider until there is news. */
  private async watch() {
    this.watching?.abort();
    const mine = (this.watching = new AbortController());
    while (!mine.signal.aborted && !settled(this.order)) {
      try {
        const o = await ask("look", { secret: this.secret, ...(this.order ? { seen: this.order.version } : {}) }, mine.signal);
        if (mine.signal.aborted) return;
        this.take(o);
      } catch (e) {
        if (mine.signal.aborted) return;
        if (e instanceof Refused && e.code === "not-found") {
          this.missing = true;
          return;
        }
        this.lost = true;
        await new Promise((done) => setTimeout(done, between));
      }
    }
  }
}

/** settled: nothing moves any more by itself. */
const settled = (o: Order | null) => o?.state === "made" || o?.state === "closed";

export const shop = new Shop();
