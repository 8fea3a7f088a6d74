import { Refused } from "../lib/door/door";

// What the page asks of the bunker's provider: always by POST, to where it came from.

export interface Terms {
  /** Sats of a year, for 1, 2, 3 … people. */
  years: number[];
  trial?: { sats: number; minutes: number; read_only_days: number };
  grace_days: number;
  read_only_days: number;
  notice_days: number;
  max_admins: number;
  unattended: boolean;
}

export type OrderState = "new" | "invoiced" | "lapsed" | "paid" | "made" | "held" | "closed";

export interface Order {
  id: string;
  kind: "bunker" | "trial" | "plan";
  state: OrderState;
  people: number;
  sats: number;
  admins: number;
  version: number;
  trouble?: string;
  again: boolean;
  owed_sats: number;
  invoice?: { bolt11: string; expires_at: number };
  plan?: { people: number; until: number; trial: boolean };
  ready?: { connection: string; setup_code?: string };
}

/** Quote is what a change costs, and until when the bunker is then paid. */
export interface Quote {
  sats: number;
  until: number;
}

interface Calls {
  terms: [Record<string, never>, Terms];
  order: [{ secret: string; kind: "bunker" | "trial"; admins: string[]; people: number }, Order];
  look: [{ secret: string; seen?: number }, Order];
  again: [{ secret: string }, Order];
  renew: [{ of: string; secret: string; people: number; year: boolean }, Order];
  quote: [{ of: string; people: number; year: boolean }, Quote];
  fewer: [{ of: string; people: number }, Order];
}

/** What somebody between said instead of the provider: whether it was done is not known. */
export const unknown = "error";

/** ask sends one request; a refusal is told in the words that came with it. */
export async function ask<C extends keyof Calls>(call: C, params: Calls[C][0], signal?: AbortSignal): Promise<Calls[C][1]> {
  const r = await fetch(`./api/${call}`, {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(params), cache: "no-store", ...(signal ? { signal } : {}),
  });
  const text = await r.text();
  let answer: { result?: Calls[C][1]; error?: { code: string; words: string; hint?: string; field?: string } } = {};
  try {
    answer = JSON.parse(text);
  } catch {
    // Told below: a proxy that answers for the bunker has no words of ours.
  }
  if (answer.error) throw new Refused(answer.error.code, answer.error.words, answer.error.hint ?? "", answer.error.field ?? "");
  if (!r.ok || answer.result === undefined) throw new Refused(unknown, "");
  return answer.result;
}
