// The bunker's own sentences are English: here they stay as they are.

import type { Rule } from "../../policy/rule";

export interface Speech {
  /** rule is a rule's sentence as it stands behind an app's name; english is the bunker's. */
  rule(rule: Rule, zone: string, english: string): string;
  /** policy is a whole policy in one sentence. */
  policy(rules: readonly Rule[], zone: string, english: string): string;
  /** reason is why something was decided so. */
  reason(english: string): string;
  /** does is what an app wants, kind what that is called, role what somebody is in it. */
  does(english: string): string;
  kind(english: string): string;
  role(english: string): string;
  /** fact is what a fact, or a text, of an event is called; value is its value, where that is the bunker's own word. */
  fact(english: string): string;
  value(name: string, english: string): string;
}

export const en: Speech = { rule: (_rule, _zone, english) => english, policy: (_rules, _zone, english) => english, reason: (english) => (english === "granted by local" ? "granted by somebody at the machine" : english), does: (english) => english, kind: (english) => english, role: (english) => english, fact: (english) => english, value: (_name, english) => english };
