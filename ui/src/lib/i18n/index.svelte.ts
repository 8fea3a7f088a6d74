import { de } from "./de";
import { en, type Words } from "./en";

const catalogues: Record<string, Words> = { en, de };

class Language {
  /** The locale of dates and numbers, and with it the language. */
  locale = $state(navigator.language);
  words = $derived(catalogues[this.locale.slice(0, 2)] ?? en);
}

export const language = new Language();

/** t is every sentence, in the language of the reader. */
export const t = (): Words => language.words;

/** locale is for dates, numbers and amounts. */
export const locale = (): string => language.locale;
