import type { Commands } from "../api/commands";
import { app } from "./app.svelte";

type Key = Commands["key.list"]["result"]["keys"][number];

/** Data that every screen needs: the keys, to name them. */
class Data {
  keys = $state.raw<Key[]>([]);

  async load() {
    const out: Key[] = [];
    let after = "";
    do {
      const p = await app.call("key.list", after ? { after } : {});
      out.push(...p.keys);
      after = p.next ?? "";
    } while (after && out.length < 10_000);
    this.keys = out;
  }

  /** of finds a key by its id or pubkey. */
  of(id: string): Key | undefined {
    return this.keys.find((k) => k.id === id || k.pubkey === id);
  }
}

export const data = new Data();
