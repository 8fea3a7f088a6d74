import type { KeyWords } from "./en";

export const de: KeyWords = {
  npub: {
    title: "Anmeldung mit dem bloßen npub", label: "Apps dürfen mit dem bloßen npub fragen",
    lead: "Manche älteren Apps haben kein Feld für einen Link: Sie kennen nur einen npub, oder npub#token.",
    weaker: "Das ist schwächer: Relays sehen, dass die Apps des Kontos zusammengehören, jeder, der den npub kennt, kann dir eine Frage stellen, solange der Schlüssel gesperrt ist, wird nichts gehört, und manches wird abgelehnt.",
    better: "Nimmt die App einen bunker://-Link, mache lieber einen.", make: "Link machen",
    is: { on: "An. Eine App, die niemand kennt, wartet unter Fragen auf deine Antwort.", off: "Aus. Dieser npub allein führt nirgends hin." },
    turned: { on: (name) => `Apps dürfen ${name} mit dem bloßen npub fragen.`, off: (name) => `Der npub von ${name} allein führt nirgends mehr hin.` },
    give: "Was in die App gehört", relays: "Sie muss eines dieser Relays erreichen:", way: "Nur ein npub",
  },
  expect: {
    title: "Eine Anmeldung erwarten", lead: "Zehn Minuten lang darf eine App um Einlass bitten, mit einem Link ohne Geheimnis: Wer ihn hat, kann dir eine Frage stellen und sonst nichts. Du beantwortest sie unter Fragen.",
    go: "Anmeldung erwarten", busy: "Wird geöffnet …", until: "Erwartet bis", link: "Link ohne Geheimnis", qr: "QR-Code des Links ohne Geheimnis",
  },
  bring: {
    form: { nsec: "Ein nsec: der Schlüssel selbst, lesbar für jeden, der ihn sieht.", hex: "64 Hexziffern: der Schlüssel selbst, lesbar für jeden, der ihn sieht.", ncryptsec: "Ein ncryptsec: Er braucht sein Passwort.", npub: "Das ist ein öffentlicher Schlüssel (npub). Gebraucht wird der geheime.", other: "Das ist weder ein nsec noch ein ncryptsec, weder Wörter noch 64 Hexziffern." },
    words: (n) => `${n} Wörter.`, count: (n) => `Bisher ${n} Wörter; es müssen 12, 15, 18, 21 oder 24 sein.`,
    password: "Passwort des ncryptsec", passwordHint: "Das, mit dem er verschlossen wurde.",
    phrase: "Passphrase der Wörter (freiwillig)", phraseHint: "Nur, wenn du zu den Wörtern eine gewählt hast. Eine andere Passphrase ist ein anderer Schlüssel und kein Fehler.",
    account: "Kontonummer", accountHint: "0, außer du hast aus diesen Wörtern mehrere Schlüssel gemacht.",
  },
  own: {
    title: "Eine eigene Passphrase",
    is: { on: "Er hat eine: Nach jedem Neustart bleibt er gesperrt, bis jemand sie eingibt.", off: "Er hat keine: Er öffnet sich zusammen mit dem Bunker." },
    now: "Passphrase, die er jetzt hat", next: "Neue Passphrase", nextHint: "Mindestens 12 Zeichen. Niemand kann sie wiederherstellen.", again: "Neue Passphrase noch einmal", differ: "Die beiden sind verschieden.",
    set: "Setzen", change: "Ändern", remove: "Wegnehmen", done: "Die Passphrase ist gesetzt.", removed: "Der Schlüssel öffnet sich von jetzt an zusammen mit dem Bunker.", busy: "Der Schlüssel wird verschlossen …", cancel: "Abbrechen",
  },
  kit: {
    title: "Rettungsblatt", make: "Rettungsblatt machen",
    why: "Ein Blatt Papier mit dem Schlüssel darauf, verschlossen mit einem Passwort. Es bringt das Konto zurück, wenn dieser Bunker und seine Sicherungen verloren sind.",
    fresh: "Dieser Schlüssel ist neu hier. Bevor du dich auf ihn verlässt, bring ihn zu Papier.",
    never: "Dieser Schlüssel kann den Bunker nie verlassen, also gibt es kein Rettungsblatt von ihm. Sichere den Bunker selbst.",
    password: "Passwort des Blattes", passwordHint: "Mindestens 12 Zeichen. Es wird nicht gedruckt: Ohne es ist das Blatt wertlos, für einen Dieb und für dich.",
    again: "Passwort noch einmal", differ: "Die beiden sind verschieden.", invent: "Eines ausdenken", show: "Zeigen, was getippt ist",
    go: "Blatt machen", busy: "Der Schlüssel wird verschlossen …", foot: "Das führt den Schlüssel aus; es braucht also deine Unterschrift und steht dann im Verlauf.",
    lead: "Drucke es, und schreib das Passwort woanders auf.", print: "Drucken", done: "Fertig",
    sheet: "Rettungsblatt eines Nostr-Schlüssels", name: "Name", npub: "npub (öffentlich)", made: "Gemacht am", closed: "Der Schlüssel, verschlossen mit dem Passwort (ncryptsec, NIP-49)", qr: "QR-Code des ncryptsec",
    todo: "Was damit zu tun ist",
    steps: [
      "Bewahre dieses Blatt auf, wo Papier sicher ist. Bewahre das Passwort an einem anderen Ort auf, nie auf diesem Blatt.",
      "Um das Konto zurückzuholen: Wähle in einem Bunker „Schlüssel hinzufügen“, „Eigenen bringen“, und gib den Text ein, der mit ncryptsec1 beginnt, dann das Passwort.",
      "Auch jede App, die NIP-49 kennt, kann es öffnen. Nimm lieber einen Bunker: Eine App, die den Schlüssel hat, kann alles mit ihm tun.",
      "Glaubst du, dass jemand das Blatt und das Passwort hat, gehört das Konto nicht mehr dir allein. Nichts kann seinen Schlüssel ändern.",
    ],
  },
  scan: {
    go: "Mit der Kamera scannen", stop: "Kamera ausschalten", label: "Bild der Kamera", lead: "Halte den Code der App vor die Kamera.",
    none: "Dieser Browser kann keine Codes mit der Kamera lesen. Kopiere den Code in der App und füge ihn hier ein.",
    refused: "Die Kamera darf nicht benutzt werden. Erlaube sie im Browser, oder füge den Code hier ein.", missing: "Keine Kamera wurde gefunden. Füge den Code hier ein.", read: "Der Code wurde gelesen.", other: "Ein Code wurde gelesen, aber es ist nicht der einer App.",
  },
};
