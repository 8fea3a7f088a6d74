// What waits for an admin besides questions: browsers that ask to be let in, and acts that need a further person's yes.

import { app } from "./app.svelte";
import { saidYes } from "./admins";
import { self } from "./people.svelte";

/** A bunker in which much happens is asked no more often than this. */
const apart = 5000;

class Asks {
  devices = $state(0);
  motions = $state(0);
  private at = -Infinity;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private of: unknown = null;

  /** look reads them, now or when the last reading is long enough ago. */
  look() {
    if (this.of !== app.session) {
      this.of = app.session;
      this.at = -Infinity;
      this.devices = this.motions = 0;
    }
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.read().catch(() => {}), Math.max(0, this.at + apart - Date.now()));
  }

  private async read() {
    if (!app.session) return;
    this.at = Date.now();
    const [d, m] = await Promise.all([app.call("device.list", {}), app.call("quorum.list", {})]);
    this.devices = d.devices.filter((x) => x.state === "waiting").length;
    this.motions = m.motions.filter((x) => !saidYes(x, self.npub)).length;
  }
}

export const asks = new Asks();
