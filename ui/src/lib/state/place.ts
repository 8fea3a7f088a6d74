// Where in the page the thing is done for which a sentence of the bunker names a command.

/** Place is a screen, by its name in the navigation, and the part of it. */
type Place = [screen: "settings" | "admins", rest: string[]];

const places = new Map<string, Place>([
  ["relay", ["settings", ["relays"]]],
  ["backup", ["settings", ["backup"]]],
  ["seal", ["settings", ["opening"]]],
  ["notify", ["settings", ["notices"]]],
  ["admin", ["admins", []]],
  ["device", ["admins", ["browsers"]]],
]);

/** place is the screen for "add one with: nsecbunker relay add wss://…"; null where there is none, or no command is named. */
export function place(sentence: string): Place | null {
  return places.get(/\bnsecbunker ([a-z]+)/.exec(sentence)?.[1] ?? "") ?? null;
}

/** here is a sentence without the command for which the page has a button beside it. */
export const here = (sentence: string) => sentence.replace(/; [^;]*\bnsecbunker relay add\b[^;]*$/, "");

/** toStop reports a sentence that only says that everything is stopped, and how that ends: over every screen stands so already. */
export const toStop = (sentence: string) => /\bnsecbunker stop end\b/.test(sentence);
