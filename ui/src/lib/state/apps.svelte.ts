import { app } from "./app.svelte";

/** What an app is called: by an admin, or by itself. */
export interface AppName {
  name: string;
  npub: string;
  claimed: boolean;
}

const mostPages = 3;

/** The names of connections, for lines that know only their ids. */
class Apps {
  names = $state.raw<Record<string, AppName>>({});

  async load() {
    const out: Record<string, AppName> = {};
    let after = "";
    for (let n = 0; n < mostPages; n++) {
      const p = await app.call("connection.list", after ? { after } : {});
      for (const c of p.connections) out[c.id] = { name: c.name || c.app?.name || "", npub: c.client_npub, claimed: !c.name && Boolean(c.app?.name) };
      after = p.next ?? "";
      if (!after) break;
    }
    this.names = out;
  }
}

export const apps = new Apps();
