import { Part } from "../index.svelte";
import { en, type LogWords } from "./en";

/** The words of Activity, which come with it. */
export const log = new Part<LogWords>(en, { de: async () => (await import("./de")).de });

/** w is every sentence of these screens, in the language of the reader. */
export const w = (): LogWords => log.words;
