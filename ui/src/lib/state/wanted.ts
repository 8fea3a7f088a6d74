import { Refused } from "../door/door";
import { speech } from "../i18n/speech/index.svelte";

/** wanted runs a command that several persons may have to want. "" when it was done; else what the bunker said: the yes is noted and waits for others. */
export async function wanted(run: () => Promise<unknown>): Promise<string> {
  try {
    await run();
    return "";
  } catch (e) {
    if (e instanceof Refused && e.code === "waits") return speech().reason(e.message);
    throw e;
  }
}
