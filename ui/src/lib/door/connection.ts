import { decode } from "nostr-tools/nip19";

/** Where a bunker is found; no secret, but for the pairing secret of a one-time link. */
export interface ConnectionString {
  bunker: string;
  relays: string[];
  pairing: Uint8Array | null;
  /** The code of an invitation link. */
  invite: string | null;
}

/** Misread is a string that is no connection string; reason says what it seems to be. */
export class Misread extends Error {
  readonly reason: "empty" | "bunker" | "nostrconnect" | "npub" | "nsec" | "damaged" | "norelay";
  constructor(reason: Misread["reason"]) {
    super(reason);
    this.reason = reason;
  }
}

const maxRelays = 16;
const maxString = 8 << 10;

/** parseConnectionString reads bunker-admin://…, also as the end of a link to the page, and the first nsecBunker's bunker://npub@relays. */
export function parseConnectionString(text: string): ConnectionString {
  let s = text.trim();
  if (!s) throw new Misread("empty");
  if (s.length > maxString) throw new Misread("damaged");
  const page = /^https?:\/\/[^#]*#\/login\?at=([^&]+)$/i.exec(s);
  if (page) s = unescaped(page[1]!);
  if (/^nostrconnect:/i.test(s)) throw new Misread("nostrconnect");
  if (/^(nsec|ncryptsec)1/i.test(s)) throw new Misread("nsec");
  if (/^(npub|nprofile)1/i.test(s)) throw new Misread("npub");
  const old = /^bunker:\/\/(npub1[02-9ac-hj-np-z]+)[@?](.+)$/i.exec(s);
  if (old) return parseOld(old[1]!, old[2]!);
  if (/^bunker:/i.test(s)) throw new Misread("bunker");
  if (!s.startsWith("bunker-admin://")) throw new Misread("damaged");
  s = s.slice("bunker-admin://".length);
  const [front = "", fragment = ""] = s.split("#", 2);
  const [key = "", query = ""] = front.split("?", 2);
  const bunker = key.replace(/\/$/, "").toLowerCase();
  if (!/^[0-9a-f]{64}$/.test(bunker)) throw new Misread("damaged");
  return { bunker, relays: relays(new URLSearchParams(query).getAll("relay")), ...ending(fragment) };
}

function unescaped(s: string): string {
  try {
    return decodeURIComponent(s);
  } catch {
    throw new Misread("damaged");
  }
}

function parseOld(npub: string, rest: string): ConnectionString {
  const list = rest.includes("relay=") ? new URLSearchParams(rest).getAll("relay") : rest.split(/[;,| ]/);
  try {
    const key = decode(npub);
    if (key.type === "npub") return { bunker: key.data, relays: relays(list.map((r) => (r.includes("://") ? r : `wss://${r}`))), pairing: null, invite: null };
  } catch {
    // told below
  }
  throw new Misread("damaged");
}

function relays(list: string[]): string[] {
  const out = [...new Set(list.map((r) => r.trim()).filter((r) => /^wss?:\/\/./.test(r) && URL.canParse(r)))].slice(0, maxRelays);
  if (out.length === 0) throw new Misread("norelay");
  return out;
}

function ending(fragment: string): { pairing: Uint8Array | null; invite: string | null } {
  if (!fragment) return { pairing: null, invite: null };
  const m = /^invite=([^&#]{1,768})$/.exec(fragment);
  if (m) return { pairing: null, invite: unescaped(m[1]!) };
  return { pairing: pairing(fragment), invite: null };
}

function pairing(fragment: string): Uint8Array {
  const m = /^pair=([A-Za-z0-9_-]{43})$/.exec(fragment);
  if (!m) throw new Misread("damaged");
  return Uint8Array.from(atob(m[1]!.replace(/-/g, "+").replace(/_/g, "/") + "="), (c) => c.charCodeAt(0));
}

/** writeConnectionString is the string without a pairing secret. */
export function writeConnectionString(c: ConnectionString): string {
  return `bunker-admin://${c.bunker}?${c.relays.map((r) => `relay=${encodeURIComponent(r)}`).join("&")}`;
}
