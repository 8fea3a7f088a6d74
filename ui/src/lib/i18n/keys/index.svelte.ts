import { Part } from "../index.svelte";
import { en, type KeyWords } from "./en";

/** The words of bringing a key, keeping it and letting apps to it, which come with those screens. */
export const keys = new Part<KeyWords>(en, { de: async () => (await import("./de")).de });

/** w is every sentence of these screens, in the language of the reader. */
export const w = (): KeyWords => keys.words;
