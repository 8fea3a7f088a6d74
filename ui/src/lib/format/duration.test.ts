import { expect, test } from "vitest";
import { lasting, seconds } from "./duration";

test("a duration is read as the bunker writes it and as people type it", () => {
  expect(seconds("24h0m0s")).toBe(86_400);
  expect(seconds("1m30s")).toBe(90);
  expect(seconds("7d")).toBe(7 * 86_400);
  expect(seconds("2w")).toBe(14 * 86_400);
  for (const bad of ["", "soon", "-5m", "5", "5m later"]) expect(seconds(bad), bad).toBeNaN();
});

test("a duration is said in the largest unit that it is whole in", () => {
  expect(lasting("24h0m0s", "en")).toBe("1 day");
  expect(lasting("168h0m0s", "en")).toBe("7 days");
  expect(lasting("336h0m0s", "en")).toBe("2 weeks");
  expect(lasting("5m0s", "en")).toBe("5 minutes");
  expect(lasting("1m30s", "en")).toBe("90 seconds");
  expect(lasting("72h0m0s", "de")).toBe("3 Tage");
  expect(lasting("whenever", "en")).toBe("whenever");
});
