import { Attempt } from "./attempt.svelte";

/** Reading is an attempt to read what a screen shows. What changes while it is read may not be in it: then it is read once more. */
export class Reading extends Attempt {
  private stale = false;
  private under: Promise<boolean> | null = null;

  /** look reads, and says whether it worked; who looks meanwhile waits for one further reading, that begins after the one that is under way. */
  look(what: () => Promise<unknown>): Promise<boolean> {
    this.stale = true;
    this.under ??= this.turns(what).finally(() => (this.under = null));
    return this.under;
  }

  private async turns(what: () => Promise<unknown>): Promise<boolean> {
    let done = false;
    while (this.stale) {
      this.stale = false;
      done = await this.run(what);
    }
    return done;
  }
}
