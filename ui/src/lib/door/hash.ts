import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, hexToBytes, joined, utf8ToBytes } from "./bytes";

// docs/admin-protocol.md, What is hashed.

export const version = 1;

/** Handshake is what both sides know before the proof; keys and nonces are 64 hex digits. */
export interface Handshake {
  bunker: string;
  client: string;
  epoch: string;
  nc: string;
  nb: string;
  versions: number[];
}

/** h is what the admin and the device sign. */
export function h(s: Handshake): string {
  return bytesToHex(
    sha256(
      joined(
        utf8ToBytes("nsecbunker/admin/1"), hexToBytes(s.bunker), hexToBytes(s.client), hexToBytes(s.epoch), hexToBytes(s.nc), hexToBytes(s.nb),
        utf8ToBytes(String(version)), utf8ToBytes(s.versions.join(",")),
      ),
    ),
  );
}

/**
 * h2 binds all that both sides know of a session that is ready. who is the admin's public key, or the device's id where there is no
 * certificate; cert is the certificate's id, or null.
 */
export function h2(hash: string, who: string, cert: string | null, session: string, sid: string): string {
  return bytesToHex(
    sha256(joined(hexToBytes(hash), hexToBytes(who), cert ? hexToBytes(cert) : new Uint8Array(32), hexToBytes(session), hexToBytes(sid))),
  );
}

/** code is the six digits that both ends show. */
export function code(hash2: string): string {
  return String(parseInt(hash2.slice(0, 12), 16) % 1_000_000).padStart(6, "0");
}

/** pairing proves a pairing secret. */
export function pairing(secret: Uint8Array, hash: string): string {
  return bytesToHex(hmac(sha256, secret, joined(utf8ToBytes("nsecbunker/admin/1/pair"), hexToBytes(hash))));
}

/** command is what the admin signs for a dangerous command. params are canonical JSON. */
export function command(hash2: string, n: number, op: string, name: string, params: string): string {
  return bytesToHex(
    sha256(
      joined(
        utf8ToBytes("nsecbunker/admin/1/command"), hexToBytes(hash2), utf8ToBytes(String(n)), utf8ToBytes(op), utf8ToBytes(name), utf8ToBytes(params),
      ),
    ),
  );
}

/** canonical is the one spelling of a JSON value: no space, members in order of their names by UTF-16 code unit (RFC 8785). */
export function canonical(v: unknown): string {
  if (Array.isArray(v)) return `[${v.map(canonical).join(",")}]`;
  if (v !== null && typeof v === "object") {
    const members = Object.entries(v)
      .filter(([, x]) => x !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
    return `{${members.map(([k, x]) => `${JSON.stringify(k)}:${canonical(x)}`).join(",")}}`;
  }
  return JSON.stringify(v) ?? "null";
}
