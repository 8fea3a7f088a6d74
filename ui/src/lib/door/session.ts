import { sha256 } from "@noble/hashes/sha2.js";
import { v2 as nip44 } from "nostr-tools/nip44";
import { finalizeEvent, generateSecretKey, getPublicKey, type Event } from "nostr-tools/pure";
import type { Commands } from "../api/commands";
import { bytesToHex, concatBytes, fromBase64, random } from "./bytes";
import type { ConnectionString } from "./connection";
import type { Device } from "./device";
import { Refused, type Door, type Notice } from "./door";
import { canonical, code, command, h, h2, pairing, version, type Handshake } from "./hash";
import { NoticeCount } from "./notices";
import { Pace } from "./pace";
import { Link, type LinkState } from "./relay";
import { extension, type Signer } from "./signer";

// The admin's side of docs/admin-protocol.md: hello, challenge, proof, ready, and then orders and answers. The page's key and those of
// the session live in this object only.

const kind = 24134;
const kindOld = 24133;
const resendAfter = 3000;
const patience = 15_000;
const partSize = 23 << 10;
const partsAhead = 8;
const maxAnswer = 8 << 20;

/** Ready is what the bunker said of a session that it opened. */
export interface Ready {
  role: string;
  /** "not set up", "sealed", "unsealed" or "stopped". */
  state: string;
  confirmed: boolean;
  /** Six digits, to be compared with those that the bunker's terminal shows. */
  code: string;
  until: number;
  checkpoint: unknown;
}

/** Unreachable: no relay of the connection string answers, or none brought an answer of the bunker. */
export class Unreachable extends Error {
  readonly relays: boolean;
  constructor(relays: boolean) {
    super(relays ? "the relays answer, the bunker does not" : "no relay answers");
    this.relays = relays;
  }
}

export interface SessionConfig {
  where: ConnectionString;
  device: Device;
  /** The admin's key; null to come back with a confirmed device, or to pair. */
  signer: Signer | null;
  /** Come back as a device that is known, without asking the key for anything; it is kept for what needs it later. */
  resume?: boolean;
  label: string;
  origin: string;
  /** The relays' states, for "unreachable". */
  links?: (states: Record<string, LinkState>) => void;
  ended: (why: string) => void;
}

interface Waiting {
  text: string;
  parts: (Uint8Array | undefined)[];
  sum: string;
  done(v: unknown): void;
  fail(e: Error): void;
}

/** Session is one door into one bunker, from the proof to the end. */
export class Session implements Door {
  ready!: Ready;
  private readonly secret = generateSecretKey();
  private readonly me = getPublicKey(this.secret);
  private readonly links: Link[];
  private readonly states: Record<string, LinkState> = {};
  private readonly seen = new Set<string>();
  private readonly listeners = new Set<(n: Notice) => void>();
  private readonly orders = new Map<number, Waiting>();
  private readonly c: SessionConfig;
  private heard: (e: Event) => void = () => {};
  private peer = "";
  private shared: Uint8Array = new Uint8Array();
  private sid = "";
  private hash2 = "";
  private n = 0;
  private readonly count = new NoticeCount();
  private readonly pace = new Pace();
  private admin = "";
  private clock: ReturnType<typeof setInterval> | undefined;
  private closed = false;

  private constructor(c: SessionConfig) {
    this.c = c;
    this.links = c.where.relays.map(
      (url) =>
        new Link({
          url,
          pubkey: this.me,
          secret: this.secret,
          kinds: [kind, kindOld],
          heard: (e) => this.once(e),
          changed: (s) => {
            this.states[url] = s;
            c.links?.({ ...this.states });
          },
        }),
    );
  }

  /** open shakes hands. It fails with Refused, Unreachable, or what the signer says. */
  static async open(c: SessionConfig): Promise<Session> {
    const s = new Session(c);
    try {
      await s.shake();
      return s;
    } catch (e) {
      s.close();
      throw e;
    }
  }

