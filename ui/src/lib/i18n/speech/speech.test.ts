import { readFileSync } from "node:fs"
import { expect, test } from "vitest"
import type { Rule } from "../../policy/rule"
import { de } from "./de"
import { en } from "./en"
import { commands } from "../../api/commands"
import { de as main } from "../de"
import { de as log } from "../log/de"
import { en as logEnglish } from "../log/en"
import { kinds } from "./kinds.de"
import { reason, teach } from "./reasons.de"
import { policy, rule } from "./rules.de"
import { said as german } from "./said.de"

const say = (r: Partial<Rule>, zone = "Europe/Berlin") => rule({ id: "r", effect: "allow", ...r } as Rule, zone)

test("a rule is a German sentence, made out of the rule", () => {
  expect(say({ rights: ["post", "react"], budget: { per_day: 20 }, hours: [{ days: ["mon", "tue", "wed", "thu", "fri"], from: 480, to: 1080 }], expires_at: Date.parse("2027-02-28T23:00:00Z") }))
    .toBe("darf posten, reagieren und teilen, werktags 08:00–18:00 (Europe/Berlin), höchstens 20 am Tag, bis 1. März 2027")
  expect(say({ kinds: [{ from: 1, to: 1 }, { from: 6, to: 6 }, { from: 16, to: 16 }, { from: 30000, to: 39999 }] })).toBe("darf Notizen veröffentlichen, teilen und Ereignisse der Arten 30000–39999 unterschreiben")
  expect(say({ rights: ["articles"], content: { min_length: 100 }, budget: { per_hour: 1, per_day: 2, total: 30, per: "policy", when_spent: "ask" } }))
    .toBe("darf Artikel schreiben, mit mindestens 100 Zeichen, höchstens 1 in der Stunde, 2 am Tag und 30 insgesamt (alle unter dem Regelwerk zusammen), dann wird jemand gefragt")
  expect(say({ rights: ["direct-messages"], for: 2_592_000_000 })).toBe("darf Direktnachrichten lesen und schreiben, 30 Tage lang, seit die App das Regelwerk hat")
  expect(say({ kinds: [{ from: 22242, to: 22242 }], tags: [{ name: "relay", values: ["wss://a.example", "*"] }, { name: "p", absent: true }], max_skew: 129_600 }))
    .toBe("darf sich bei Relays anmelden, mit relay nur wss://a.example oder Beliebigem, ohne das Tag p, datiert innerhalb von 1 Tag und 12 Stunden um jetzt")
  expect(say({ methods: ["nip44_encrypt", "nip04_encrypt", "nip44_decrypt"] })).toBe("darf verschlüsseln und entschlüsseln (nur NIP-44)")
  expect(say({ effect: "ask", rights: ["delete", "profile"], quorum: 2 })).toBe("darf nur mit der Zustimmung von 2 Personen Ereignisse löschen und das Profil ändern")
  expect(say({ effect: "deny", methods: ["nip44_decrypt", "nip04_decrypt"], results: ["self", "other"] })).toBe("darf nie was das Konto für sich selbst aufbewahrt oder was weder eine Nachricht noch das Eigene des Kontos ist entschlüsseln")
  expect(say({ effect: "deny" })).toBe("darf nie irgendetwas tun")
  expect(say({})).toBe("darf alles tun, was keine besondere Vorsicht braucht")
  expect(say({ effect: "deny", content: { words: ["Wette"] } })).toBe("darf nie irgendetwas unterschreiben, worin „Wette“ steht")
})

test("a policy tells first what it allows, then what it asks, then what it refuses", () => {
  const r = (effect: Rule["effect"], kind: number) => ({ id: String(kind), effect, kinds: [{ from: kind, to: kind }] }) as Rule
  expect(policy([r("deny", 4), r("ask", 3), r("allow", 1)], ""))
    .toBe("darf Notizen veröffentlichen; darf nur mit der Zustimmung einer Person die Folgeliste ändern; darf nie Direktnachrichten alter Form senden; alles andere wird gefragt, oder abgelehnt, wenn das die Vorgabe des Schlüssels ist")
  expect(en.policy([], "", "as it is")).toBe("as it is")
})

test("reasons are said in German, also inside each other", () => {
  expect(reason("the policy basic social allows it")).toBe("das Regelwerk basic social erlaubt es")
  expect(reason("no permission covers sign_event of kind 5, so a person is asked: it deletes events")).toBe("kein Recht deckt das Unterschreiben der Art 5; also wird jemand gefragt: es löscht Ereignisse")
  expect(reason("signing sign_event of kind 3 takes the place of the version before, so a person is asked: 374 of 412 entries would be lost; it is dated 2s before the last version"))
    .toBe("das Unterschreiben der Art 3 tritt an die Stelle der Fassung davor; also wird jemand gefragt: 374 von 412 Einträgen gingen verloren; sie ist 2s vor der letzten Fassung datiert")
  expect(reason("the budget of 20 a day is used up; it refills at 2026-11-30 00:00 CET")).toBe("20 am Tag sind aufgebraucht; weiter geht es am 30.11.2026, 00:00 CET")
  expect(reason("something that nobody knows")).toBe("something that nobody knows")
})

// What the bunker can say is read out of its source, by a test of its own: what is new there must get its German here.
const said = JSON.parse(readFileSync(new URL("../../api/said.json", import.meta.url), "utf8")) as { sentences: string[]; acts: string[]; cards: string[] }
const sample = (s: string) => s
  .replace(/%s (refuses|allows|has|would)/, "4 entries $1").replace(/%d of %s/, "3 of 4 entries").replace(/%d of the %s of %s ago/, "3 of the 4 entries of 2h0m0s ago")
  .replace(/(covers|for|refused|refuses|signing|about) %s/, "$1 sign_event of kind 1").replace(/a %s is used/, "a day is used").replaceAll("%d", "5").replaceAll("%q", '"x"').replaceAll(/%[a-z]/g, "x")

