import { admins, doors, motion, motions, quorum } from "./admins.de";
import type { OfficeWords } from "./en";
import { settings } from "./settings.de";

export const de: OfficeWords = {
  signed: {
    will: "Dein Schlüssel wird gebeten, genau dies zu unterschreiben.",
    cannot: "Dafür braucht es die Unterschrift deines Schlüssels, den dieser Browser nicht hat. Gib auf dem Rechner des Bunkers ein:",
    yourself: "Ein Ja gibt jede Person selbst: melde dich hier mit dem Schlüssel deines npub an, oder gib dies mit diesem Schlüssel auf einem anderen Rechner ein.",
    command: "den Befehl",
  },
  admins, doors, motion, motions, quorum, settings,
};
