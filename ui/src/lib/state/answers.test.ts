import assert from "node:assert/strict";
import { test } from "vitest";
import { endOfDay, no, reachesOf, start, wanted, yes } from "./answers.ts";

const now = new Date(2026, 10, 29, 13, 0);
type Q = Parameters<typeof yes>[0];
const sign = { method: "sign_event", kind: 1, once_only: false } as Q;
const login = { method: "connect", requested: "sign_event:1", once_only: false } as Q;

test("a question begins with the least that a yes can mean", () => {
  assert.deepEqual(yes(sign, start(sign), now), {});
  assert.deepEqual(yes(login, start(login), now), {});
});

test("every lasting answer says how far and how long", () => {
  const c = { ...start(sign), reach: "kind" as const };
  assert.deepEqual(yes(sign, { ...c, lasting: "hour" }, now), { scope: "kind", for: "1h" });
  assert.deepEqual(yes(sign, { ...c, lasting: "today" }, now), { scope: "kind", until: endOfDay(now) });
  assert.deepEqual(yes(sign, { ...c, lasting: "until", until: "2026-12-24" }, now), { scope: "kind", until: new Date(2026, 11, 25).toISOString() });
  assert.deepEqual(yes(sign, { ...c, lasting: "uses", uses: 3 }, now), { scope: "kind", uses: 3 });
  assert.deepEqual(yes(sign, { ...c, reach: "all", name: " Ana's phone " }, now), { scope: "all", name: "Ana's phone" });
});

test("a login is answered with what the app asks for, or a policy, which is not counted", () => {
  assert.deepEqual(yes(login, { ...start(login), reach: "requested", lasting: "uses", uses: 5 }, now), { perms: "sign_event:1", uses: 5 });
  assert.deepEqual(yes(login, { ...start(login), reach: "policy", policy: "p1", lasting: "uses", uses: 5 }, now), { policy: "p1" });
});

test("of what a login asks for some can be left out", () => {
  const q = { ...login, requested: "sign_event:1, nip44_decrypt,sign_event:7" };
  const c = { ...start(q), reach: "requested" as const, without: ["nip44_decrypt"] };
  assert.deepEqual(yes(q, c, now), { perms: "sign_event:1,sign_event:7" });
  assert.deepEqual(wanted(q, { ...c, without: wanted(q, c).asked }).gets, []);
});

test("never refuses this kind unless more was chosen, and is not counted", () => {
  assert.deepEqual(no(sign, start(sign), false, now), { deny: true });
  assert.deepEqual(no(sign, start(sign), true, now), { deny: true, never: true, scope: "kind" });
  assert.deepEqual(no(sign, { ...start(sign), reach: "all", lasting: "hour" }, true, now), { deny: true, never: true, scope: "all", for: "1h" });
  assert.deepEqual(no(sign, { ...start(sign), reach: "kind", lasting: "uses" }, true, now), { deny: true, never: true, scope: "kind" });
});

test("what can be approved one at a time only has no lasting yes", () => {
  assert.deepEqual(reachesOf({ ...sign, once_only: true }), ["once"]);
});
