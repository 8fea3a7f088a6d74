// Rules as German sentences, made out of the rule itself.

import { clockOf, type Rule } from "../../policy/rule";

const rights: Record<string, string[]> = {
  articles: ["Artikel schreiben"], chat: ["chatten"], delete: ["Ereignisse löschen"], "direct-messages": ["Direktnachrichten lesen und schreiben"],
  everything: ["alles tun, was keine besondere Vorsicht braucht"], files: ["Dateien hochladen"], follow: ["folgen", "entfolgen"], lists: ["seine Listen ändern"],
  logins: ["sich bei Relays und Websites anmelden"], post: ["posten"], "private-data": ["private Daten lesen und schreiben"], profile: ["das Profil ändern"],
  react: ["reagieren", "teilen"], read: ["Direktnachrichten lesen"], relays: ["die Relaylisten ändern"], zap: ["um Zaps bitten"],
};
const kinds: Record<number, string> = {
  0: "das Profil ändern", 1: "Notizen veröffentlichen", 3: "die Folgeliste ändern", 4: "Direktnachrichten alter Form senden", 5: "Ereignisse löschen", 6: "teilen", 16: "teilen", 7: "reagieren",
  17: "auf Websites reagieren", 9: "chatten", 13: "private Nachrichten versiegeln", 20: "Bilder veröffentlichen", 21: "Videos veröffentlichen", 22: "Videos veröffentlichen", 62: "das Konto überall löschen",
  1068: "Umfragen machen", 1018: "an Umfragen teilnehmen", 1111: "kommentieren", 1311: "in Liveereignissen chatten", 1984: "Missbrauch melden", 9734: "um Zaps bitten", 9802: "Stellen hervorheben",
  10000: "die Stummliste ändern", 10002: "die Relayliste ändern", 10003: "Lesezeichen ändern", 10050: "ändern, wo Direktnachrichten ankommen", 22242: "sich bei Relays anmelden", 23194: "Aufträge an die Wallet senden",
  24242: "Dateiserver benutzen", 27235: "sich bei Websites anmelden", 30023: "Artikel veröffentlichen", 30024: "Entwürfe von Artikeln sichern", 30078: "Daten von Apps sichern", 30315: "den Status setzen",
  31922: "Termine veröffentlichen", 31923: "Termine veröffentlichen",
};
const results: Record<string, string> = { wrap: "Umschläge von Nachrichten", dm: "Direktnachrichten", self: "was das Konto für sich selbst aufbewahrt" };
const most = 8;
const lastKind = 65_535;

const join = (word: string) => (list: string[]): string => (list.length < 2 ? (list[0] ?? "") : `${list.slice(0, -1).join(", ")} ${word} ${list.at(-1)}`);
const and = join("und");
const or = join("oder");
const few = (list: string[]): string[] => (list.length > most ? [...list.slice(0, most), `${list.length - most} weitere`] : list);
const clip = (s: string): string => (s.length > 60 ? `${s.slice(0, 60)}…` : s);
const one = (n: number, single: string, many: string): string => `${n} ${n === 1 ? single : many}`;

type Kinds = NonNullable<Rule["kinds"]>;
const numbers = (list: Kinds): string => `${list.length === 1 && list[0]!.from === list[0]!.to ? "der Art" : "der Arten"} ${and(few(list.map((k) => (k.from === k.to ? String(k.from) : `${k.from}–${k.to}`))))}`;
const anyEvent = (r: Rule): string => (r.effect === "allow" ? "unterschreiben, was keine besondere Vorsicht braucht" : "irgendetwas unterschreiben");

function ofKinds(r: Rule, list: Kinds): string[] {
  if (list.some((k) => k.from === 0 && k.to === lastKind)) return [anyEvent(r)];
  const said = [...new Set(list.filter((k) => k.from === k.to && kinds[k.from]).map((k) => kinds[k.from]!))];
  const others = list.filter((k) => k.from !== k.to || !kinds[k.from]);
  return [
    ...said.slice(0, most), ...(said.length > most ? [`Ereignisse von ${said.length - most} weiteren Arten unterschreiben`] : []),
    ...(others.length ? [`Ereignisse ${numbers(others)} unterschreiben`] : []),
  ];
}

