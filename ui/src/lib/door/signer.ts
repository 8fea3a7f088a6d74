import { verifyEvent, type Event } from "nostr-tools/pure";

/** Template is what an admin's key is asked to sign: the certificate of a login, or a dangerous command. */
export interface Template {
  kind: number;
  created_at: number;
  tags: string[][];
  content: string;
}

/** Signer is an admin's key, wherever it is. */
export interface Signer {
  pubkey(): Promise<string>;
  sign(t: Template): Promise<Event>;
  end(): Promise<void>;
}

interface Nip07 {
  getPublicKey(): Promise<string>;
  signEvent(t: Template): Promise<Event>;
}

declare global {
  interface Window {
    nostr?: Nip07;
  }
}

/** extension is the browser's extension (NIP-07); null when there is none. */
export function extension(): Signer | null {
  const nostr = window.nostr;
  if (!nostr) return null;
  return {
    pubkey: () => nostr.getPublicKey(),
    sign: async (t) => checked(t, await nostr.signEvent(t)),
    end: async () => {},
  };
}

/** checked refuses what is not exactly the template, signed. created_at may be another: the bunker does not look at it. */
export function checked(t: Template, e: Event): Event {
  const { id, pubkey, created_at, kind, tags, content, sig } = e;
  const bare = { id, pubkey, created_at, kind, tags, content, sig };
  if (kind !== t.kind || content !== t.content || JSON.stringify(tags) !== JSON.stringify(t.tags) || !verifyEvent(bare)) {
    throw new Error("the key signed something else than it was asked to");
  }
  return bare;
}
