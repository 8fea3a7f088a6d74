// Once a month an owner is asked whether the passphrase is still known: typed once a year, it is forgotten, and with it every key.

import type { Commands } from "../api/commands";

type Status = Commands["status"]["result"];

const day = 86_400_000;
/** How long a passphrase that was given counts as known. */
export const knownFor = 30 * day;
/** How long "later" is. */
export const laterFor = day;

const place = (bunker: string) => `nsecbunker.later.${bunker}`;

/** due reports whether to ask now. Only who can do something about it is asked, and only while there is still something to do: an open bunker takes a new passphrase. */
export function due(status: Status | null, owner: boolean, later: number, now: Date): boolean {
  if (!owner || !status || (status.state !== "unsealed" && status.state !== "stopped")) return false;
  if (later > now.getTime()) return false;
  const known = status.passphrase_known ? Date.parse(status.passphrase_known) : 0;
  return now.getTime() - known >= knownFor;
}

/** later is until when nobody is asked in this browser. */
export const later = (bunker: string): number => Number(localStorage.getItem(place(bunker))) || 0;

export function askLater(bunker: string, now: Date) {
  localStorage.setItem(place(bunker), String(now.getTime() + laterFor));
}
