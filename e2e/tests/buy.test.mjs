// Buying a bunker: the whole way from the page to being its owner, in a real browser, against a hosted bunker and a wallet that
// speaks phoenixd's protocol.
import assert from "node:assert/strict"
import { test } from "node:test"
import { person, visitor } from "../kit/browser.mjs"
import { clean, show } from "../kit/look.mjs"
import { counter } from "../kit/shop.mjs"

const provider = person()
const s = counter({ admins: [provider.npub] })

test("bought, paid, ready, set up: with the connection string and the setup code of the page whoever bought it is its owner", async () => {
  const who = person()
  const v = await visitor(s.chrome, { secret: who.secret })
  const { page } = v
  await page.goto(s.page)
  await page.getByRole("heading", { name: "A bunker of your own" }).waitFor()
  await show(v, "buy-start")
  await clean(v, "the page at its start")

  // Bad input is told with its reason, and nothing is sent.
  const npub = page.getByLabel("Who administers it")
  for (const [bad, why] of [["npub1nonsense", "This is no npub"], ["nsec1vl029mgpspedva04g90vltkh6fvh240zqtv9k0t9af8935ke9laqsnlfe5", "This is a secret key"]]) {
    await npub.fill(bad)
    await page.getByRole("button", { name: "Add", exact: true }).click()
    await page.getByText(why, { exact: false }).waitFor()
  }
  assert.equal(await npub.inputValue(), "", "a secret key does not stay in the field")
  await page.getByRole("button", { name: "Show the invoice" }).click()
  await page.getByText("Name at least one admin", { exact: false }).waitFor()
  await page.getByRole("button", { name: "From my extension" }).click()
  await page.getByText(`${who.npub.slice(0, 9)}…${who.npub.slice(-5)}`).waitFor()

  // The price is live.
  const people = page.getByLabel("People, as a number")
  await people.fill("12")
  await page.getByText("84,000", { exact: false }).first().waitFor()
  await people.fill("5000")
  await page.getByText("Here it goes up to 1,000 people", { exact: false }).waitFor()
  await people.fill("3")
  await page.getByText("One year for 3 people").waitFor()
  await page.getByRole("button", { name: "Show the invoice" }).click()

  await page.getByRole("img", { name: "QR code of the invoice" }).waitFor()
  await page.getByRole("heading", { name: "21,000 sats" }).waitFor()
  await show(v, "buy-pay")
  await clean(v, "the page with the invoice")
  const bolt11 = await s.invoice(page)
  assert.match(bolt11, /^lnbc/)
  assert.equal(await page.getByRole("link", { name: "Open in a wallet" }).getAttribute("href"), `lightning:${bolt11}`)

  // A reload in the middle, and the same order in another tab.
  await page.reload()
  await page.getByRole("img", { name: "QR code of the invoice" }).waitFor()
  assert.equal(await s.invoice(page), bolt11)
  assert.match(page.url(), /#order=[0-9a-f]{64}$/)

  s.wallet.pay(bolt11)
  await page.getByRole("heading", { name: "Your bunker is ready" }).waitFor()
  await show(v, "buy-ready")
  await clean(v, "the page of the bunker")
  const [string] = await page.locator(".copybox .mono").allInnerTexts()
  assert.match(string, /^bunker-admin:\/\/[0-9a-f]{64}\?relay=/)
  await page.reload()
  await page.getByRole("heading", { name: "Your bunker is ready" }).waitFor()

  await s.setUp(page)
  await page.getByRole("heading", { name: "Add your first key" }).waitFor()

  // Its owner may let the provider open it after a restart: what that means is said before, and it can be ended.
  await page.evaluate(() => { location.hash = "#/settings/opening" })
  await page.getByRole("button", { name: "Let the provider open it" }).click()
  await page.getByText("can read your keys at rest", { exact: false }).waitFor()
  await show(v, "buy-agree")
  const agree = page.getByRole("dialog").getByRole("button", { name: /let the provider open it/i })
  await agree.focus()
  await page.keyboard.down("Space")
  await page.getByText("the provider, when its own bunker is open", { exact: false }).waitFor()
  await page.keyboard.up("Space")
  await clean(v, "the ways to open it")
  assert.equal(await page.getByRole("button", { name: "Let the provider open it" }).count(), 0)

  // The code is good for nothing any more, and not shown.
  await page.goto(s.page)
  await page.getByText("It is set up.", { exact: false }).waitFor()

  // One person fewer: nothing to pay, at once, and the time is longer. A year's price is told before its invoice.
  await page.getByText("Renew or change").click()
  await page.getByText("21,000 sats; your bunker is then paid until", { exact: false }).waitFor()
  await page.getByLabel("People who will sign").fill("2")
  await page.getByText("14,000 sats; your bunker is then paid until", { exact: false }).waitFor()
  await page.getByRole("combobox").selectOption("rest")
  await page.getByText("Nothing to pay: what is left lasts until", { exact: false }).waitFor()
  await show(v, "buy-fewer")
  await clean(v, "the page with a change")
  await page.getByRole("button", { name: "Change it now" }).click()
  await page.locator("dl.kv dd").first().getByText("2", { exact: true }).waitFor()
  await v.close()

  const orders = await s.bunker.json("order", "list")
  assert.equal(orders.length, 1)
  assert.deepEqual([orders[0].state, orders[0].people, orders[0].sats], ["made", 3, 21000])
  assert.equal((await s.bunker.json("tenant", "list")).length, 1)
})

test("too little is a case that the provider sees, takes, and the buyer sees go on", async () => {
  const v = await visitor(s.chrome)
  await s.order(v, person(), 1)
  s.wallet.pay(await s.invoice(v.page), 6_000_000)
  await v.page.getByRole("heading", { name: "We have your payment, but not your bunker" }).waitFor()
  await show(v, "buy-held")
  await clean(v, "the page of a case")
  const [held] = await s.bunker.json("order", "list", "--cases")
  assert.deepEqual([held.state, held.owed_msat], ["held", 6_000_000])
  await s.bunker.run("order", "retry", held.id)
  await v.page.getByRole("heading", { name: "Your bunker is ready" }).waitFor()
  assert.equal((await s.bunker.json("order", "list", "--cases")).length, 0)
  await v.close()
})

test("the bunker is killed while an order waits: the page goes on where it was, and there is one bunker", async () => {
  const v = await visitor(s.chrome)
  v.forgive(/ERR_CONNECTION_REFUSED|Failed to load resource|ERR_EMPTY_RESPONSE|ERR_CONNECTION_RESET|ERR_INCOMPLETE/)
  await s.order(v, person(), 2)
  const before = (await s.bunker.json("tenant", "list")).length
  const bolt11 = await s.invoice(v.page)
  await s.bunker.down()
  await v.page.getByText("The order could not be read", { exact: false }).waitFor()
  s.wallet.pay(bolt11) // nobody hears the notice of it
  await s.bunker.up()
  await v.page.getByRole("heading", { name: "Your bunker is ready" }).waitFor()
  assert.equal((await s.bunker.json("tenant", "list")).length, before + 1)
  await v.close()
})

test("with one thumb, in the dark, and by keyboard alone", async () => {
  const who = person()
  const v = await visitor(s.chrome, { size: { width: 390, height: 844 }, scheme: "dark", touch: true, secret: who.secret })
  const { page } = v
  await page.goto(s.page)
  await page.getByRole("heading", { name: "A bunker of your own" }).waitFor()
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "nothing is wider than the phone")
  await show(v, "buy-phone-start")
  await clean(v, "the page on a phone")
  const press = async (key, times = 1) => { for (let i = 0; i < times; i++) await page.keyboard.press(key) }
  const until = async name => { for (let i = 0; i < 40; i++) { await press("Tab"); if (await page.evaluate(n => (document.activeElement?.textContent ?? "").includes(n), name)) return } throw new Error(`Tab never comes to ${name}`) }
  await until("From my extension")
  await press("Enter")
  await page.getByText(`${who.npub.slice(0, 9)}…`, { exact: false }).waitFor()
  await until("Show the invoice")
  await press("Enter")
  await page.getByRole("img", { name: "QR code of the invoice" }).waitFor()
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "nothing is wider than the phone")
  await show(v, "buy-phone-pay")
  s.wallet.pay(await s.invoice(page))
  await page.getByRole("heading", { name: "Your bunker is ready" }).waitFor()
  await show(v, "buy-phone-ready")
  await clean(v, "the ready page on a phone")
  await v.close()
})

