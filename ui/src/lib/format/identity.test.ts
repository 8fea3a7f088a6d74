import assert from "node:assert/strict";
import { test } from "vitest";
import { glyph, strip } from "./identity.ts";

const npub = "npub10elfcs4fr0l0r8af98jlmgdh9c8tcxjvz9qkw038js35mp4dma8qzvjptg";

test("a key looks the same on every screen", () => {
  assert.deepEqual(glyph(npub), glyph(npub));
  assert.deepEqual(strip(npub), strip(npub));
});

test("glyph and strip of a key share their colours", () => {
  const { ink, accent, ground } = glyph(npub);
  const s = strip(npub);
  assert.deepEqual([s.ink, s.accent, s.ground], [ink, accent, ground]);
});

test("every glyph has both a plain and a marked tile", () => {
  for (let i = 0; i < 500; i++) {
    const g = glyph(npub + i);
    assert.ok(g.plain.length > 0 && g.hot.length > 0);
    assert.match(g.plain + g.hot, /^[M0-9a-z .-]+$/i, "a path and nothing else");
  }
});
