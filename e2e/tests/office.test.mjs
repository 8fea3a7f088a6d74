// Admins and Settings: who may do what and from where, what opens the bunker, who is told, and what the page is.
import assert from "node:assert/strict"
import { go, login, person, visitor } from "../kit/browser.mjs"
import { act, scene } from "../kit/scene.mjs"

const second = person()
const s = scene({ args: ["--admin", second.npub] })
const dialog = page => page.getByRole("dialog")
const told = (page, words) => page.locator(".toast").getByText(words).first().waitFor()

/** hold holds a button with the keyboard until what it does was said. */
async function hold(page, button, said) {
  await button.focus()
  await page.keyboard.down(" ")
  await said()
  await page.keyboard.up(" ")
}

/** whoever opens the app as another person, without being confirmed. */
async function knock(chrome, bunker, who, string = "") {
  const v = await visitor(chrome, { secret: who.secret })
  await v.page.goto(bunker.page)
  if (string) await v.page.getByLabel("Connection string").fill(string)
  await v.page.getByRole("button", { name: /Browser extension/ }).click()
  const code = (await v.page.getByLabel("Six digits to compare").innerText()).trim()
  return { ...v, code }
}

async function roleOf(bunker, npub) {
  const got = await bunker.json("admin", "list")
  return (got.admins ?? got).find(a => a.npub === npub)?.role
}

act("an admin is named by npub, given another role, and removed by holding a button", s, async ({ bunker, owner }) => {
  const { page } = await owner()
  const ben = person()
  await bunker.owner("key", "add", "herald") // until there is a key, Home is the first steps
  await go(page, "#/admins")
  await page.getByRole("button", { name: "Add an admin" }).click()
  await dialog(page).getByLabel("npub of the person").fill("npub1 mistyped")
  await dialog(page).getByText("This is no npub").waitFor()
  await dialog(page).getByLabel("npub of the person").fill(ben.npub)
  await dialog(page).getByLabel("Name", { exact: true }).fill("Ben")
  await dialog(page).getByRole("radio", { name: /^Viewer/ }).check()
  await dialog(page).getByRole("button", { name: "Add as Viewer" }).click()
  await told(page, "Ben is an admin now.")
  assert.equal(await roleOf(bunker, ben.npub), "viewer")

  await page.getByRole("button", { name: /^Ben/ }).click()
  await dialog(page).getByRole("button", { name: "Change role" }).click()
  await dialog(page).getByRole("radio", { name: /^Operator/ }).check()
  await dialog(page).getByRole("button", { name: "Change the role" }).click()
  await told(page, "Ben has the new role.")
  assert.equal(await roleOf(bunker, ben.npub), "operator")

  await page.getByRole("button", { name: /^Ben/ }).click()
  await dialog(page).getByRole("button", { name: "Let scripts in" }).click()
  await told(page, "It is open.")
  assert.match(await bunker.run("admin", "list", "--json"), /"script": ?true/)
  await dialog(page).getByRole("button", { name: "Close it" }).click()
  await told(page, "It is closed.")
  await dialog(page).getByRole("button", { name: "Remove" }).click()
  await dialog(page).getByText("From the next command on").waitFor()
  await hold(page, dialog(page).getByRole("button", { name: "Remove" }), () => told(page, "Ben is no admin any more."))
  assert.equal(await roleOf(bunker, ben.npub), undefined)
})

act("an invitation lets one person in, whose browser is let in from another admin's page", s, async ({ bunker, chrome, owner }) => {
  const { page } = await owner()
  const ben = person()
  await go(page, "#/admins")
  await page.getByRole("button", { name: "Add an admin" }).click()
  await dialog(page).getByRole("radio", { name: "By a link" }).click()
  await dialog(page).getByLabel("Name", { exact: true }).fill("Ben")
  await dialog(page).getByRole("button", { name: "Make the invitation" }).click()
  const link = await dialog(page).locator(".copybox .mono").innerText()
  await page.keyboard.press("Escape")
  const v = await knock(chrome, bunker, ben, link)
  await go(page, "#/")
  await page.getByText("A browser asks to be let in.").waitFor()
  await page.getByRole("link", { name: "Look at it" }).click()
  await page.locator(".ask", { hasText: v.code }).getByRole("button", { name: "Let in" }).click()
  await v.page.getByRole("heading", { name: /waits? for you/ }).waitFor()
  assert.equal(await roleOf(bunker, ben.npub), "approver")

  await bunker.owner("admin", "remove", ben.npub, "--yes")
  await go(v.page, "#/admins/browsers")
  await v.page.getByRole("heading", { name: "Log in to your bunker" }).waitFor()
  await v.close()
})

