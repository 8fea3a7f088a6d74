import assert from "node:assert/strict";
import { test } from "vitest";
import { csv, daysOf, filterOf, fits, here, paramsOf, some, type Line } from "./log.ts";

const now = new Date(2026, 10, 29, 13, 0);
const line = (more: Partial<Line> = {}): Line => ({ seq: 7, time: now.getTime(), tenant: "t", incarnation: "i", principal: "client ab", action: "sign_event", kind: 1, effect: "deny", reason: "Outside of her hours", ...more });

test("filters stand in the address and go to the bunker as far as it knows them", () => {
  const f = filterOf(new URLSearchParams("effect=deny&key=k1&app=c1&span=7d&kind=1&find=two+words&why=7"));
  assert.deepEqual(paramsOf(f, now), { effect: "deny", key: "k1", connection: "c1", since: new Date(2026, 10, 23).toISOString() });
  assert.ok(here(f) && some(f));
  assert.equal(daysOf(f), 7);
  assert.ok(!some(filterOf(new URLSearchParams("why=7"))));
});

test("one day goes before a span, and what is no day or effect is left out", () => {
  const f = filterOf(new URLSearchParams("day=2026-11-28&span=7d&effect=maybe"));
  assert.deepEqual(paramsOf(f, now), { since: new Date(2026, 10, 28).toISOString(), until: new Date(2026, 10, 29).toISOString() });
  assert.deepEqual(paramsOf(filterOf(new URLSearchParams("day=yesterday")), now), {});
  assert.equal(daysOf(f), 1);
});

test("a search finds lines that have every word, in what is recorded and in names", () => {
  const find = (s: string) => fits(line(), filterOf(new URLSearchParams({ find: s })), "Mara's tablet");
  assert.ok(find("HOURS tablet"));
  assert.ok(!find("hours phone"));
  assert.ok(fits(line(), filterOf(new URLSearchParams("kind=1")), ""));
  assert.ok(!fits(line(), filterOf(new URLSearchParams("kind=11")), ""));
});

test("a table begins no formula and keeps its columns", () => {
  const text = csv([line({ reason: '=HYPERLINK("x"), said "it"', skew: -3, tags: ["p:2", "t:1"] })], () => "@evil", () => "Mara");
  const [head, row] = text.split("\r\n");
  assert.ok(head!.endsWith(",app_name,key_name"));
  assert.ok(row!.includes(`"'=HYPERLINK(""x""), said ""it"""`));
  assert.ok(row!.endsWith(",'@evil,Mara"));
  assert.ok(row!.includes(",-3,"), "a number is no formula");
});
