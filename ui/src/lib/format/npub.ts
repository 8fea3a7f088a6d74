import { decode, npubEncode } from "nostr-tools/nip19";

/** npubOf writes a public key of 64 hex digits as npub. */
export function npubOf(hex: string): string {
  return npubEncode(hex);
}

/** hexOf reads an npub or 64 hex digits; null for anything else. */
export function hexOf(text: string): string | null {
  const s = text.trim();
  if (/^[0-9a-f]{64}$/i.test(s)) return s.toLowerCase();
  try {
    const got = decode(s.replace(/^nostr:/, ""));
    return got.type === "npub" ? got.data : null;
  } catch {
    return null;
  }
}

/** short is the form that is shown: the first nine characters and the last five. */
export function short(npub: string): string {
  return npub.length > 16 ? `${npub.slice(0, 9)}…${npub.slice(-5)}` : npub;
}

/** grouped is the whole npub in groups of four, for comparing by eye. */
export function grouped(npub: string): string[] {
  return npub.match(/.{1,4}/g) ?? [];
}
