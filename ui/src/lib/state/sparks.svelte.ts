// How busy each app was: one count for all of them, and one more for an app that is not among the busiest.

import type { Commands } from "../api/commands";
import { app } from "./app.svelte";

type Count = Commands["audit.count"]["result"];
export const sparkDays = 14;
const fresh = 60_000;

class Sparks {
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
    const got = this.ask({ connection }).then((c) => c.apps[0]?.days ?? new Array<number>(sparkDays).fill(0));
    got.catch(() => this.ones.delete(connection));
    this.ones.set(connection, { at: Date.now(), got });
    return got;
  }

  private ask = (more: { connection?: string }) => app.call("audit.count", { ...more, days: sparkDays, zone: Intl.DateTimeFormat().resolvedOptions().timeZone });
}

export const sparks = new Sparks();
