import assert from "node:assert/strict";
import { test } from "vitest";
import { due, read, stepOf } from "./begin.ts";

test("the first steps are for a bunker without keys, and go on where they were left", () => {
  assert.ok(due({}, 0));
  assert.ok(!due({}, 1), "a bunker that somebody uses is not begun again");
  assert.ok(due({ key: "k1" }, 1), "the key was made here, the app is still to come");
  assert.ok(due({ begun: true }, 1), "loaded anew before the page heard that its key is there");
  assert.ok(!due({ key: "k1", later: true }, 1));
  assert.ok(!due({ done: true }, 0), "somebody deleted his only key: he knows the way");
});

test("what is true in the bunker decides which step is next", () => {
  assert.equal(stepOf([], null), "key", "the key was deleted meanwhile");
  assert.equal(stepOf(["k1"], null), "app");
  assert.equal(stepOf(["k1"], { id: "t1", state: "open", connections: 0 }), "listen");
  assert.equal(stepOf(["k1"], { id: "t1", state: "expired", connections: 0 }), "app");
  assert.equal(stepOf(["k1"], { id: "t1", state: "spent", connections: 1 }), "done");
});

test("what was kept is read whatever it is", () => {
  assert.deepEqual(read(null), {});
  assert.deepEqual(read("[1]"), {});
  assert.deepEqual(read("{"), {});
  assert.deepEqual(read('{"b": {"key": "k1", "token": 7, "later": true, "more": 1}, "c": null}'), { b: { key: "k1", later: true }, c: {} });
});
