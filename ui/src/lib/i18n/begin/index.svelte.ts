import { Part } from "../index.svelte";
import { en, type BeginWords } from "./en";

/** The words of the first steps, which come with those screens. */
export const begin = new Part<BeginWords>(en, { de: async () => (await import("./de")).de });

/** w is every sentence of these screens, in the language of the reader. */
export const w = (): BeginWords => begin.words;
