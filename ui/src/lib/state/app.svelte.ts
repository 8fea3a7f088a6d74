import type { ConnectionString } from "../door/connection";
import { device } from "../door/device";
import { Refused, type Notice } from "../door/door";
import type { LinkState } from "../door/relay";
import { near } from "../door/served";
import { Session, Unreachable } from "../door/session";
import type { Signer } from "../door/signer";
import type { Commands } from "../api/commands";
import { commands } from "../api/commands";
import { bunkers, type Known } from "./bunkers.svelte";
import { Newest } from "./newest";
import { router } from "./route.svelte";

/** How far this page is with one bunker; "back" is on the way back to the one that it was in before. */
export type Phase = "out" | "back" | "knocking" | "in";

/** How long a bunker may take to answer on links that just came back, before the session counts as lost. */
const quick = 4000;
/** How long is waited between two tries to come back. */
const between = 3000;

/** App is the one session that the page has, and what it last heard of the bunker. */
class App {
  phase = $state<Phase>("out");
  session = $state.raw<Session | null>(null);
  /** Somebody who is known said yes to this browser. */
  confirmed = $state(false);
  links = $state.raw<Record<string, LinkState>>({});
  /** The session is lost, and the page tries to come back by itself. */
  away = $state(false);
  /** Why the last session ended by itself; "" for none. */
  over = $state("");
  /** Why the page could not come back by itself; null where it could, or did not try. */
  lost = $state.raw<unknown>(null);
  status = $state.raw<Commands["status"]["result"] | null>(null);
  /** It counts up whenever something changed in the bunker: what shows lists reads them anew. */
  changed = $state(0);
  private signer: Signer | null = null;
  private where: ConnectionString | null = null;
  /** It counts up whenever somebody leaves: what was begun before is given up. */
  private turn = 0;
  private readonly newest = new Newest();
  private looks = 0;
  private looked = 0;

  /** enter opens a session; what goes wrong is the caller's to tell. */
  async enter(where: ConnectionString, signer: Signer | null, phase: "knocking" | "back" = "knocking") {
    const before = this.lost;
    this.leave();
    // Who waits to come back goes on reading why it is not there.
    if (phase === "back") this.lost = before;
    const turn = this.turn;
    this.phase = phase;
    try {
      const session = await this.open(where, signer, phase === "back");
      if (turn !== this.turn) return session.leave(); // somebody left meanwhile
      this.take(session);
      this.where = { ...where, pairing: null, invite: null };
      this.signer = signer;
      this.stays();
      if (this.confirmed) await this.look().catch(partial);
      this.phase = "in";
    } catch (e) {
      if (turn !== this.turn) return;
      this.phase = phase === "back" && e instanceof Unreachable ? "back" : "out";
      throw e;
    }
  }

  /** resume comes back to the bunker that this page was in when it was loaded anew: as a browser that is known there, no key is
   * asked. While no relay answers it goes on trying. */
  async resume() {
    const last = bunkers.last;
    if (!last?.open) return;
    for (;;) {
      try {
        return await this.enter({ ...last, pairing: null, invite: null }, null, "back");
      } catch (e) {
        this.lost = e;
        if (!(e instanceof Unreachable)) return;
      }
      const turn = this.turn;
      await new Promise((done) => setTimeout(done, between));
      if (turn !== this.turn) return; // somebody logs in otherwise
    }
  }

  /** cut reports that no relay is there, and that it was tried. */
  get cut(): boolean {
    return !this.here && (this.lost instanceof Unreachable || Object.values(this.links).some((l) => l === "down"));
  }

  private async open(where: ConnectionString, signer: Signer | null, resume: boolean): Promise<Session> {
    const turn = this.turn;
    return Session.open({
      where: near(where), signer, resume, device: await device(where.bunker), label: label(), origin: location.origin,
      links: (s) => turn === this.turn && this.linked(s),
      ended: (why) => {
        this.over = why || "ended";
        this.phase = "out";
        this.session = null;
      },
    });
  }

  private take(session: Session) {
    this.session = session;
    this.confirmed = session.ready.confirmed;
    this.over = "";
    this.lost = null;
    session.listen((n) => this.noticed(n));
  }

  /** here reports that a relay is there. */
  get here(): boolean {
    return !this.away && Object.values(this.links).some((l) => l === "up");
  }

  private linked(s: Record<string, LinkState>) {
    const before = this.here;
    this.links = s;
    if (!before && this.here && this.phase === "in") void this.catchUp();
  }

  /** catchUp is for when a relay is back: what was said meanwhile is lost, and a bunker that was started anew knows the session no more. */
  private async catchUp() {
    const session = this.session;
    if (!session) return;
    const late = new Promise<never>((_, fail) => setTimeout(() => fail(new Error("no answer")), quick));
    try {
      await Promise.race([session.sync(), late]);
      if (session === this.session && this.confirmed) await this.look().catch(partial);
    } catch {
      if (session === this.session) await this.comeBack(session);
    }
    this.changed++;
  }

