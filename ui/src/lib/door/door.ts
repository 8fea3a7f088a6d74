import type { Commands } from "../api/commands";

/** Refused is what a bunker answered instead of a result: words for people, a next step, and the parameter that was wrong. */
export class Refused extends Error {
  override name = "Refused";
  readonly code: string;
  readonly hint: string;
  readonly field: string;
  constructor(code: string, words: string, hint = "", field = "") {
    super(words);
    this.code = code;
    this.hint = hint;
    this.field = field;
  }
}

/** absent says whether the bunker answered that there is no such thing, or none for whoever asks. That nothing was heard of it says no such thing. */
export const absent = (e: unknown): boolean => e instanceof Refused && (e.code === "not-found" || e.code === "restricted");

/** Notice is what a bunker says unasked: something waits, something changed. */
export interface Notice {
  kind: string;
  id?: string;
  key?: string;
  connection?: string;
  at?: string;
}

/** Door is a way into one bunker. Screens know nothing else of it. */
export interface Door {
  call<K extends keyof Commands>(name: K, params: Commands[K]["params"]): Promise<Commands[K]["result"]>;
  /** Notices are heard until the function that it returns is called. */
  listen(heard: (n: Notice) => void): () => void;
}
