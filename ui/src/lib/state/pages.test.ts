import assert from "node:assert/strict";
import { test } from "vitest";
import { Pages } from "./pages.svelte.ts";

interface Row {
  id: number;
  name: string;
}
const size = 10;

/** A list at the other end: read in the order of ids, from behind the one that is named. */
function far(count: number) {
  const f = {
    list: Array.from({ length: count }, (_, i): Row => ({ id: (i + 1) * 10, name: "old" })),
    asked: [] as string[],
    load: async (after: string) => {
      f.asked.push(after);
      const rest = f.list.toSorted((a, b) => a.id - b.id).filter((r) => r.id > Number(after || 0));
      const rows = rest.slice(0, size);
      return { rows, next: rest.length > size ? String(rows.at(-1)!.id) : undefined };
    },
  };
  return f;
}
async function read(f: ReturnType<typeof far>, pages: number) {
  const p = new Pages<Row>(f.load, (r) => r.id);
  await p.again();
  for (let i = 1; i < pages; i++) await p.more();
  f.asked.length = 0;
  return p;
}
const ids = (p: Pages<Row>) => p.rows.map((r) => r.id);
const change = (f: ReturnType<typeof far>) => (f.list = f.list.map((r) => ({ ...r, name: "new" })));

test("a list is read page by page, to its end", async () => {
  const f = far(25);
  const p = await read(f, 3);
  assert.equal(p.rows.length, 25);
  assert.ok(p.whole);
  await p.more();
  assert.deepEqual(f.asked, []);
});

test("who is at the end while something else is read is read on to afterwards, without asking again", async () => {
  const f = far(100);
  const p = await read(f, 2);
  p.see(5, 20);
  const renewed = p.again();
  await p.more();
  await renewed;
  await new Promise((done) => setTimeout(done));
  assert.equal(p.rows.length, 30);
  const more = p.more();
  await p.again(); // what more reads is not taken
  await more;
  await new Promise((done) => setTimeout(done));
  assert.equal(p.rows.length, 40);
});

test("deep in a long list a change reads the first page and what is in sight, not the rest", async () => {
  const f = far(1000);
  const p = await read(f, 60);
  p.see(402, 408);
  change(f);
  await p.again();
  assert.deepEqual(f.asked, ["", "4000"]);
  assert.equal(p.rows.length, 600);
  assert.deepEqual(p.rows.filter((r) => r.name === "new").map((r) => r.id), [...ids(p).slice(0, 10), ...ids(p).slice(400, 410)]);
});

test("what was out of sight is read when somebody comes there, once", async () => {
  const f = far(1000);
  const p = await read(f, 60);
  p.see(402, 408);
  change(f);
  await p.again();
  f.asked.length = 0;
  p.see(201, 209);
  while (p.loading) await Promise.resolve();
  p.see(202, 208);
  assert.deepEqual(f.asked, ["2000"]);
  assert.equal(p.rows[205]!.name, "new");
});

test("what is new in front pushes a row to the next page, which is there when somebody looks", async () => {
  const f = far(50);
  const p = await read(f, 5);
  p.see(32, 38);
  f.list.push({ id: 5, name: "first" });
  await p.again();
  assert.equal(ids(p)[0], 5);
  assert.equal(new Set(ids(p)).size, p.rows.length);
  p.see(0, 50);
  while (p.loading) await Promise.resolve();
  assert.ok(!p.whole, "the last row of all is behind the pages that were read");
  await p.more();
  assert.deepEqual(ids(p), f.list.map((r) => r.id).toSorted((a, b) => a - b));
});

test("what is gone leaves no row twice, and a list that got shorter ends", async () => {
  const f = far(50);
  const p = await read(f, 5);
  p.see(0, 12);
  f.list = f.list.filter((r) => r.id !== 30);
  await p.again();
  assert.equal(new Set(ids(p)).size, p.rows.length);
  assert.ok(!ids(p).includes(30));
  f.list = f.list.slice(0, 4);
  await p.again();
  assert.deepEqual(ids(p), f.list.map((r) => r.id));
  assert.ok(p.whole);
});

test("a list that does not say what is in sight is read anew as a whole", async () => {
  const f = far(50);
  const p = await read(f, 5);
  change(f);
  await p.again();
  assert.equal(f.asked.length, 5);
  assert.ok(p.rows.every((r) => r.name === "new"));
});

test("a reading that fails leaves what is shown, says so, and is made up for", async () => {
  const f = far(50);
  let fails = false;
  const p = new Pages<Row>(async (after) => {
    if (fails) throw new Error("the relay is gone");
    return f.load(after);
  }, (r) => r.id);
  await p.again();
  fails = true;
  change(f);
  await p.again();
  assert.equal(p.problem, "the relay is gone");
  assert.equal(p.rows.length, 10);
  fails = false;
  p.see(0, 5);
  while (p.loading) await Promise.resolve();
  assert.equal(p.problem, "");
  assert.equal(p.rows[0]!.name, "new");
});
