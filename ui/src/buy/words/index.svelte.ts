import { Part } from "../../lib/i18n/index.svelte";
import { en, type BuyWords } from "./en";

/** The words of the page for orders. */
export const words = new Part<BuyWords>(en, { de: async () => (await import("./de")).de });

/** b is every sentence of this page, in the language of the reader. */
export const b = (): BuyWords => words.words;
