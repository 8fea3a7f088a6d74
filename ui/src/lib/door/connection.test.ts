import assert from "node:assert/strict";
import { test } from "vitest";
import { Misread, parseConnectionString, writeConnectionString } from "./connection";

const key = "7e7e9c42a91bfef19fa929e5fda1b72e0ebc1a4c1141673e2794234d86addf4e";

test("a connection string is read and written", () => {
  const s = `bunker-admin://${key}?relay=wss%3A%2F%2Frelay.example.com&relay=ws%3A%2F%2F127.0.0.1%3A7777`;
  const c = parseConnectionString(` ${s}\n`);
  assert.deepEqual(c, { bunker: key, relays: ["wss://relay.example.com", "ws://127.0.0.1:7777"], pairing: null, invite: null });
  assert.equal(writeConnectionString(c), s);
});

test("a pairing link holds its secret, which is not written again", () => {
  const c = parseConnectionString(`bunker-admin://${key}?relay=wss%3A%2F%2Fr.example#pair=${"A".repeat(43)}`);
  assert.equal(c.pairing?.length, 32);
  assert.ok(!writeConnectionString(c).includes("pair"));
});

test("the first nsecBunker's form is read", () => {
  const npub = "npub10elfcs4fr0l0r8af98jlmgdh9c8tcxjvz9qkw038js35mp4dma8qzvjptg";
  assert.deepEqual(parseConnectionString(`bunker://${npub}@wss://relay.example.com;relay2.example.com`).relays, ["wss://relay.example.com", "wss://relay2.example.com"]);
});

test("the link that a terminal or a page shows is read as the string in it", () => {
  const string = `bunker-admin://${key}?relay=wss%3A%2F%2Fr.example#pair=${"A".repeat(43)}`;
  assert.deepEqual(parseConnectionString(`http://127.0.0.1:4848/admin/#/login?at=${encodeURIComponent(string)}`), parseConnectionString(string));
  for (const bad of ["%", "%E0%A4%A", "hello"]) assert.throws(() => parseConnectionString(`https://b.example/admin/#/login?at=${bad}`), Misread);
});

test("each other string is told by what it is", () => {
  for (const [text, reason] of [
    ["", "empty"], [`bunker://${key}?relay=wss://r.example&secret=x`, "bunker"], [`nostrconnect://${key}?relay=wss://r.example`, "nostrconnect"],
    ["nsec1xyz", "nsec"], ["npub1xyz", "npub"], [`bunker-admin://${key}`, "norelay"], ["bunker-admin://12?relay=wss://r.example", "damaged"],
    [`bunker-admin://${key}?relay=https://r.example`, "norelay"], [`bunker-admin://${key}?relay=wss://r.example#pair=x`, "damaged"], ["hello", "damaged"],
  ] as const) {
    assert.throws(() => parseConnectionString(text), (e) => e instanceof Misread && e.reason === reason, text);
  }
});
