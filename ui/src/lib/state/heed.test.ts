import assert from "node:assert/strict";
import { beforeEach, test, vi } from "vitest";

const store = new Map<string, string>();
vi.stubGlobal("localStorage", { getItem: (k: string) => store.get(k) ?? null, setItem: (k: string, v: string) => void store.set(k, v), removeItem: (k: string) => void store.delete(k) });
const did: string[] = [];
let lets = true;
vi.mock("../door/ring", () => ({
  ring: async () => void did.push("ring"), show: async (words: string) => void did.push(words), hide: async () => void did.push("hide"),
  mayShow: () => lets, askToShow: async () => (did.push("asked"), lets),
}));
const { Heed, titled } = await import("./heed.svelte.ts");

beforeEach(() => {
  store.clear();
  did.length = 0;
  lets = true;
});

test("nothing is heard or shown until somebody switches it on, and nobody is asked before", () => {
  new Heed().arrived(false, "A question waits", 0);
  assert.deepEqual(did, []);
});

test("a burst is told once, and what comes later again", async () => {
  const h = new Heed();
  h.setSound(true);
  assert.ok(await h.setNotice(true));
  did.length = 0;
  for (const at of [0, 100, 9_999, 10_000]) h.arrived(false, "A question waits", at);
  assert.deepEqual(did, ["ring", "A question waits", "ring", "A question waits"]);
});

test("who looks at the questions is told nothing; when somebody has looked, the next is news", async () => {
  const h = new Heed();
  await h.setNotice(true);
  did.length = 0;
  h.arrived(true, "A question waits", 0);
  assert.deepEqual(did, []);
  h.arrived(false, "A question waits", 1);
  h.seen();
  h.arrived(false, "A question waits", 2);
  assert.deepEqual(did, ["A question waits", "hide", "A question waits"]);
});

test("a browser that does not let the page show anything leaves the switch off, and the next visit too", async () => {
  lets = false;
  const h = new Heed();
  assert.equal(await h.setNotice(true), false);
  assert.ok(!h.notice && !new Heed().notice);
  lets = true;
  await h.setNotice(true);
  assert.ok(new Heed().notice);
  lets = false; // taken back in the browser's own settings
  assert.ok(!new Heed().notice);
});

test("the switches are kept, and off is as never switched on", async () => {
  const h = new Heed();
  h.setSound(true);
  assert.ok(new Heed().sound);
  h.setSound(false);
  assert.ok(!new Heed().sound);
  assert.equal(store.size, 0);
});

test("the tab counts what waits", () => {
  assert.deepEqual([titled("nsecBunker", 0), titled("nsecBunker", 2)], ["nsecBunker", "(2) nsecBunker"]);
});
