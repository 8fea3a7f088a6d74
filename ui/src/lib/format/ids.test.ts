import { expect, test } from "vitest";
import { cap, ids, isId } from "./ids";

test("ids in a sentence stand by themselves, as short as elsewhere", () => {
  expect(ids("like note1crl7as8…8wzngl by npub1crl7as8…kypw3h as herald?")).toEqual(["like ", "note1crl7…wzngl", " by ", "npub1crl7…ypw3h", " as herald?"]);
  expect(ids("post a short note")).toEqual(["post a short note"]);
  expect(ids("… and npub1… too, note1…")).toEqual(["… and npub1… too, note1…"]);
  expect(ids("npub1a…b")).toEqual(["", "npub1a…b", ""]);
});

test("a sentence begins with a capital, but where an id is its first word", () => {
  expect(cap("like note1crl7as8…8wzngl")).toBe("Like note1crl7as8…8wzngl");
  expect(cap("note1crl7as8…8wzngl von npub1crl7as8…kypw3h mögen")).toBe("note1crl7as8…8wzngl von npub1crl7as8…kypw3h mögen");
  expect(cap("")).toBe("");
});

test("only a text that is one shortened id is one", () => {
  expect(isId("note1crl7as8…8wzngl")).toBe(true);
  expect(isId("note1crl7as8…8wzngl and more")).toBe(false);
  expect(isId("see note1crl7as8…8wzngl")).toBe(false);
});
