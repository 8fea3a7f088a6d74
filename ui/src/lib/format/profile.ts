// A profile as it is edited, and what a change does to it.

export const fields = ["name", "display_name", "about", "picture", "banner", "website", "nip05", "lud16"] as const;
export type Field = (typeof fields)[number];
export type Values = Record<Field, string>;

export interface Change {
  field: Field;
  was: string;
  is: string;
}

/** changes lists the fields that are typed otherwise than they were; spaces around a text are none. */
export function changes(was: Values, now: Values): Change[] {
  return fields.map((field) => ({ field, was: was[field], is: was[field] === now[field] ? now[field] : now[field].trim() })).filter((c) => c.was !== c.is);
}

export interface AccountRelay {
  url: string;
  read?: boolean;
  write?: boolean;
}

/** relayChanges compares two lists, relay by relay; stay counts those that are in both with the same use. */
export function relayChanges(was: readonly AccountRelay[], now: readonly AccountRelay[]) {
  const before = new Map(was.map((r) => [r.url, r]));
  const same = (a: AccountRelay, b: AccountRelay) => !!a.read === !!b.read && !!a.write === !!b.write;
  const kept = now.filter((r) => before.has(r.url));
  return {
    lost: was.filter((r) => !now.some((n) => n.url === r.url)),
    added: now.filter((r) => !before.has(r.url)),
    changed: kept.filter((r) => !same(r, before.get(r.url)!)),
    stay: kept.filter((r) => same(r, before.get(r.url)!)).length,
  };
}