function ofResults(r: Rule): string {
  return (r.effect === "deny" ? or : and)((r.results ?? []).map((x) => results[x] ?? "was weder eine Nachricht noch das Eigene des Kontos ist"));
}

function ofMethods(r: Rule): string[] {
  const has = (m: string) => r.methods?.includes(m) ?? false;
  const out = has("sign_event") && !r.kinds?.length ? [anyEvent(r)] : [];
  const scheme = (now: boolean, old: boolean, words: string) => {
    if (now || old) out.push(now && old ? words : `${words} (nur ${now ? "NIP-44" : "NIP-04"})`);
  };
  const e44 = has("nip44_encrypt"), e04 = has("nip04_encrypt"), d44 = has("nip44_decrypt"), d04 = has("nip04_decrypt");
  if (!r.results?.length && (e44 || e04) && e44 === d44 && e04 === d04) scheme(e44, e04, "ver- oder entschlüsseln");
  else {
    scheme(e44, e04, "verschlüsseln");
    scheme(d44, d04, r.results?.length ? `${ofResults(r)} entschlüsseln` : "entschlüsseln");
  }
  return out;
}

/** whatOf are the things that a rule is about, each as it stands behind "darf". */
function whatOf(r: Rule): string[] {
  let out = (r.rights ?? []).flatMap((x) => rights[x] ?? [clip(x)]);
  if (out.length && r.kinds?.length) out = [`${and(out)} (nur ${numbers(r.kinds).replace(/^der /, "")})`];
  if (!r.rights?.length && r.kinds?.length) out = ofKinds(r, r.kinds);
  out = [...out, ...ofMethods(r)];
  if (out.length) return out;
  if (r.results?.length) return [`${ofResults(r)} entschlüsseln`];
  if (r.peers?.length) return ["verschlüsseln", "entschlüsseln"];
  if (r.tags?.length || r.content || r.max_skew) return [anyEvent(r)];
  return r.effect === "allow" ? rights["everything"]! : ["irgendetwas tun"];
}

const units = [[86_400, "Tag", "Tage"], [3600, "Stunde", "Stunden"], [60, "Minute", "Minuten"], [1, "Sekunde", "Sekunden"]] as const;
/** period is a length of time, its days in the dative: behind "innerhalb von" and "für" alike where only they differ. */
function period(seconds: number, dative = false): string {
  const out: string[] = [];
  for (const [of, single, many] of units) {
    const n = Math.floor(seconds / of);
    seconds -= n * of;
    if (n) out.push(one(n, single, dative && many === "Tage" ? "Tagen" : many));
  }
  return and(out);
}

const days: Record<string, string> = { mon: "montags", tue: "dienstags", wed: "mittwochs", thu: "donnerstags", fri: "freitags", sat: "samstags", sun: "sonntags" };
const week = Object.keys(days);
function hours(h: NonNullable<Rule["hours"]>[number]): string {
  const list = week.filter((d) => h.days?.includes(d));
  const key = list.join();
  const words = key === week.slice(0, 5).join() ? "werktags" : key === "sat,sun" ? "am Wochenende" : list.length === 0 || list.length === 7 ? "täglich" : and(list.map((d) => days[d]!));
  return h.from === h.to || (h.from === 0 && h.to === 1440) ? words : `${words} ${clockOf(h.from)}–${h.to === 1440 ? "24:00" : clockOf(h.to)}`;
}

function tag(x: NonNullable<Rule["tags"]>[number]): string[] {
  const name = clip(x.name);
  if (x.absent) return [`ohne das Tag ${name}`];
  const atMost = x.max ? [`höchstens ${x.max} davon`] : [];
  if (x.values?.length) {
    const values = x.values.map((v) => (v === "*" ? "Beliebigem" : v.endsWith("*") ? `${clip(v.slice(0, -1))}…` : v === "" ? "Leerem" : clip(v)));
    return [`mit ${name} nur ${or(few(values))}`, ...atMost];
  }
  return [x.max ? `mit höchstens ${x.max} ${x.max === 1 ? "Tag" : "Tags"} ${name}` : `mit einem Tag ${name}`];
}

