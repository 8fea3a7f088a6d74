import { expect, test } from "vitest";
import { lastOwner, ordered, paramsOf, sorted, type Admin, type Device, type Motion } from "./admins";

const now = new Date("2026-11-29T12:00:00Z");
const admin = (npub: string, role: Admin["role"], more: Partial<Admin> = {}): Admin => ({ npub, pubkey: npub, role, added_by: "local", version: 1, active_at: "2026-11-01T00:00:00Z", ...more });

test("the last owner is the one who holds the whole bunker now", () => {
  const a = admin("a", "owner");
  expect(lastOwner([a], a, now)).toBe(true);
  expect(lastOwner([a, admin("b", "operator")], a, now)).toBe(true);
  expect(lastOwner([a, admin("b", "owner", { keys: ["k1"] })], a, now), "an owner of some keys does not count").toBe(true);
  expect(lastOwner([a, admin("b", "owner", { active_at: "2026-11-30T00:00:00Z" })], a, now), "one who still waits does not count").toBe(true);
  const b = admin("b", "owner");
  expect(lastOwner([a, b], a, now)).toBe(false);
  expect(lastOwner([a, admin("c", "viewer")], admin("c", "viewer"), now)).toBe(false);
});

test("who may most stands first", () => {
  expect(ordered([admin("v", "viewer"), admin("o", "owner"), admin("p", "approver")]).map((a) => a.npub)).toEqual(["o", "p", "v"]);
});

test("devices that ask to be let in stand apart from those that may come", () => {
  const d = (id: string, state: string, last: string): Device => ({ id, label: id, person: "local", state, role: "viewer", last_login: last, created_at: last });
  const got = sorted([d("old", "confirmed", "2026-01-01T00:00:00Z"), d("w", "waiting", "2026-01-02T00:00:00Z"), d("new", "confirmed", "2026-02-01T00:00:00Z"), d("x", "revoked", "2026-01-01T00:00:00Z")]);
  expect(got.asking.map((x) => x.id)).toEqual(["w"]);
  expect(got.live.map((x) => x.id)).toEqual(["new", "old"]);
  expect(got.over.map((x) => x.id)).toEqual(["x"]);
});

test("what a motion asks for is read, and nothing else is taken for it", () => {
  const m = (params: string) => ({ params }) as Motion;
  expect(paramsOf(m('{"role":"owner"}'))).toEqual({ role: "owner" });
  for (const bad of ["", "[1]", "null", "{"]) expect(paramsOf(m(bad))).toEqual({});
});
