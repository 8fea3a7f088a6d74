// Permissions as texts ("sign_event:1,nip44_encrypt") and as words.

import type { Words } from "../i18n/en";

/** canOf says in words what one permission lets an app do. */
export function canOf(perm: string, words: Words["connections"]): string {
  const [method = "", kind] = perm.split(":", 2);
  if (method === "sign_event" && kind !== undefined) return own(words.kinds, kind) ?? words.anyKind(kind);
  return own(words.methods, method) ?? words.anyMethod(perm);
}

const own = (of: Record<string, string>, name: string): string | undefined => (Object.hasOwn(of, name) ? of[name] : undefined);

/** split reads a list of permissions; spaces and empty places do not count. */
export function split(perms: string | undefined): string[] {
  return [...new Set((perms ?? "").split(",").map((p) => p.trim()).filter(Boolean))];
}

/** said is a list of permissions in words, those that read the same once. */
export function said(perms: string | undefined, words: Words["connections"]): string[] {
  return [...new Set(split(perms).map((p) => canOf(p, words)))];
}

/** The sets that a person chooses from, and what each of them stands for. */
export const sets = {
  post: ["sign_event:1", "sign_event:1111"],
  react: ["sign_event:6", "sign_event:7", "sign_event:16"],
  articles: ["sign_event:30023", "sign_event:30024"],
  profile: ["sign_event:0"],
  follow: ["sign_event:3"],
  messages: ["nip44_encrypt", "nip44_decrypt", "sign_event:13"],
  zap: ["sign_event:9734"],
  relays: ["sign_event:22242"],
} as const;

export type RightSet = keyof typeof sets;