  private async shake() {
    const { where, device, signer } = this.c;
    const toBunker = nip44.utils.getConversationKey(this.secret, where.bunker);
    const nc = bytesToHex(random(32));
    const hello = { v: version, type: "hello", nc, versions: [version] };
    const m2 = await this.ask(hello, toBunker, (e) => {
      if (e.pubkey !== where.bunker) return null;
      const m = open(e, toBunker);
      return m?.["type"] === "challenge" && m["nc"] === nc ? m : null;
    });
    const hs: Handshake = { bunker: where.bunker, client: this.me, epoch: hex(m2["eb"], 32), nc, nb: hex(m2["nb"], 32), versions: [version] };
    const hash = h(hs);
    const toEpoch = nip44.utils.getConversationKey(this.secret, hs.epoch);
    let cert: Event | null = null;
    if (signer && !where.pairing && !this.c.resume) {
      this.admin = await signer.pubkey();
      cert = await signer.sign({
        kind,
        created_at: Math.floor(Date.now() / 1000),
        tags: [["p", where.bunker], ["session", this.me], ["challenge", hash], ["origin", this.c.origin]],
        content: `Log in to nsecBunker ${where.bunker.slice(0, 8)} as administrator, from ${this.c.origin}. Never sign this for any other page.`,
      });
    }
    const proof = {
      v: version, type: "proof", nc, nb: hs.nb, eb: hs.epoch, versions: [version], cert,
      dev: { id: device.id, pub: device.pub, sig: await device.sign(hash) },
      pair: where.pairing ? pairing(where.pairing, hash) : null, label: this.c.label,
      ...(where.invite ? { invite: where.invite } : {}),
    };
    const m4 = await this.ask(proof, toEpoch, (e) => {
      if (e.pubkey !== where.bunker) return null;
      const m = open(e, toEpoch);
      return m?.["type"] === "ready" || m?.["type"] === "refused" ? m : null;
    });
    if (m4["type"] === "refused") throw refusal(m4["error"]);
    this.peer = hex(m4["es"], 32);
    this.sid = hex(m4["sid"], 16);
    this.hash2 = h2(hash, cert ? cert.pubkey : device.id, cert ? cert.id : null, this.peer, this.sid);
    // What binds this session to this bunker, this login and these keys: anything else is somebody in between.
    if (m4["h2"] !== this.hash2) throw new Error("the bunker's answer does not belong to this login");
    this.ready = {
      role: String(m4["role"]), state: String(m4["state"]), confirmed: m4["confirmed"] === true, code: code(this.hash2),
      until: Number(m4["until"]), checkpoint: m4["checkpoint"],
    };
    this.shared = nip44.utils.getConversationKey(this.secret, this.peer);
    this.heard = (e) => this.message(e);
    this.clock = setInterval(() => this.again(), resendAfter);
  }

  /** ask sends a message until an answer fits. */
  private ask(m: unknown, key: Uint8Array, fits: (e: Event) => Record<string, unknown> | null): Promise<Record<string, unknown>> {
    const event = this.outer(JSON.stringify(m), key, kind);
    const old = this.outer(JSON.stringify(m), key, kindOld);
    return new Promise((done, fail) => {
      const clean = () => {
        clearInterval(again);
        clearInterval(watch);
        clearTimeout(late);
        this.heard = () => {};
      };
      let tries = 0;
      const again = setInterval(() => this.give(tries++ % 2 ? event : old), resendAfter);
      const end = () => {
        clean();
        fail(new Unreachable(this.links.some((l) => l.state === "up")));
      };
      const watch = setInterval(() => this.links.every((l) => l.lost) && end(), 250);
      const late = setTimeout(end, patience);
      this.heard = (e) => {
        const m = fits(e);
        if (!m) return;
        clean();
        done(m);
      };
      this.give(event);
    });
  }

  async call<K extends keyof Commands>(name: K, params: Commands[K]["params"], options: { changes?: boolean; dangerous?: boolean; seen?: number; behind?: boolean } = {}) {
    await this.pace.take(options.behind);
    try {
      return await this.order(name, params, options);
    } finally {
      this.pace.done();
    }
  }

  private async order<K extends keyof Commands>(name: K, params: Commands[K]["params"], options: { changes?: boolean; dangerous?: boolean; seen?: number }) {
    if (this.closed) throw new Refused("ended", "the session is over");
    const n = ++this.n;
    const op = options.changes ? bytesToHex(random(16)) : "";
    const order: Record<string, unknown> = { sid: this.sid, n, ack: this.count.highest, cmd: name, params };
    if (op) order["op"] = op;
    if (options.seen) order["if_version"] = options.seen;
    if (options.dangerous) order["proof"] = await this.prove(n, op, name, params);
    return new Promise<Commands[K]["result"]>((done, fail) => {
      const text = JSON.stringify(order);
      this.orders.set(n, { text, parts: [], sum: "", done: (v) => done(v as Commands[K]["result"]), fail });
      this.give(this.outer(text, this.shared, kind));
    });
  }

  /** sync asks the bunker for what holds now: whether this session is still one, and confirmed. */
  async sync(): Promise<void> {
    const call = this.call as unknown as (name: "sync", params: object) => Promise<{ role: string; state: string; confirmed: boolean; until: number }>;
    const { role, state, confirmed, until } = await call.call(this, "sync", {});
    this.ready = { ...this.ready, role, state, confirmed, until };
  }

  private async prove(n: number, op: string, name: string, params: unknown): Promise<Event> {
    // Who came back without a signature may still have the key here: whether it is his, the bunker judges.
    const signer = this.c.signer ?? extension();
    if (!signer) throw new Refused("needs-proof", "this needs the signature of an admin's key, which a paired browser does not have");
    return signer.sign({
      kind,
      created_at: Math.floor(Date.now() / 1000),
      tags: [["p", this.c.where.bunker], ["session", this.me], ["command", command(this.hash2, n, op, name, canonical(params))]],
      content: `Command to nsecBunker ${this.c.where.bunker.slice(0, 8)}: ${name}. Never sign this for any other page.`,
    });
  }

