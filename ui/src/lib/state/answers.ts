import { split } from "../format/perms";
import type { Answer, Question } from "./questions.svelte";

// What a person may answer, as the controls of the page hold it, and what it means to the bunker.

/** How far a yes goes. Of a login: nothing without asking, what the app asks for, a policy, everything. */
export type Reach = "once" | "kind" | "kinds" | "method" | "all" | "none" | "requested" | "policy";
export type Lasting = "always" | "hour" | "today" | "until" | "uses";

export interface Choice {
  reach: Reach;
  lasting: Lasting;
  /** "2026-12-31", of lasting until. */
  until: string;
  /** Of lasting uses. */
  uses: number;
  policy: string;
  /** Of what a login asks for: what it does not get. */
  without: readonly string[];
  name: string;
}

/** reachesOf are those that the bunker takes for a question. */
export function reachesOf(q: Question): Reach[] {
  if (q.method === "connect") return q.requested ? ["none", "requested", "policy", "all"] : ["none", "policy", "all"];
  if (q.once_only) return ["once"];
  return q.method === "sign_event" ? ["once", "kind", "kinds", "all"] : ["once", "method", "all"];
}

/** start is what a question begins with: the least that a yes can mean. */
export function start(q: Question): Choice {
  return { reach: q.method === "connect" ? "none" : "once", lasting: "always", until: "", uses: 10, policy: "", without: [], name: "" };
}

/** narrow is the least lasting reach: of a signature its kind, of all else its method. */
export const narrow = (q: Question): Reach => (q.method === "sign_event" ? "kind" : "method");

/** wanted is what a login asks for, and gets of it. */
export function wanted(q: Question, c: Choice): { asked: string[]; gets: string[] } {
  const asked = split(q.requested);
  return { asked, gets: asked.filter((p) => !c.without.includes(p)) };
}

/** endOfDay is the next midnight of whoever looks. */
export function endOfDay(now: Date, days = 0): string {
  return new Date(now.getFullYear(), now.getMonth(), now.getDate() + 1 + days).toISOString();
}

function end(c: Choice, now: Date): Pick<Answer, "for" | "until" | "uses"> {
  switch (c.lasting) {
    case "hour": return { for: "1h" };
    case "today": return { until: endOfDay(now) };
    case "until": {
      const [y, m, d] = c.until.split("-").map(Number);
      return y && m && d ? { until: new Date(y, m - 1, d + 1).toISOString() } : {};
    }
    case "uses": return { uses: c.uses };
    case "always": return {};
  }
}

/** yes is the answer that lets it. */
export function yes(q: Question, c: Choice, now: Date): Answer {
  const named = c.name.trim() ? { name: c.name.trim() } : {};
  switch (c.reach) {
    case "once": case "none": return named;
    case "requested": return { ...named, perms: wanted(q, c).gets.join(","), ...end(c, now) };
    case "policy": {
      const { uses: _, ...rest } = end(c, now); // a policy has budgets of its own
      return { ...named, policy: c.policy, ...rest };
    }
    default: return { ...named, scope: c.reach, ...end(c, now) };
  }
}

/** no is the answer that refuses it; never refuses it from now on, as far and as long as chosen. */
export function no(q: Question, c: Choice, never: boolean, now: Date): Answer {
  if (!never) return { deny: true };
  const { uses: _, ...rest } = end(c, now); // a refusal is not counted
  const lasting = c.reach === "once" || c.reach === "none";
  return { deny: true, never: true, scope: lasting ? narrow(q) : c.reach, ...(lasting ? {} : rest) };
}
