import type { Words } from "./en";

export const de: Words = {
  mark: { allow: "erlaubt", ask: "gefragt", deny: "abgelehnt", you: "von einem Admin" },
  showAll: "Alles zeigen",
  showLess: "Weniger zeigen",
  copied: "Kopiert",
  copyOf: (what) => `${what} kopieren`,
  kind: (n) => `Art ${n}`,
  signsAs: "unterschreibt",
  sheetOf: (what, key) => `${what}, zu unterschreiben von ${key}`,
  skip: "Zum Inhalt",
  nav: {
    main: "Hauptmenü", home: "Start", approvals: "Fragen", keys: "Schlüssel", connections: "Verbindungen", tokens: "Zugangslinks",
    policies: "Regelwerke", activity: "Verlauf", admins: "Admins", settings: "Einstellungen", more: "Mehr",
    waiting: (n) => (n === 1 ? "1 wartet" : `${n} warten`),
  },
  stopEverything: "Alles anhalten",
};
