import assert from "node:assert/strict";
import { test } from "vitest";
import { canonical, code } from "./hash";

test("the canonical spelling sorts members and has no space", () => {
  assert.equal(canonical({ b: 1, a: [true, null, "x\u2028\n"], "é": {}, "€": undefined }), '{"a":[true,null,"x\u2028\\n"],"b":1,"é":{}}');
});

test("the code is the first six bytes, by a million", () => {
  assert.equal(code("000000000001" + "0".repeat(52)), "000001");
  assert.equal(code("ffffffffffff" + "0".repeat(52)), String(0xffffffffffff % 1_000_000).padStart(6, "0"));
});
