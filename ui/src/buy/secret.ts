// An order's secret is made up here: the order is known by it before anything is sent, so what is sent twice is one order. It stands
// in the address behind #, which no server is told, and in this browser.

const place = "nsecbunker.order";
const form = /^[0-9a-f]{64}$/;

/** newSecret is 256 bits in hex digits. */
export function newSecret(): string {
  return [...crypto.getRandomValues(new Uint8Array(32))].map((x) => x.toString(16).padStart(2, "0")).join("");
}

/** secretIn reads the secret of an address's fragment; null for none. */
export function secretIn(hash: string): string | null {
  const s = /^#order=(.*)$/.exec(hash)?.[1] ?? "";
  return form.test(s) ? s : null;
}

/** known is the order that this page, or this browser, was at last; null for none. */
export function known(): string | null {
  const here = secretIn(location.hash);
  if (here) return here;
  try {
    const kept = localStorage.getItem(place) ?? "";
    return form.test(kept) ? kept : null;
  } catch {
    return null; // a browser that keeps nothing: the address does
  }
}

/** keep puts an order into the address and into this browser. */
export function keep(secret: string) {
  history.replaceState(null, "", `#order=${secret}`);
  try {
    localStorage.setItem(place, secret);
  } catch {
    // the address keeps it
  }
}

/** forget begins anew; the order stays with the provider. */
export function forget() {
  history.replaceState(null, "", location.pathname);
  try {
    localStorage.removeItem(place);
  } catch {
    // nothing was kept
  }
}
