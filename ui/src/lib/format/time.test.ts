import assert from "node:assert/strict";
import { test } from "vitest";
import { ago, left } from "./time.ts";

test("a moment is said in the unit that people would use", () => {
  const now = new Date("2026-11-29T12:00:00Z");
  const at = (s: number) => ago(new Date(now.getTime() + s * 1000), now, "en");
  assert.equal(at(-30), "30 sec. ago");
  assert.equal(at(-120), "2 min. ago");
  assert.equal(at(-3 * 3600), "3 hr. ago");
  assert.equal(at(2 * 86400), "in 2 days");
  assert.equal(at(-400 * 86400), "last yr.");
});

test("a countdown never shows a second that is over", () => {
  assert.equal(left(27_000), "0:27");
  assert.equal(left(26_001), "0:27");
  assert.equal(left(0), "");
  assert.equal(left(-5), "");
  assert.equal(left(47 * 3600_000), "1 d 23 h");
  assert.equal(left(3600_000 + 12 * 60_000), "1 h 12 min");
  assert.equal(left(23 * 3600_000 + 58 * 60_000), "23 h", "where hours are many, minutes are noise");
});
