// The first steps: from a bunker without a key to an app that signs, and the set-up of one that is not set up.
import assert from "node:assert/strict"
import { test } from "node:test"
import { verifyEvent } from "nostr-tools/pure"
import { note, tools } from "../kit/apps.mjs"
import { login, person, visitor } from "../kit/browser.mjs"
import { Bunker } from "../kit/bunker.mjs"
import { clean } from "../kit/look.mjs"
import { act, scene } from "../kit/scene.mjs"

const s = scene()

act("sealed, key, policy and link, an app that is seen to connect: three typed fields, at most eight clicks, also when the page is loaded anew", s, async ({ bunker, owner }) => {
  const v = await owner()
  const { page } = v
  await bunker.run("seal")
  await page.reload()
  let clicks = 0, typed = 0
  const click = async b => { await b.click(); clicks++ }
  const type = async (f, text) => { await f.fill(text); typed++ }

  await type(page.getByLabel("Passphrase", { exact: true }), bunker.passphrase)
  await click(page.getByRole("button", { name: "Unseal" }))
  await page.getByLabel("Name", { exact: true }).waitFor()
  await clean(v, "the first key")
  await type(page.getByLabel("Name", { exact: true }), "herald")
  await click(page.getByRole("button", { name: "Add a key" }))

  // Left in the middle: it goes on where it was.
  await page.getByLabel("Name of the app").waitFor()
  await page.reload()
  await page.getByLabel("Name of the app").waitFor()
  await clean(v, "the first app")
  await type(page.getByLabel("Name of the app"), "Coracle")
  await click(page.getByRole("button", { name: "Make the link" }))
  await page.getByRole("img", { name: "QR code of the link" }).waitFor()
  await page.getByText("Nobody has used the link yet.").waitFor()
  await clean(v, "the first link")
  const uri = (await page.getByText(/^bunker:\/\//).innerText()).trim()

  const a = await tools(uri)
  await a.connect()
  await page.getByText("Connected: Coracle.").waitFor()
  assert.ok(verifyEvent(await a.sign(note("the first one"))), "notes are allowed by the policy that was made")
  await page.getByText("Post notes").waitFor()
  await clean(v, "the first signature")
  await click(page.getByRole("button", { name: "Go to Home" }))
  await page.getByRole("heading", { name: /waits? for you/ }).waitFor()
  assert.ok(clicks <= 8 && typed <= 3, `${clicks} clicks, ${typed} fields`)
  assert.deepEqual((await bunker.json("policy", "list")).map(p => p.name), ["basic-social"])

  // They are over, also after a reload.
  await page.reload()
  await page.getByRole("heading", { name: /waits? for you/ }).waitFor()
  await a.end()
})

test("put off, and gone on with from Home", async () => {
  const admin = person()
  const bunker = await Bunker.start({ admins: [admin.npub] })
  const v = await visitor(s.chrome, { secret: admin.secret })
  await login(bunker, v)
  const { page } = v
  await page.getByRole("button", { name: "Do this later" }).click()
  await page.getByText("The first steps are not done.").waitFor()
  await page.getByRole("button", { name: "Go on" }).click()
  await page.getByRole("heading", { name: "Add your first key" }).waitFor()

  // Another browser that asks to be let in is not hidden by them.
  const second = await visitor(s.chrome, { secret: admin.secret })
  await second.page.goto(bunker.page)
  await second.page.getByRole("button", { name: /Browser extension/ }).click()
  await second.page.getByLabel("Six digits to compare").waitFor()
  const asks = page.locator(".note").filter({ hasText: /browsers? asks? to be let in/ })
  // Loaded anew while it waits, it logs in anew instead of knocking for ever.
  await second.page.reload()
  await second.page.getByRole("button", { name: /Browser extension/ }).click()
  await second.page.getByLabel("Six digits to compare").waitFor()
  await asks.getByRole("link").click()
  await page.getByRole("heading", { name: "Admins" }).waitFor()
  await second.close()
  await v.close()
  await bunker.end()
})

test("a bunker that is not set up takes its setup code from afar, and whoever has it becomes its owner", async () => {
  const bunker = await Bunker.start({ setUp: false })
  const admin = person()
  const v = await visitor(s.chrome, { secret: admin.secret })
  const { page } = v
  await page.goto(bunker.page)
  await page.getByRole("button", { name: /Browser extension/ }).click()
  await page.getByLabel("Setup code").waitFor()
  await clean(v, "the set-up")
  await page.getByLabel("Setup code").fill("not the code")
  await page.getByLabel("Passphrase", { exact: true }).fill(bunker.passphrase)
  await page.getByLabel("Passphrase once more").fill(bunker.passphrase)
  await page.getByRole("button", { name: "Set it up" }).click()
  await page.getByText("The setup code is wrong", { exact: false }).waitFor()
  assert.equal(await page.getByLabel("Passphrase", { exact: true }).inputValue(), bunker.passphrase, "what was typed stays")
  await page.getByLabel("Setup code").fill(/Setup code: (\S+)/.exec(bunker.said)[1])
  await page.getByRole("button", { name: "Set it up" }).click()
  await page.getByRole("heading", { name: "Add your first key" }).waitFor()
  const [owner] = await bunker.json("admin", "list")
  assert.equal(owner.npub, admin.npub)
  assert.equal(owner.role, "owner")
  await v.close()
  await bunker.end()
})
