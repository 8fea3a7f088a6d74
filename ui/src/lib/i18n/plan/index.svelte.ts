import { Part } from "../index.svelte";
import { en, type PlanWords } from "./en";

/** The words about what is paid, which come with their screen. */
export const plan = new Part<PlanWords>(en, { de: async () => (await import("./de")).de });

/** p is every sentence of it, in the language of the reader. */
export const p = (): PlanWords => plan.words;
