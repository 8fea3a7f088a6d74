import { expect, test } from "vitest";
import { here, place, toStop } from "./place";

test("a sentence that names a command leads to where the page does it", () => {
  expect(place("works on this machine only: no relay is set that apps elsewhere could reach; add one with: nsecbunker relay add wss://…")).toEqual(["settings", ["relays"]]);
  expect(place("the last backup is older than a month: nsecbunker backup create")).toEqual(["settings", ["backup"]]);
  expect(place("the clock is behind")).toBeNull();
  expect(place("nsecbunker constructor")).toBeNull();
  expect(toStop("the bunker is stopped: nothing is signed until an owner ends it with: nsecbunker stop end")).toBe(true);
  expect(toStop("nsecbunker stop")).toBe(false);
});

test("beside the button that does it no command is named; a command that only the terminal has stays", () => {
  expect(here("works on this machine only: no relay is set that apps elsewhere could reach; add one with: nsecbunker relay add wss://…")).toBe("works on this machine only: no relay is set that apps elsewhere could reach");
  expect(here("there is no backup; make one with: nsecbunker backup create FILE")).toBe("there is no backup; make one with: nsecbunker backup create FILE");
});
