// What an app wants, as a question says it. The bunker writes it in English; here each shape has its German, and what has none stays as it is.

import { kinds } from "./kinds.de";

const roles: Record<string, string> = { follows: "folgt", author: "von", recipient: "an", reported: "gemeldet", mentions: "erwähnt", mentioned: "erwähnt", "other party": "mit", bunker: "Bunker", moderator: "Moderation" };
/** What facts of an event are called, and what its text is. */
const facts: Record<string, string> = {
  about: "zu", "about the account": "über das Konto", address: "Adresse", app: "App", banner: "Banner", bot: "Bot", challenge: "Aufgabe", comment: "Kommentar", content: "Inhalt", "content warning": "Inhaltswarnung", data: "Daten", dated: "datiert", description: "Beschreibung", ends: "endet", expires: "läuft ab", file: "Datei", files: "Dateien",
  for: "für", group: "Gruppe", hashtags: "Hashtags", "it says": "darin steht", "its name": "ihr Name", "its page": "ihre Seite", labels: "Kennzeichen", length: "Länge", lightning: "Lightning", link: "Link", method: "Methode", name: "Name", named: "genannt", "of kind": "der Art", option: "Antwort",
  passage: "Stelle", payload: "Prüfsumme", picture: "Bild", place: "Ort", price: "Preis", private: "Privates", "proof of work": "Rechenarbeit", protected: "geschützt", read: "lesen", reason: "Grund", relay: "Relay", server: "Server", "shown as": "gezeigt als", size: "Größe", sort: "Sorte", starts: "beginnt",
  status: "Status", stream: "Übertragung", subject: "Betreff", summary: "Zusammenfassung", text: "Text", "text to encrypt": "zu verschlüsselnder Text", title: "Titel", wants: "möchte", website: "Website", words: "Wörter", "zaps go to": "Zaps gehen an", "read, write": "lesen, schreiben", "read only": "nur lesen", "write only": "nur schreiben",
};

