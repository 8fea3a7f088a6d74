import assert from "node:assert/strict";
import { test, vi } from "vitest";

vi.mock("./app.svelte", () => ({ app: {} }));
const { itemsOf, risky } = await import("./questions.svelte.ts");
type Q = Parameters<typeof risky>[0];

const question = (id: string, more: Partial<Q> = {}): Q => ({
  id, batch: "b1", digest: "00", sentence: "", state: "pending", key: "k", key_name: "mara", connection: "c", app: "Amethyst", method: "sign_event", kind: 7,
  permission: "sign_event:7", why: "", once_only: false, card: { does: "like a note" }, reply_by: "", question_until: "", created_at: "", ...more,
});

test("a burst of one app is answered together, in the order in which it came", () => {
  const got = itemsOf([question("1"), question("2", { batch: "b2" }), question("3")]);
  assert.deepEqual(got.map((i) => i.list.map((q) => q.id)), [["1", "3"], ["2"]]);
});

test("what needs a closer look is never part of a burst", () => {
  const guard = { does: "follow nobody", guard: "374 of 412 would go", warnings: ["374 of 412 would go"] };
  const got = itemsOf([question("1"), question("2", { card: guard }), question("3", { once_only: true }), question("4", { method: "connect" }), question("5")]);
  assert.deepEqual(got.map((i) => i.list.map((q) => q.id)), [["1", "5"], ["2"], ["3"], ["4"]]);
});

test("what cannot be shown, or not whole, is a risk", () => {
  const { card: _, ...unseen } = question("1");
  assert.ok(risky(unseen as Q));
  assert.ok(risky(question("2", { card: { does: "post", cut: true } })));
  assert.ok(!risky(question("3")));
});
