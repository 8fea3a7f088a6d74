import type { OfficeWords } from "./en";

const list = (names: string[]) => new Intl.ListFormat("de").format(names);

export const admins: OfficeWords["admins"] = {
  lead: "Wer mit diesem Bunker was tun darf, und von wo.",
  people: "Personen", browsers: "Browser", together: "Gemeinsam",
  add: "Admin hinzufügen", addLead: "Eine Person, bekannt durch ihren npub. Dafür gibt dir niemand einen geheimen Schlüssel.", you: "du", waits: "noch nicht", begins: "beginnt",
  partly: (role, names) => `Du bist hier als ${role} für ${list(names)}. Die Admins des ganzen Bunkers werden dir nicht gezeigt.`, nothingWaits: "Nichts wartet auf eine weitere Person.",
  none: "Noch ist keine Person Admin. Nur der Rechner selbst verwaltet den Bunker.",
  machine: "Der Rechner des Bunkers", machineShort: "der Rechner", machineHint: "Wer sein Terminal hat, ist immer Eigentümer. Kein npub, und keine Stimme, wo mehrere zustimmen müssen.",
  role: "Rolle", roleList: "Rollen", roles: { viewer: "Betrachter", approver: "Erlauber", operator: "Verwalter", owner: "Eigentümer" },
  may: {
    viewer: "Sieht alles, ändert nichts.",
    approver: "Beantwortet auch Fragen, hält Apps an, hält alles an.",
    operator: "Fügt auch Schlüssel hinzu, benennt und sperrt sie, gibt Links aus, schreibt Regelwerke.",
    owner: "Importiert, exportiert und löscht auch Schlüssel; Admins, Sicherungen, Relays; beendet ein Anhalten.",
  },
  scope: "Für", whole: "Den ganzen Bunker", some: "Einige Schlüssel", someHint: "Alles andere in diesem Bunker gibt es für diese Person nicht. Relays, Admins und das Anhalten bleiben außer Reichweite.",
  forWhole: "für den ganzen Bunker", forKeys: (names) => `nur für ${list(names)}`,
  addedBy: (who) => `Zum Admin gemacht von: ${who}.`, name: "Name", nameHint: "Wie diese Person hier heißt. Freiwillig.",
  edit: "Rolle ändern", save: "Rolle ändern", changed: (n) => `${n} hat die neue Rolle.`, remove: "Entfernen", removed: (n) => `${n} ist kein Admin mehr.`,
  removeTitle: (n) => `${n} entfernen?`, removeLoses: "Vom nächsten Befehl an darf diese Person hier nichts: Sitzungen enden, Browser werden nicht mehr eingelassen, offene Einladungen verfallen, und ein gegebenes Ja zählt nicht mehr.",
  removeMe: "Das bist du. Du wirst hier sofort abgemeldet, und nur ein anderer Eigentümer oder das Terminal des Rechners kann dich wieder einlassen.", removeTerminal: "Um diesen Admin zu entfernen, gib auf dem Rechner des Bunkers ein:",
  last: "Der letzte Eigentümer kann weder entfernt werden noch weniger bekommen. Ernenne erst einen anderen.", lessForMe: "Das bist du: danach kannst du dir nicht selbst wieder mehr geben.",
  way: "Wie", byNpub: "Mit npub", byLink: "Mit einem Link", npub: "npub der Person", npubHint: "Er steht in ihrem Profil.", npubBad: "Das ist kein npub. Er beginnt mit npub1 und hat 63 Zeichen.",
  npubSecret: "Das ist ein geheimer Schlüssel. Leere das Feld: ein npub genügt, und niemandes nsec gehört in deine Hände.",
  byLinkHint: "Wer den Link öffnet und sich mit einem Nostr-Schlüssel anmeldet, bekommt die Rolle, einmal. Den npub musst du nicht kennen.",
  known: (n, role) => `${n} ist schon hier, als ${role}. Dies gibt stattdessen eine andere Rolle.`, addGo: (role) => `Als ${role} hinzufügen`, added: (n) => `${n} ist jetzt Admin.`, theNew: "Die Person", noted: "Dein Ja ist notiert. Es wartet auf andere.",
  ownerWaits: "Ein weiterer Eigentümer wartet 24 Stunden, bevor die Rolle beginnt, damit die anderen es bemerken können.",
  inviteGo: "Einladung machen", inviteFor: "Annehmen kann man sie", inviteDone: "Schicke dies der Person", inviteOnce: "Es wird nur dieses eine Mal gezeigt und gilt einmal. Wer es hat, bekommt die Rolle.", inviteLink: "die Einladung", inviteQR: "QR-Code der Einladung",
  inviteHow: "Die Person öffnet diese App, fügt es als Verbindungszeile ein und meldet sich mit ihrem eigenen Schlüssel an. Ihr Browser wird dann einmal bestätigt: du siehst ihn unter „Browser“.", inviteEnds: "endet", inviteEndsIt: "Sie endet", inviteReady: "Fertig",
  spans: { "1d": "1 Tag", "7d": "7 Tage", "30d": "30 Tage", "90d": "90 Tage", "365d": "1 Jahr" },
  invites: "Einladungen", inviteStates: { open: "offen", accepted: "angenommen", revoked: "zurückgenommen", expired: "abgelaufen", void: "hinfällig" }, whoHasLink: "Wer den Link hat", invitedBy: (who) => `eingeladen von: ${who}`,
  uninvite: "Zurücknehmen", uninviteTitle: (n) => `Die Einladung für „${n}“ zurücknehmen?`, uninviteLoses: "Der Link öffnet nichts mehr. Wer kommen sollte, braucht einen neuen.", uninvited: "Die Einladung ist zurückgenommen.",
  noneOpen: "Keine Einladung ist offen.", fewer: "Weniger zeigen", pastOnes: (n) => `${n} vergangene`, moreRows: "Mehr zeigen",
  asking: "Jemand will eingelassen werden", askingLead: "Lass einen Browser nur ein, wenn er vor dir steht oder vor jemandem, der dir genau diese Ziffern jetzt sagt.", code: "Sechs Ziffern zum Vergleichen", turnAway: "Abweisen", letIn: "Einlassen",
  confirmed: (n) => `${n} ist eingelassen.`, refused: (n) => `${n} ist abgewiesen.`,
  live: "Browser, die kommen dürfen", noDevice: "Noch darf kein Browser von fern kommen.", pair: "Browser koppeln", thisOne: "dieser", mostly: (role) => `höchstens ${role}`, isPaired: "mit einem Link gekoppelt", lastLogin: "letzte Anmeldung", neverLogin: "nie angemeldet", comesUntil: "darf kommen bis",
  inNow: "angemeldet", endLogin: "Abmelden", thisPage: "diese Seite", ended: (n) => `${n} ist abgemeldet.`, revoke: "Widerrufen", revokeTitle: (n) => `${n} widerrufen?`, revokeLoses: "Seine Sitzungen enden sofort, und er wird nicht mehr eingelassen. Um zurückzukommen, muss er neu bestätigt oder gekoppelt werden.",
  revokeMe: "Das ist der Browser, den du gerade benutzt. Du wirst sofort abgemeldet, und er muss neu bestätigt oder gekoppelt werden.", revoked: (n) => `${n} ist widerrufen.`, devicesFoot: "Wie ein Browser sich nennt, ist sein eigenes Wort. Ein Browser gehört einer Person und darf nie mehr, als deren Rolle erlaubt.",
  pastDevices: (n) => `${n}, die nicht mehr kommen dürfen`, deviceStates: { revoked: "widerrufen", expired: "abgelaufen" },
  pairLead: "Für ein Telefon oder einen Browser ohne Nostr-Erweiterung. Er bekommt einen eigenen Schlüssel, der ihn nie verlässt.", pairLabel: "Wie er heißt", pairLabelHint: "Zum Beispiel: Anas Telefon", pairMost: "Was er höchstens darf", pairWhose: "Wem er gehört", pairNobody: "Dem Rechner selbst", pairFor: "Kommen darf er",
  pairNoSign: "Ein gekoppelter Browser kann gefährliche Befehle nicht unterschreiben: Exporte, Löschungen, Admins. Die bleiben bei einem Schlüssel.", pairGo: "Kopplungslink machen", pairOpen: "Öffne dies im anderen Browser. Es gilt einmal, zehn Minuten lang.", pairQR: "QR-Code des Kopplungslinks", pairLink: "den Kopplungslink", pairWaits: "Es wird gewartet",
  pairOver: "Die Zeit dieses Links ist vorbei, und kein Browser hat ihn benutzt: Er gilt nicht mehr.", pairAnother: "Neuen Link machen",
  pairSecret: "Nach dem, der ihn zuerst öffnet, wirst du gefragt, und du siehst sechs Ziffern. Niemand ist drin, bevor du sagst, dass sie gleich sind.", pairSame: "Zeigt er dieselben sechs Ziffern?", pairSameLead: (n) => `${n} hat den Link geöffnet. Sind die Ziffern andere, war es jemand anderes.`, pairYes: "Es sind dieselben", pairNo: "Nein, abweisen",
  waiting: (n) => (n === 1 ? "1 Vorhaben wartet auf eine weitere Person" : `${n} Vorhaben warten auf weitere Personen`), movedBy: (who) => `Verlangt von: ${who},`, voteEnds: "verfällt", have: (have, need) => `${have} von ${need} sagten Ja`, haveOf: (n) => `${n} sagten Ja`, countsNot: "Dieses Ja zählt nicht mehr: die Person hat jetzt eine andere Rolle.", exactly: "Genau das wird verlangt",
  sayYes: "Ja sagen", takeBack: "Mein Ja zurücknehmen", withdraw: "Zurückziehen", voteDone: "Das war das letzte Ja. Es ist geschehen.", voteWaits: "Dein Ja ist notiert. Es wartet auf andere.", voteBack: "Dein Ja ist zurückgenommen.", withdrawn: "Es ist zurückgezogen.",
};

