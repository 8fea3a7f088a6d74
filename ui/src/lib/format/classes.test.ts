import { expect, test } from "vitest";

const sources = import.meta.glob<string>(["../../**/*.svelte"], { query: "?raw", import: "default", eager: true });
/** Utilities of Tailwind that move or hide what wears them. A class of ours of the same name would do so unseen. */
const moving = ["fixed", "absolute", "sticky", "static", "hidden", "invisible", "collapse", "contents", "flex", "block", "inline", "table", "container", "truncate", "isolate", "outline", "ring", "blur", "filter", "resize", "transition", "shadow"];

test("no class of a component is called as a utility that moves or hides", () => {
  expect(Object.keys(sources).length).toBeGreaterThan(80);
  const found = Object.entries(sources).flatMap(([file, text]) => {
    const worn = [...text.matchAll(/class=("[^"]*"|\{\[[^\]]*\]\})/g)].flatMap((m) => [...m[1]!.matchAll(/"([^"]*)"/g)].flatMap((x) => x[1]!.split(/\s+/)));
    return worn.filter((c) => moving.includes(c)).map((c) => `${file}: ${c}`);
  });
  expect(found).toEqual([]);
});

/** Classes by which base.css places the parts of the shell, and who wears them. */
const places: Record<string, string> = { top: "Shell", shell: "Shell", rail: "Rail", tabs: "Rail", desk: "Approvals", queue: "Approvals", answer: "Answers", drawer: "Why", veil: "Dialog", path: "Why" };

test("no component calls a part of its own as a part of the shell is called: on a phone it would be placed there", () => {
  const found = Object.entries(sources).flatMap(([file, text]) => {
    const own = /<style>([\s\S]*)<\/style>/.exec(text)?.[1] ?? "";
    return Object.entries(places).filter(([c, of]) => !file.endsWith(`/${of}.svelte`) && new RegExp(`(^|[\\n}{])\\s*\\.${c} \\{`).test(own)).map(([c]) => `${file}: ${c}`);
  });
  expect(found).toEqual([]);
});
