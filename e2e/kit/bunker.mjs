// One bunker of the real program, with a folder of its own, and the terminal of whoever runs it.
import { execFileSync, spawn } from "node:child_process"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

export const program = process.env.NSECBUNKER_BIN
const seeder = process.env.NSECBUNKER_SEEDER
const passphrase = "correct horse battery staple"
/** How long anything may take in milliseconds before a test fails; nothing is expected to take nearly as long. */
export const patience = 60_000

export class Bunker {
  constructor() {
    this.dir = mkdtempSync(join(tmpdir(), "nsecbunker-e2e-"))
    this.env = { ...process.env, HOME: this.dir, NSECBUNKER_DATA: join(this.dir, "data") }
    this.args = []
    this.program = program
  }

  /** seeded is a bunker with a long past, made by the benchmark's seeder; it opens by itself. */
  static async seeded({ admin, apps, audit }) {
    const b = new Bunker()
    execFileSync(seeder, ["seed", "-dir", b.env.NSECBUNKER_DATA, "-keys", "3", "-apps", String(apps), "-audit", String(audit), "-admin", admin, "-listen", "127.0.0.1:0"])
    await b.up("127.0.0.1:0")
    return b
  }

  /** start sets a bunker up and returns it unsealed; or, with setUp false, one that waits for its setup code. */
  static async start({ admins = [], args = [], setUp = true, config = "", env = {} } = {}) {
    const b = new Bunker()
    Object.assign(b.env, env)
    if (config) {
      mkdirSync(b.env.NSECBUNKER_DATA, { mode: 0o700 })
      writeFileSync(join(b.env.NSECBUNKER_DATA, "config.toml"), config, { mode: 0o600 })
    }
    b.file = join(b.dir, "passphrase")
    writeFileSync(b.file, passphrase, { mode: 0o600 })
    b.args = [...(setUp ? ["--passphrase-file", b.file] : []), ...admins.flatMap(a => ["--admin", a]), ...args]
    b.passphrase = passphrase
    await b.up("127.0.0.1:0")
    return b
  }

  /** up starts the program and waits until it says where the page is. */
  async up(listen = this.listen) {
    this.process = spawn(this.program, ["start", "--listen", listen, ...this.args], { env: this.env, stdio: ["ignore", "pipe", "pipe"] })
    this.said = ""
    this.ended = new Promise(done => this.process.on("exit", done))
    const up = new Promise((done, fail) => {
      const hear = chunk => {
        this.said += chunk
        const m = /(?:The admin app: {2}|Nostr extension: )(http:\/\/(\S+?)\/admin\/)\n/.exec(this.said)
        if (m) done(m)
      }
      this.process.stdout.on("data", hear)
      this.process.stderr.on("data", hear)
      this.process.on("exit", code => fail(new Error(`start ended with ${code}:\n${this.said}`)))
    })
    const [, page, address] = await up
    this.page = page
    this.listen = address
    this.relay = `ws://${address}`
    this.string = (await this.json("status")).connection_string
  }

  /** down ends the process as a power cut does. */
  async down() {
    this.process.kill("SIGKILL")
    await this.ended
  }

  /** later ends the process and starts it again with a clock that is so many milliseconds ahead: what is over by then is over now. */
  async later(ms) {
    await this.down()
    this.program = process.env.NSECBUNKER_LATER
    this.env.E2E_AHEAD = `${ms}ms`
    await this.up()
  }

  async end() {
    this.process.kill("SIGTERM")
    await this.ended
    rmSync(this.dir, { recursive: true, force: true })
  }

  /** begin runs a command and returns it while it runs. */
  begin(...args) {
    const p = spawn(program, args, { env: this.env, stdio: ["pipe", "pipe", "pipe"] })
    const run = { process: p, out: "", err: "", heard: () => {} }
    p.stdout.on("data", d => { run.out += d; run.heard() })
    p.stderr.on("data", d => { run.err += d; run.heard() })
    run.done = new Promise(done => p.on("exit", done))
    /** until waits until what was written matches. */
    run.until = pattern => new Promise((done, fail) => {
      const look = () => { const m = pattern.exec(run.out + run.err); if (m) done(m) }
      run.heard = look
      p.on("exit", () => fail(new Error(`nsecbunker ${args.join(" ")} ended without ${pattern}:\n${run.out}${run.err}`)))
      look()
    })
    return run
  }

  /** run runs a command to its end and returns what it printed. */
  async run(...args) {
    const r = this.begin(...args)
    r.process.stdin.end()
    const code = await r.done
    if (code !== 0) throw new Error(`nsecbunker ${args.join(" ")} ended with ${code}:\n${r.err}`)
    return r.out.trim()
  }

  async json(...args) { return JSON.parse(await this.run(...args, "--json")) }
  /** owner runs a command that wants the passphrase. */
  owner(...args) { return this.run(...args, "--passphrase-file", this.file) }

  /** link makes a bunker:// link. */
  link(key, client, perms, ...args) { return this.run("token", "create", key, "--client", client, "--perms", perms, ...args) }

  /** pairing begins `device pair`; settle answers it. */
  async pairing(role = "owner", label = "browser") {
    const r = this.begin("device", "pair", "--role", role, "--label", label, "--passphrase-file", this.file)
    const [, link] = await r.until(/(http:\/\/\S+\/admin\/#\/login\?at=\S+)\n/)
    return { link, run: r }
  }
}
