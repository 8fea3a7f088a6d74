import assert from "node:assert/strict";
import { test } from "vitest";
import { clean, clockOf, idOf, instantOf, kindName, kindOf, list, minutesOf, periodOf, secondsOf, wallOf, type Rule } from "./rule.ts";

test("kinds are read by name, number and range, as the text form reads them", () => {
  assert.deepEqual(kindOf("reaction"), { from: 7, to: 7 });
  assert.deepEqual(kindOf(" Follow  List "), { from: 3, to: 3 });
  assert.deepEqual(kindOf("notes"), { from: 1, to: 1 }, "a plural");
  assert.deepEqual(kindOf("30000-39999"), { from: 30_000, to: 39_999 });
  assert.deepEqual(kindOf("30000–39999"), { from: 30_000, to: 39_999 });
  assert.deepEqual(kindOf("all"), { from: 0, to: 65_535 });
  for (const bad of ["", "reactoin", "70000", "9-1", "-1", "1.5"]) assert.equal(kindOf(bad), null, bad);
});

test("what is shown of a kind is read back", () => {
  assert.equal(kindName({ from: 7, to: 7 }), "reaction (7)");
  assert.equal(kindName({ from: 30_000, to: 30_009 }), "30000–30009");
  assert.equal(kindName({ from: 0, to: 65_535 }), "all");
});

test("a rule holds nothing that says nothing", () => {
  const r: Rule = {
    id: "a", effect: "allow", note: " ", methods: [], rights: ["post"], kinds: [], tags: [{ name: "" }, { name: "p", absent: true, values: [] }], content: { words: [], pattern: "" }, max_skew: 0, hours: [{ days: [], from: 480, to: 1080 }],
    budget: { per_day: 20, total: 0, per: "", when_spent: "ask" }, quorum: 2,
  };
  assert.deepEqual(clean(r), { id: "a", effect: "allow", rights: ["post"], tags: [{ name: "p", absent: true }], hours: [{ from: 480, to: 1080 }], budget: { per_day: 20, when_spent: "ask" } });
  assert.deepEqual(clean({ ...r, effect: "deny", tags: [] , hours: [] }), { id: "a", effect: "deny", rights: ["post"] }, "a refusal has no budget, and nobody to agree");
});

test("a rule without a name gets one of its own", () => {
  const r: Rule = { id: "", effect: "allow", rights: ["post", "react", "zap"] };
  assert.equal(idOf(r, []), "allow-post-react");
  assert.equal(idOf(r, ["allow-post-react", "allow-post-react-2"]), "allow-post-react-3");
  assert.equal(idOf({ id: "", effect: "deny", kinds: [{ from: 5, to: 5 }] }, []), "deny-kind-5");
});

test("days and clocks are those of the policy's zone", () => {
  for (const [zone, date, clock, utc] of [
    ["Europe/Berlin", "2027-03-01", "00:00", "2027-02-28T23:00:00.000Z"], ["Europe/Berlin", "2027-07-01", "18:30", "2027-07-01T16:30:00.000Z"],
    ["UTC", "2027-03-01", "", "2027-03-01T00:00:00.000Z"], ["Pacific/Kiritimati", "2027-01-01", "00:00", "2026-12-31T10:00:00.000Z"], ["America/New_York", "2027-03-14", "03:30", "2027-03-14T07:30:00.000Z"],
  ] as const) {
    const ms = instantOf(date, clock, zone);
    assert.equal(new Date(ms).toISOString(), utc, zone);
    assert.deepEqual(wallOf(ms, zone), { date, clock: clock || "00:00" });
  }
  assert.equal(instantOf("soon", "00:00", "UTC"), 0);
});

test("lengths of time keep the unit that people gave", () => {
  assert.deepEqual(periodOf(30 * 86_400), { n: 30, unit: "d" });
  assert.deepEqual(periodOf(5400), { n: 90, unit: "m" });
  assert.equal(secondsOf(49, "h"), 176_400);
  assert.equal(clockOf(1440), "00:00");
  assert.equal(minutesOf(clockOf(1110)), 1110);
  assert.deepEqual(list("a, b\n,c "), ["a", "b", "c"]);
});
