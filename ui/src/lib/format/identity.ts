import { sha256 } from "@noble/hashes/sha2.js";
import { utf8ToBytes } from "@noble/hashes/utils.js";

// The glyph and the strip of a key: the same on every screen and every device. They are an aid to the eye and no proof (about 22
// bits can be ground), so the bunker compares names, ends of npubs and glyphs as well, and says so in words.

const inks: readonly (readonly [string, string])[] = [
  ["#1f3b73", "#e6ecf8"], ["#0f5d57", "#dcf0ec"], ["#7a2e4d", "#f7e6ec"], ["#2e4057", "#e6ebf1"], ["#5b2a86", "#eee6f7"],
  ["#93391f", "#fae6de"], ["#31572c", "#e7efdb"], ["#0b5d86", "#dcecf5"], ["#63401f", "#f2e8dd"], ["#3a3a44", "#eaeaee"],
];
const accents = ["#f2b441", "#f4845f", "#66c2a5", "#8fcbe6", "#e85d75", "#c3a6ea", "#b7cf54", "#f29e4c", "#e79bc0"] as const;

const tiles: readonly ((x: number, y: number) => string)[] = [
  (x, y) => `M${x} ${y}h8a8 8 0 0 1-8 8z`,
  (x, y) => `M${x} ${y}h8v8a8 8 0 0 1-8-8z`,
  (x, y) => `M${x + 8} ${y}v8h-8a8 8 0 0 1 8-8z`,
  (x, y) => `M${x} ${y}a8 8 0 0 1 8 8h-8z`,
  (x, y) => `M${x + 4} ${y}a4 4 0 1 1 0 8a4 4 0 1 1 0-8z`,
  (x, y) => `M${x} ${y}h8l-8 8z`,
  (x, y) => `M${x} ${y + 4}h8v4h-8z`,
  (x, y) => `M${x} ${y}h4v8h-4z`,
];
const places: readonly (readonly [number, number])[] = [[0, 0], [8, 0], [0, 8], [8, 8]];

const hash = (role: string, npub: string) => sha256(utf8ToBytes(role + npub));
const at = <T>(list: readonly T[], n: number): T => list[n % list.length] as T;

/** The colours of a key: ink, accent, ground. */
export interface Colours {
  ink: string;
  accent: string;
  ground: string;
}

function colours(h: Uint8Array): Colours {
  const [ink, ground] = at(inks, h[0]!);
  return { ink, accent: at(accents, h[6]!), ground };
}

/** A glyph as paths in a box of 16 by 16. */
export interface Glyph extends Colours {
  plain: string;
  hot: string;
}

/** glyph draws the glyph of an npub. */
export function glyph(npub: string): Glyph {
  const h = hash("glyph", npub);
  const marked = 1 + (h[1]! % 14);
  let plain = "";
  let hot = "";
  places.forEach(([x, y], i) => {
    const d = at(tiles, h[i + 2]! & 7)(x, y);
    if ((marked >> i) & 1) hot += d;
    else plain += d;
  });
  return { ...colours(h), plain, hot };
}

/** A strip as four waves that repeat after width; the last one is in the accent. */
export interface Strip extends Colours {
  width: number;
  waves: string[];
}

/** strip draws the engraving at the head of every sheet that a key would sign. */
export function strip(npub: string): Strip {
  const h = hash("strip", npub);
  const width = 28 + (h[1]! % 5) * 8;
  const q = width / 4;
  const f = (n: number) => n.toFixed(1);
  const waves = [0, 1, 2, 3].map((i) => {
    const c = (i % 2 ? 1 : -1) * (2.4 + (h[i + 2]! % 34) / 10) * 1.33;
    const wave = `c${f(q)} ${f(-c)} ${f(q)} ${f(-c)} ${f(2 * q)} 0s${f(q)} ${f(c)} ${f(2 * q)} 0`;
    return `M${f(-width + (i * width) / 7)} 7${wave}${wave}`;
  });
  return { ...colours(hash("glyph", npub)), width, waves };
}
