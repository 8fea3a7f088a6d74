import { finalizeEvent, verifyEvent, type Event } from "nostr-tools/pure";

// One connection to one relay: it subscribes for what is addressed to one key, sends, comes back by itself, and believes nothing
// that is not signed.

const slowest = 30_000;
const patience = 10_000;
/** So many tries in a row that failed mean that nobody is there now. */
const enough = 3;

export type LinkState = "connecting" | "up" | "down";

export interface LinkConfig {
  url: string;
  /** The key that hears. */
  pubkey: string;
  secret: Uint8Array;
  kinds: number[];
  heard(e: Event): void;
  changed(s: LinkState): void;
}

export class Link {
  state: LinkState = "connecting";
  private socket: WebSocket | null = null;
  private ended = false;
  private tries = 0;
  private waiting: string[] = [];
  private timer: ReturnType<typeof setTimeout> | undefined;
  private readonly c: LinkConfig;

  constructor(c: LinkConfig) {
    this.c = c;
    this.open();
  }

  /** send gives an event to the relay, now or once it is there. */
  send(e: Event) {
    const frame = JSON.stringify(["EVENT", e]);
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(frame);
    else this.waiting = [...this.waiting, frame].slice(-64);
  }

  end() {
    this.ended = true;
    clearTimeout(this.timer);
    this.socket?.close();
  }

  /** lost reports that it was tried often enough to say that nobody is there; it goes on being tried. */
  get lost(): boolean {
    return this.state === "down" && this.tries >= enough;
  }

  private open() {
    let socket: WebSocket;
    try {
      socket = new WebSocket(this.c.url);
    } catch {
      // The browser lets this page go to no such address: ws:// from https://.
      this.tries = enough;
      return this.become("down");
    }
    this.socket = socket;
    const late = setTimeout(() => socket.close(), patience);
    socket.onopen = () => {
      clearTimeout(late);
      this.tries = 0;
      this.subscribe(socket);
      for (const frame of this.waiting.splice(0)) socket.send(frame);
      this.become("up");
    };
    socket.onmessage = (m) => this.frame(socket, m.data);
    socket.onclose = () => {
      clearTimeout(late);
      if (this.ended) return;
      this.become("down");
      // Half of the wait is random, so that many pages do not come back at once.
      const wait = Math.min(slowest, 500 * 2 ** this.tries++);
      this.timer = setTimeout(() => this.open(), wait / 2 + (crypto.getRandomValues(new Uint16Array(1))[0]! / 65536) * (wait / 2));
    };
  }

  private subscribe(socket: WebSocket) {
    const since = Math.floor(Date.now() / 1000) - 16 * 60;
    socket.send(JSON.stringify(["REQ", "admin", { kinds: this.c.kinds, "#p": [this.c.pubkey], since }]));
  }

  private frame(socket: WebSocket, data: unknown) {
    if (typeof data !== "string" || data.length > 100_000) return;
    let m: unknown;
    try {
      m = JSON.parse(data);
    } catch {
      return;
    }
    if (!Array.isArray(m)) return;
    if (m[0] === "EVENT" && m[1] === "admin") this.event(m[2]);
    else if (m[0] === "CLOSED" && m[1] === "admin") this.timer = setTimeout(() => socket.readyState === WebSocket.OPEN && this.subscribe(socket), 2000);
    else if (m[0] === "AUTH" && typeof m[1] === "string" && m[1].length <= 512) {
      const tags = [["relay", this.c.url], ["challenge", m[1]]];
      socket.send(JSON.stringify(["AUTH", finalizeEvent({ kind: 22242, created_at: Math.floor(Date.now() / 1000), tags, content: "" }, this.c.secret)]));
      this.subscribe(socket);
    }
  }

  private event(e: unknown) {
    if (typeof e !== "object" || e === null) return;
    const ev = e as Event;
    if (!this.c.kinds.includes(ev.kind) || !Array.isArray(ev.tags) || !ev.tags.some((t) => t[0] === "p" && t[1] === this.c.pubkey)) return;
    try {
      // A copy without the cached mark: a relay's JSON cannot say that it was verified.
      const { id, pubkey, created_at, kind, tags, content, sig } = ev;
      const bare = { id, pubkey, created_at, kind, tags, content, sig };
      if (verifyEvent(bare)) this.c.heard(bare);
    } catch {
      // not an event
    }
  }

  private become(s: LinkState) {
    if (s === this.state) return;
    this.state = s;
    this.c.changed(s);
  }
}
