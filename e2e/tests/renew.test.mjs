// A hosted bunker's owner sees in the admin app until when it is paid, and renews it there: by a year, for more people, and out of read-only,
// against a wallet that speaks phoenixd's protocol.
import assert from "node:assert/strict"
import { test } from "node:test"
import { go } from "../kit/browser.mjs"
import { clean, show } from "../kit/look.mjs"
import { counter } from "../kit/shop.mjs"

// Every plan is one to be reminded of. A trial lasts longer than a slow machine needs to set it up, and not so long that a clock beyond its
// end is too far from the page's.
const s = counter({ config: '[sell]\nreminders = ["8760h"]\ntrial_for = "5m"\n' })
const wide = page => page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)

test("an owner sees what is paid, renews by a year and for more people, and a trial that is over works again when it is paid", async () => {
  const [trial, year] = await Promise.all([s.owner("5 minutes, to try", { size: { width: 390, height: 844 }, scheme: "dark", touch: true }), s.owner("")])
  const { page } = year

  await go(page, "#/")
  const banner = page.getByRole("region", { name: "What is paid" })
  await banner.getByText("This bunker is paid until", { exact: false }).waitFor()
  await show(year, "renew-banner")
  await clean(year, "the banner")
  await banner.getByRole("link", { name: "Renew it" }).click()
  await page.getByRole("heading", { name: "What is paid" }).waitFor()
  await page.getByText("Everything works. It is paid until", { exact: false }).waitFor()
  await page.getByText("7,000 sats", { exact: true }).waitFor()
  await show(year, "renew-form")
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
  await show(year, "renew-pay")
  await clean(year, "the invoice")
  const bolt11 = await s.invoice(page)
  assert.equal(await page.getByRole("link", { name: "Open in a wallet" }).getAttribute("href"), `lightning:${bolt11}`)

  // A reload in the middle finds the same order.
  await page.reload()
  await page.getByRole("heading", { name: "Pay 21,000 sats" }).waitFor()
  assert.equal(await s.invoice(page), bolt11)
  s.wallet.pay(bolt11)
  await page.getByText("It is renewed: paid until", { exact: false }).waitFor()
  await show(year, "renew-made")
  await page.getByRole("button", { name: "Done" }).click()
  await page.getByRole("definition").filter({ hasText: /^3$/ }).waitFor()

  // For more people, for the rest of the time.
  await page.getByRole("radio", { name: "Another number of people" }).check()
  await people.fill("4")
  await page.getByRole("button", { name: "Show the invoice" }).click()
  s.wallet.pay(await s.invoice(page))
  await page.getByText("It is renewed: paid until", { exact: false }).waitFor()
  await page.getByRole("button", { name: "Done" }).click()
  await page.getByRole("definition").filter({ hasText: /^4$/ }).waitFor()
  await go(page, "#/activity")
  await page.getByText("ordered a renewal", { exact: false }).first().waitFor()
  await year.close()

  // The trial's five minutes are over: the bunkers are started again by a clock that is past it, and the trial's own is unsealed once more.
  const small = trial.page
  trial.forgive(/WebSocket connection to/)
  const plan = async () => (await s.bunker.json("order", "plans")).find(p => p.trial)
  await s.bunker.later(Math.max(0, Date.parse((await plan()).until) - Date.now()) + 1000)
  await small.reload()
  await small.getByLabel("Passphrase", { exact: true }).fill(s.passphrase)
  await small.getByRole("button", { name: "Unseal" }).click()
  await go(small, "#/")
  const over = small.getByRole("region", { name: "What is paid" }).getByText("This bunker is not paid any more: it signs nothing", { exact: false })
  await over.waitFor()
  assert.equal((await plan()).stage, "read-only")
  assert.ok(await wide(small), "nothing is wider than the phone")
  await show(trial, "renew-over")
  await small.getByRole("link", { name: "Renew it" }).click()
  await small.getByText("You can read and export everything", { exact: false }).waitFor()
  await small.getByText("7,000 sats", { exact: true }).waitFor()
  await show(trial, "renew-over-form")
  await clean(trial, "a bunker that is over, on a phone")
  await small.getByRole("button", { name: "Show the invoice" }).click()
  await small.getByRole("img", { name: "QR code of the invoice" }).waitFor()
  assert.ok(await wide(small), "nothing is wider than the phone")
  await show(trial, "renew-phone-pay")
  s.wallet.pay(await s.invoice(small))
  await small.getByText("It is renewed: paid until", { exact: false }).waitFor()
  // It works again: a key can be added.
  await go(small, "#/keys?add=1")
  const add = small.getByRole("dialog")
  await add.getByLabel("Name", { exact: true }).fill("herald")
  await add.getByRole("button", { name: "Add a key" }).click()
  await small.getByText("Before you rely on it, put it on paper.", { exact: false }).waitFor()
  await trial.close()

  const orders = await s.bunker.json("order", "list")
  assert.deepEqual(orders.map(o => [o.kind, o.state]).sort(), [["bunker", "made"], ["plan", "made"], ["plan", "made"], ["plan", "made"], ["trial", "made"]])
  assert.equal((await s.bunker.json("tenant", "list")).length, 2)
})
