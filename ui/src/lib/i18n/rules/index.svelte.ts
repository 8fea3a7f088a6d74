import { Part } from "../index.svelte";
import { en, type RuleWords } from "./en";

/** The words of the policy editor, which come with it. */
export const rules = new Part<RuleWords>(en, { de: async () => (await import("./de")).de });

/** w is every sentence of these screens, in the language of the reader. */
export const w = (): RuleWords => rules.words;
