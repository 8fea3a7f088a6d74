import assert from "node:assert/strict";
import { test, vi } from "vitest";

vi.mock("./app.svelte", () => ({ app: {} }));
const { itemsOf, placeOf, risky } = await import("./questions.svelte.ts");
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

test("an answered question gives way to the one behind it, and what others answer moves nothing", () => {
  const queue = (...ids: string[]) => itemsOf(ids.map((id) => question(id, { batch: id })));
  assert.equal(placeOf(queue("1", "2", "3"), undefined, { id: "", at: 0 }), 0);
  assert.equal(placeOf(queue("1", "2", "3"), "2", { id: "1", at: 0 }), 1, "the address says so");
  assert.equal(placeOf(queue("1", "3", "4"), "2", { id: "2", at: 1 }), 1, "the second was answered: the third is next, not the first again");
  assert.equal(placeOf(queue("1"), "2", { id: "2", at: 1 }), 0, "it was the last: back to what was left");
  assert.equal(placeOf(queue("3", "4"), "2", { id: "3", at: 1 }), 0, "somebody else answered the first: what is shown stays");
  assert.equal(placeOf([], "2", { id: "2", at: 1 }), 0);
});

test("what cannot be shown, or not whole, is a risk", () => {
  const { card: _, ...unseen } = question("1");
  assert.ok(risky(unseen as Q));
  assert.ok(risky(question("2", { card: { does: "post", cut: true } })));
  assert.ok(!risky(question("3")));
});

test("an answer goes out with the digest of each question that was shown", async () => {
  const { questions } = await import("./questions.svelte.ts");
  const { app } = await import("./app.svelte");
  const sent: unknown[] = [];
  Object.assign(app, { call: async (name: string, params: unknown) => (sent.push([name, params]), name === "approval.list" ? { approvals: [] } : { state: "approved" }) });
  await questions.answer([question("1")], { scope: "kind" });
  await questions.answer([question("1"), question("2", { digest: "11" })], { deny: true });
  assert.deepEqual(sent.filter((s) => (s as [string])[0] !== "approval.list"), [
    ["approval.answer", { scope: "kind", id: "1", digest: "00" }],
    ["approval.batch", { deny: true, questions: [{ id: "1", digest: "00" }, { id: "2", digest: "11" }] }],
  ]);
});

test("a yes that others must join is told as good news, and the question stays", async () => {
  const { questions } = await import("./questions.svelte.ts");
  const { app } = await import("./app.svelte");
  const { Refused } = await import("../door/door.ts");
  questions.list = [question("1")];
  Object.assign(app, { call: async () => { throw new Refused("waits", "approval.answer waits for 1 more of 2: m1"); } });
  assert.deepEqual(await questions.answer([question("1")], {}), { warnings: [], waits: { more: 1, of: 2 } });
  assert.equal(questions.list.length, 1);
  assert.deepEqual(questions.votes["1"], { more: 1, of: 2 });
});

test("a list that was asked for before an answer does not bring the question back, nor tell of it as new", async () => {
  const { questions } = await import("./questions.svelte.ts");
  const { app } = await import("./app.svelte");
  const lists: ((v: unknown) => void)[] = [];
  Object.assign(app, { call: (name: string) => (name === "approval.list" ? new Promise((done) => lists.push(done)) : Promise.resolve({ state: "denied" })) });
  questions.list = [question("1"), question("2")];
  questions.here = true;
  questions.news = null;
  const loaded = questions.load();
  await questions.answer([question("1")], { deny: true });
  lists[0]!({ approvals: [question("1"), question("2")] });
  await vi.waitFor(() => assert.equal(lists.length, 2));
  assert.deepEqual(questions.list.map((q) => q.id), ["2"]);
  assert.equal(questions.news, null);
  // What is asked for after it is believed again: an answer can be taken back.
  lists[1]!({ approvals: [question("1"), question("2")] });
  await loaded;
  assert.deepEqual(questions.list.map((q) => q.id), ["1", "2"]);
});
