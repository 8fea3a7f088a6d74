import type { PlanWords } from "./en";

export const de: PlanWords = {
  title: "Was bezahlt ist", people: "Personen, die unterschreiben dürfen", until: "Bezahlt bis", trialUntil: "Zur Probe, bis",
  stages: {
    paid: (until) => `Alles geht. Er ist bezahlt bis ${until}.`,
    grace: (next) => `Er ist nicht mehr bezahlt. Alles geht noch bis ${next}; dann unterschreibt er nichts mehr und lässt sich nur noch lesen und exportieren.`,
    "read-only": () => "Er ist nicht mehr bezahlt: Nichts wird unterschrieben. Du kannst alles lesen und exportieren, und nach einer Verlängerung geht er sofort wieder.",
    notice: (gone) => `Er ist nicht mehr bezahlt: Nichts wird unterschrieben. Frühestens am ${gone} wird er gelöscht, mit seinen Schlüsseln. Verlängere ihn, oder exportiere, was du behalten willst.`,
    delete: () => "Er ist nicht mehr bezahlt und wird gleich gelöscht, mit seinen Schlüsseln. Verlängere ihn jetzt, oder exportiere, was du behalten willst.",
  },
  after: (grace, reads) => `Wird er nicht verlängert: ${grace}, in denen alles geht, dann ${reads}, in denen er sich lesen und exportieren lässt. Eigentümer erfahren es vorher, als Direktnachricht.`,
  afterTrial: (reads) => `Danach: ${reads}, in denen er sich lesen und exportieren lässt. Eigentümer erfahren es, bevor er gelöscht wird.`,
  renew: "Verlängern oder ändern", what: "Was", year: "Ein Jahr mehr", rest: "Eine andere Zahl von Personen, für den Rest der Zeit", howMany: "Personen, die unterschreiben", howManyHint: "Was vom Bezahlten übrig ist, zählt.", most: (n) => `Hier geht es bis ${n} Personen. Für mehr frage den Anbieter.`,
  price: (sats) => `${sats} Sats`, then_: (until) => `Dann ist er bezahlt bis ${until}.`, credit: (sats) => `${sats} Sats von früher Bezahltem zählen dafür.`, reckoning: "Wird gerechnet …",
  go: "Rechnung zeigen", going: "Wird bestellt …",
  pay: (sats) => `${sats} Sats bezahlen`, payLead: "Scanne sie mit einer Lightning-Wallet. Diese Seite geht von selbst weiter.", making: "Die Rechnung wird gemacht …", makingLong: (why) => `Die Wallet hat die Rechnung noch nicht gemacht: ${why}. Es wird von selbst wieder versucht.`, qr: "QR-Code der Rechnung", invoice: "die Rechnung", open: "In einer Wallet öffnen",
  waiting: "Wartet auf die Zahlung.", ends: (left) => `Die Rechnung endet in ${left}; dann ist nichts verloren.`, keep: "Du kannst diese Seite verlassen: In diesem Browser kommst du zu dieser Bestellung zurück.", other: "Etwas anderes bestellen",
  paid: "Bezahlt", paidLead: "Die Verlängerung wird eingetragen.", paidLong: (why) => `Sie konnte noch nicht eingetragen werden: ${why}. Es wird von selbst wieder versucht, und der Anbieter sieht es; nichts ist verloren.`,
  made: (until) => `Er ist verlängert: bezahlt bis ${until}.`, owed: (sats) => `Es kamen ${sats} Sats zu viel. Der Anbieter sieht es und gibt sie zurück.`,
  lapsed: "Die Rechnung ist abgelaufen. Mit ihr wurde nichts bezahlt; hast du doch bezahlt, zählt es noch, wenn es ankommt.",
  held: (sats, id) => `Was kam (${sats} Sats), kauft dies nicht: Es war zu wenig, oder zu spät. Der Anbieter sieht die Bestellung ${id} und bringt sie in Ordnung.`, closed: "Diese Bestellung ist geschlossen: Was bezahlt wurde, wurde zurückgegeben.", done: "Fertig",
};
