// The whole path of the article that made nsecBunker known, with real client libraries as the apps.
import assert from "node:assert/strict"
import { verifyEvent } from "nostr-tools/pure"
import { heard, ndk, note, tools } from "../kit/apps.mjs"
import { go, visitor } from "../kit/browser.mjs"
import { act, scene } from "../kit/scene.mjs"
import { site } from "../kit/site.mjs"

const s = scene()

/** answered waits until the buttons are awake again and answers with one of them. */
async function press(page, name) {
  const b = page.getByRole("button", { name })
  await b.and(page.locator(":not([aria-disabled=true]):not([disabled])")).click()
}

async function hold(page, name) {
  const b = page.getByRole("button", { name })
  await b.focus()
  await page.keyboard.down(" ")
  await b.waitFor({ state: "detached" })
  await page.keyboard.up(" ")
}

act("log in, add a key, let nostr-login in by npub, name it, always allow; policy, token, second client; a count runs out; revoke", s, async ({ bunker, owner, chrome }) => {
  const { page, signed } = await owner()
  assert.equal(signed.length, 1, "a login is one signature")
  assert.equal(signed[0].kind, 24134)

  // A key, made in the page.
  await go(page, "#/keys?add=1")
  await page.getByLabel("Name").fill("herald")
  await page.getByRole("dialog").getByRole("button", { name: "Add a key" }).click()
  await page.getByRole("heading", { name: /^herald/ }).waitFor()
  const { key } = await bunker.json("key", "show", "herald")

  // Somebody's app knows nothing but the npub.
  await bunker.owner("key", "set", "herald", "--npub-login", "on")
  const quick = await site()
  const reader = await visitor(chrome)
  const notes = reader.page
  reader.forgive(/ERR_NAME_NOT_RESOLVED|Failed to load resource/) // nostr-login looks for relays of its own
  await notes.goto(quick.url)
  await notes.evaluate(() => { window.mine = window.nostr.getPublicKey() })
  await notes.getByPlaceholder(/bunker:\/\//).fill(`bunker://${key.pubkey}?relay=${encodeURIComponent(bunker.relay)}`)
  await notes.getByRole("button", { name: "Connect", exact: true }).click()

  await go(page, "#/approvals")
  await page.getByText("Nobody has met this app", { exact: false }).waitFor()
  await page.getByLabel("Name this connection").fill("Quick Notes")
  await press(page, "Connect")
  assert.equal(await notes.evaluate(() => window.mine), key.pubkey)

  // Its first note is asked about; always, from then on.
  const first = heard(notes.evaluate(t => window.nostr.signEvent(t), note("hello from nostr-login")))
  await page.getByText("hello from nostr-login").waitFor()
  await page.getByText("Quick Notes").first().waitFor()
  await page.locator("label").filter({ hasText: /^Always$/ }).click()
  await press(page, "Allow always")
  const event = await first
  assert.ok(verifyEvent(event))
  assert.equal(event.pubkey, key.pubkey)
  assert.ok(verifyEvent(await notes.evaluate(t => window.nostr.signEvent(t), note("and unasked"))))

  // A policy, a link under it, a second client.
  await go(page, "#/policies")
  await page.getByRole("button", { name: /Create/ }).first().click()
  await page.getByRole("dialog").getByRole("button", { name: "Create the policy" }).click()
  await page.getByRole("dialog").waitFor({ state: "detached" })
  await go(page, `#/keys/${key.id}?connect=1`)
  const dialog = page.getByRole("dialog")
  await dialog.getByLabel("Name of the app").fill("second")
  await dialog.getByLabel("What a policy says").check()
  await dialog.getByRole("combobox", { name: "Policy" }).selectOption("basic-social")
  await dialog.getByRole("button", { name: "Make the link" }).click()
  const uri = (await dialog.getByText(/^bunker:\/\//).first().innerText()).trim()
  await dialog.getByRole("button", { name: "Done" }).click()
  const second = await ndk(uri)
  await second.connect()
  assert.ok(verifyEvent(await second.sign(note("under a policy"))))

  // A number of times, and then no more.
  const third = await tools(await bunker.link("herald", "third", "none"))
  await third.connect()
  const asked = third.sign(note("the first of two"))
  await go(page, "#/approvals")
  await page.getByText("the first of two").waitFor()
  await page.locator("label").filter({ hasText: /^More$/ }).click()
  await page.getByLabel("For how long").selectOption("uses")
  await page.getByRole("spinbutton", { name: "Times" }).fill("2")
  await press(page, "Allow 2 times")
  await asked
  await third.sign(note("the second of two"))
  const over = third.sign(note("one too many"))
  await page.getByText("one too many").waitFor()
  await press(page, /^Deny/)
  await assert.rejects(over, /refused/)

  // Revoked: it hears so, at once.
  const { id } = (await bunker.json("connections")).find(c => c.name === "third")
  await go(page, `#/connections/${id}`)
  await page.getByRole("button", { name: "Revoke", exact: true }).click()
  await hold(page, "Hold to revoke")
  await assert.rejects(third.sign(note("after the end")), /revoked|unauthorized|restricted/)

  await Promise.all([second.end(), third.end()])
  await reader.close()
  await quick.end()
})
