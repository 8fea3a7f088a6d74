import type { ConnectionString } from "../door/connection";
import { device } from "../door/device";
import { Refused, type Notice } from "../door/door";
import type { LinkState } from "../door/relay";
import { Session } from "../door/session";
import type { Signer } from "../door/signer";
import type { Commands } from "../api/commands";
import { commands } from "../api/commands";
import { bunkers } from "./bunkers.svelte";

/** How far this page is with one bunker. */
export type Phase = "out" | "knocking" | "in";

/** App is the one session that the page has, and what it last heard of the bunker. */
class App {
  phase = $state<Phase>("out");
  session = $state.raw<Session | null>(null);
  links = $state.raw<Record<string, LinkState>>({});
  /** Why the last session ended by itself; "" for none. */
  over = $state("");
  status = $state.raw<Commands["status"]["result"] | null>(null);
  /** It counts up whenever something changed in the bunker: what shows lists reads them anew. */
  changed = $state(0);
  private signer: Signer | null = null;
  private where: ConnectionString | null = null;

  /** enter opens a session; what goes wrong is the caller's to tell. */
  async enter(where: ConnectionString, signer: Signer | null) {
    this.leave();
    this.phase = "knocking";
    try {
      const session = await Session.open({
        where, signer, device: await device(where.bunker), label: label(), origin: location.origin,
        links: (s) => (this.links = s),
        ended: (why) => {
          this.over = why || "ended";
          this.phase = "out";
          this.session = null;
        },
      });
      this.where = { ...where, pairing: null, invite: null };
      this.signer = signer;
      this.session = session;
      this.over = "";
      bunkers.remember({ bunker: where.bunker, relays: where.relays });
      session.listen((n) => this.noticed(n));
      if (session.ready.confirmed) await this.look().catch(partial);
      this.phase = "in";
    } catch (e) {
      this.phase = "out";
      throw e;
    }
  }

  /** again opens the session anew with the same key: after a device was confirmed, or the bunker unsealed. */
  async again() {
    if (this.where) await this.enter(this.where, this.signer);
  }

  leave() {
    this.session?.leave();
    this.session = null;
    this.status = null;
    this.links = {};
    this.phase = "out";
  }

  /** call runs a command; the table says whether it changes something and whether it is dangerous. */
  call<K extends keyof Commands>(name: K, params: Commands[K]["params"]): Promise<Commands[K]["result"]> {
    const row = commands[name];
    if (!this.session) return Promise.reject(new Error("there is no session"));
    return this.session.call(name, params, { changes: row.writes, dangerous: row.dangerous });
  }

  async look() {
    this.status = await this.call("status", {});
  }

  private noticed(n: Notice) {
    this.changed++;
    if (n.kind !== "question") void this.look().catch(() => {});
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