function content(c: NonNullable<Rule["content"]>): string[] {
  const out: string[] = [];
  if (c.min_length && c.max_length) out.push(`mit ${c.min_length} bis ${c.max_length} Zeichen`);
  else if (c.min_length) out.push(`mit mindestens ${one(c.min_length, "Zeichen", "Zeichen")}`);
  else if (c.max_length) out.push(`mit höchstens ${one(c.max_length, "Zeichen", "Zeichen")}`);
  if (c.words?.length) out.push(`worin ${or(few(c.words.map((x) => `„${clip(x)}“`)))} steht`);
  if (c.pattern) out.push(`nach dem Muster ${clip(c.pattern)}`);
  return out;
}

function budget(b: NonNullable<Rule["budget"]>): string {
  const limits = ([[b.per_minute, "in der Minute"], [b.per_hour, "in der Stunde"], [b.per_day, "am Tag"], [b.total, "insgesamt"]] as const).filter(([n]) => n).map(([n, each]) => `${n} ${each}`);
  const shared = b.per === "key" ? " (alle Apps des Schlüssels zusammen)" : b.per === "policy" ? " (alle unter dem Regelwerk zusammen)" : "";
  return `höchstens ${and(limits)}${shared}${b.when_spent === "ask" ? ", dann wird jemand gefragt" : ""}`;
}

function limits(r: Rule, zone: string): string[] {
  const out: string[] = [];
  if (r.hours?.length) out.push(`${and(few(r.hours.map(hours)))} (${zone || "UTC"})`);
  if (r.doors?.length) out.push(`über ${or(r.doors.map((d) => (d === "http" ? "HTTP" : d)))}`);
  if (r.relays?.length) out.push(`auf dem Weg über ${or(few(r.relays.map((u) => (u === "embedded" ? "das Relay des Bunkers" : clip(u)))))}`);
  if (r.budget) out.push(budget(r.budget));
  if (r.for) out.push(`${period(r.for / 1000)} lang, seit die App das Regelwerk hat`);
  if (r.expires_at) {
    const at = new Date(r.expires_at);
    const say = (o: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat("de", { ...o, timeZone: zone || "UTC" }).format(at);
    const midnight = say({ hour: "2-digit", minute: "2-digit" }) === "00:00";
    out.push(`bis ${say(midnight ? { dateStyle: "long" } : { dateStyle: "long", timeStyle: "short" })}`);
  }
  return out;
}

const peers = (list: string[]): string => `mit ${or(few(list.map((p) => (p.length > 16 ? `${p.slice(0, 10)}…${p.slice(-4)}` : p))))}`;

/** rule is what a rule says, behind an app's name. */
export function rule(r: Rule, zone: string): string {
  const what = whatOf(r);
  const parts = [
    r.effect === "allow" ? `darf ${and(what)}` : r.effect === "deny" ? `darf nie ${or(what)}` : `darf nur ${r.quorum && r.quorum > 1 ? `mit der Zustimmung von ${r.quorum} Personen` : "mit der Zustimmung einer Person"} ${and(what)}`,
    ...(r.peers?.length ? [peers(r.peers)] : []),
    ...(!r.methods?.length && r.results?.length && r.rights?.length ? [`von Entschlüsseltem nur ${ofResults(r)}`] : []),
    ...(r.tags ?? []).flatMap(tag), ...(r.content ? content(r.content) : []),
    ...(r.max_skew ? [`datiert innerhalb von ${period(r.max_skew, true)} um jetzt`] : []),
    ...limits(r, zone),
  ];
  return parts.join(", ");
}

/** policy is a whole policy in one sentence. */
export function policy(list: readonly Rule[], zone: string): string {
  const order = ["allow", "ask", "deny"];
  const parts = order.flatMap((e) => list.filter((r) => r.effect === e).map((r) => rule(r, zone)));
  if (parts.length === 0) return "erlaubt von selbst nichts: Alles wird gefragt, oder abgelehnt, wenn das die Vorgabe des Schlüssels ist";
  const shown = parts.slice(0, 12);
  if (parts.length > shown.length) shown.push(`und ${parts.length - shown.length} weitere Regeln`);
  return [...shown, "alles andere wird gefragt, oder abgelehnt, wenn das die Vorgabe des Schlüssels ist"].join("; ");
}
