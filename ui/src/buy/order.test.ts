import assert from "node:assert/strict";
import { beforeEach, test, vi } from "vitest";
import { Refused } from "../lib/door/door";

const page = vi.hoisted(() => ({ kept: "", sent: [] as string[], answer: (async () => {}) as (secret: string) => Promise<unknown> }));
vi.mock("./secret", () => ({
  known: () => page.kept || null, keep: (s: string) => (page.kept = s), forget: () => (page.kept = ""), newSecret: () => `secret ${page.sent.length}`,
}));
vi.mock("./api", () => ({ unknown: "error", ask: (_: string, p: { secret: string }) => (page.sent.push(p.secret), page.answer(p.secret)) }));
const { shop } = await import("./order.svelte.ts");
const buy = () => shop.buy("bunker", ["npub"], 1);
beforeEach(() => {
  shop.leave();
  page.sent.length = 0;
});

test("an order is kept before it is sent: where the answer is lost, the page finds it again, and what is sent again is the same order", async () => {
  page.answer = async (secret) => {
    assert.equal(page.kept, secret, "it is kept when it is sent");
    throw new TypeError("Failed to fetch");
  };
  await assert.rejects(buy());
  assert.equal(page.kept, "secret 0");
  page.answer = async () => Promise.reject(new Refused("error", ""));
  await assert.rejects(buy());
  assert.deepEqual(page.sent, ["secret 0", "secret 0"], "nobody knows whether it was taken");
  assert.equal(page.kept, "secret 0");
});

test("what the provider refused is no order, and is not looked for again", async () => {
  page.answer = async () => Promise.reject(new Refused("invalid", "that npub is not one", "", "admins"));
  await assert.rejects(buy());
  assert.equal(page.kept, "");
  page.answer = async () => ({ state: "made", version: 1 });
  await buy();
  assert.deepEqual(page.sent, ["secret 0", "secret 1"]);
});
