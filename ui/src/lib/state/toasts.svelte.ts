// Short messages at the foot of the page, some with an undo.

import { speech } from "../i18n/speech/index.svelte";

export interface Toast {
  id: number;
  text: string;
  undo?: (() => void) | undefined;
  until: number;
}

const life = 10_000;

class Toasts {
  list = $state<Toast[]>([]);
  private n = 0;

  say(text: string, undo?: () => void) {
    const id = ++this.n;
    this.list = [...this.list, { id, text, undo, until: Date.now() + life }].slice(-3);
    setTimeout(() => this.drop(id), life);
  }

  /** warn says what the bunker warns of, as sentences. */
  warn(warnings: readonly string[] | undefined) {
    for (const english of warnings ?? []) {
      const w = speech().reason(english);
      this.say(w.charAt(0).toUpperCase() + w.slice(1));
    }
  }

  drop(id: number) {
    this.list = this.list.filter((x) => x.id !== id);
  }
}

export const toasts = new Toasts();
