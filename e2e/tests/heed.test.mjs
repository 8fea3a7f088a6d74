// A question that comes while somebody looks at something else: the tab counts it, and what was switched on is heard and shown, once.
import assert from "node:assert/strict"
import { note, tools } from "../kit/apps.mjs"
import { go } from "../kit/browser.mjs"
import { act, scene } from "../kit/scene.mjs"

const s = scene()
let n = 0
async function app(bunker) {
  if (!n++) await bunker.run("key", "add", "herald")
  const a = await tools(await bunker.link("herald", `app-${n}`, "none"))
  await a.connect()
  return a
}
/** sounds counts the notes that the page starts. */
const sounds = page => page.addInitScript(() => {
  window.notes = 0
  const start = OscillatorNode.prototype.start
  OscillatorNode.prototype.start = function (...at) { window.notes++; return start.apply(this, at) }
})
const titled = (page, title) => page.waitForFunction(t => document.title === t, title)
/** shown is what of the page's notifications the system shows now. */
const shown = page => page.evaluate(async () => (await (await navigator.serviceWorker.ready).getNotifications()).map(n => [n.title, n.body, n.tag]))
/** off answers what was asked. */
const off = async (page, asked) => {
  await go(page, "#/approvals")
  for (let left = asked.length; left > 0; left--) {
    await page.locator(".question button.pri:not([aria-disabled=true])").waitFor()
    await page.keyboard.press("d")
    await page.getByText(left > 1 ? `${left - 1} question` : "Nothing waits for you.").first().waitFor()
  }
}

act("the tab counts what waits, and nothing is heard or shown that nobody switched on", s, async ({ bunker, paired }) => {
  const { page } = await paired("approver")
  await sounds(page)
  await page.reload()
  await page.getByRole("heading", { name: /waits? for you/ }).waitFor()
  const a = await app(bunker)
  const asked = [a.sign(note("one")), a.sign({ ...note("two"), kind: 1111, tags: [["K", "1"]] })]
  await titled(page, "(2) nsecBunker")
  assert.equal(await page.evaluate(() => window.notes), 0)
  assert.deepEqual(await shown(page), [])
  await off(page, asked)
  await titled(page, "nsecBunker")
  await a.end()
})

act("switched on by the keyboard, a burst is one sound and one notification without words of the question", s, async ({ bunker, paired }) => {
  const { page, context } = await paired("approver")
  await context.grantPermissions(["notifications"])
  await sounds(page)
  await page.reload()
  await page.getByRole("heading", { name: /waits? for you/ }).waitFor()
  await go(page, "#/approvals")
  await page.getByRole("link", { name: "Sound and notification" }).click()
  const sound = page.getByRole("switch", { name: /^Sound/ })
  await sound.focus()
  await page.keyboard.press("Space")
  await page.waitForFunction(() => window.notes === 2) // it is heard once, as it will be
  await page.keyboard.press("Tab")
  await page.keyboard.press("Space")
  await page.waitForFunction(() => localStorage.getItem("nsecbunker.notice") === "on")
  // What the page asks the browser to show: whether a browser without a desktop then lists it is not certain.
  await page.evaluate(() => {
    window.shows = []
    ServiceWorkerRegistration.prototype.showNotification = async (title, o) => { window.shows.push([title, o.body ?? "", o.tag]) }
  })
  // However long the second one is on its way, it comes in the same burst: the page's clock stands still.
  await page.evaluate(() => { const at = Date.now(); Date.now = () => at })
  const a = await app(bunker)
  const asked = [a.sign(note("a secret plan")), a.sign({ ...note("another"), kind: 1111, tags: [["K", "1"]] })]
  await titled(page, "(2) nsecBunker")
  await page.waitForFunction(() => window.notes === 4)
  await page.waitForFunction(() => window.shows.length > 0)
  assert.deepEqual(await page.evaluate(() => window.shows), [["A question waits", "", "nsecbunker-question"]])
  await off(page, asked)
  assert.equal(await page.evaluate(() => window.notes), 4)
  await a.end()
})

act("a browser that does not let the page show anything says so, and the switch stays off", s, async ({ paired }) => {
  const { page } = await paired("approver")
  await page.evaluate(() => { Notification.requestPermission = async () => "denied" })
  await go(page, "#/settings/page")
  const notice = page.getByRole("switch", { name: /^Notification/ })
  await notice.click()
  await page.getByText("The browser does not let this page show notifications.").waitFor()
  assert.equal(await notice.isChecked(), false)
  assert.equal(await page.evaluate(() => localStorage.getItem("nsecbunker.notice")), null)
})

act("on Home, in German, what was done is said in German", s, async ({ bunker, paired }) => {
  const { page } = await paired()
  await bunker.run("key", "rename", "herald", "herold")
  await page.evaluate(() => localStorage.setItem("nsecbunker.language", "de"))
  await page.reload()
  await page.getByText("Schlüssel umbenannt").first().waitFor()
})