/** kind is what a sheet is called. */
export const kind = (english: string): string => kinds[english.toLowerCase()] ?? english;
/** fact is what a fact, or a text, of an event is called. */
export const fact = (english: string): string => facts[english] ?? english.replace(/^the (.+) says$/, (_, k: string) => `darin steht (${kind(k)})`);
const values: Record<string, string> = {
  "encrypted, so it cannot be shown": "verschlüsselt, lässt sich also nicht zeigen", "NIP-04, the old one": "NIP-04, die alte", "relays are asked to take it from its author only": "Relays sollen es nur von seinem Autor nehmen", yes: "ja",
  "nothing in advance: each thing would be asked": "nichts im Voraus: Nach allem würde gefragt", "do everything but what needs special care": "alles, was keine besondere Vorsicht braucht", "encrypt texts": "Texte verschlüsseln", "encrypt texts (old form)": "Texte verschlüsseln (alte Form)",
  "read encrypted texts": "verschlüsselte Texte lesen", "read encrypted texts (old form)": "verschlüsselte Texte lesen (alte Form)", "learn the public key": "den npub erfahren", "sign events of every kind but those that need special care": "Ereignisse jeder Art unterschreiben, außer die besondere Sorgfalt brauchen",
};
/** value is a fact's value where the bunker says it in words of its own: never what an app sent. */
export function value(name: string, english: string): string {
  const known = values[english];
  if (known !== undefined) return known;
  if (name === "size") return english.replace(/ bytes?$/, (w) => (w === " byte" ? " Byte" : " Bytes"));
  if (name === "dated" || name === "expires" || name === "ends" || name === "starts") return when(english);
  if (name === "length") return english.replace(/^(\d+) words?$/, (_, n: string) => number(n, "word"));
  if (name === "zaps go to") return english.replace(/^(\d+) accounts?$/, (_, n: string) => number(n, "account"));
  if (name !== "wants") return english;
  const more = /^… and (\d+) more$/.exec(english);
  if (more) return `… und ${more[1]} weitere`;
  const odd = /^(\d+) rights? that this bunker does not know$/.exec(english);
  if (odd) return odd[1] === "1" ? "1 Recht, das dieser Bunker nicht kennt" : `${odd[1]} Rechte, die dieser Bunker nicht kennt`;
  const sign = /^sign (.+) \(kind (\d+)\)$/.exec(english);
  if (sign) return `unterschreiben: ${plural(sign[1]!)} (Art ${sign[2]})`;
  const any = /^sign events of kind (\d+)$/.exec(english);
  return any ? `Ereignisse der Art ${any[1]} unterschreiben` : english.replace(/^use /, "benutzen: ");
}
/** plural is a kind of which the bunker says several: its German is said of one. */
function plural(english: string): string {
  for (const [one, german] of Object.entries(kinds)) if (several(one) === english.toLowerCase()) return german;
  return english;
}
const tails = [" of ", " to ", " for ", " in ", " about ", " by ", " from ", " that ", " (", " found ", " elsewhere"];
/** several is the plural as the bunker makes it. */
function several(one: string): string {
  const at = Math.min(...tails.map((t) => one.indexOf(t)).filter((i) => i >= 0), one.length);
  const head = one.slice(0, at), tail = one.slice(at);
  if (/s$/.test(head) && !/ss$/.test(head)) return one;
  if (/(data|administration|media|presence)$/.test(head)) return one;
  if (/[^ae]y$/.test(head)) return `${head.slice(0, -1)}ies${tail}`;
  if (/(ss|ch|x)$/.test(head)) return `${head}es${tail}`;
  return `${head}s${tail}`;
}
/** when is a time with how far away it is. */
function when(english: string): string {
  const m = /^(\d{4})-(\d\d)-(\d\d) (\d\d:\d\d) UTC(?: \((in )?(.+?)( ago)?\))?$/.exec(english);
  if (!m) return english;
  const span = m[6]?.replace(/ days$/, " Tagen").replace(/ years$/, " Jahren");
  return `${m[3]}.${m[2]}.${m[1]}, ${m[4]} UTC${span ? ` (${m[5] ? "in" : "vor"} ${span})` : ""}`;
}
/** role is what somebody is in an event. */
export const role = (english: string): string => roles[english] ?? english;

const nouns: Record<string, [string, string]> = {
  account: ["Konto", "Konten"], note: ["Notiz", "Notizen"], address: ["Adresse", "Adressen"], hashtag: ["Hashtag", "Hashtags"], word: ["Wort", "Wörter"], link: ["Link", "Links"], relay: ["Relay", "Relays"], group: ["Gruppe", "Gruppen"],
  event: ["Ereignis", "Ereignisse"], file: ["Datei", "Dateien"], server: ["Server", "Server"], entry: ["Eintrag", "Einträge"], emoji: ["Emoji", "Emoji"],
};
const number = (n: string, noun: string): string => {
  const of = nouns[noun.replace(/ies$/, "y")] ?? nouns[noun.replace(/(ss)es$/, "$1")] ?? nouns[noun.replace(/s$/, "")];
  return `${n} ${of ? of[n === "1" ? 0 : 1] : noun}`;
};
/** target is what something is done to: names and ids stay, the words between them do not. */
const target = (s: string): string =>
  s.replace(/ by (?=\S+$)/, " von ").replace(/^something by (.+)$/, "etwas von $1").replace(/^something von /, "etwas von ").replace("the account itself", "das Konto selbst").replace("nothing that is named", "nichts, was genannt ist").replace("somebody who is not named properly", "jemandem, der nicht richtig genannt ist").replace("an event that is not named properly", "ein Ereignis, das nicht richtig genannt ist");
const thing = (s: string): string => {
  const [, name, rest] = /^an? (.+?)( “.*”)?$/s.exec(s) ?? ["", s, ""];
  return kind(name!) + (rest ?? "").replace(/^ “(.*)”$/s, " „$1“");
};
const of = (s: string): string => thing(`a ${s}`);

