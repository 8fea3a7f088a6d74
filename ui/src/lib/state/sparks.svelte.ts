// How busy each app was: one count for all of them, and one for those in sight together that are not among the busiest.

import type { Commands } from "../api/commands";
import { app } from "./app.svelte";

type Count = Commands["audit.count"]["result"];
export const sparkDays = 14;
const fresh = 60_000;
/** How long rows that come into sight are gathered, and how many of them are asked about at once. */
const gather = 60;
const together = 64;

interface Batch {
  ids: string[];
  got: Promise<Count>;
  go: () => void;
}

class Sparks {
  private next: Batch | null = null;
  private at = 0;
  private all: Promise<Count> | null = null;
  private readonly ones = new Map<string, { at: number; got: Promise<number[]> }>();

  /** of is the requests of an app by day, and the most that any app had in a day: all are drawn to one scale. */
  async of(connection: string): Promise<{ days: number[]; top: number }> {
    const all = await this.count();
    const top = Math.max(1, ...all.apps.flatMap((a) => a.days));
    const here = all.apps.find((a) => a.connection === connection);
    if (here) return { days: here.days, top };
    return { days: all.others || all.cut ? await this.one(connection) : new Array<number>(sparkDays).fill(0), top };
  }

  private count(): Promise<Count> {
    if (this.all && Date.now() - this.at < fresh) return this.all;
    this.at = Date.now();
    this.all = this.ask({});
    this.all.catch(() => (this.all = null));
    return this.all;
  }

  private one(connection: string): Promise<number[]> {
    const had = this.ones.get(connection);
    if (had && Date.now() - had.at < fresh) return had.got;
    this.next ??= this.batch();
    this.next.ids.push(connection);
    const got = this.next.got.then((c) => c.apps.find((a) => a.connection === connection)?.days ?? new Array<number>(sparkDays).fill(0));
    got.catch(() => this.ones.delete(connection));
    this.ones.set(connection, { at: Date.now(), got });
    if (this.next.ids.length >= together) {
      this.next.go();
      this.next = null;
    }
    return got;
  }

  /** batch is a question about apps that are still gathered. */
  private batch(): Batch {
    const ids: string[] = [];
    let go = () => {};
    const full = new Promise<void>((done) => (go = done));
    const got = Promise.race([full, new Promise<void>((done) => setTimeout(done, gather))]).then(() => {
      if (this.next?.ids === ids) this.next = null;
      return this.ask({ apps: ids });
    });
    return { ids, got, go };
  }

  private ask = (more: { apps?: string[] }) => app.glance("audit.count", { ...more, days: sparkDays, zone: Intl.DateTimeFormat().resolvedOptions().timeZone });
}

export const sparks = new Sparks();
