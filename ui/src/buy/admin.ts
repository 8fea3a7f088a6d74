import { hexOf, npubOf } from "../lib/format/npub";

/** What was typed as an admin: the npub, or why it is none that can be added. */
export type ReadAdmin = { npub: string } | { npub: null; why: "bad" | "nsec" | "twice" | "full" };

/** readAdmin reads an npub, or the 64 hex digits that extensions give. */
export function readAdmin(text: string, have: readonly string[], most: number): ReadAdmin {
  if (/^\s*(nostr:)?n(sec|cryptsec)1/i.test(text)) return { npub: null, why: "nsec" };
  const hex = text.length > 200 ? null : hexOf(text);
  if (!hex) return { npub: null, why: "bad" };
  const npub = npubOf(hex);
  if (have.includes(npub)) return { npub: null, why: "twice" };
  if (have.length >= most) return { npub: null, why: "full" };
  return { npub };
}
