import { expect, test } from "vitest";
import { due } from "./remind";

const now = new Date("2026-11-29T12:00:00Z");
const status = (state: string, known?: string) => ({ state, passphrase_known: known }) as Parameters<typeof due>[0];

test("an owner is asked once a month, and whoever said later is left in peace until then", () => {
  expect(due(status("unsealed", "2026-10-29T12:00:00Z"), true, 0, now)).toBe(true);
  expect(due(status("unsealed", "2026-11-01T12:00:00Z"), true, 0, now)).toBe(false);
  expect(due(status("unsealed"), true, 0, now), "never given as far as is known").toBe(true);
  expect(due(status("unsealed"), true, now.getTime() + 1, now)).toBe(false);
});

test("nobody is asked who could do nothing about it", () => {
  expect(due(status("unsealed"), false, 0, now)).toBe(false);
  expect(due(status("sealed"), true, 0, now)).toBe(false);
  expect(due(null, true, 0, now)).toBe(false);
});
