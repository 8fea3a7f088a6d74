import { Part } from "../index.svelte";
import { en, type OfficeWords } from "./en";

/** The words of Admins and Settings, which come with those screens. */
export const office = new Part<OfficeWords>(en, { de: async () => (await import("./de")).de });

/** w is every sentence of these screens, in the language of the reader. */
export const w = (): OfficeWords => office.words;
