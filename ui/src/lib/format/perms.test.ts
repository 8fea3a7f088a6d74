import { expect, test } from "vitest";
import { de } from "../i18n/de";
import { en } from "../i18n/en";
import { canOf, said, sets, split } from "./perms";

test("a permission is said in words, also one that nobody has words for", () => {
  expect(canOf("sign_event:1", en.connections)).toBe("post notes");
  expect(canOf("sign_event:31234", en.connections)).toContain("31234");
  expect(canOf("constructor", en.connections)).toContain("constructor");
  expect(canOf("sign_event:toString", en.connections)).toContain("toString");
});

test("a list of permissions is read with its spaces, and says nothing twice", () => {
  expect(split(" sign_event:1, ,nip44_encrypt,sign_event:1 ")).toEqual(["sign_event:1", "nip44_encrypt"]);
  expect(said("sign_event:6,sign_event:16", en.connections)).toEqual(["repost"]);
  expect(split(undefined)).toEqual([]);
});

test("what can be chosen has words in every language", () => {
  for (const words of [en, de]) for (const perm of Object.values(sets).flat()) expect(canOf(perm, words.connections)).not.toContain("_");
});