  /** id is this session's, as the bunker lists it. */
  get id(): string {
    return this.sid;
  }

  /** pubkey is the admin's; "" for a browser that came by itself. */
  get pubkey(): string {
    return this.admin;
  }

  listen(heard: (n: Notice) => void): () => void {
    this.listeners.add(heard);
    return () => this.listeners.delete(heard);
  }

  /** leave tells the bunker that it is over, so that no session is left to wait for its end. */
  leave() {
    if (this.sid && !this.closed) this.give(this.outer(JSON.stringify({ sid: this.sid, n: ++this.n, ack: this.count.highest, cmd: "bye", params: {} }), this.shared, kind));
    this.close();
  }

  close() {
    this.closed = true;
    clearInterval(this.clock);
    for (const l of this.links) l.end();
    for (const w of this.orders.values()) w.fail(new Refused("ended", "the session is over"));
    this.orders.clear();
    this.secret.fill(0);
    this.shared.fill(0);
  }

  private again() {
    for (const w of this.orders.values()) this.give(this.outer(w.text, this.shared, kind));
  }

  private outer(text: string, key: Uint8Array, k: number): Event {
    return finalizeEvent(
      { kind: k, created_at: Math.floor(Date.now() / 1000), tags: [["p", this.c.where.bunker]], content: nip44.encrypt(text, key) },
      this.secret,
    );
  }

  private give(e: Event) {
    for (const l of this.links) l.send(e);
  }

  private once(e: Event) {
    if (this.seen.has(e.id) || this.closed) return;
    this.seen.add(e.id);
    if (this.seen.size > 4096) this.seen.delete(this.seen.values().next().value as string);
    this.heard(e);
  }

  private message(e: Event) {
    if (e.pubkey !== this.peer) return;
    const m = open(e, this.shared);
    if (!m) return;
    if (typeof m["notice"] === "number") return this.notice(m["notice"], String(m["type"]), m["data"]);
    const w = this.orders.get(Number(m["re"]));
    if (!w) return;
    if (m["part"]) return this.part(Number(m["re"]), w, m["part"]);
    this.orders.delete(Number(m["re"]));
    if (m["error"]) w.fail(refusal(m["error"]));
    else w.done(m["result"]);
  }

  private notice(n: number, type: string, data: unknown) {
    const gap = this.count.take(n);
    if (gap === null) return;
    if (type === "ended") {
      this.close();
      this.c.ended("ended");
      return;
    }
    for (const l of this.listeners) {
      if (gap || type === "more") l({ kind: "sync" });
      if (type !== "more") l({ ...(data as object), kind: type });
    }
  }

  private part(re: number, w: Waiting, raw: unknown) {
    const p = raw as { i: number; of: number; size: number; sha256: string; data: string };
    if (!(p.size > 0 && p.size <= maxAnswer && p.of === Math.ceil(p.size / partSize) && p.i >= 0 && p.i < p.of)) return;
    if (w.sum && w.sum !== p.sha256) return;
    if (!w.sum) {
      w.sum = p.sha256;
      w.parts = new Array(p.of).fill(undefined);
    }
    w.parts[p.i] ??= fromBase64(p.data);
    const missing = w.parts.findIndex((x) => x === undefined);
    if (missing >= 0) {
      // After each eight the rest is asked for; until then a resent order would start anew.
      w.text = JSON.stringify({ sid: this.sid, n: 0, ack: this.count.highest, more: { re, from: missing } });
      const have = w.parts.filter(Boolean).length;
      if (have % partsAhead === 0) this.give(this.outer(w.text, this.shared, kind));
      return;
    }
    this.orders.delete(re);
    const whole = concatBytes(...(w.parts as Uint8Array[]));
    if (bytesToHex(sha256(whole)) !== w.sum) w.fail(new Error("the parts of the answer do not make the whole that was announced"));
    else w.done(JSON.parse(new TextDecoder().decode(whole)));
  }
}

/** open reads a message; null for what is not for this key or no JSON object. */
function open(e: Event, key: Uint8Array): Record<string, unknown> | null {
  try {
    const v: unknown = JSON.parse(nip44.decrypt(e.content, key));
    return typeof v === "object" && v !== null && !Array.isArray(v) ? (v as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

function hex(v: unknown, bytes: number): string {
  if (typeof v !== "string" || v.length !== 2 * bytes || !/^[0-9a-f]+$/.test(v)) throw new Error("the bunker's answer is damaged");
  return v;
}

function refusal(v: unknown): Refused {
  const e = (v ?? {}) as Record<string, unknown>;
  return new Refused(String(e["code"] ?? "error"), String(e["words"] ?? ""), String(e["hint"] ?? ""), String(e["field"] ?? ""));
}
