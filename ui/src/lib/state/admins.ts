// What the list of admins means: who holds the bunker, and what is said of each.

import type { Commands, Role } from "../api/commands";

export type Admin = Commands["admin.list"]["result"]["admins"][number];
export type Device = Commands["device.list"]["result"]["devices"][number];
export type Login = Commands["session.list"]["result"]["sessions"][number];
export type Invite = Commands["admin.invites"]["result"]["invites"][number];
export type Motion = Commands["quorum.list"]["result"]["motions"][number];

export const roles: readonly Role[] = ["viewer", "approver", "operator", "owner"];

/** begun reports whether a role is in force. */
export const begun = (a: Admin, now: Date): boolean => Date.parse(a.active_at) <= now.getTime();

/** lastOwner reports whether an admin is the only owner of the whole bunker whose role has begun: it can neither be removed nor be given less. */
export function lastOwner(list: readonly Admin[], a: Admin, now: Date): boolean {
  const holds = (x: Admin) => x.role === "owner" && !x.keys?.length && begun(x, now);
  return holds(a) && list.filter(holds).length === 1;
}

/** ordered puts those who may most first, and of them who was there first. */
export function ordered(list: readonly Admin[]): Admin[] {
  return list.toSorted((a, b) => roles.indexOf(b.role) - roles.indexOf(a.role) || a.active_at.localeCompare(b.active_at) || a.npub.localeCompare(b.npub));
}

/** The devices as they are shown: those that ask to be let in, those that may come, those that may not any more. */
export function sorted(list: readonly Device[]): { asking: Device[]; live: Device[]; over: Device[] } {
  const newest = (a: Device, b: Device) => (b.last_login ?? b.created_at).localeCompare(a.last_login ?? a.created_at);
  const of = (...states: string[]) => list.filter((d) => states.includes(d.state)).toSorted(newest);
  return { asking: of("waiting"), live: of("confirmed"), over: of("revoked", "expired") };
}

/** paramsOf reads what a motion would be called with; nothing where it cannot be read. */
export function paramsOf(m: Motion): Record<string, unknown> {
  try {
    const v: unknown = JSON.parse(m.params);
    return typeof v === "object" && v !== null && !Array.isArray(v) ? (v as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/** saidYes reports whether somebody's yes to a motion counts. */
export const saidYes = (m: Motion, npub: string): boolean => m.votes.some((v) => v.npub === npub);
