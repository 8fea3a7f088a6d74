import { v2 as nip44 } from "nostr-tools/nip44";
import { finalizeEvent, generateSecretKey, getPublicKey, type Event } from "nostr-tools/pure";
import { bytesToHex, random } from "./bytes";
import { Refused } from "./door";
import { Link } from "./relay";
import { Unreachable } from "./session";
import { checked, type Signer, type Template } from "./signer";

// Another bunker that keeps the admin's key (NIP-46), asked as any app asks it. It may ask a person, so nothing here runs out of time:
// who waits says when it was long enough.

const kind = 24133;
const maxRelays = 16;
const maxLink = 8 << 10;

/** BunkerLink is a bunker:// link as it was read. */
export interface BunkerLink {
  pubkey: string;
  relays: string[];
  secret: string;
}

/** parseBunkerLink reads bunker://KEY?relay=…&secret=…; null for anything else. */
export function parseBunkerLink(text: string): BunkerLink | null {
  const s = text.trim();
  const m = /^bunker:\/\/([0-9a-f]{64})\/?\?([^#]+)$/i.exec(s);
  if (!m || s.length > maxLink) return null;
  const query = new URLSearchParams(m[2]);
  const relays = [...new Set(query.getAll("relay"))].filter((r) => /^wss?:\/\/./.test(r) && URL.canParse(r)).slice(0, maxRelays);
  return relays.length ? { pubkey: m[1]!.toLowerCase(), relays, secret: query.get("secret") ?? "" } : null;
}

interface Waiting {
  event: Event;
  done(result: string): void;
  fail(e: Error): void;
}

/** Another is the connection to it. */
export class Another implements Signer {
  private readonly secret = generateSecretKey();
  private readonly shared: Uint8Array;
  private readonly to: BunkerLink;
  private readonly wait: (url: string) => void;
  private readonly links: Link[];
  private readonly waiting = new Map<string, Waiting>();
  private readonly watch: ReturnType<typeof setInterval>;

  /** wait is told the page on which the other bunker wants to be answered. */
  constructor(to: BunkerLink, wait: (url: string) => void) {
    this.to = to;
    this.wait = wait;
    this.shared = nip44.utils.getConversationKey(this.secret, to.pubkey);
    this.links = to.relays.map((url) => new Link({
      url, pubkey: getPublicKey(this.secret), secret: this.secret, kinds: [kind], heard: (e) => this.heard(e),
      // What was asked over a relay that went is asked again: the other bunker knows it by its id.
      changed: (s) => s === "up" && this.waiting.forEach((w) => this.give(w.event)),
    }));
    this.watch = setInterval(() => this.links.every((l) => l.lost) && this.fail(new Unreachable(false)), 250);
  }

  async connect(): Promise<void> {
    await this.ask("connect", [this.to.pubkey, this.to.secret]);
  }

  pubkey = (): Promise<string> => this.ask("get_public_key", []);

  async sign(t: Template): Promise<Event> {
    return checked(t, JSON.parse(await this.ask("sign_event", [JSON.stringify(t)])) as Event);
  }

  async end(): Promise<void> {
    clearInterval(this.watch);
    for (const l of this.links) l.end();
    this.fail(new Refused("stopped", "nobody waits any more"));
    this.secret.fill(0);
    this.shared.fill(0);
  }

  private fail(e: Error) {
    for (const w of this.waiting.values()) w.fail(e);
    this.waiting.clear();
  }

  private ask(method: string, params: string[]): Promise<string> {
    const id = bytesToHex(random(16));
    const content = nip44.encrypt(JSON.stringify({ id, method, params }), this.shared);
    const event = finalizeEvent({ kind, created_at: Math.floor(Date.now() / 1000), tags: [["p", this.to.pubkey]], content }, this.secret);
    return new Promise((done, fail) => {
      this.waiting.set(id, { event, done, fail });
      this.give(event);
    });
  }

  private give(e: Event) {
    for (const l of this.links) l.send(e);
  }

  private heard(e: Event) {
    if (e.pubkey !== this.to.pubkey) return;
    let m: Record<string, unknown>;
    try {
      m = JSON.parse(nip44.decrypt(e.content, this.shared)) as Record<string, unknown>;
    } catch {
      return;
    }
    const id = String(m?.["id"]);
    const w = this.waiting.get(id);
    if (!w) return;
    if (m["result"] === "auth_url") {
      const url = String(m["error"]);
      if (url.startsWith("https://")) this.wait(url);
      return;
    }
    this.waiting.delete(id);
    if (m["error"]) w.fail(new Refused("other-bunker", String(m["error"])));
    else w.done(String(m["result"]));
  }
}
