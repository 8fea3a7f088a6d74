// What an app wants, as a question says it. The bunker writes it in English; here each shape has its German, and what has none stays as it is.

const kinds: Record<string, string> = {
  profile: "Profil", "short note": "Notiz", "follow list": "Folgeliste", "encrypted direct message (old form)": "Direktnachricht (alte Form)", "deletion request": "Löschung", repost: "Geteiltes",
  reaction: "Reaktion", "chat message": "Nachricht im Chat", "seal of a private message": "Siegel einer privaten Nachricht", "direct message": "Direktnachricht", "repost of any event": "Geteiltes", "reaction to a website": "Reaktion auf eine Website",
  picture: "Bild", video: "Video", "short video": "Kurzvideo", comment: "Kommentar", report: "Meldung", "zap request": "Bitte um Zaps", highlight: "hervorgehobene Stelle", "mute list": "Stummliste", "pin list": "angeheftete Notizen",
  "relay list": "Relayliste", bookmarks: "Lesezeichen", article: "Artikel", "draft of an article": "Entwurf eines Artikels", "app data": "Daten einer App", status: "Status", "gift wrap": "Umschlag", "request to vanish": "Löschung des Kontos",
  "login to a relay": "Anmeldung bei einem Relay", "login to a website": "Anmeldung bei einer Website", poll: "Umfrage",
};
const roles: Record<string, string> = { follows: "folgt", author: "von", recipient: "an", reported: "gemeldet", mentions: "erwähnt", "other party": "mit" };

/** kind is what a sheet is called. */
export const kind = (english: string): string => kinds[english.toLowerCase()] ?? english;
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
  s.replace(/ by (?=\S+$)/, " von ").replace(/^something by (.+)$/, "etwas von $1").replace(/^something von /, "etwas von ").replace("nothing that is named", "nichts, was genannt ist").replace("somebody who is not named properly", "jemandem, der nicht richtig genannt ist").replace("an event that is not named properly", "ein Ereignis, das nicht richtig genannt ist");
const thing = (s: string): string => kind(s.replace(/^an? /, ""));

const shapes: readonly (readonly [RegExp, (...p: string[]) => string])[] = [
  [/^(post a short note|reply to .+?), quoting (.+)$/s, (a, b) => `${does(a)}, mit einem Zitat von ${b}`],
  [/^post a short note$/, () => "eine Notiz veröffentlichen"],
  [/^reply to (.+)$/s, (x) => `auf ${target(x)} antworten`],
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
  [/^set the (.+) to (\d+) (\w+)$/s, (x, n, w) => `setzen: ${kind(x)}, ${number(n, w)}`],
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
  [/^give the command (.+) to the bunker (.+), as its administrator$/s, (c, x) => `dem Bunker ${x} als Verwalter den Befehl ${c} geben`],
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
