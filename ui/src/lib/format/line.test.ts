import { expect, test } from "vitest";
import { line } from "./line";

test("a command is one that a shell reads as it was meant", () => {
  expect(line(["admin", "remove", "npub1xyz"])).toBe("nsecbunker admin remove npub1xyz");
  expect(line(["admin", "invite"], { role: "viewer", name: "Ana's $(rm)", keys: "a,b", npub: "" })).toBe("nsecbunker admin invite --role viewer --name 'Ana'\\''s $(rm)' --keys a,b");
});
