import { app } from "./app.svelte";
import { due, read, type Steps } from "./begin";
import { bunkers } from "./bunkers.svelte";
import { may } from "./rights.svelte";

const place = "nsecbunker.begin";

/** Begin remembers the first steps with each bunker. It keeps ids, no secret: the link is shown once. */
class Begin {
  private all = $state.raw<Record<string, Steps>>(read(localStorage.getItem(place)));

  get steps(): Steps {
    return this.all[bunkers.last?.bunker ?? ""] ?? {};
  }

  /** The first steps are shown instead of the app. */
  get due(): boolean {
    const s = app.status;
    return s?.state === "unsealed" && may("operator") && due(this.steps, s.keys.all);
  }

  /** They were put off, and there is something left of them. */
  get open(): boolean {
    const s = app.status;
    return Boolean(this.steps.later) && s?.state === "unsealed" && may("operator") && due({ ...this.steps, later: false }, s.keys.all);
  }

  set(more: Steps) {
    const bunker = bunkers.last?.bunker;
    if (!bunker) return;
    this.all = { ...this.all, [bunker]: { ...this.steps, ...more } };
    localStorage.setItem(place, JSON.stringify(this.all));
  }
}

export const begin = new Begin();