act("a phone is paired from the page: the same digits; what it cannot sign is shown as it is typed; revoked, it is out", s, async ({ bunker, chrome, owner }) => {
  const { page } = await owner()
  await go(page, "#/admins/browsers")
  await page.getByRole("button", { name: "Pair a browser" }).click()
  await dialog(page).getByLabel("What it is called").fill("Ana's phone")
  await dialog(page).getByRole("radio", { name: /^Owner/ }).check()
  await dialog(page).getByRole("button", { name: "Make the pairing link" }).click()
  const link = await dialog(page).locator(".copybox .mono").innerText()
  const phone = await visitor(chrome, { size: { width: 390, height: 844 }, touch: true })
  await phone.page.goto(`${bunker.page}#/login?at=${encodeURIComponent(link)}`)
  await phone.page.getByRole("button", { name: "Pair this browser" }).click()
  const shown = await phone.page.getByLabel("Six digits to compare").innerText()
  await dialog(page).getByText(shown.trim()).waitFor()
  await dialog(page).getByRole("button", { name: "They are the same" }).click()
  await phone.page.getByRole("heading", { name: /waits? for you/ }).waitFor()

  await go(phone.page, "#/admins?add=1")
  await dialog(phone.page).getByLabel("npub of the person").fill(second.npub)
  await dialog(phone.page).getByText(`nsecbunker admin add ${second.npub} --role approver`).waitFor()
  assert.equal(await dialog(phone.page).getByRole("button", { name: /^Add as/ }).count(), 0)

  await page.getByRole("listitem").filter({ hasText: "Ana's phone" }).getByRole("button", { name: "Revoke" }).click()
  await dialog(page).getByRole("button", { name: "Revoke" }).click()
  await told(page, "Ana's phone is revoked.")
  await phone.page.getByRole("heading", { name: "Log in to your bunker" }).waitFor()
  await phone.close()
})

act("where two must want it, one yes waits, and the other one's does it", s, async ({ bunker, chrome, owner }) => {
  const { page } = await owner()
  const other = await visitor(chrome, { secret: second.secret })
  await login(bunker, other)
  const ben = person()
  await go(page, "#/admins/together")
  await page.getByRole("button", { name: "Changing admins: more persons" }).click()
  await page.getByRole("button", { name: "Change the numbers" }).click()
  await told(page, "The numbers are changed.")

  await go(page, "#/admins?add=1")
  await dialog(page).getByLabel("npub of the person").fill(ben.npub)
  await dialog(page).getByLabel("Name", { exact: true }).fill("Ben")
  await dialog(page).getByRole("button", { name: /^Add as/ }).click()
  await told(page, "Your yes is noted. It waits for others.")
  assert.equal(await roleOf(bunker, ben.npub), undefined)
  await go(other.page, "#/admins")
  await other.page.getByText("Make Ben an Approver").waitFor()
  await other.page.getByRole("button", { name: "Say yes" }).click()
  await told(other.page, "That was the last yes. It is done.")
  assert.equal(await roleOf(bunker, ben.npub), "approver")
  await other.close()
})

act("a passphrase is added, removed and changed; the bunker is sealed and opened with the new one", s, async ({ owner }) => {
  const { page } = await owner()
  await go(page, "#/settings/opening")
  await page.getByRole("button", { name: "Add a passphrase" }).click()
  await dialog(page).getByLabel("Whose it is").fill("safe")
  await dialog(page).getByRole("button", { name: "Make one for me" }).click()
  const made = await dialog(page).getByLabel("New passphrase").inputValue()
  assert.match(made, /^([a-z2-9]{4}-){4}[a-z2-9]{4}$/)
  await dialog(page).getByLabel("Once more").fill(made)
  await dialog(page).getByRole("button", { name: "Add the passphrase" }).click()
  await told(page, "safe opens the bunker from now on.")
  await page.locator(".item", { hasText: "safe" }).getByRole("button", { name: "Remove" }).click()
  await dialog(page).getByRole("textbox").fill("safe")
  await dialog(page).getByRole("button", { name: "Remove" }).click()
  await told(page, "safe opens nothing any more.")
  await page.locator(".item", { hasText: "safe" }).waitFor({ state: "detached" })

  const changed = "another battery and staple"
  await page.getByRole("button", { name: "Change", exact: true }).click()
  await dialog(page).getByLabel("New passphrase").fill(changed)
  await dialog(page).getByLabel("Once more").fill(changed)
  await dialog(page).getByRole("button", { name: "Change the passphrase" }).click()
  await told(page, "The passphrase is changed.")
  await page.getByRole("button", { name: "Seal", exact: true }).click()
  await hold(page, dialog(page).getByRole("button", { name: "Seal" }), () => page.getByRole("heading", { name: /is sealed/ }).waitFor())
  await page.getByLabel("Passphrase", { exact: true }).fill(changed)
  await page.getByRole("button", { name: "Unseal" }).click()
  await page.getByRole("heading", { name: /opens? this bunker/ }).waitFor()
})

act("what a channel cannot do is said in its own words, and an error keeps what was typed", s, async ({ bunker, owner }) => {
  const { page } = await owner()
  await bunker.run("notify", "add", "ops", "webhook", "https://ops.invalid/hook")
  await go(page, "#/settings/notices")
  await page.getByRole("button", { name: "Test" }).click()
  await page.getByText("It did not arrive.").waitFor()
  await page.getByRole("button", { name: "Add a channel" }).click()
  await dialog(page).getByLabel("Name", { exact: true }).fill("no name!")
  await dialog(page).getByRole("button", { name: "Add the channel" }).click()
  await dialog(page).getByRole("status").getByText(/letters, digits/).waitFor()
  assert.equal(await dialog(page).getByLabel("Name", { exact: true }).inputValue(), "no name!")
})

act("language and light are chosen in the page, and kept when it is loaded anew", s, async ({ owner }) => {
  const { page } = await owner()
  await go(page, "#/settings/page")
  await page.getByLabel("Language").selectOption("de")
  await page.getByRole("heading", { name: "Einstellungen" }).waitFor()
  await page.getByRole("radio", { name: "Dunkel" }).click()
  await page.reload()
  await page.locator("html[lang=de][data-theme=dark]").waitFor()
})