test("every sentence of the bunker has its German", () => {
  teach(german)
  expect(said.sentences.length).toBeGreaterThan(500)
  expect(said.sentences.filter((s) => reason(sample(s)) === sample(s))).toEqual([])
  // And nothing that the bunker does not say any more.
  expect(Object.keys(german).filter((s) => !said.sentences.includes(s))).toEqual([])
})

test("what stands in the gaps comes through, and is said in German where it is a sentence itself", () => {
  teach(german)
  expect(reason("there is a key named herald already")).toBe("einen Schlüssel namens herald gibt es schon")
  expect(reason('there is no parameter "peeple"')).toBe("die Angabe „peeple“ gibt es nicht")
  expect(reason("of npub1x: Ana's phone, at most operator")).toBe("von npub1x: Ana's phone, höchstens Verwalter")
  expect(reason("rule notes: two rules are named notes")).toBe("Regel notes: zwei Regeln heißen notes")
  expect(reason("The policy was fine and nobody knows this sentence")).toBe("The policy was fine and nobody knows this sentence")
  for (const [english, words] of Object.entries(german)) {
    const gaps = english.match(/%[a-z]/g)?.length ?? 0
    for (const [, n] of words.matchAll(/\{(\d)\}/g)) expect(Number(n), english).toBeLessThanOrEqual(gaps)
  }
})

// Those are put together out of parts; what decides is read where it stands.
test("every reason that decides has its German", () => {
  const source = (file: string) => readFileSync(new URL(`../../../../../internal/${file}`, import.meta.url), "utf8")
  const within = (file: string, begin: string) => { const s = source(file); const at = s.indexOf(begin); return s.slice(at, s.indexOf("\n}", at)) }
  const found = [
    ...source("policy/care.go").matchAll(/(?:Named|MustAsk), "([^"]+)"/g),
    ...source("policy/decide.go").matchAll(/deny\([^"\n]*(?:"(?:policy|grant) "[^"\n]*)?, "([^"]+)"/g),
    ...source("policy/decide.go").matchAll(/refuse\("[a-z]+", "[^"]+", "([^"]+)"\)/g),
    ...source("policy/decide.go").matchAll(/Reason[:\s=]+(?:fmt\.Sprintf\()?"([^"]+)"/g),
    ...within("policy/answers.go", "func (a *ask) reason").matchAll(/Sprintf\("([^"]+)"/g),
    ...within("policy/budget.go", "func budgetWords").matchAll(/Sprintf\("([^"]+)"/g),
    ...source("policy/standing.go").matchAll(/return "([^"]{20,})"(?! \+)/g),
    ...source("guard/guard.go").matchAll(/(?:Sprintf\(|return |= )"([^"]{12,})"/g),
    ...source("vault/floor.go").matchAll(/never\("([^"]+)"/g),
  ].map((m) => m[1]!).filter((s) => s !== "%s" && !s.endsWith(" ")) // the rest of a sentence stands elsewhere
  expect(found.length).toBeGreaterThan(50)
  expect(found.filter((s) => reason(sample(s)) === sample(s))).toEqual([])
})

test("every kind, every word of a card, every act and every ready-made policy has its German", () => {
  const json = (name: string) => JSON.parse(readFileSync(new URL(`../../api/${name}.json`, import.meta.url), "utf8"))
  const names = (json("kinds") as { name: string; other?: boolean }[]).filter((k) => !k.other).map((k) => k.name)
  expect(names.filter((n) => !Object.hasOwn(kinds, n))).toEqual([])
  expect(said.cards.filter((c) => de.fact(sample(c)) === sample(c) && de.role(c) === c && !same.includes(c))).toEqual([])
  for (const p of json("ready") as { name: string; description: string; rules: { note?: string }[] }[]) {
    expect(Object.keys(main.policies.said)).toContain(p.name)
    for (const s of [p.description, ...p.rules.flatMap((r) => r.note ?? [])]) expect(reason(s)).not.toBe(s)
  }
  expect((json("rights") as string[]).filter((r) => rule({ id: "r", effect: "allow", rights: [r] } as Rule, "").endsWith(` ${r}`))).toEqual([])
  // What a command does, and what the bunker does by itself.
  const writes = Object.entries(commands).filter(([, c]) => c.writes).map(([name]) => name)
  for (const words of [log, logEnglish]) expect([...said.acts, ...writes].filter((a) => !Object.hasOwn(words.acts, a) && a !== "unknown")).toEqual([])
})

/** Words that are the same in both languages. */
const same = ["app", "link", "relay", "server", "status", "text", "hashtags"]

test("what an app wants is said in German", () => {
  for (const [english, german] of [
    ["follow 38 accounts, and nobody else", "38 Konten folgen, und niemandem sonst"],
    ["reply to note1abc by npub1xyz, quoting note1def", "auf note1abc von npub1xyz antworten, mit einem Zitat von note1def"],
    ["like note1abc", "note1abc mögen"],
    ["react with “🤙” to note1abc by npub1xyz", "mit „🤙“ auf note1abc von npub1xyz reagieren"],
    ["delete 1 event", "1 Ereignis löschen"],
    ["set the account's profile, with the name “Newsroom”", "das Profil des Kontos setzen, mit dem Namen „Newsroom“"],
    ["log in to shop.example.com", "sich bei shop.example.com anmelden"],
    ["publish an article titled “On boats”", "veröffentlichen: Artikel „On boats“"],
    ["do “something” nobody thought of", "do “something” nobody thought of"],
  ]) expect(de.does(english!)).toBe(german)
})
