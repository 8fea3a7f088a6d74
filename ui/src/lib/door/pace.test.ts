import { expect, test, vi } from "vitest";
import { Pace } from "./pace";

test("a flood of orders goes out in its order, few at once, and below what a bunker takes in a second", async () => {
  vi.useFakeTimers();
  const p = new Pace(() => Date.now());
  const gone: number[] = [];
  let running = 0;
  let most = 0;
  for (let i = 0; i < 400; i++) {
    void p.take().then(() => {
      gone.push(i);
      most = Math.max(most, ++running);
      setTimeout(() => {
        running--;
        p.done();
      }, 1);
    });
  }
  await vi.advanceTimersByTimeAsync(1000);
  const first = gone.length;
  await vi.advanceTimersByTimeAsync(1000);
  expect(most).toBeLessThanOrEqual(8); // MaxRunning
  expect(first).toBeLessThanOrEqual(200); // OrderBurst
  expect(gone.length - first).toBeLessThanOrEqual(50); // OrderRate
  await vi.advanceTimersByTimeAsync(10_000);
  expect(gone).toEqual(Array.from({ length: 400 }, (_, i) => i));
  vi.useRealTimers();
});

test("what somebody waits for goes before what rows show beside themselves, which all goes in the end", async () => {
  vi.useFakeTimers();
  const p = new Pace(() => Date.now());
  const gone: string[] = [];
  const order = (what: string, behind = false) =>
    void p.take(behind).then(() => {
      gone.push(what);
      setTimeout(() => p.done(), 1);
    });
  for (let i = 0; i < 300; i++) order(`row ${i}`, true);
  await vi.advanceTimersByTimeAsync(1000);
  const flown = gone.length;
  expect(flown).toBeLessThan(300);
  order("the next page");
  await vi.advanceTimersByTimeAsync(100);
  expect(gone.indexOf("the next page")).toBeLessThanOrEqual(flown + 1);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(gone.filter((w) => w !== "the next page")).toEqual(Array.from({ length: 300 }, (_, i) => `row ${i}`));
  vi.useRealTimers();
});
