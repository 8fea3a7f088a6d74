// Logging in: with another bunker that keeps the key, from one bunker to the other, and what is told of each thing that can be wrong.
import assert from "node:assert/strict"
import { rmSync } from "node:fs"
import { after } from "node:test"
import { nsecEncode } from "nostr-tools/nip19"
import { go, person, visitor } from "../kit/browser.mjs"
import { Bunker, patience } from "../kit/bunker.mjs"
import { act, scene } from "../kit/scene.mjs"

const s = scene()
let keeps // the bunker that keeps an admin's key
let kept // that admin
let quiet // somebody at the door of a bunker that is not there
/** other starts it before the first test. */
async function other(bunker) {
  keeps = await Bunker.start()
  await keeps.run("key", "add", "ana")
  kept = (await keeps.json("key", "show", "ana")).key
  await bunker.run("key", "add", "herald") // until there is a key, Home is the first steps
  await bunker.owner("admin", "add", kept.npub, "--role", "operator")
}
after(() => keeps?.end())

const inside = page => page.getByRole("heading", { name: /waits? for you|Add your first key/ })
const digits = page => page.getByLabel("Six digits to compare")
const told = (page, words) => page.locator(".login .note").getByText(words).waitFor()
const knock = page => page.getByRole("button", { name: /Browser extension/ }).click()
const string = page => page.getByLabel("Connection string")
/** door opens the app's login; its relay may be said to be another one. */
async function door(stage, page, at = stage.bunker.string) {
  await page.goto(stage.bunker.page)
  await string(page).fill(at)
}
async function withBunker(page, link) {
  await page.getByRole("button", { name: /Another bunker/ }).click()
  await page.getByRole("textbox", { name: /Another bunker/ }).fill(link)
  await page.getByRole("button", { name: "Log in", exact: true }).click()
}
/** question is the one that waits in the bunker that keeps the key. */
async function question() {
  for (const until = Date.now() + patience; Date.now() < until; ) {
    const [q] = await keeps.json("approvals")
    if (q) return q
  }
  throw new Error("the bunker that keeps the key was asked nothing")
}

act("with a bunker:// link the key's bunker asks its person for the login, and nothing is in before a yes", s, async stage => {
  await other(stage.bunker)
  // Who knocks at a bunker that is not on its relay hears of it after 15 s, in a later test.
  quiet = await visitor(stage.chrome, { secret: person().secret })
  await door(stage, quiet.page, stage.bunker.string.replace(/[0-9a-f]{64}/, person().pubkey))
  await knock(quiet.page)
  const v = await visitor(stage.chrome)
  const { page } = v
  await door(stage, page)
  await withBunker(page, "ana@example.com")
  await told(page, "This is no bunker:// link")
  await page.getByRole("textbox", { name: /Another bunker/ }).fill(await keeps.link("ana", "the admin app", "all"))
  await page.getByRole("button", { name: "Log in", exact: true }).click()
  await told(page, "The other bunker is asked. Say yes there; this page waits.")
  const no = await question()
  assert.match(no.sentence ?? no.does ?? JSON.stringify(no), /[Ll]og in as administrator of the bunker/)
  await keeps.run("deny", no.id)
  await told(page, "The other bunker does not do it:")
  assert.equal(await digits(page).count(), 0)

  await page.getByRole("textbox", { name: /Another bunker/ }).fill(await keeps.link("ana", "the admin app again", "all"))
  await page.getByRole("button", { name: "Log in", exact: true }).click()
  await told(page, "The other bunker is asked.")
  await keeps.run("approve", (await question()).id)
  const risk = page.locator(".login .note.risk")
  await digits(page).or(risk).first().waitFor()
  assert.deepEqual(await risk.allInnerTexts(), [])
  await stage.bunker.run("device", "confirm", (await digits(page).innerText()).replace(/\D/g, ""))
  await inside(page).waitFor()
  const [session] = (await stage.bunker.json("session", "list")).filter(x => JSON.stringify(x).includes(kept.npub))
  assert.ok(session, "the session is that of the admin whose key the other bunker keeps")
  await v.close()
})

