// Why something was decided so. The log keeps these sentences in English, as the bunker wrote them; each has one shape here, and what has none
// stays as it is.

type Shape = readonly [RegExp, (...parts: string[]) => string];

/** fixed are the sentences, and parts of sentences, that have no gaps. */
const fixed: Record<string, string> = {
  "there is no such connection": "diese Verbindung gibt es nicht",
  "this bunker was stopped by its administrator; ask them to start it again": "dieser Bunker wurde von seinem Betreiber angehalten; bitte ihn, ihn wieder zu starten",
  "this bunker was restored from a backup and its connections are not reviewed yet; ask its administrator": "dieser Bunker kam aus einer Sicherung zurück, und seine Verbindungen sind noch nicht durchgesehen; wende dich an seinen Betreiber",
  "this key is being deleted; ask the bunker's administrator": "dieser Schlüssel wird gelöscht; wende dich an den Betreiber des Bunkers",
  "this connection has expired; ask the bunker's administrator for a new one": "diese Verbindung ist abgelaufen; bitte den Betreiber des Bunkers um eine neue",
  "this connection was revoked; ask the bunker's administrator": "diese Verbindung wurde widerrufen; wende dich an den Betreiber des Bunkers",
  "this app logged out; connect it again with a new bunker:// string": "diese App hat sich abgemeldet; verbinde sie mit einem neuen bunker://-Link",
  "this connection is not approved yet": "diese Verbindung ist noch nicht zugelassen",
  "this connection is suspended; ask the bunker's administrator": "diese Verbindung ist ausgesetzt; wende dich an den Betreiber des Bunkers",
  "this account is paused; ask the bunker's administrator": "dieses Konto ruht; wende dich an den Betreiber des Bunkers",
  "the key is locked; ask the bunker's administrator to unlock it": "der Schlüssel ist gesperrt; bitte den Betreiber des Bunkers, ihn zu entsperren",
  "the policy of this connection cannot be read; ask the bunker's administrator": "das Regelwerk dieser Verbindung lässt sich nicht lesen; wende dich an den Betreiber des Bunkers",
  "an administrator refused this request": "jemand hat diese Anfrage abgelehnt",
  "the question about this request was withdrawn": "die Frage zu dieser Anfrage wurde zurückgezogen",
  "nobody answered in time; try again": "niemand hat rechtzeitig geantwortet; versuch es noch einmal",
  "not yet approved; if approved later, try again": "noch nicht erlaubt; wird es später erlaubt, versuch es noch einmal",
  "it was approved, but the approval no longer covers this request; try again": "es wurde erlaubt, aber die Erlaubnis deckt diese Anfrage nicht mehr; versuch es noch einmal",
  "the question about this request is in no known state": "die Frage zu dieser Anfrage ist in keinem bekannten Zustand",
  "the same request is asked already": "dieselbe Anfrage wird schon gefragt",
  "the token's secret was shown": "das Geheimnis des Links wurde gezeigt",
  "an app that nobody named wants to log in, so a person is asked": "eine App, die niemand kennt, möchte sich anmelden; also wird jemand gefragt",
  // What made it a question.
  "nobody named this app before": "niemand hat dieser App je einen Namen gegeben",
  "no permission covers it": "kein Recht deckt es",
  "it needs special care, and no permission names it": "es braucht besondere Vorsicht, und kein Recht nennt es",
  "it takes the place of a version that was signed here before": "es tritt an die Stelle einer Fassung, die hier unterschrieben wurde",
  // What the state of the bunker warns of.
  "works on this machine only: no relay is set that apps elsewhere could reach; add one with: nsecbunker relay add wss://…": "geht nur auf dieser Maschine: Kein Relay ist eingestellt, das Apps anderswo erreichen; füge eines hinzu mit: nsecbunker relay add wss://…",
  "secrets are not locked into memory and could be written to swap (--allow-swap)": "Geheimnisse sind nicht im Speicher festgehalten und könnten ausgelagert werden (--allow-swap)",
  "this bunker was restored: look at the list of connections, then end the review with: nsecbunker connections review": "dieser Bunker kam aus einer Sicherung zurück: Sieh die Verbindungen durch, und beende die Durchsicht mit: nsecbunker connections review",
  "another copy of this bunker runs, so this one was stopped: find the other one (the log says what was heard) and end it; if this one is the right one: nsecbunker stop end": "eine andere Kopie dieses Bunkers läuft, darum wurde dieser angehalten: Finde die andere (was gehört wurde, steht im Verlauf) und beende sie; ist dieser der richtige: nsecbunker stop end",
  "the bunker is stopped: nothing is signed until an owner ends it with: nsecbunker stop end": "der Bunker ist angehalten: Nichts wird unterschrieben, bis ein Eigentümer das beendet mit: nsecbunker stop end",
  "some replies were taken by no relay within ten minutes; see: nsecbunker doctor": "einige Antworten hat binnen zehn Minuten kein Relay genommen; sieh nach mit: nsecbunker doctor",
  // Warnings.
  "it is too large to be kept whole, so not all of it is shown here": "es ist zu groß, um ganz aufbewahrt zu werden; hier steht also nicht alles",
  "its text holds hidden characters, or such that turn the direction of writing; they are left out here": "der Text enthält versteckte Zeichen, oder solche, die die Schreibrichtung wenden; hier fehlen sie",
  "nobody can undo this": "niemand kann das rückgängig machen",
  "the profile cannot be read by apps: it is not written as JSON": "Apps können das Profil nicht lesen: Es ist kein JSON",
  "the profile is empty: name, picture and all else would be gone": "das Profil ist leer: Name, Bild und alles andere wären weg",
  "it can move money, and what it says cannot be shown": "es kann Geld bewegen, und was darin steht, lässt sich nicht zeigen",
  "the address is not encrypted (http): whoever is on the way can use this login": "die Adresse ist nicht verschlüsselt (http): Wer auf dem Weg sitzt, kann diese Anmeldung benutzen",
  "files that are deleted are gone for everybody who links to them": "gelöschte Dateien sind für alle weg, die darauf verweisen",
  "the permit has no end": "die Erlaubnis hat kein Ende",
  "the permit lasts for more than an hour": "die Erlaubnis gilt länger als eine Stunde",
  "these are its private lists, drafts, money and the secrets of apps": "das sind seine privaten Listen, Entwürfe, Geld und die Geheimnisse von Apps",
  "it is dated in the future": "es ist in die Zukunft datiert",
  "it is dated in the past, as if it had been written then": "es ist zurückdatiert, als wäre es damals geschrieben",
  // What needs special care.
  "the event is dated more than 15 minutes from now": "das Ereignis ist mehr als 15 Minuten von jetzt datiert",
  "it decrypts what the account keeps for itself: lists, drafts, money, app secrets": "es entschlüsselt, was das Konto für sich aufbewahrt: Listen, Entwürfe, Geld, Geheimnisse von Apps",
  "NIP-04 messages can be altered on their way, and this key hears apps under its own npub": "NIP-04-Nachrichten können unterwegs verändert werden, und dieser Schlüssel hört Apps unter seinem eigenen npub",
  "it is a direct message whose content cannot be shown": "es ist eine Direktnachricht, deren Inhalt sich nicht zeigen lässt",
  "it logs in as administrator of a bunker": "es meldet sich als Verwalter eines Bunkers an",
  "it asks every relay to erase the account, for ever": "es bittet alle Relays, das Konto für immer zu löschen",
  "it logs in to a website (HTTP auth)": "es meldet sich bei einer Website an (HTTP Auth)",
  "it logs in to a relay, which can then show direct messages": "es meldet sich bei einem Relay an, das dann Direktnachrichten zeigen kann",
  "it uploads or deletes files (Blossom)": "es lädt Dateien hoch oder löscht sie (Blossom)",
  "it speaks to a wallet and can spend money": "es spricht mit einer Wallet und kann Geld ausgeben",
  "it speaks for a wallet": "es spricht für eine Wallet",
  "events of this kind are often credentials": "Ereignisse dieser Art sind oft Zugangsdaten",
  "signing a private message unmasks its author and ends its deniability": "eine unterschriebene private Nachricht verrät, von wem sie ist, und lässt sich nicht mehr abstreiten",
  "a gift wrap signed by the account unmasks its author": "ein vom Konto unterschriebener Umschlag verrät, von wem er ist",
  "it changes the account's relays": "es ändert die Relays des Kontos",
  "it changes where direct messages are delivered": "es ändert, wohin Direktnachrichten gehen",
  "it changes where drafts are kept": "es ändert, wo Entwürfe liegen",
  "it deletes events": "es löscht Ereignisse",
  "it joins encrypted groups": "es tritt verschlüsselten Gruppen bei",
  "it administers groups": "es verwaltet Gruppen",
  "it joins or leaves communities": "es tritt Gemeinschaften bei oder verlässt sie",
  "it recommends apps": "es empfiehlt Apps",
  "its lightning address would be another: zaps would be paid to that one": "seine Lightning-Adresse wäre eine andere: Zaps würden an diese gezahlt",
  "its Nostr address would be another": "seine Nostr-Adresse wäre eine andere",
  // What the guard finds.
  "the bunker does not know the version before, so it cannot tell what would be lost": "der Bunker kennt die Fassung davor nicht und kann also nicht sagen, was verloren ginge",
  "the version before is kept but cannot be read, so it cannot be told what would be lost": "die Fassung davor ist aufbewahrt, lässt sich aber nicht lesen; also ist nicht zu sagen, was verloren ginge",
  "its private part would be lost": "ihr privater Teil ginge verloren",
  "its private part would be replaced by open text": "ihr privater Teil würde durch offenen Text ersetzt",
  "the profile before cannot be read: nothing of it would be kept": "das Profil davor lässt sich nicht lesen: Nichts davon bliebe",
  "pictures of profiles are fetched from their hosts": "Profilbilder werden von ihren Rechnern geholt",
  "pictures of profiles are not fetched any more": "Profilbilder werden nicht mehr geholt",
  // Ready-made policies, and the notes of their rules.
  "Notes, reposts, reactions, comments and zap requests. All else is asked.": "Notizen, Geteiltes, Reaktionen, Kommentare und Zap-Bitten. Alles andere wird gefragt.",
  "Reads and writes direct messages. Everything public is refused; lists that the account encrypts to itself are asked.": "Liest und schreibt Direktnachrichten. Alles Öffentliche wird abgelehnt; nach Listen, die das Konto für sich verschlüsselt, wird gefragt.",
  "Everything that needs no special care. Deleting, relay lists, logins, wallets and the like are asked.": "Alles, was keine besondere Vorsicht braucht. Löschen, Relaylisten, Anmeldungen, Wallets und dergleichen werden gefragt.",
  "Articles, their drafts, and the files in them. Notes and messages are refused.": "Artikel, ihre Entwürfe und die Dateien darin. Notizen und Nachrichten werden abgelehnt.",
  "Signs nothing and encrypts nothing. Reading private messages is asked.": "Unterschreibt nichts und verschlüsselt nichts. Lesen privater Nachrichten wird gefragt.",
  "Private messages are sealed, and dated up to two days back (NIP-59).": "Private Nachrichten werden versiegelt und bis zu zwei Tage zurückdatiert (NIP-59).",
  "A note is not an article: nobody need be asked.": "Eine Notiz ist kein Artikel: Niemand muss gefragt werden.",
  // What the floor never allows.
  "the event names another pubkey than the key that shall sign it": "das Ereignis nennt einen anderen Schlüssel als den, der es unterschreiben soll",
  "events of kind 24133 speak as the bunker or as an app; they are never signed for an app": "Ereignisse der Art 24133 sprechen als der Bunker oder als App; für eine App werden sie nie unterschrieben",
  "this account is an administrator of this bunker; it cannot log in to a bunker through it": "dieses Konto verwaltet diesen Bunker; durch ihn kann es sich bei keinem Bunker anmelden",
  "events of kind 24134 control bunkers; a login to another bunker is all that can be signed for an app. Give the command in that bunker's terminal, or with the key itself": "Ereignisse der Art 24134 steuern Bunker; für eine App wird nur die Anmeldung bei einem anderen Bunker unterschrieben. Gib den Befehl im Terminal jenes Bunkers, oder mit dem Schlüssel selbst",
  "the text looks like a message between an app and the bunker; this key answers apps under its own npub, so it is not worked on": "der Text sieht aus wie eine Nachricht zwischen App und Bunker; dieser Schlüssel antwortet Apps unter seinem eigenen npub, also wird er nicht bearbeitet",
};

