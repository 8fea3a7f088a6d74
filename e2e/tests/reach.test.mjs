// What happens to the page while it is open: it is loaded anew, its relay goes and comes back, another admin acts, everything is stopped.
import assert from "node:assert/strict"
import { note, tools } from "../kit/apps.mjs"
import { go, login } from "../kit/browser.mjs"
import { act, scene } from "../kit/scene.mjs"

const s = scene()
let n = 0
async function app(bunker, perms = "none") {
  if (!n++) await bunker.run("key", "add", "herald")
  const a = await tools(await bunker.link("herald", `app-${n}`, perms))
  await a.connect()
  return a
}
const question = (page, text) => page.locator(".question").getByText(text)

act("a paired browser, reloaded in the middle of a question, is back without a prompt and answers it", s, async ({ bunker, paired }) => {
  const { page } = await paired("approver")
  const a = await app(bunker)
  const asked = a.sign(note("before the reload"))
  await go(page, "#/approvals")
  await question(page, "before the reload").waitFor()
  await page.reload()
  await question(page, "before the reload").waitFor()
  await page.getByRole("button", { name: /^Allow once/ }).and(page.locator(":not([aria-disabled=true])")).click()
  assert.equal((await asked).content, "before the reload")
  await a.end()
})

act("a bunker that was killed and started again: the page says that it is offline, and catches up", s, async ({ bunker, owner }) => {
  const v = await owner()
  const { page } = v
  const a = await app(bunker)
  v.forgive(/WebSocket connection to/)
  await bunker.down()
  await page.getByText("Offline · trying again").first().waitFor()
  await bunker.up()
  const asked = a.sign(note("while it was away"))
  await go(page, "#/approvals")
  await question(page, "while it was away").waitFor()
  await page.getByRole("button", { name: /^Allow once/ }).and(page.locator(":not([aria-disabled=true])")).click()
  assert.equal((await asked).content, "while it was away")
  await a.end()
})

act("without a network the page opens from what it kept, says that it is offline, and comes back by itself", s, async ({ bunker, owner }) => {
  const v = await owner()
  const { page } = v
  await page.evaluate(() => navigator.serviceWorker.ready.then(() => {}))
  await page.reload() // a page that was there before its worker is not ruled by it
  await page.getByRole("heading", { name: /waits? for you/ }).waitFor()
  assert.ok(await page.evaluate(() => navigator.serviceWorker.controller !== null))
  v.forgive(/WebSocket connection to|ERR_CONNECTION_REFUSED|ERR_FAILED/)
  await bunker.down()
  await page.reload()
  await page.getByRole("heading", { name: "Offline · trying again" }).waitFor()
  await bunker.up()
  await page.getByRole("heading", { name: /waits? for you/ }).waitFor()
})

act("what one admin answers is gone for the other one, and the answer counts once", s, async ({ bunker, owner, paired }) => {
  const one = await owner()
  const two = await paired("approver")
  const a = await app(bunker)
  const asked = a.sign(note("for both"))
  for (const v of [one, two]) {
    await go(v.page, "#/approvals")
    await question(v.page, "for both").waitFor()
  }
  await one.page.getByRole("button", { name: /^Allow once/ }).and(one.page.locator(":not([aria-disabled=true])")).click()
  assert.equal((await asked).content, "for both")
  await two.page.getByText("Nothing waits for you.").waitFor()
  const log = await bunker.json("audit", "list")
  assert.equal((log.records ?? log).filter(r => r.action === "approval.answer").length >= 1, true)
  await a.end()
})

act("stop everything by holding a button: the app is refused, and the page says so", s, async ({ bunker, owner }) => {
  const { page } = await owner()
  const a = await app(bunker, "all")
  await a.sign(note("still"))
  await page.getByRole("button", { name: "Stop everything" }).first().click()
  const b = page.getByRole("button", { name: "Hold to stop everything" })
  await b.focus()
  await page.keyboard.down(" ")
  await page.getByText("Everything is stopped.").first().waitFor()
  await page.keyboard.up(" ")
  await assert.rejects(a.sign(note("no more")))
  await page.getByRole("button", { name: "End the stop" }).click()
  await page.getByRole("dialog").getByRole("button", { name: /End the stop/ }).click()
  await page.getByText("Everything is stopped.").first().waitFor({ state: "detached" })
  await a.end()
})
