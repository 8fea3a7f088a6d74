import { expect, test } from "vitest";
import { passphrase } from "./passphrase";

test("a passphrase that is made here can be read out, and no two are the same", () => {
  const made = new Set(Array.from({ length: 200 }, () => passphrase()));
  expect(made.size).toBe(200);
  for (const p of made) expect(p).toMatch(/^([a-hjkmnp-z2-9]{4}-){4}[a-hjkmnp-z2-9]{4}$/);
});

test("bytes that would make some letters likelier are thrown away", () => {
  let n = 0;
  const p = passphrase((b) => b.fill(n++ === 0 ? 255 : 0));
  expect(p).toBe("aaaa-aaaa-aaaa-aaaa-aaaa");
});
