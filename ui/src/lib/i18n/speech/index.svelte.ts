import { Part } from "../index.svelte";
import { en, type Speech } from "./en";

/** What the bunker says in English sentences (rules, reasons), as the reader's language says it. */
const part = new Part<Speech>(en, { de: async () => (await import("./de")).de });

/** speech turns rules and reasons into sentences of the reader's language. */
export const speech = (): Speech => part.words;
