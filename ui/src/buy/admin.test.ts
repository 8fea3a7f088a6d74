import { describe, expect, it } from "vitest";
import { readAdmin } from "./admin";
import { secretIn, newSecret } from "./secret";

const npub = "npub180cvv07tjdrrgpa0j7j7tmnyl2yr6yr7l8j4s3evf6u64th6gkwsyjh6w6";
const hex = "3bf0c63fcb93463407af97a5e5ee64fa883d107ef9e558472c4eb9aaaefa459d";

describe("admins of an order", () => {
  it("are npubs, or what an extension gives", () => {
    expect(readAdmin(` ${npub}\n`, [], 10)).toEqual({ npub });
    expect(readAdmin(hex, [], 10)).toEqual({ npub });
    expect(readAdmin(`nostr:${npub}`, [], 10)).toEqual({ npub });
  });

  it("are refused with the reason", () => {
    expect(readAdmin("npub1nonsense", [], 10)).toEqual({ npub: null, why: "bad" });
    expect(readAdmin("x".repeat(10_000), [], 10)).toEqual({ npub: null, why: "bad" });
    expect(readAdmin("nsec1vl029mgpspedva04g90vltkh6fvh240zqtv9k0t9af8935ke9laqsnlfe5", [], 10)).toEqual({ npub: null, why: "nsec" });
    expect(readAdmin(npub, [npub], 10)).toEqual({ npub: null, why: "twice" });
    expect(readAdmin(npub, ["a", "b"], 2)).toEqual({ npub: null, why: "full" });
  });
});

describe("an order's secret", () => {
  it("is 256 bits, and is read from the address alone when it is whole", () => {
    const s = newSecret();
    expect(s).toMatch(/^[0-9a-f]{64}$/);
    expect(newSecret()).not.toBe(s);
    expect(secretIn(`#order=${s}`)).toBe(s);
    for (const bad of ["", "#", `#order=${s.slice(1)}`, `#order=${s}0`, `#order=${s.toUpperCase()}x`, `#${s}`]) expect(secretIn(bad)).toBeNull();
  });
});
