// Ids that stand in a sentence, shortened by the bunker: "note1crl7as8…8wzngl".

const shortened = /((?:npub|note|nevent|naddr|nprofile)1[0-9a-z]+…[0-9a-z]+)/;
const whole = new RegExp(`^${shortened.source}$`);
const before = 9;
const after = 5;

/** isId says whether a text is one shortened id and nothing else. */
export const isId = (text: string): boolean => whole.test(text);

/** cap begins a sentence: with a capital, but where an id is its first word. */
export const cap = (s: string): string => (s.search(shortened) === 0 ? s : s.charAt(0).toUpperCase() + s.slice(1));

/** ids takes a sentence apart: words and ids in turn, beginning with words. Ids are as short as they are elsewhere in the page. */
export function ids(text: string): string[] {
  return text.split(shortened).map((part, i) => {
    if (i % 2 === 0) return part;
    const at = part.indexOf("…");
    return `${part.slice(0, Math.min(at, before))}…${part.slice(Math.max(at + 1, part.length - after))}`;
  });
}
