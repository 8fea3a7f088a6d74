import { expect, test } from "vitest";
import { changes, relayChanges, type Values } from "./profile";

const empty: Values = { name: "", display_name: "", about: "", picture: "", banner: "", website: "", nip05: "", lud16: "" };

test("only what is typed otherwise is a change, without the spaces around it", () => {
  const was = { ...empty, name: "ann", about: " kept as it was ", lud16: "a@example.com" };
  expect(changes(was, was)).toEqual([]);
  expect(changes(was, { ...was, name: " ann ", website: " https://example.com ", lud16: "" })).toEqual([
    { field: "website", was: "", is: "https://example.com" },
    { field: "lud16", was: "a@example.com", is: "" },
  ]);
});

test("a list of relays is compared relay by relay", () => {
  const was = [{ url: "wss://a", read: true, write: true }, { url: "wss://b", read: true }, { url: "wss://c", write: true }];
  const now = [{ url: "wss://a", read: true, write: true }, { url: "wss://c", read: true, write: true }, { url: "wss://d", write: true }];
  expect(relayChanges(was, now)).toEqual({ lost: [was[1]], added: [now[2]], changed: [now[1]], stay: 1 });
});
