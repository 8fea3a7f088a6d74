import assert from "node:assert/strict";
import { test, vi } from "vitest";

vi.mock("../i18n/index.svelte", () => ({ t: () => ({ failed: "failed" }) }));
const { Reading } = await import("./reading.svelte.ts");

/** A list far away: what is asked for is as it was when it was asked, and comes when it is let go. */
function far() {
  const f = { list: "old", shown: "", asked: 0, go: () => {}, look: async () => {
    const was = f.list;
    f.asked++;
    await new Promise<void>((done) => (f.go = done));
    f.shown = was;
  } };
  return f;
}

test("what changes while a list is read is read, too", async () => {
  const [r, f] = [new Reading(), far()];
  const first = r.look(f.look);
  f.list = "new";
  const second = r.look(f.look);
  const third = r.look(f.look);
  f.go();
  while (f.asked < 2) await new Promise<void>((done) => setImmediate(done));
  f.go();
  assert.deepEqual(await Promise.all([first, second, third]), [true, true, true]);
  assert.equal(f.shown, "new");
  assert.equal(f.asked, 2, "however many looked meanwhile, it is read once more");
});

test("a reading that failed says why, and the next one takes that away", async () => {
  const r = new Reading();
  assert.equal(await r.look(() => Promise.reject(new Error("no answer"))), false);
  assert.equal(r.words, "no answer");
  assert.equal(await r.look(async () => {}), true);
  assert.equal(r.words, "");
});
