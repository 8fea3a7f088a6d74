import { en, type Words } from "./en";

const place = "nsecbunker.language";

/** The languages that there are; "" is the browser's. */
export const languages = ["", "en", "de"] as const;
export type Tongue = (typeof languages)[number];

/** localeOf is the locale of dates and numbers: the browser's own where it speaks the chosen language. */
export const localeOf = (tongue: Tongue, browser: string): string => (tongue === "" || browser.startsWith(tongue) ? browser : tongue);

/** The parts that were opened so far: another language is loaded for each of them. */
const parts: { load(): Promise<void> }[] = [];

/** Part is the sentences of one chunk of the app. English is in it; every other language comes when it is first read: nobody loads what they do not read. */
export class Part<W> {
  words: W;
  private readonly en: W;
  private readonly others: Record<string, () => Promise<W>>;

  constructor(en: W, others: Record<string, () => Promise<W>>) {
    this.words = $state.raw(en);
    this.en = en;
    this.others = others;
    parts.push(this);
  }

  /** load brings the words of the locale; where they do not come, English stays. */
  async load(): Promise<void> {
    const of = language.locale.slice(0, 2);
    const words = await this.others[of]?.().catch(() => undefined);
    if (language.locale.startsWith(of)) this.words = words ?? this.en;
  }
}

class Language {
  /** What the reader chose; "" for the browser's. */
  tongue = $state<Tongue>(languages.find((l) => l === localStorage.getItem(place)) ?? "");
  /** The locale of dates and numbers, and with it the language. */
  locale = $derived(localeOf(this.tongue, navigator.language));

  /** load brings the words of everything that was opened. */
  async load(): Promise<void> {
    await Promise.all(parts.map((p) => p.load()));
    document.documentElement.lang = this.locale.startsWith("de") ? "de" : "en";
  }

  /** choose is for now and for the next visits. */
  async choose(tongue: Tongue): Promise<void> {
    this.tongue = tongue;
    if (tongue) localStorage.setItem(place, tongue);
    else localStorage.removeItem(place);
    await this.load();
  }
}

export const language = new Language();

const main = new Part<Words>(en, { de: async () => (await import("./de")).de });

/** t is every sentence, in the language of the reader. */
export const t = (): Words => main.words;

/** locale is for dates, numbers and amounts. */
export const locale = (): string => language.locale;
