import { expect, test } from "vitest";
import { parseConnectionString } from "./connection";
import { near } from "./served";

const b = "a".repeat(64);
const at = (url: string) => new URL(url);
const read = (relays: string[]) => parseConnectionString(`bunker-admin://${b}?${relays.map((r) => `relay=${encodeURIComponent(r)}`).join("&")}`);
const text = `bunker-admin://${b}?relay=wss%3A%2F%2Frelay.example`;

test("a page that the bunker serves on its own machine reaches it without anybody's relay", () => {
  expect(near(read(["wss://relay.example"]), text, at("http://127.0.0.1:4848/admin/")).relays).toEqual(["ws://127.0.0.1:4848", "wss://relay.example"]);
});

test("the same relay by another name is not connected twice", () => {
  expect(near(read(["ws://127.0.0.1:4848"]), text, at("http://localhost:4848/admin/")).relays).toEqual(["ws://localhost:4848"]);
});

test("no relay is guessed under a public name, for another bunker, or where no bunker serves the page", () => {
  for (const [t, url] of [[text, "https://bunker.example/admin/"], [text.replace(/a{64}/, "b".repeat(64)), "http://127.0.0.1:4848/admin/"], ["", "http://127.0.0.1:4848/admin/"]] as const) {
    expect(near(read(["wss://relay.example"]), t, at(url)).relays).toEqual(["wss://relay.example"]);
  }
});
