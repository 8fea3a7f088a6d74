// A hosted bunker that sells others, and the Lightning wallet that it is paid through: phoenixd's API, whose invoices a test settles.
import { spawn } from "node:child_process"
import { mkdtempSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Bunker } from "./bunker.mjs"

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
