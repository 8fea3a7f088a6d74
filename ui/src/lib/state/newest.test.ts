import assert from "node:assert/strict";
import { test } from "vitest";
import { Newest } from "./newest.ts";

/** held are answers that come when the test says so. */
function held() {
  const answers: { done: (v: string) => void; fail: (e: Error) => void }[] = [];
  return { answers, ask: () => new Promise<string>((done, fail) => answers.push({ done, fail })) };
}

test("an answer that was overtaken says what the newer one said", async () => {
  const newest = new Newest();
  const { answers, ask } = held();
  const first = newest.of("status", ask);
  const second = newest.of("status", ask);
  const third = newest.of("status", ask);
  answers[1]!.done("open");
  assert.equal(await second, "open");
  answers[0]!.done("sealed");
  assert.equal(await first, "open");
  answers[2]!.done("stopped");
  assert.equal(await third, "stopped");
});

test("in their order, and about something else, answers are what they are", async () => {
  const newest = new Newest();
  const { answers, ask } = held();
  const [one, other, two] = [newest.of("a", ask), newest.of("b", ask), newest.of("a", ask)];
  answers[1]!.done("b");
  answers[0]!.done("a1");
  answers[2]!.done("a2");
  assert.deepEqual(await Promise.all([one, other, two]), ["a1", "b", "a2"]);
});

test("a failure is its own, and nothing is kept of what nobody waits for", async () => {
  const newest = new Newest();
  const { answers, ask } = held();
  const [one, two] = [newest.of("a", ask), newest.of("a", ask)];
  answers[1]!.done("two");
  await two;
  answers[0]!.fail(new Error("refused"));
  await assert.rejects(one, /refused/);
  const later = newest.of("a", ask);
  answers[2]!.done("three");
  assert.equal(await later, "three");
});