const units: Record<string, string> = { minute: "in der Minute", hour: "in der Stunde", day: "am Tag" };
const what = (s: string): string => s.replace(/^sign_event of kind (\d+)$/, "das Unterschreiben der Art $1");
const things = (n: string, word: string): string => (word.startsWith("field") ? `${n} ${n === "1" ? "Feld" : "Feldern"}` : `${n} ${n === "1" ? "Eintrag" : "Einträgen"}`);
const op = "(sign_event of kind \\d+|[a-z0-9_]+)";
const when = (s: string): string => s.replace(/^(\d{4})-(\d\d)-(\d\d) (\S+) (\S+)$/, "$3.$2.$1, $4 $5");

const shapes: readonly Shape[] = [
  [/^the policy (.+) allows it$/, (p) => `das Regelwerk ${p} erlaubt es`],
  [/^granted by (.+)$/, (by) => `erlaubt von ${by === "local" ? "jemandem an der Maschine" : by}`],
  [new RegExp(`^an administrator refused ${op} for this app$`), (o) => `jemand hat ${what(o)} für diese App abgelehnt`],
  [new RegExp(`^the policy of this app refuses ${op}$`), (o) => `das Regelwerk dieser App lehnt ${what(o)} ab`],
  [new RegExp(`^this app has no permission for ${op}; ask the bunker's administrator$`), (o) => `diese App hat kein Recht auf ${what(o)}; wende dich an den Betreiber des Bunkers`],
  [new RegExp(`^no permission covers ${op}, so a person is asked$`), (o) => `kein Recht deckt ${what(o)}; also wird jemand gefragt`],
  [new RegExp(`^no permission covers ${op}, so a person is asked: (.+)$`, "s"), (o, why) => `kein Recht deckt ${what(o)}; also wird jemand gefragt: ${reason(why)}`],
  [new RegExp(`^signing ${op} takes the place of the version before, so a person is asked: (.+)$`, "s"), (o, why) => `${what(o)} tritt an die Stelle der Fassung davor; also wird jemand gefragt: ${reason(why)}`],
  [new RegExp(`^a person is asked about ${op}: (.+)$`, "s"), (o, why) => `jemand wird gefragt (${what(o)}): ${reason(why)}`],
  [new RegExp(`^the policy of this app has a person asked about ${op}(?:: (.+))?$`, "s"), (o, why) => `das Regelwerk dieser App will, dass jemand gefragt wird (${what(o)})${why ? `: ${reason(why)}` : ""}`],
  [/^the (\d+) uses that were allowed are used up; they do not come back by themselves$/, (n) => `die ${n} erlaubten Male sind aufgebraucht und kommen nicht von selbst wieder`],
  [/^the budget of (\d+) a (\w+) is used up; it refills at (.+)$/, (n, unit, at) => `${n} ${units[unit] ?? unit} sind aufgebraucht; weiter geht es am ${when(at)}`],
  [/^this connection is suspended until (.+); try again then$/, (at) => `diese Verbindung ist ausgesetzt bis ${when(at)}; versuch es dann noch einmal`],
  [/^this account is paused until (.+); try again then$/, (at) => `dieses Konto ruht bis ${when(at)}; versuch es dann noch einmal`],
  [/^(\d+) of (\d+) (entry|entries|fields?) would be lost$/, (n, of, word) => `${n} von ${things(of, word)} ${n === "1" ? "ginge" : "gingen"} verloren`],
  [/^(\d+) of the (\d+) (entry|entries|fields?) of (\S+) ago would be lost, in small steps$/, (n, of, word, ago) => `${n} von ${things(of, word)} (Stand vor ${ago}) gingen verloren, in kleinen Schritten`],
  [/^of the private part of (\S+) ago, (\d+) bytes, (\d+) would be left, in small steps$/, (ago, was, is) => `vom privaten Teil (vor ${ago} ${was} Bytes) blieben ${is}, in kleinen Schritten`],
  [/^its private part would shrink from (\d+) to (\d+) bytes$/, (was, is) => `ihr privater Teil würde von ${was} auf ${is} Bytes schrumpfen`],
  [/^its text would shrink from (\d+) to (\d+) bytes$/, (was, is) => `ihr Text würde von ${was} auf ${is} Bytes schrumpfen`],
  [/^it is dated (\S+) before the last version$/, (by) => `sie ist ${by} vor der letzten Fassung datiert`],
  [/^(.+) is a key of the bunker itself; messages to it are never signed$/, (p) => `${p} ist ein Schlüssel des Bunkers selbst; Nachrichten an ihn werden nie unterschrieben`],
  [/^(.+) is this bunker's own key; nobody logs in to a bunker through itself$/, (p) => `${p} ist der eigene Schlüssel dieses Bunkers; niemand meldet sich durch einen Bunker bei ihm selbst an`],
  [/^(.+) is this bunker itself; nobody logs in to it through it$/, (p) => `${p} ist dieser Bunker selbst; niemand meldet sich durch ihn bei ihm an`],
  [/^(.+) is this bunker's own relay; accounts never log in to it$/, (p) => `${p} ist das eigene Relay dieses Bunkers; Konten melden sich dort nie an`],
  [/^(.+) is a key of the bunker itself; nothing is encrypted to it or decrypted from it$/, (p) => `${p} ist ein Schlüssel des Bunkers selbst; nichts wird für ihn ver- oder von ihm entschlüsselt`],
  [/^(.+) is an app of this bunker; nothing is encrypted to it or decrypted from it$/, (p) => `${p} ist eine App dieses Bunkers; nichts wird für sie ver- oder von ihr entschlüsselt`],
  [/^the rule (.+) asks$/, (r) => `die Regel ${r} will, dass gefragt wird`],
  [/^the budget of the rule (.+) is used up$/, (r) => `was die Regel ${r} erlaubt, ist aufgebraucht`],
  [/^with (\S+) the website may change something in the account's name$/, (m) => `mit ${m} kann die Website im Namen des Kontos etwas ändern`],
  [/^for (.+): no permissions$/, (app) => `für ${app}: ohne Rechte`],
  [/^for (.+): the policy (.+)$/, (app, p) => `für ${app}: das Regelwerk ${p}`],
  [/^for (.+): (\S+)$/, (app, perms) => `für ${app}: ${perms}`],
  [/^from the device (.+)$/, (d) => `mit dem Gerät ${d}`],
  [/^the policy (.+) is version (\d+) now, of (\d+) rules?$/, (p, v, n) => `das Regelwerk ${p} hat jetzt Fassung ${v}, mit ${n} ${n === "1" ? "Regel" : "Regeln"}`],
  [/^the profile was changed: (.+)$/, (fields) => `das Profil wurde geändert: ${fields}`],
  [/^the list of relays was changed: (\d+) instead of (\d+)$/, (now, was) => `die Relayliste wurde geändert: ${now} statt ${was}`],
  [/^a kept version of kind (\d+) was brought back$/, (kind) => `eine aufbewahrte Fassung der Art ${kind} wurde zurückgeholt`],
];

/** single are words that stand alone in a gap of a sentence. */
const single: Record<string, string> = {
  owner: "Eigentümer", operator: "Verwalter", approver: "Erlauber", viewer: "Betrachter", allow: "erlaubt", deny: "abgelehnt", ask: "gefragt", pending: "wartend", active: "aktiv", suspended: "ausgesetzt", ended: "beendet", revoked: "widerrufen", expired: "abgelaufen",
  approved: "erlaubt", denied: "abgelehnt", withdrawn: "zurückgezogen", accepted: "angenommen", local: "der Maschine", system: "dem Bunker", "this machine": "dieser Maschine", passphrase: "Passphrase", file: "Datei", credential: "Credential", command: "Befehl", provider: "Anbieter",
  true: "ein", false: "aus", on: "ein", off: "aus", default: "Vorgabe", made: "gemacht", lapsed: "verfallen", paid: "bezahlt", held: "angehalten", closed: "geschlossen", waiting: "wartend", "read-only": "nur lesbar", everything: "alles", nothing: "nichts",
  "a year more": "ein Jahr mehr", "another number of people": "eine andere Zahl von Personen", connection: "Verbindung", key: "Schlüssel", policy: "Regelwerk", token: "Link", device: "Gerät", question: "Frage", grant: "Recht", slot: "Weg",
};
const gap = (s: string): string => (Object.hasOwn(single, s) ? single[s]! : s.includes(" ") ? reason(s) : s);

interface Pattern {
  head: string;
  english: string;
  german: string;
  re?: RegExp;
}

const quote = (s: string) => s.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
/** Sentences of few words would fit what they do not mean: what fills them is one word, but after a colon. */
const few = 14;

function regexp(english: string): RegExp {
  const short = english.replace(/%[a-z]|[^a-z]/g, "").length < few;
  const parts = english.split(/(%[+#]?[a-z])/);
  return new RegExp(`^${parts.map((p, i) => {
    if (i % 2 === 0) return quote(p);
    if (p.endsWith("d")) return "(-?\\d+)";
    if (p.endsWith("q")) return '"((?:[^"\\\\]|\\\\.)*)"';
    return short && !/: $/.test(parts[i - 1]!) && (english.startsWith("%") || i !== parts.length - 2) ? "(\\S+)" : "(.+?)";
  }).join("")}$`, "s");
}

let known: Map<string, string> | null = null;
let patterns: Pattern[] = [];
/** What was said lately: a list asks for the same sentence in every row. */
const lately = new Map<string, string>();
const most = 500;

/** teach gives reason the sentences of said.de.ts, which come after the first screen. */
export function teach(all: Record<string, string>) {
  known = new Map(Object.entries(all).filter(([e]) => !/%[a-z]/.test(e)));
  patterns = Object.entries(all).filter(([e]) => /%[a-z]/.test(e)).map(([english, german]) => ({ head: english.split("%")[0]!, english, german }));
  // What says most goes first.
  const letters = (p: Pattern) => p.english.replace(/%[a-z]/g, "").length;
  patterns.sort((a, b) => letters(b) - letters(a));
  lately.clear();
}

function learned(english: string): string | undefined {
  const whole = known?.get(english);
  if (whole !== undefined) return whole;
  for (const p of patterns) {
    if (!english.startsWith(p.head)) continue;
    const m = (p.re ??= regexp(p.english)).exec(english);
    if (m) return p.german.replace(/\{(\d)\}/g, (_, n: string) => gap(m[Number(n)] ?? ""));
  }
  return undefined;
}

function saying(english: string): string {
  const whole = fixed[english];
  if (whole !== undefined) return whole;
  for (const [shape, say] of shapes) {
    const m = shape.exec(english);
    if (m) return say(...m.slice(1));
  }
  const found = learned(english);
  if (found !== undefined) return found;
  const parts = english.split("; ");
  if (parts.length < 2) return english;
  const said = parts.map((p) => reason(p));
  return said.every((s, i) => s !== parts[i]) ? said.join("; ") : english;
}

/** reason says it in German where it is known; several findings are joined by semicolons. */
export function reason(english: string): string {
  // Errors stand with or without their last stop, and begin large on a page.
  const bare = /[^.]\.$/.test(english) ? english.slice(0, -1) : english;
  const had = lately.get(english);
  if (had !== undefined) return had;
  let out = saying(english);
  if (out === english && bare !== english) out = saying(bare);
  if (lately.size >= most) lately.clear();
  lately.set(english, out);
  return out;
}