export const doors: OfficeWords["doors"] = {
  title: "Andere Wege herein", open: "offen", until: "Er schließt sich selbst", opened: "Er ist offen.", shut: "Er ist geschlossen.", shutIt: "Wieder schließen", openIt: { script: "Skripte einlassen", legacy: "30 Tage öffnen" },
  script: "Skripte über HTTP", legacy: "Apps für den ersten nsecBunker",
  hints: { script: "Jede Anfrage ist vom npub unterschrieben. Gefährliche Befehle werden dort abgelehnt.", legacy: "Sie lesen, widerrufen und antworten mit dem npub allein, ohne bestätigten Browser. Öffne ihn nur für den Umzug." },
};

export const motions: OfficeWords["motions"] = {
  "admin.add": (a) => `${a.person} zum Admin machen: ${a.role}`,
  "admin.invite": (a) => `${a.person || "Jemanden"} einladen als ${a.role}`,
  "admin.remove": (a) => `Den Admin ${a.person} entfernen`,
  "admin.script": (a) => `Ändern, ob Skripte von ${a.person} kommen dürfen`,
  "admin.legacy": (a) => `Ändern, ob ${a.person} Apps für den ersten nsecBunker benutzen darf`,
  "key.export": (a) => `Den Schlüssel ${a.key} exportieren`,
  "key.delete": (a) => `Den Schlüssel ${a.key} löschen`,
  "policy.edit": () => "Ein Regelwerk erweitern",
  "policy.delete": () => "Ein Regelwerk löschen",
  "quorum.set": () => "Ändern, wie viele zustimmen müssen",
  "approval.answer": (a) => `Erlauben, was eine App von ${a.key || "einem Schlüssel"} verlangt`,
  leave: () => "Alle Schlüssel exportieren, um fortzugehen",
};
export const motion: OfficeWords["motion"] = (a) => `${a.command} ausführen${a.key ? ` mit ${a.key}` : ""}`;

