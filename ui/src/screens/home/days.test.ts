import assert from "node:assert/strict";
import { test } from "vitest";
import { days, type Count } from "./days.ts";

const count = (apps: Record<string, number[]>, extra: number[] = [0, 0]): Count => ({
  days: extra.map((more, i) => ({ at: `2026-11-${28 + i}T23:00:00.000Z`, allow: 0, ask: 0, deny: 0, signed: more + Object.values(apps).reduce((s, a) => s + a[i]!, 0) })),
  apps: Object.entries(apps).map(([connection, signed]) => ({ connection, count: 9, days: signed, signed })), looked: 9,
});

test("a bar is a day, and each app has its part of it", () => {
  const d = days(count({ a: [1, 2], b: [0, 5] }));
  assert.deepEqual(d.series, ["b", "a"], "the busiest first");
  assert.deepEqual(d.bars.map((b) => b.parts), [[0, 1], [5, 2]]);
  assert.ok(!d.others);
  assert.equal(d.all, 8);
  assert.equal(d.top, 7);
});

test("the three busiest apps have a colour each, the rest one together", () => {
  const d = days(count({ a: [3, 0], b: [2, 0], c: [2, 0], d: [1, 0], e: [0, 0] }));
  assert.deepEqual(d.series, ["a", "b", "c"]);
  assert.ok(d.others);
  assert.deepEqual(d.bars[0]!.parts, [3, 2, 2, 1]);
});

test("what apps signed that are not named counts among the others", () => {
  const d = days(count({ a: [1, 0] }, [4, 0]));
  assert.deepEqual(d.bars[0]!.parts, [1, 4]);
  assert.equal(d.all, 5);
});

test("a bunker in which nothing was signed has no series", () => {
  const d = days(count({ a: [0, 0] }));
  assert.deepEqual([d.series, d.others, d.all, d.top], [[], false, 0, 1]);
});
