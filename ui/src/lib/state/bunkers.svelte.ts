// The bunkers that this browser knows: where each is found, and what it is called here. A connection string is no secret; nothing else is kept.

export interface Known {
  bunker: string;
  relays: string[];
  name: string;
  /** Unix ms. */
  used: number;
  /** The page is in it, and comes back to it when it is loaded anew. */
  open?: boolean;
}

const place = "nsecbunker.bunkers";
const most = 32;

function read(): Known[] {
  try {
    const v: unknown = JSON.parse(localStorage.getItem(place) ?? "[]");
    if (!Array.isArray(v)) return [];
    return v.filter((k): k is Known => typeof k?.bunker === "string" && Array.isArray(k.relays) && typeof k.name === "string" && typeof k.used === "number");
  } catch {
    return [];
  }
}

class Bunkers {
  list = $state<Known[]>(read());

  /** The one that was used last. */
  get last(): Known | undefined {
    return this.list.toSorted((a, b) => b.used - a.used)[0];
  }

  remember(k: Pick<Known, "bunker" | "relays" | "open"> & { name?: string }) {
    const before = this.list.find((x) => x.bunker === k.bunker);
    const now: Known = { bunker: k.bunker, relays: k.relays, name: k.name || before?.name || `Bunker ${k.bunker.slice(0, 4)}`, used: Date.now(), ...(k.open ? { open: true } : {}) };
    this.list = [now, ...this.list.filter((x) => x.bunker !== k.bunker)].slice(0, most);
    this.write();
  }

  forget(bunker: string) {
    this.list = this.list.filter((x) => x.bunker !== bunker);
    this.write();
  }

  private write() {
    localStorage.setItem(place, JSON.stringify(this.list));
  }
}

export const bunkers = new Bunkers();
