import { expect, test } from "vitest";
import { parseBunkerLink } from "./another";

const key = "ab".repeat(32);

test("a bunker:// link is read, with its relays and its secret", () => {
  expect(parseBunkerLink(` bunker://${key}?relay=wss%3A%2F%2Fa.example&relay=ws://127.0.0.1:1&relay=ftp://x&secret=s1 `)).toEqual({ pubkey: key, relays: ["wss://a.example", "ws://127.0.0.1:1"], secret: "s1" });
  expect(parseBunkerLink(`bunker://${key.toUpperCase()}?relay=wss://a.example`)).toEqual({ pubkey: key, relays: ["wss://a.example"], secret: "" });
});

test("what is no such link is none", () => {
  for (const s of ["", "bunker://", `bunker://${key}`, `bunker://${key}?secret=s`, `bunker://${key}?relay=https://a.example`, `bunker://${key.slice(1)}?relay=wss://a`, `bunker-admin://${key}?relay=wss://a`, "ana@example.com", `bunker://${key}?relay=wss://${"a".repeat(9000)}`]) expect(parseBunkerLink(s)).toBeNull();
});
