import assert from "node:assert/strict";
import { test, vi } from "vitest";

vi.mock("./app.svelte", () => ({ app: {} }));
const { Draft } = await import("./draft.svelte.ts");
const { app } = await import("./app.svelte");

test("a text that the bunker could not read now is not saved as the one before it", async () => {
  const saved: { name: string }[] = [];
  let there = true;
  Object.assign(app, { call: async (name: string, p: { text?: string; name?: string }) => {
    if (name === "policy.create") return saved.push({ name: p.name! }), { policy: { name: p.name } };
    if (!there) throw new Error("no answer");
    return { good: true, problems: [], policy: { name: p.text?.trim() || p.name, rules: [], sentences: [], text: p.text ?? "" } };
  } });
  const d = new Draft(null, { name: "desk" });
  d.asText = true;
  d.text = "first";
  await d.check();
  d.text = "second";
  there = false;
  await assert.rejects(d.save(), /no answer/);
  assert.equal(saved.length, 0);
  there = true;
  await d.save();
  assert.equal(saved[0]?.name, "second");
});

test("what is typed while a policy is being saved is not left behind", async () => {
  const saved: string[] = [];
  const waiting: (() => void)[] = [];
  Object.assign(app, { call: async (name: string, p: { text?: string; name?: string }) => {
    if (name === "policy.create") return saved.push(p.name!), { policy: { name: p.name } };
    await new Promise<void>((done) => waiting.push(done));
    return { good: true, problems: [], policy: { name: p.text?.trim() || p.name, rules: [], sentences: [], text: p.text ?? "" } };
  } });
  const d = new Draft(null, { name: "desk" });
  d.asText = true;
  d.text = "first";
  const save = d.save();
  d.text = "second";
  void d.check();
  let over = false;
  void save.finally(() => (over = true));
  while (!over) {
    waiting.splice(0).forEach((go) => go());
    await new Promise<void>((done) => setImmediate(done));
  }
  assert.deepEqual(saved, ["second"]);
});