  private async comeBack(old: Session) {
    const where = this.where;
    if (!where) return;
    this.away = true;
    old.close();
    try {
      while (this.session === old) {
        try {
          const session = await this.open(where, this.signer, true);
          if (this.session !== old) return session.close();
          this.take(session);
          this.away = false;
          await this.look().catch(partial);
          return;
        } catch (e) {
          if (!(e instanceof Unreachable)) {
            this.leave();
            this.lost = e;
            return;
          }
          await new Promise((done) => setTimeout(done, between));
        }
      }
    } finally {
      this.away = false;
    }
  }

  /** check asks whether this browser was confirmed meanwhile. */
  async check() {
    const session = this.session;
    if (!session) return;
    await session.sync();
    if (session.ready.confirmed) await this.look().catch(partial);
    this.confirmed = session.ready.confirmed;
    this.stays();
  }

  /** stays has the next loading of the page come back by itself. A browser that nobody let in yet gets no answer to that: it logs in anew. */
  private stays() {
    if (this.where) bunkers.remember({ bunker: this.where.bunker, relays: this.where.relays, open: this.confirmed });
  }

  /** leave ends the session; the browser does not come back by itself. */
  leave() {
    this.turn++;
    this.session?.leave();
    void this.signer?.end();
    this.signer = null;
    this.session = null;
    this.confirmed = false;
    this.status = null;
    this.links = {};
    this.lost = null;
    this.phase = "out";
    if (this.where) bunkers.remember({ ...this.where, open: false });
    this.where = null;
  }

  /** change goes over to another bunker that this browser knows. The page is loaded anew, so that nothing of the one before is left in it:
   * it comes back to the other one as a browser that is known there, or to its login. */
  change(to: Known) {
    this.leave();
    bunkers.remember({ bunker: to.bunker, relays: to.relays, open: true });
    router.home();
    location.reload();
  }

  /** add goes to the login of a bunker that this browser does not know yet. */
  add() {
    this.leave();
    router.go("#/login?at=");
    location.reload();
  }

  /**
   * call runs a command; the table says whether it changes something and whether it is dangerous. Some are so only at times, such as an
   * edit that gives more: when the bunker says that it wants the signed form, the command is sent again with it. seen is the version of
   * what is to be changed, as it is shown: when somebody changed it meanwhile, nothing is done.
   */
  async call<K extends keyof Commands>(name: K, params: Commands[K]["params"], seen?: number): Promise<Commands[K]["result"]> {
    const { writes: changes, dangerous } = commands[name];
    const session = this.session;
    if (!session) throw new Error("there is no session");
    const how = { changes, dangerous, ...(seen ? { seen } : {}) };
    if (!changes) return this.newest.of(JSON.stringify([session.id, name, params]), () => session.call(name, params, how));
    try {
      return await session.call(name, params, how);
    } catch (e) {
      if (dangerous || !changes || !(e instanceof Refused) || e.code !== "needs-proof" || e.field) throw e;
      return session.call(name, params, { ...how, dangerous: true });
    }
  }

  /** glance asks for what a row of a list shows beside itself: whatever somebody waits for goes before it. */
  async glance<K extends keyof Commands>(name: K, params: Commands[K]["params"]): Promise<Commands[K]["result"]> {
    if (!this.session) throw new Error("there is no session");
    return this.session.call(name, params, { behind: true });
  }

  async look() {
    const n = ++this.looks;
    const status = await this.call("status", {});
    // Who comes into a sealed bunker has his role only once it is open: what the page may do is asked anew with the state.
    if (this.session && this.session.ready.state !== status.state) await this.session.sync();
    // Who was quicker knows more.
    if (n < this.looked) return;
    this.looked = n;
    this.status = status;
  }

  private noticed(n: Notice) {
    if (n.kind === "confirmed") void this.check().catch(() => {});
    this.changed++;
    if (n.kind !== "question" && this.confirmed) void this.look().catch(() => {});
  }
}

/** partial lets in whose role is for some keys only: the whole bunker's state is refused to him, and what is his is not. */
function partial(e: unknown) {
  if (!(e instanceof Refused && e.code === "restricted")) throw e;
}

/** label is what this browser calls itself: "Firefox on Linux". */
function label(): string {
  const ua = navigator.userAgent;
  const browser = ["Firefox", "Edg", "OPR", "Chrome", "Safari"].find((b) => ua.includes(`${b}/`)) ?? "Browser";
  const system = ["Android", "iPhone", "iPad", "Windows", "Mac OS", "Linux"].find((s) => ua.includes(s)) ?? "";
  const named = { Edg: "Edge", OPR: "Opera" }[browser] ?? browser;
  return system ? `${named} on ${system}` : named;
}

export const app = new App();