test("the provider sees orders and bunkers in the admin app, notes a refund, suspends and resumes", async () => {
  // Too much came for this one: the difference is owed.
  const buyer = await visitor(s.chrome)
  await s.order(buyer, person(), 1)
  s.wallet.pay(await s.invoice(buyer.page), 9_000_000)
  await buyer.page.getByText("2,000 sats too much came", { exact: false }).waitFor()
  await buyer.close()

  const v = await visitor(s.chrome, { secret: provider.secret })
  const { page } = v
  // A hosted page offers nobody's connection string.
  await page.goto(`${s.bunker.page}#/login?at=${encodeURIComponent(s.bunker.string)}`)
  await page.getByRole("button", { name: /Browser extension/ }).click()
  await s.bunker.run("device", "confirm", (await page.getByLabel("Six digits to compare").innerText()).replace(/\D/g, ""))
  await page.getByRole("button", { name: "Do this later" }).click()
  await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Hosting" }).click()
  await page.getByRole("radio", { name: "To look at" }).click()
  await page.getByRole("list", { name: "Orders" }).getByRole("button").click()
  await page.getByText("more came than was asked", { exact: false }).waitFor()
  await show(v, "buy-provider-order")
  await clean(v, "an order in the admin app")
  await page.getByLabel("How you gave it back").fill("by lightning, payment abc")
  await page.getByRole("button", { name: "Note it" }).click()
  await page.getByText("given back: by lightning", { exact: false }).waitFor()
  await page.getByRole("button", { name: "Close" }).last().click()
  await page.getByText("Nothing waits for you.").waitFor()

  await page.getByRole("link", { name: "Bunkers", exact: true }).click()
  await page.getByRole("list", { name: "Bunkers" }).waitFor()
  await show(v, "buy-provider-bunkers")
  await clean(v, "the bunkers in the admin app")
  await page.getByRole("button", { name: "Suspend" }).first().click()
  await page.getByLabel("The reason, which its people are told").fill("the terms were broken")
  await page.getByRole("dialog").getByRole("button", { name: "Suspend" }).click()
  await page.getByText("suspended", { exact: true }).waitFor()
  await page.getByRole("button", { name: "Let it work again" }).click()
  await page.getByText("suspended", { exact: true }).waitFor({ state: "detached" })
  await v.close()
})
