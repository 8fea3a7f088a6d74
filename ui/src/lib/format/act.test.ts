import assert from "node:assert/strict";
import { test } from "vitest";
import { commands } from "../api/commands.ts";
import { de } from "../i18n/log/de.ts";
import { en } from "../i18n/log/en.ts";
import { actOf } from "./act.ts";

const line = (more = {}) => ({ seq: 1, time: 1, tenant: "t", incarnation: "i", principal: "local", action: "key.add", ...more });

/** What the bunker records by itself, without any command. */
const itself = ["approval.expire", "backup.written", "break_glass", "instance.create", "notify.codes", "notify.newkey", "quorum.vote", "seats.full", "session.open", "store.incarnation", "store.restored", "tampered"];

for (const [tongue, words] of [["English", en], ["German", de]] as const) {
  test(`whatever changes the bunker is said in ${tongue}`, () => {
    const written = Object.entries(commands).filter(([, c]) => c.writes).map(([name]) => name);
    assert.ok(written.length > 50);
    assert.deepEqual([...written, ...itself].filter((name) => !Object.hasOwn(words.acts, name)), []);
  });
}

test("both languages say the same acts", () => {
  assert.deepEqual(Object.keys(de.acts).toSorted(), Object.keys(en.acts).toSorted());
  assert.deepEqual(Object.keys(de.crowds).toSorted(), Object.keys(en.crowds).toSorted());
});

test("many refused apps are one line with their number, and no app that was let in", () => {
  assert.equal(actOf(line({ principal: "strangers", action: "connect", count: 41 }), en), "refused unknown apps ×41");
  assert.equal(actOf(line({ action: "connect" }), en), "connected an app");
});

test("an action without words is said as it is, also one that is named like a part of every object", () => {
  assert.equal(actOf(line({ action: "future.thing" }), en), "future.thing");
  assert.equal(actOf(line({ action: "constructor" }), en), "constructor");
});

test("in German what somebody does to himself is said behind the verb", () => {
  assert.deepEqual(de.order(de.did["deny"]!, de.methods["connect"]!), ["durfte sich nicht", "verbinden"]);
  assert.deepEqual(de.order(de.did["ask"]!, "sich bei Websites anmelden"), ["wollte sich", "bei Websites anmelden"]);
  assert.deepEqual(de.order(de.did["deny"]!, de.methods["ping"]!), ["durfte nicht", "anklopfen"]);
});
