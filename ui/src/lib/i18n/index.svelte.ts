import { en, type Words } from "./en";

/** Every language but English, which is there from the start, comes when it is first read: nobody loads what they do not read. */
const others: Record<string, () => Promise<Words>> = {
  de: async () => (await import("./de")).de,
};

class Language {
  /** The locale of dates and numbers, and with it the language. */
  locale = $state(navigator.language);
  words = $state.raw<Words>(en);

  /** load brings the words of the locale; where they do not come, English stays. */
  async load(): Promise<void> {
    const of = this.locale.slice(0, 2);
    const words = await others[of]?.().catch(() => undefined);
    if (this.locale.startsWith(of)) this.words = words ?? en;
  }
}

export const language = new Language();

/** t is every sentence, in the language of the reader. */
export const t = (): Words => language.words;

/** locale is for dates, numbers and amounts. */
export const locale = (): string => language.locale;
