import type { HostingWords } from "./en";

export const de: HostingWords = {
  title: "Hosting", lead: "Was hier bestellt wurde, und die Bunker, die du betreibst. Von ihren Schlüsseln, Apps und Personen wird nichts gezeigt.",
  tabs: "Was du betreibst", orders: "Bestellungen", bunkers: "Bunker",
  which: "Welche Bestellungen", all: "Alle", cases: "Zu klären", caseMark: "zu klären",
  none: "Noch keine Bestellung.", noCases: "Nichts wartet auf dich.", noneWhy: "Wer auf deiner Seite einen Bunker kauft, steht hier.", noBunkers: "Noch wird kein Bunker betrieben.", noBunkersWhy: "Einer wird für jede bezahlte Bestellung gemacht, und von Hand: nsecbunker tenant add",
  kinds: { bunker: "Ein Bunker", trial: "Eine Probe", plan: "Eine Verlängerung" },
  states: { new: "braucht eine Rechnung", invoiced: "wartet auf Zahlung", lapsed: "nicht bezahlt", paid: "wird gemacht", made: "gemacht", held: "angehalten", closed: "zurückgegeben" },
  line: (people, n, sats) => `${n === 1 ? "eine Person" : `${people} Personen`}, ${sats} Sats`, owes: (sats) => `${sats} Sats geschuldet`,
  order: "Bestellung", ordered: "Bestellt", bunker: "Bunker", admins: "Admins", trouble: "Letzter Versuch", payments: "Zahlungen", noPayments: "Noch wurde keine Rechnung gemacht.",
  asked: (sats) => `${sats} Sats verlangt`, came: (sats) => `${sats} Sats kamen`, givenBack: (note) => `zurückgegeben: ${note}`,
  payStates: { open: "kann bezahlt werden", lapsed: "abgelaufen", settled: "bezahlt" },
  why: { "too little": "es kam zu wenig", "too much": "es kam mehr als verlangt", "too late": "es kam zu spät", "paid twice": "die Bestellung wurde zweimal bezahlt", "no such bunker": "den Bunker gibt es nicht mehr", "not made": "zurückgegeben statt gemacht", "order is closed": "es kam, nachdem das andere zurückgegeben war" },
  retry: "Jetzt wieder versuchen", retryHint: "Was spät oder zum Teil kam, zählt dann, als wäre es richtig.", retried: "Es wird wieder versucht.",
  refund: "Vermerken, dass du es zurückgegeben hast", refundHint: "Der Bunker kann nicht zahlen: gib es mit deiner Wallet zurück, dann vermerke wie. Eine Bestellung, die bezahlt und nicht gemacht ist, wird dann nicht gemacht.", note: "Wie du es zurückgegeben hast", refundGo: "Vermerken", refunded: "Es ist vermerkt.",
  bunkerStates: { waiting: "nicht eingerichtet", active: "arbeitet", "read-only": "nur lesbar", suspended: "ausgesetzt", ended: "beendet" },
  stages: { paid: "bezahlt", grace: "vorbei, in der Frist", "read-only": "nicht verlängert", notice: "wird gelöscht werden", delete: "wird gelöscht" },
  until: "bezahlt bis", byHand: "von Hand gemacht", people: (people, n) => (n === 1 ? "für eine Person" : `für ${people} Personen`), trial: "eine Probe", untold: "seine Besitzer konnten nicht benachrichtigt werden",
  suspend: "Aussetzen", suspendTitle: (name) => `${name} aussetzen?`, suspendLoses: "Dort wird nichts mehr signiert, für keine seiner Apps. Seine Leute können lesen, exportieren und widerrufen und erfahren deinen Grund.", reason: "Der Grund, den seine Leute erfahren", suspended: (name) => `${name} ist ausgesetzt.`,
  resume: "Wieder arbeiten lassen", resumed: (name) => `${name} arbeitet wieder.`, close: "Schließen",
};
