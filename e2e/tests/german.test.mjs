// Every screen in German: nothing on it is English, but what apps and people wrote themselves.
import assert from "node:assert/strict"
import { asked, routes, settled } from "../kit/routes.mjs"
import { act, scene } from "../kit/scene.mjs"
import { ask, leave, settle } from "../kit/world.mjs"

const s = scene()

/** english are the texts of a page that have words which only English has; names, what apps wrote, and what is typed stay what they are. */
const english = page => page.evaluate(() => {
  const words = /\b(the|is|are|were|of|and|not|with|your|this|that|for|has|have|been|from|every|needs|which|what|when|nobody|somebody|yes|no|allowed|asked|refused|days?|ago|login|kind)\b/i
  const found = []
  const skip = ".mono, .said, .claim, pre, code, script, style, noscript, option[value='en'], [lang='en'], .brand"
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  for (let n; (n = walk.nextNode());) {
    const text = n.data.trim()
    if (!words.test(text) || n.parentElement.closest(skip)) continue
    // A tag or a version of its own: "sign_event", "NIP-04".
    found.push(text)
  }
  for (const e of document.querySelectorAll("[aria-label], [placeholder], [title]")) {
    for (const a of ["aria-label", "placeholder", "title"]) {
      const text = e.getAttribute(a) ?? ""
      if (words.test(text) && !e.closest(skip)) found.push(`${a}: ${text}`)
    }
  }
  return [...new Set(found)]
})

act("every screen is German for whoever reads German, also what the bunker says", s, async ({ bunker, owner }) => {
  const { page } = await owner()
  const w = await settle(bunker)
  await ask(bunker, w)
  await page.evaluate(() => localStorage.setItem("nsecbunker.language", "de"))
  await page.reload()
  await page.getByRole("heading", { name: /wartet|warten/ }).waitFor()
  const wrong = []
  for (const route of [...asked(w), ...routes(w)]) {
    await settled(page, route)
    for (const text of await english(page)) wrong.push(`${route.name}: ${text}`)
    if (route.dialog) await page.keyboard.press("Escape")
  }
  // Lines of the log, each with its reason.
  const lines = (await bunker.json("audit", "list", "--limit", "60"))
  for (const seq of lines.map(l => l.seq).filter(n => n % 3 === 0)) {
    await settled(page, { at: `#/activity?why=${seq}` })
    for (const text of await english(page)) wrong.push(`why ${seq}: ${text}`)
  }
  // What is refused, with its reason.
  await settled(page, { at: "#/keys?add=1", dialog: true })
  const dialog = page.getByRole("dialog")
  await dialog.getByLabel("Name", { exact: true }).fill("herald")
  await dialog.getByRole("button", { name: "Schlüssel hinzufügen" }).click()
  await dialog.getByText("Einen Schlüssel namens herald gibt es schon.").waitFor()
  await leave(w)
  assert.deepEqual([...new Set(wrong)], [])
})
