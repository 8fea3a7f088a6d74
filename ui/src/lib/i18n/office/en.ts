// The sentences of Admins and Settings. The same voice as everywhere: who, what, then what happens next.

import { admins, doors, motion, motions, quorum } from "./admins.en";
import { settings } from "./settings.en";

export const en = {
  signed: {
    will: "Your key is asked to sign just this.",
    cannot: "This needs the signature of your key, which this browser does not have. On the bunker's machine, type:",
    yourself: "A yes is a person's own: log in here with the key of your npub, or from another machine type this with that key.",
    command: "the command",
  },
  admins, doors, motion, motions, quorum, settings,
};

/** OfficeWords is what a translation must have, whole. */
export type OfficeWords = typeof en;
