import assert from "node:assert/strict";
import { test } from "vitest";
import { dayCount, days, firstDay } from "./days.ts";

const now = new Date(2026, 10, 29, 13, 0);
const at = (ago: number, connection: string) => ({ time: new Date(2026, 10, 29 - ago, 9).getTime(), connection });

test("the chart has fourteen days, today last", () => {
  const d = days([at(0, "a"), at(13, "a"), at(14, "a")], now);
  assert.equal(d.bars.length, dayCount);
  assert.equal(d.bars[13]!.all, 1);
  assert.equal(d.bars[0]!.all, 1);
  assert.equal(d.all, 2, "what is older is not counted");
  assert.deepEqual(d.bars[0]!.day, firstDay(now));
});

test("the three busiest apps have a colour each, the rest one together", () => {
  const rows = ["a", "a", "a", "b", "b", "c", "c", "d", "e"].map((c) => at(1, c));
  const d = days(rows, now);
  assert.deepEqual(d.series, ["a", "b", "c"]);
  assert.ok(d.others);
  assert.deepEqual(d.bars[12]!.parts, [3, 2, 2, 2]);
  assert.equal(d.top, 9);
});
