import { tick } from "svelte";
import { Part } from "../index.svelte";
import { en, type Speech } from "./en";

/** What the bunker says in English sentences (rules, reasons), as the reader's language says it. */
const part = new Part<Speech>(en, { de: german });

/** german comes at once with what the first screen says; rules, why something was decided, and the hundreds of sentences that are rare, come after it, and are heard when they are there. */
async function german(): Promise<Speech> {
  const { de } = await import("./de");
  void (async () => {
    await tick();
    const [{ said }, { reason, teach }, { rule, policy }] = await Promise.all([import("./said.de"), import("./reasons.de"), import("./rules.de")]);
    teach(said);
    if (part.words === de) part.words = { ...de, rule, policy, reason };
  })().catch(() => {}); // what did not come is said in English
  return de;
}

/** speech turns rules and reasons into sentences of the reader's language. */
export const speech = (): Speech => part.words;
