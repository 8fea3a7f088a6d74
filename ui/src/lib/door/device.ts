import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, hexToBytes } from "./bytes";

// A device's key: P-256, because a browser can keep such a key so that nobody, not even this page, can copy it.

/** Device is this browser to one bunker. */
export interface Device {
  id: string;
  pub: string;
  sign(hash: string): Promise<string>;
}

const base = "nsecbunker";
const store = "devices";

function open(): Promise<IDBDatabase> {
  return new Promise((done, fail) => {
    const r = indexedDB.open(base, 1);
    r.onupgradeneeded = () => r.result.createObjectStore(store);
    r.onsuccess = () => done(r.result);
    r.onerror = () => fail(r.error);
  });
}

function asked<T>(r: IDBRequest<T>): Promise<T> {
  return new Promise((done, fail) => {
    r.onsuccess = () => done(r.result);
    r.onerror = () => fail(r.error);
  });
}

/** device returns this browser's key for a bunker, made at its first use: one for each bunker, so that none knows another's. */
export async function device(bunker: string): Promise<Device> {
  const db = await open();
  let pair = (await asked(db.transaction(store).objectStore(store).get(bunker))) as CryptoKeyPair | undefined;
  if (!pair) {
    pair = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, false, ["sign"]);
    await asked(db.transaction(store, "readwrite").objectStore(store).add(pair, bunker));
  }
  db.close();
  return deviceOf(pair);
}

/** forgetDevice drops the key: the bunker will not know this browser again. */
export async function forgetDevice(bunker: string): Promise<void> {
  const db = await open();
  await asked(db.transaction(store, "readwrite").objectStore(store).delete(bunker));
  db.close();
}

/** deviceOf is a device with a given pair of keys. */
export async function deviceOf(pair: CryptoKeyPair): Promise<Device> {
  const raw = new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey));
  return {
    id: bytesToHex(sha256(raw).slice(0, 16)),
    pub: bytesToHex(raw),
    async sign(hash) {
      const sig = await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, pair.privateKey, new Uint8Array(hexToBytes(hash)));
      return bytesToHex(new Uint8Array(sig));
    },
  };
}
