import { bytesToHex, concatBytes, hexToBytes, utf8ToBytes } from "@noble/hashes/utils.js";

export { bytesToHex, concatBytes, hexToBytes, utf8ToBytes };

/** joined is the fields, each after its length in four bytes, big-endian: no two different lists have the same bytes. */
export function joined(...fields: Uint8Array[]): Uint8Array {
  return concatBytes(
    ...fields.flatMap((f) => {
      const length = new Uint8Array(4);
      new DataView(length.buffer).setUint32(0, f.length);
      return [length, f];
    }),
  );
}

/** random returns n bytes that nobody can guess. */
export function random(n: number): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(n));
}

/** fromBase64 reads base64; a loop is many times faster than a function for each letter. */
export function fromBase64(text: string): Uint8Array {
  const raw = atob(text);
  const out = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) out[i] = raw.charCodeAt(i);
  return out;
}
