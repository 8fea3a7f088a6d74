import { expect, test } from "vitest";
import { NoticeCount } from "./notices";

test("a notice that was overtaken by the next one still counts, once", () => {
  const c = new NoticeCount();
  expect(c.take(2)).toBe(true);
  expect(c.take(1)).toBe(false);
  expect(c.take(1)).toBe(null);
  expect(c.take(2)).toBe(null);
  expect(c.take(3)).toBe(false);
  expect(c.highest).toBe(3);
});

test("what is no number of a notice is none, and a great leap keeps the memory small", () => {
  const c = new NoticeCount();
  for (const n of [0, -1, 1.5, NaN]) expect(c.take(n)).toBe(null);
  expect(c.take(10_000_000)).toBe(true);
  expect(c.take(9_999_999)).toBe(false);
  expect(c.take(1)).toBe(null);
});
