// What an account says of itself, and where: read, edited, looked at, published, and undone.
import assert from "node:assert/strict"
import { finalizeEvent, generateSecretKey } from "nostr-tools/pure"
import { nsecEncode } from "nostr-tools/nip19"
import { note, tools } from "../kit/apps.mjs"
import { go } from "../kit/browser.mjs"
import { relay } from "../kit/relay.mjs"
import { act, scene } from "../kit/scene.mjs"

const home = await relay()
const second = await relay()
const s = scene({ config: `allow = ["${home.address}", "${second.address}"]\n` })
const last = (r, kind) => r.of(kind).at(-1)

act("relays and profile of a key are edited, looked at, published and undone; what an app wrote beside them stays", s, async ({ bunker, owner }) => {
  await bunker.run("key", "add", "herald")
  const { id, pubkey } = (await bunker.json("key", "show", "herald")).key
  const { page } = await owner()
  await go(page, `#/keys/${id}`)
  await page.getByRole("link", { name: "Profile" }).click()
  await page.getByText("This account has no profile yet.").waitFor()

  // First where it writes.
  const relays = page.getByRole("region", { name: "Relays of the account" })
  await relays.getByLabel("Another relay").fill(home.url)
  await relays.getByRole("button", { name: "Look at the change" }).click()
  const dialog = page.getByRole("dialog")
  await dialog.getByRole("heading", { name: "Change the relays of herald?" }).waitFor()
  await dialog.getByRole("button", { name: "Sign and publish" }).click()
  await dialog.getByText("Signed. The relay has it.").waitFor()
  await dialog.getByRole("button", { name: "Done" }).click()
  assert.deepEqual(last(home, 10002).tags, [["r", home.url]])
  assert.equal(last(home, 10002).pubkey, pubkey)

  // An app writes a profile with a field that we do not know.
  const app = await tools(await bunker.link("herald", "app", "all"))
  await app.connect()
  await app.sign({ ...note(""), kind: 0, content: JSON.stringify({ name: "herald", bot: true, about: "Old words", lud16: "herald@wallet.example" }) })
  const about = page.getByLabel("About")
  await about.waitFor()
  await page.waitForFunction(() => document.querySelector("textarea")?.value === "Old words")
  await page.getByText("1 further field stays as it is").waitFor()

  // What is wrong is said where it is wrong; what was typed stays.
  await about.fill("News of the town")
  await page.getByLabel("Picture").fill("not an address")
  await page.getByRole("button", { name: "Look at the change" }).first().click()
  await page.getByText("write it as https://example.com", { exact: false }).first().waitFor()
  assert.equal(await page.getByLabel("Picture").getAttribute("aria-invalid"), "true")
  assert.equal(await about.inputValue(), "News of the town")
  await page.getByLabel("Picture").fill("")
  await page.getByLabel("Lightning address").fill("other@wallet.example")
  await page.getByRole("button", { name: "Look at the change" }).first().click()
  await dialog.locator("del").getByText("Old words").waitFor()
  await dialog.locator("ins").getByText("News of the town").waitFor()
  await dialog.getByText("Whoever zaps this account pays to the new lightning address", { exact: false }).waitFor()
  await dialog.getByRole("button", { name: "Sign and publish" }).click()
  await dialog.getByText("Signed. The relay has it.").waitFor()
  assert.deepEqual(JSON.parse(last(home, 0).content), { name: "herald", bot: true, about: "News of the town", lud16: "other@wallet.example" })

  // Undone: the version before, signed anew.
  await dialog.getByRole("button", { name: "Undo" }).click()
  await dialog.getByText("The version before is signed anew. The relay has it.").waitFor()
  assert.equal(JSON.parse(last(home, 0).content).about, "Old words")
  await dialog.getByRole("button", { name: "Done" }).click()
  await page.waitForFunction(() => document.querySelector("textarea")?.value === "Old words")
  await app.end()
})

act("of a key that was brought along the profile is fetched first, and a loss must be held", s, async ({ bunker, owner }) => {
  const secret = generateSecretKey()
  const signed = (kind, tags, content) => home.events.push(finalizeEvent({ kind, created_at: Math.floor(Date.now() / 1000) - 500, tags, content }, secret))
  const { page } = await owner()
  await go(page, "#/keys?add=1")
  const dialog = page.getByRole("dialog")
  await dialog.getByRole("radio", { name: "Bring your own" }).click()
  await dialog.getByLabel("Name", { exact: true }).fill("brought")
  await dialog.getByLabel("Secret key", { exact: true }).fill(nsecEncode(secret))
  await dialog.getByRole("button", { name: "Add a key" }).click()
  await dialog.waitFor({ state: "detached" })
  const { id } = (await bunker.json("key", "show", "brought")).key
  await go(page, `#/keys/${id}?tab=profile`)
  await page.getByText("No relay that was asked has the profile of this account", { exact: false }).waitFor()

  // It is on a relay that somebody names; then it is here.
  signed(10002, [["r", home.url, "write"], ["r", second.url, "read"]], "")
  signed(0, [], JSON.stringify({ name: "Ann", about: "Sails", website: "https://ann.example", nip05: "ann@ann.example" }))
  await bunker.run("key", "baseline", "brought", "--relay", home.url)
  await page.waitForFunction(() => document.querySelector("textarea")?.value === "Sails")
  await page.getByText("Found on a relay, dated", { exact: false }).first().waitFor()
  assert.equal(await page.getByLabel(`What ${second.url} is for`).inputValue(), "read")

  // Most of it goes: said first, and the button must be held.
  for (const f of ["About", "Website", "Nostr address"]) await page.getByLabel(f, { exact: true }).fill("")
  await page.getByRole("button", { name: "Look at the change" }).first().click()
  await dialog.getByText("3 of 4 fields would be lost.").waitFor()
  assert.equal(await dialog.getByRole("button", { name: "Sign and publish" }).count(), 0)
  const had = home.of(0).length
  const hold = dialog.getByRole("button", { name: "Hold to sign" })
  // A click is no hold. Pressed and let go in one turn: between two of the browser's a busy machine may hold for long.
  await hold.evaluate(b => { for (const e of ["pointerdown", "pointerup", "click"]) b.dispatchEvent(new PointerEvent(e, { bubbles: true })) })
  await hold.focus()
  await page.keyboard.down(" ")
  await dialog.getByText("Signed. The relay has it.").waitFor()
  await page.keyboard.up(" ")
  assert.deepEqual(JSON.parse(last(home, 0).content), { name: "Ann" })
  assert.equal(home.of(0).length, had + 1)
  home.end()
  second.end()
})
