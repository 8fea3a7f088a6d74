import assert from "node:assert/strict";
import { test } from "vitest";
import { groups } from "./groups.ts";

const line = (seq: number, more = {}) => ({ seq, time: seq, tenant: "t", incarnation: "i", principal: "client a", action: "sign_event", kind: 1, effect: "allow", ...more });

test("the same thing again and again is one line, with the newest", () => {
  const g = groups([line(5), line(4), line(3, { kind: 7 }), line(2), line(1)]);
  assert.deepEqual(g.map((x) => [x.last.seq, x.times]), [[5, 2], [3, 1], [2, 2]]);
});

test("what came out otherwise is a line of its own", () => {
  assert.equal(groups([line(2), line(1, { effect: "deny" })]).length, 2);
  assert.equal(groups([line(2), line(1, { reason: "another" })]).length, 2);
});