export const quorum: OfficeWords["quorum"] = {
  title: "Wie viele es wollen müssen", lead: "Ein gestohlener Schlüssel oder ein schlechter Tag genügt dann nicht. Der erste Aufruf fragt; das letzte Ja führt es aus, binnen 72 Stunden.",
  acts: { export: "Einen Schlüssel exportieren", delete: "Einen Schlüssel löschen", policy: "Ein Regelwerk erweitern", admins: "Admins ändern" },
  hints: { export: "Er verlässt den Bunker für immer; niemand kann ihn zurückholen.", delete: "Nach 7 Tagen ist er vernichtet.", policy: "Apps darunter dürfen mehr als vorher.", admins: "Ernennen, einladen und entfernen; ohne dies kann ein Eigentümer allein Helfer ernennen, die dann zählen." },
  less: (act) => `${act}: weniger Personen`, more: (act) => `${act}: mehr Personen`,
  owners: (n) => (n === 1 ? "Es gibt 1 Eigentümer mit npub, also kann nichts zwei verlangen. Ernenne erst einen anderen." : `${n} Eigentümer mit npub zählen. Mehr kann niemand verlangen.`),
  hole: "Ein Eigentümer allein kann noch weitere ernennen, die dann zählen. Setze auch „Admins ändern“ so hoch.", old: (n) => `Diese Zahlen zu ändern braucht ${n} Personen, so viele wie die größte von ihnen jetzt.`, reset: "Wie es jetzt ist", save: "Zahlen ändern", saved: "Die Zahlen sind geändert.",
};
