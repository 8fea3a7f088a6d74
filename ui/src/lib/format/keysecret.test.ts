import { describe, expect, it } from "vitest";
import { formOf, oneLine, whole, wordsIn } from "./keysecret";

describe("formOf", () => {
  it.each([
    ["", ""], ["  ", ""],
    ["nsec1vl029mgpspedva04g90vltkh6fvh240zqtv9k0t9af8935ke9laqsnlfe5", "nsec"],
    [" NCRYPTSEC1QGG9947 ", "ncryptsec"], ["npub1abc", "npub"],
    ["leader monkey parrot", "words"], ["leader\nmonkey", "words"],
    ["f".repeat(64), "hex"], ["f".repeat(63), ""], ["f".repeat(65), "other"],
    ["lead", ""], ["ncryptsec", ""], ["bunker://f", "other"], ["nevent1qq", "other"],
  ])("%j is %j", (text, form) => expect(formOf(text)).toBe(form));
});

it("counts words, however they are apart", () => {
  expect(wordsIn(" a  b\nc ")).toBe(3);
  expect(wordsIn("")).toBe(0);
  expect([11, 12, 13, 15, 18, 21, 24, 27].filter(whole)).toEqual([12, 15, 18, 21, 24]);
});

it("keeps words apart that were one a line", () => expect(oneLine("leader\r\nmonkey\n parrot \n")).toBe("leader monkey parrot"));
