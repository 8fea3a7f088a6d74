import { Part } from "../index.svelte";
import { en, type HostingWords } from "./en";

/** The words of a provider's screens, which come with those screens. */
export const hosting = new Part<HostingWords>(en, { de: async () => (await import("./de")).de });

/** h is every sentence of these screens, in the language of the reader. */
export const h = (): HostingWords => hosting.words;