const shapes: readonly (readonly [RegExp, (...p: string[]) => string])[] = [
  [/^(post a short note|reply to .+?), quoting (.+)$/s, (a, b) => `${does(a)}, mit einem Zitat von ${b}`],
  [/^post a short note$/, () => "eine Notiz veröffentlichen"],
  [/^reply to (.+)$/s, (x) => `auf ${target(x)} antworten`],
  [/^answer “(.*)” to (.+)$/s, (x, to) => `auf ${target(to)} antworten: „${x}“`],
  [/^recommend an app for (.+)$/s, (x) => `eine App empfehlen, für ${kind(x.replace(/ \(kind \d+\)$/, ""))}`],
  [/^let a post into the community (.+)$/s, (x) => `einen Beitrag in die Gemeinschaft ${x} einlassen`],
  [/^announce (an? .+?): “(.*)”$/s, (x, title) => `ankündigen: ${thing(x)} „${title}“`],
  [/^offer “(.*)”$/s, (x) => `„${x}“ anbieten`],
  [/^describe the community “(.*)”$/s, (x) => `die Gemeinschaft „${x}“ beschreiben`],
  [/^fetch a file(?: at (.+))?$/s, (at) => `eine Datei holen${at ? ` (${at.replace("any media server", "irgendein Dateiserver")})` : ""}`],
  [/^list the account's files(?: at (.+))?$/s, (at) => `die Dateien des Kontos auflisten${at ? ` (${at.replace("any media server", "irgendein Dateiserver")})` : ""}`],
  [/^do “(.*)” at a media server(?: at (.+))?$/s, (x, at) => `„${x.replace("something that is not named", "etwas, das nicht genannt ist")}“ bei einem Dateiserver tun${at ? ` (${at.replace("any media server", "irgendein Dateiserver")})` : ""}`],
  [/^(join|leave) a relay$/, (w) => (w === "join" ? "einem Relay beitreten" : "ein Relay verlassen")],
  [/^an invitation to a relay$/, () => "eine Einladung zu einem Relay"],
  [/^set the (.+) to nothing that others can see$/s, (x) => `setzen: ${of(x)}, auf nichts, was andere sehen können`],
  [/^set the (.+?) to ((?:\d+ \w+)(?:, \d+ \w+)+)$/s, (x, list) => `setzen: ${of(x)}, ${list.split(", ").map((p) => number(p.split(" ")[0]!, p.split(" ")[1]!)).join(", ")}`],
  [/^log in to the relay that is not named$/, () => "sich bei einem Relay anmelden, das nicht genannt ist"],
  [/^log in to a website that is not named$/, () => "sich bei einer Website anmelden, die nicht genannt ist"],
  [/^encrypt (a text|a sealed message|a private list of (\d+) (\w+)) for (.+)$/s, (x, n, w, to) => `für ${target(to)} verschlüsseln: ${x === "a text" ? "einen Text" : x === "a sealed message" ? "eine versiegelte Nachricht" : `eine private Liste mit ${number(n, w)}`}`],
  [/^comment on (.+)$/s, (x) => `${target(x)} kommentieren`],
  [/^like (.+)$/s, (x) => `${target(x)} mögen`],
  [/^dislike (.+)$/s, (x) => `${target(x)} nicht mögen`],
  [/^react with “(.*)” to (.+)$/s, (r, x) => `mit „${r}“ auf ${target(x)} reagieren`],
  [/^repost (.+)$/s, (x) => `${target(x)} teilen`],
  [/^report (.+)$/s, (x) => `${target(x)} melden`],
  [/^label (.+)$/s, (x) => `${target(x)} kennzeichnen`],
  [/^highlight a passage of (.+)$/s, (x) => `eine Stelle aus ${target(x)} hervorheben`],
  [/^vote in the poll (.+)$/s, (x) => `in der Umfrage ${x} abstimmen`],
  [/^start a poll$/, () => "eine Umfrage beginnen"],
  [/^ask (.+) to erase the account for ever$/s, (x) => `${x.replace(/^every relay$/, "alle Relays")} bitten, das Konto für immer zu löschen`],
  [/^delete (\d+) (\w+)(?: at (.+))?$/s, (n, w, at) => `${number(n, w)} löschen${at ? ` (${at})` : ""}`],
  [/^prepare a zap(?: of (\d+) sats)?(?: to (\S+))?(?: for (.+))?$/s, (n, to, of) => `einen Zap vorbereiten${n ? `: ${n} Sats` : ""}${to ? `, an ${to}` : ""}${of ? `, für ${of}` : ""}`],
  [/^follow (\d+) (\w+), and nobody else$/, (n, w) => `${number(n, w)} folgen, und niemandem sonst`],
  [/^set the account's relays to (\d+) (\w+)$/, (n, w) => `die Relays des Kontos auf ${number(n, w)} setzen`],
  [/^set the account's profile, with the name “(.*)”$/s, (n) => `das Profil des Kontos setzen, mit dem Namen „${n}“`],
  [/^set the account's profile$/, () => "das Profil des Kontos setzen"],
  [/^set the status to “(.*)”$/s, (x) => `den Status auf „${x}“ setzen`],
  [/^set the (.+) to (\d+) (\w+)$/s, (x, n, w) => `setzen: ${of(x)}, ${number(n, w)}`],
  [/^keep data of an app$/, () => "Daten einer App aufbewahren"],
  [/^publish (an? .+?) titled “(.*)”$/s, (x, title) => `veröffentlichen: ${thing(x)} „${title}“`],
  [/^save (an? .+?) titled “(.*)”$/s, (x, title) => `sichern: ${thing(x)} „${title}“`],
  [/^publish (an? .+)$/s, (x) => `veröffentlichen: ${thing(x)}`],
  [/^save (an? .+)$/s, (x) => `sichern: ${thing(x)}`],
  [/^send a direct message \(old form\) to (.+)$/s, (x) => `eine Direktnachricht (alte Form) senden, an ${target(x)}`],
  [/^seal a private message$/, () => "eine private Nachricht versiegeln"],
  [/^sign a gift wrap, to (.+)$/s, (x) => `einen Umschlag unterschreiben, an ${target(x)}`],
  [/^sign (an? .+) openly$/s, (x) => `offen unterschreiben: ${thing(x)}`],
  [/^sign (an? .+), which relays do not keep$/s, (x) => `unterschreiben: ${thing(x)}, was Relays nicht behalten`],
  [/^send (an? .+?) to (.+)$/s, (x, to) => `senden: ${thing(x)}, an ${to.replace(/^the group /, "die Gruppe ")}`],
  [/^send (an? .+)$/s, (x) => `senden: ${thing(x)}`],
  [/^log in as administrator of the bunker (.+)$/s, (x) => `sich als Verwalter des Bunkers ${x} anmelden`],
  [/^log in to the relay (.+)$/s, (x) => `sich beim Relay ${x} anmelden`],
  [/^log in to (.+)$/s, (x) => `sich bei ${x} anmelden`],
  [/^log in$/, () => "sich anmelden"],
  [/^upload a file(?: at (.+))?$/s, (at) => `eine Datei hochladen${at ? ` (${at.replace("any media server", "irgendein Dateiserver")})` : ""}`],
  [/^encrypt (.+) for (.+)$/s, (x, to) => `für ${target(to)} verschlüsseln: ${x}`],
  [/^read what was encrypted between the account and (.+)$/s, (x) => `lesen, was zwischen dem Konto und ${target(x)} verschlüsselt wurde`],
  [/^read what the account keeps encrypted for itself$/, () => "lesen, was das Konto verschlüsselt für sich aufbewahrt"],
];

/** does is what would be done, behind "As herald:". */
export function does(english: string): string {
  for (const [shape, say] of shapes) {
    const m = shape.exec(english);
    if (m) return say(...m.slice(1));
  }
  return english;
}
