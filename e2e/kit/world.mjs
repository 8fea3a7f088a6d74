// A bunker in which something is going on: keys, apps with names, policies, a log, and questions of every sort that wait.
import { note, tools } from "./apps.mjs"
import { patience } from "./bunker.mjs"

const now = () => Math.floor(Date.now() / 1000)
const many = (n, make) => Array.from({ length: n }, (_, i) => make(i))
const hex = i => (i + 1).toString(16).padStart(4, "0").padStart(64, "c0ffee")

/** settle fills a bunker; what it returns names the rows, and ends the apps. Its questions stay open. */
export async function settle(bunker) {
  const w = { apps: [] }
  for (const name of ["herald", "newsroom", "mara"]) await bunker.run("key", "add", name)
  w.key = (await bunker.json("key", "show", "herald")).key
  await bunker.owner("key", "set", "herald", "--npub-login", "on")
  for (const name of ["basic-social", "long-form-writer"]) await bunker.run("policy", "create", name, "--template", name)
  const app = async (key, client, perms, ...args) => {
    const a = await tools(await bunker.link(key, client, perms, ...args))
    await a.connect()
    w.apps.push(a)
    return a
  }
  const phone = await app("herald", "Ana's phone", "sign_event:1,sign_event:7")
  const desk = await app("newsroom", "Newsroom scheduler", "all")
  await app("herald", "Long reads", "none", "--policy", "long-form-writer").catch(() => {})
  for (const text of ["The harbour opens at six.", "Fog until nine, then sun.", "Tonight's edition is out."]) await phone.sign(note(text))
  await desk.sign({ kind: 0, created_at: now(), tags: [], content: JSON.stringify({ name: "Newsroom", about: "What happens in town", nip05: "news@harbour.example" }) })
  await desk.sign({ kind: 3, created_at: now(), tags: many(412, i => ["p", hex(i)]), content: "" })
  await bunker.run("token", "create", "mara", "--client", "Mara's tablet", "--perms", "sign_event:1", "--expires", "24h")
  w.token = (await bunker.json("token", "list")).find(t => t.client === "Mara's tablet") ?? (await bunker.json("token", "list"))[0]
  w.connections = await bunker.json("connections")
  w.connection = w.connections.find(c => c.name === "Ana's phone")
  w.app = app
  w.phone = phone
  w.desk = desk
  return w
}

/** ask opens the questions, one of each sort, and waits until the bunker has them. */
export async function ask(bunker, w) {
  const careful = await w.app("herald", "Quick Notes", "none")
  careful.sign(note("We sail at dawn, and nobody knows where to.\n\nWho comes along?"))
  w.desk.sign({ kind: 3, created_at: now(), tags: many(38, i => ["p", hex(i)]), content: "" })
  for (const i of [0, 1, 2, 3]) careful.sign({ kind: 7, created_at: now() - i, tags: [["e", hex(i)], ["p", hex(i)]], content: "+" })
  careful.sign({ kind: 5, created_at: now(), tags: [["e", hex(9)]], content: "a mistake" })
  careful.sign({ kind: 27235, created_at: now(), tags: [["u", "https://shop.example.com/api/login"], ["method", "POST"]], content: "" })
  w.desk.sign({ kind: 0, created_at: now(), tags: [], content: JSON.stringify({ name: "Newsroom", about: "", lud16: "someone@wallet.example" }) })
  const stranger = await tools(`bunker://${w.key.pubkey}?relay=${encodeURIComponent(bunker.relay)}`)
  w.apps.push(stranger)
  stranger.connect()
  // Two of them are open for a minute only: what was there counts, whatever has become of it.
  const there = new Map()
  for (const until = Date.now() + patience; there.size < 10; ) {
    if (Date.now() > until) throw new Error(`${there.size} of 10 questions came`)
    for (const q of await bunker.json("approvals")) there.set(q.id, q)
  }
  w.questions = [...there.values()]
}

/** leave ends the apps. */
export async function leave(w) { await Promise.allSettled(w.apps.map(a => a.end())) }
