// A hosted bunker's owner sees in the admin app until when it is paid, and renews it there: by a year, for more people, and out of read-only,
// against a wallet that speaks phoenixd's protocol.
import assert from "node:assert/strict"
import { after, before, test } from "node:test"
import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { browser, person, visitor } from "../kit/browser.mjs"
import { shop } from "../kit/shop.mjs"

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8")
const passphrase = "correct horse battery staple"
let s, chrome
before(async () => {
  chrome = await browser()
  // Every plan is one to be reminded of, and a trial is over within this test.
  s = await shop({ config: '[sell]\nreminders = ["8760h"]\ntrial_for = "1m"\n' })
})
after(async () => {
  await chrome?.close()
  await s?.end()
  setImmediate(() => process.exit())
})

async function clean(v, what) {
  const cdp = await v.context.newCDPSession(v.page)
  await cdp.send("Runtime.evaluate", { expression: axe })
  const found = await v.page.evaluate(async () => (await window.axe.run()).violations.map(x => `${x.id}: ${x.nodes.map(n => n.html).join(" | ").slice(0, 300)}`))
  assert.deepEqual(found, [], what)
}
const show = async (v, name) => { if (process.env.E2E_SHOTS) await v.page.screenshot({ path: `${process.env.E2E_SHOTS}/renew-${name}.png`, fullPage: true }) }
const invoice = async page => (await page.locator(".copybox .mono").first().innerText()).trim()

/** owner buys a bunker, sets it up, and stands at its first step. */
async function owner(kind, options = {}) {
  const who = person()
  const v = await visitor(chrome, { secret: who.secret, ...options })
  const { page } = v
  await page.goto(s.page)
  await page.getByRole("button", { name: "From my extension" }).click()
  if (kind === "trial") await page.getByText("1 minutes, to try").click()
  await page.getByRole("button", { name: "Show the invoice" }).click()
  await page.getByRole("img", { name: "QR code of the invoice" }).waitFor()
  s.wallet.pay(await invoice(page))
  await page.getByRole("heading", { name: "Your bunker is ready" }).waitFor()
  const [, code] = await page.locator(".copybox .mono").allInnerTexts()
  await page.getByRole("link", { name: "Log in and set it up" }).click()
  await page.getByRole("button", { name: /Browser extension/ }).click()
  await page.getByLabel("Setup code").fill(code.trim())
  await page.getByLabel("Passphrase", { exact: true }).fill(passphrase)
  await page.getByLabel("Passphrase once more").fill(passphrase)
  await page.getByRole("button", { name: "Set it up" }).click()
  await page.getByRole("button", { name: "Do this later" }).click()
  return v
}

const go = (page, at) => page.evaluate(r => { location.hash = r }, at)
const wide = page => page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)

