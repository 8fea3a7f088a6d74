// Answers come in any order: the bunker works on several orders at once, and a relay promises none. What was asked before something changed may
// come after what was asked because of it, and would put the old back where the new stood.

interface Asked {
  /** How often it was asked, how many of these wait, and the latest of those that were answered. */
  count: number;
  waiting: number;
  latest: number;
  answer: unknown;
}

/** Newest gives whoever is answered late what the one after him was told. */
export class Newest {
  private readonly asked = new Map<string, Asked>();

  /** of asks; what is named alike is the same question. */
  async of<T>(question: string, ask: () => Promise<T>): Promise<T> {
    const q = this.asked.get(question) ?? { count: 0, waiting: 0, latest: 0, answer: undefined };
    this.asked.set(question, q);
    const n = ++q.count;
    q.waiting++;
    try {
      const answer = await ask();
      if (n > q.latest) {
        q.latest = n;
        q.answer = answer;
      }
      return q.answer as T;
    } finally {
      if (--q.waiting === 0) this.asked.delete(question);
    }
  }
}
