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