test("an owner sees what is paid, renews by a year and for more people, and a trial that is over works again when it is paid", async () => {
  const trial = await owner("trial", { size: { width: 390, height: 844 }, scheme: "dark", touch: true })
  const year = await owner("bunker")
  const { page } = year

  await go(page, "#/")
  const banner = page.getByRole("region", { name: "What is paid" })
  await banner.getByText("This bunker is paid until", { exact: false }).waitFor()
  await show(year, "banner")
  await clean(year, "the banner")
  await banner.getByRole("link", { name: "Renew it" }).click()
  await page.getByRole("heading", { name: "What is paid" }).waitFor()
  await page.getByText("Everything works. It is paid until", { exact: false }).waitFor()
  await page.getByText("7,000 sats", { exact: true }).waitFor()
  await show(year, "form")
  await clean(year, "what is paid")

  // Bad input is told, and keeps what was typed.
  const people = page.getByLabel("People who will sign")
  await people.fill("5000")
  await page.getByText("Here it goes up to 1,000 people", { exact: false }).waitFor()
  assert.ok(await page.getByRole("button", { name: "Show the invoice" }).isDisabled())
  await page.getByRole("radio", { name: "Another number of people" }).check()
  await people.fill("1")
  await page.getByText("The bunker is for 1 people already.", { exact: false }).waitFor()
  await page.getByRole("radio", { name: "One year more" }).check()
  await people.fill("3")
  await page.getByText("21,000 sats", { exact: true }).waitFor()
  await page.getByText("sats of what was paid before count for it", { exact: false }).waitFor()
  await page.getByRole("button", { name: "Show the invoice" }).click()
  await page.getByRole("heading", { name: "Pay 21,000 sats" }).waitFor()
  await page.getByRole("img", { name: "QR code of the invoice" }).waitFor()
  await show(year, "pay")
  await clean(year, "the invoice")
  const bolt11 = await invoice(page)
  assert.equal(await page.getByRole("link", { name: "Open in a wallet" }).getAttribute("href"), `lightning:${bolt11}`)

  // A reload in the middle finds the same order.
  await page.reload()
  await page.getByRole("heading", { name: "Pay 21,000 sats" }).waitFor()
  assert.equal(await invoice(page), bolt11)
  s.wallet.pay(bolt11)
  await page.getByText("It is renewed: paid until", { exact: false }).waitFor()
  await show(year, "made")
  await page.getByRole("button", { name: "Done" }).click()
  await page.getByRole("definition").filter({ hasText: /^3$/ }).waitFor()

  // For more people, for the rest of the time.
  await page.getByRole("radio", { name: "Another number of people" }).check()
  await people.fill("4")
  await page.getByRole("button", { name: "Show the invoice" }).click()
  s.wallet.pay(await invoice(page))
  await page.getByText("It is renewed: paid until", { exact: false }).waitFor()
  await page.getByRole("button", { name: "Done" }).click()
  await page.getByRole("definition").filter({ hasText: /^4$/ }).waitFor()
  await go(page, "#/activity")
  await page.getByText("ordered a renewal", { exact: false }).first().waitFor()
  await year.close()

  // The trial's minute is over meanwhile, or soon.
  const small = trial.page
  await go(small, "#/")
  const over = small.getByRole("region", { name: "What is paid" }).getByText("This bunker is not paid any more: it signs nothing", { exact: false })
  for (;;) {
    const due = (await s.bunker.json("order", "plans")).find(p => p.trial)
    if (due.stage === "read-only" && (await s.bunker.json("tenant", "list")).some(t => t.state === "read-only")) break
    await small.waitForTimeout(2000)
  }
  await small.reload()
  await over.waitFor()
  assert.ok(await wide(small), "nothing is wider than the phone")
  await show(trial, "over")
  await small.getByRole("link", { name: "Renew it" }).click()
  await small.getByText("You can read and export everything", { exact: false }).waitFor()
  await small.getByText("7,000 sats", { exact: true }).waitFor()
  await show(trial, "over-form")
  await clean(trial, "a bunker that is over, on a phone")
  await small.getByRole("button", { name: "Show the invoice" }).click()
  await small.getByRole("img", { name: "QR code of the invoice" }).waitFor()
  assert.ok(await wide(small), "nothing is wider than the phone")
  await show(trial, "phone-pay")
  s.wallet.pay(await invoice(small))
  await small.getByText("It is renewed: paid until", { exact: false }).waitFor()
  // It works again: a key can be added.
  await go(small, "#/keys?add=1")
  const add = small.getByRole("dialog")
  await add.getByLabel("Name", { exact: true }).fill("herald")
  await add.getByRole("button", { name: "Add a key" }).click()
  await small.getByText("Before you rely on it, put it on paper.", { exact: false }).waitFor().catch(async e => { await show(trial, "fail"); throw e })
  await trial.close()

  const orders = await s.bunker.json("order", "list")
  assert.deepEqual(orders.map(o => [o.kind, o.state]).sort(), [["bunker", "made"], ["plan", "made"], ["plan", "made"], ["plan", "made"], ["trial", "made"]])
  assert.equal((await s.bunker.json("tenant", "list")).length, 2)
})
