import { untrack } from "svelte";
import { Refused } from "../door/door";
import { t } from "../i18n/index.svelte";

/** Attempt is one thing that somebody tries: whether it is on its way, and what was said when it did not work. What was typed stays where it is. */
export class Attempt {
  busy = $state(false);
  words = $state("");
  hint = $state("");
  /** The parameter that was wrong; "" for none. */
  field = $state("");

  /** run does it and says whether it worked. */
  async run(what: () => Promise<unknown>): Promise<boolean> {
    if (untrack(() => this.busy)) return false;
    this.busy = true;
    this.clear();
    try {
      await what();
      return true;
    } catch (e) {
      this.words = e instanceof Error && e.message ? e.message : t().failed;
      if (e instanceof Refused) {
        this.hint = e.hint;
        this.field = e.field;
      }
      return false;
    } finally {
      this.busy = false;
    }
  }

  clear() {
    this.words = this.hint = this.field = "";
  }
}
