import assert from "node:assert/strict";
import { test, vi } from "vitest";
import { filterOf } from "../format/log";

vi.mock("./app.svelte", () => ({ app: {} }));
const { Log } = await import("./log.svelte.ts");
const { app } = await import("./app.svelte");

/** The log of a bunker: lines are written, and read newest first; each answer waits until it is let go. */
function far(lines: number) {
  const f = { lines, waiting: [] as (() => void)[], call: async (_: string, p: { after?: string; limit: number }) => {
    const from = p.after ? Number(p.after) - 1 : f.lines;
    await new Promise<void>((done) => f.waiting.push(done));
    const to = Math.max(0, from - p.limit);
    return { records: Array.from({ length: from - to }, (_, i) => ({ seq: from - i })), next: to > 0 ? String(to + 1) : "" };
  } };
  Object.assign(app, { call: f.call });
  return f;
}
const filter = filterOf(new URLSearchParams());

/** turn lets everything else have its turn, so that what never comes ends with the time of the test. */
const turn = () => new Promise<void>((done) => setImmediate(done));

/** settle lets every answer go until nobody waits for one. */
async function settle(f: ReturnType<typeof far>, done: Promise<unknown>) {
  let over = false;
  void done.finally(() => (over = true));
  while (!over) {
    f.waiting.splice(0).forEach((go) => go());
    await turn();
  }
}
const seqs = (l: InstanceType<typeof Log>) => l.rows.map((r) => r.seq);

test("lines that came in two bursts are on top once, however often they were looked for", async () => {
  const f = far(5);
  const log = new Log(filter, () => "");
  await settle(f, log.more());
  f.lines = 55; // more than one reading holds
  const first = log.newer();
  await Promise.resolve();
  const second = log.newer();
  await settle(f, Promise.all([first, second]));
  f.lines = 60;
  await settle(f, log.newer());
  assert.deepEqual(seqs(log), Array.from({ length: 60 }, (_, i) => 60 - i));
});

test("a line that was written while the log was read comes, too", async () => {
  const f = far(5);
  const log = new Log(filter, () => "");
  const reading = log.more();
  f.lines = 6;
  const told = log.newer();
  await settle(f, Promise.all([reading, told]));
  while (log.rows.length < 6) {
    f.waiting.splice(0).forEach((go) => go());
    await turn();
  }
  assert.deepEqual(seqs(log), [6, 5, 4, 3, 2, 1]);
});
