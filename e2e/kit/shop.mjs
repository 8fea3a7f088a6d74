// A hosted bunker that sells others, and the Lightning wallet that it is paid through: phoenixd's API, whose invoices a test settles.
import { spawn } from "node:child_process"
import { after, before } from "node:test"
import { mkdtempSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { browser, person, visitor } from "./browser.mjs"
import { Bunker } from "./bunker.mjs"

const passphrase = "correct horse battery staple"

class Wallet {
  async start() {
    this.process = spawn(process.env.NSECBUNKER_WALLET, [], { stdio: ["pipe", "pipe", "inherit"] })
    this.said = ""
    const first = new Promise(done => this.process.stdout.on("data", d => { this.said += d; if (this.said.includes("\n")) done() }))
    await first
    Object.assign(this, JSON.parse(this.said.split("\n")[0]))
    return this
  }

  /** pay settles an invoice, with as much as it asks for or with so many msat. */
  pay(bolt11, msat = "") { this.process.stdin.write(`${bolt11} ${msat}\n`) }
  end() { this.process.kill() }
}

/** shop starts both. */
export async function shop({ config = "", admins = [] } = {}) {
  const wallet = await new Wallet().start()
  const secret = join(mkdtempSync(join(tmpdir(), "nsecbunker-wallet-")), "password")
  writeFileSync(secret, wallet.secret, { mode: 0o600 })
  const at = new URL(wallet.url).host
  const bunker = await Bunker.start({
    admins, args: ["--hosted"],
    config: `allow = ["${at}"]\n${config}\n[wallet]\nkind = "phoenixd"\nurl = "${wallet.url}"\nsecret = "${secret}"\n`,
  })
  return { wallet, bunker, page: bunker.page.replace("/admin/", "/buy/"), end: async () => { await bunker.end(); wallet.end() } }
}

/** counter is what a file of tests about buying begins with: a shop, a browser, and what a buyer does at its page. */
export function counter(options = {}) {
  const c = { passphrase }
  before(async () => {
    c.chrome = await browser()
    Object.assign(c, await shop(options))
  })
  after(async () => {
    await c.chrome?.close()
    await c.end?.()
    setImmediate(() => process.exit())
  })
  c.invoice = async page => (await page.locator(".copybox .mono").first().innerText()).trim()
  /** order fills in the page, up to the invoice. */
  c.order = async (v, who, people) => {
    const { page } = v
    await page.goto(c.page)
    await page.getByLabel("Who administers it").fill(who.npub)
    await page.getByRole("button", { name: "Add", exact: true }).click()
    await page.getByLabel("People, as a number").fill(String(people))
    await page.getByRole("button", { name: "Show the invoice" }).click()
    await page.getByRole("img", { name: "QR code of the invoice" }).waitFor()
  }
  /** setUp goes on from the ready page to a bunker whose first steps are before its owner. */
  c.setUp = async page => {
    const [, code] = await page.locator(".copybox .mono").allInnerTexts()
    await page.getByRole("link", { name: "Log in and set it up" }).click()
    await page.getByRole("button", { name: /Browser extension/ }).click()
    await page.getByLabel("Setup code").fill(code.trim())
    await page.getByLabel("Passphrase", { exact: true }).fill(passphrase)
    await page.getByLabel("Passphrase once more").fill(passphrase)
    await page.getByRole("button", { name: "Set it up" }).click()
  }
  /** owner buys a bunker, or a trial, sets it up, and puts its first steps off. */
  c.owner = async (trial, options = {}) => {
    const who = person()
    const v = await visitor(c.chrome, { secret: who.secret, ...options })
    const { page } = v
    await page.goto(c.page)
    await page.getByRole("button", { name: "From my extension" }).click()
    if (trial) await page.getByText(trial).click()
    await page.getByRole("button", { name: "Show the invoice" }).click()
    await page.getByRole("img", { name: "QR code of the invoice" }).waitFor()
    c.wallet.pay(await c.invoice(page))
    await page.getByRole("heading", { name: "Your bunker is ready" }).waitFor()
    await c.setUp(page)
    await page.getByRole("button", { name: "Do this later" }).click()
    return v
  }
  return c
}
