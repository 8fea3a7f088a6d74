import assert from "node:assert/strict";
import { test } from "vitest";
import { absent, Refused } from "./door";

test("only the bunker says that something is not there: a lost session or a silent relay says nothing of it", () => {
  assert.ok(absent(new Refused("not-found", "there is no such connection")));
  assert.ok(absent(new Refused("restricted", "that is another key's")));
  assert.ok(!absent(new Refused("ended", "the session is over")));
  assert.ok(!absent(new Error("no answer")));
});