act("two bunkers in one app: a second is added, and the switch goes from one to the other without a key", s, async ({ owner }) => {
  const { page } = await owner()
  const names = page.locator("main .rows li b")
  await page.locator(".switch-bunker").click()
  await page.getByText("You are here").waitFor()
  await page.getByRole("button", { name: "Add a bunker" }).click()
  const { link, run } = await keeps.pairing("owner", "a second bunker")
  assert.equal(await string(page).inputValue(), "")
  await string(page).fill(link)
  await page.getByRole("button", { name: "Pair this browser" }).click()
  const [, asked] = await run.until(/nsecbunker device confirm (\d{6})/)
  await digits(page).waitFor()
  await run.done
  await keeps.run("device", "confirm", asked)
  await inside(page).waitFor()
  await page.locator(".rail").getByText("ana", { exact: true }).waitFor()

  await go(page, "#/bunkers")
  await page.getByText("You are here").waitFor()
  assert.equal(await names.count(), 2)
  await page.getByRole("button", { name: /^Go to Bunker / }).click()
  await inside(page).waitFor()
  await page.locator(".rail").getByText("ana", { exact: true }).waitFor({ state: "detached" })
  await go(page, "#/bunkers")
  await page.getByRole("button", { name: /^Go to Bunker / }).click()
  await page.locator(".rail").getByText("ana", { exact: true }).waitFor()

  // Who logs out finds both at the login, and one that is forgotten no more.
  await go(page, "#/bunkers")
  await page.getByRole("button", { name: /^Forget Bunker / }).click()
  await page.getByRole("button", { name: /^Go to Bunker / }).waitFor({ state: "detached" })
  assert.equal(await names.count(), 1)
})

act("a wrong string, a wrong key, a relay that is not there and a bunker that is silent: each in its own words", s, async stage => {
  const dead = await Bunker.start()
  const gone = dead.string
  await dead.down()
  rmSync(dead.dir, { recursive: true, force: true })
  const v = await visitor(stage.chrome, { secret: person().secret })
  const { page } = v
  v.forgive(/WebSocket connection to/)
  await door(stage, page, "")
  for (const [text, words] of [
    ["bunker-admin://abc", "This is no connection string"],
    [await stage.bunker.json("status").then(x => x.connection_string.split("?")[0]), "The string names no relay"],
    [stage.admin.npub, "It says who somebody is, not where a bunker is."],
    [nsecEncode(person().secret), "This is a secret key. It belongs in no web page"],
    ["nostrconnect://abc", "This is an app's code. Log in first"],
  ]) {
    await string(page).fill(text)
    await page.locator("#where-hint").getByText(words).waitFor()
  }
  await string(page).fill(stage.bunker.string)
  await knock(page)
  await told(page, "This key is no admin of this bunker.")
  await string(page).fill(gone)
  await knock(page)
  await told(page, "No relay of this connection string answers.")
  await string(page).fill(stage.bunker.string)
  await withBunker(page, `bunker://${kept.pubkey}?relay=${encodeURIComponent(dead.relay)}&secret=x`)
  await told(page, "No relay of the bunker:// link answers.")
  await told(quiet.page, "The relays are there, but the bunker does not answer.")
  await quiet.close()
  await v.close()
})

act("a bunker that is sealed says so to who logs in, and is opened there; a wrong passphrase opens nothing", s, async stage => {
  const known = await stage.owner()
  await known.page.evaluate(() => navigator.serviceWorker.ready.then(() => {}))
  await stage.bunker.run("seal")
  const { page } = known
  await page.reload()
  await page.getByRole("heading", { name: /is sealed$/ }).waitFor()
  await page.getByText("It signs nothing until you give the passphrase.").waitFor()
  const passphrase = page.getByLabel("Passphrase", { exact: true })
  await passphrase.fill("not the passphrase")
  await page.getByRole("button", { name: "Unseal" }).click()
  await page.locator("#pw-problem .note").waitFor()
  await passphrase.fill(stage.bunker.passphrase)
  await page.getByRole("button", { name: "Unseal" }).click()
  await inside(page).waitFor()
})
