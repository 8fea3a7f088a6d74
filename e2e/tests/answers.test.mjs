// Answering by the keyboard alone, and what strangers try on the page.
import assert from "node:assert/strict"
import { finalizeEvent, generateSecretKey, getPublicKey } from "nostr-tools/pure"
import * as nip44 from "nostr-tools/nip44"
import { note, tools } from "../kit/apps.mjs"
import { go } from "../kit/browser.mjs"
import { act, scene } from "../kit/scene.mjs"

const s = scene()
let n = 0
async function app(bunker, name) {
  if (!n++) await bunker.run("key", "add", "herald")
  const a = await tools(await bunker.link("herald", name, "none"))
  await a.connect()
  return a
}
const sheet = page => page.locator(".question")
/** early has a letter pressed at the very moment in which a question is there: no hand, and no machine, is later than its rest. */
const early = (page, text, key) => page.evaluate(([text, key]) => {
  new MutationObserver((_, self) => {
    if (!document.querySelector(".question")?.textContent.includes(text)) return
    self.disconnect()
    document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }))
    window.early = key
  }).observe(document.body, { subtree: true, childList: true, characterData: true })
}, [text, key])
/** awake waits until the answer may be given: it rests for half a second after a question appears. */
const awake = page => sheet(page).locator("button.pri:not([aria-disabled=true])").waitFor()

act("the keyboard alone: log in, find the questions, go to the next and back, allow one, deny one", s, async ({ bunker, paired }) => {
  const { page } = await paired("approver")
  const one = await app(bunker, "first app")
  const two = await app(bunker, "second app")
  const yes = one.sign(note("by the letter A"))
  await page.getByText("One question waits for you.").waitFor()
  const no = two.sign({ ...note("by the letter D"), kind: 1111, tags: [["K", "1"]] })
  await page.getByText("2 questions wait for you.").waitFor()
  // From the top of the page by Tab, as somebody without a mouse does.
  await page.keyboard.press("Tab")
  assert.equal(await page.evaluate(() => document.activeElement?.textContent), "Skip to content")
  for (let i = 0; i < 20 && !(await page.evaluate(() => document.activeElement?.getAttribute("href") === "#/approvals")); i++) await page.keyboard.press("Tab")
  await page.keyboard.press("Enter")
  await sheet(page).getByText("by the letter A").waitFor()
  await page.keyboard.press("j")
  await sheet(page).getByText("by the letter D").waitFor()
  // Too early an A does nothing: somebody may have meant what was there before.
  await early(page, "by the letter A", "a")
  await page.keyboard.press("k")
  await page.waitForFunction(() => window.early === "a")
  assert.equal((await bunker.json("approvals")).length, 2)
  await awake(page)
  await page.keyboard.press("a")
  assert.equal((await yes).content, "by the letter A")
  await sheet(page).getByText("by the letter D").waitFor()
  await page.locator("#qh:focus").waitFor() // the next question's heading
  await awake(page)
  await page.keyboard.press("d")
  await assert.rejects(no, /refused/)
  await page.getByText("Nothing waits for you.").waitFor()
  await Promise.all([one.end(), two.end()])
})

act("what needs care is not allowed by a letter: Tab to the button and hold Space", s, async ({ bunker, paired }) => {
  const { page } = await paired("approver")
  const a = await app(bunker, "careless")
  const asked = a.sign({ kind: 5, created_at: note("").created_at, tags: [["e", "ab".repeat(32)]], content: "" })
  await go(page, "#/approvals")
  await sheet(page).waitFor()
  await awake(page)
  await page.keyboard.press("a")
  assert.equal((await bunker.json("approvals")).length, 1)
  const held = page.getByRole("button", { name: /^Hold to sign/ })
  for (let i = 0; i < 40 && !(await held.evaluate(e => e === document.activeElement)); i++) await page.keyboard.press("Tab")
  await page.keyboard.down(" ")
  assert.equal((await asked).kind, 5)
  await page.keyboard.up(" ")
  await a.end()
})

act("of what a login asks for, one thing is left out, and the app gets the rest", s, async ({ bunker, paired }) => {
  const { page } = await paired("owner")
  const { pubkey } = (await bunker.json("key", "show", "herald")).key
  await bunker.owner("key", "set", "herald", "--npub-login", "on")
  const a = await tools(`bunker://${pubkey}?relay=${encodeURIComponent(bunker.relay)}`)
  const asked = a.wish("sign_event:1,sign_event:7")
  await go(page, "#/approvals")
  await page.getByLabel("Name this connection").fill("Wisher")
  await page.getByRole("radio", { name: "What it asks for" }).check()
  const wanted = page.getByRole("group", { name: "What it asks for" })
  await awake(page)
  await wanted.getByRole("checkbox").nth(1).uncheck()
  await wanted.getByRole("checkbox").nth(0).uncheck()
  await page.getByRole("button", { name: /^Connect/, disabled: true }).waitFor() // nothing of it is no answer
  await wanted.getByRole("checkbox").nth(0).check()
  await page.getByRole("button", { name: /^Connect/ }).and(page.locator(":not([aria-disabled=true])")).click()
  await asked
  const { id } = (await bunker.json("connections")).find(c => c.name === "Wisher")
  assert.deepEqual((await bunker.json("connection", "show", id)).grants.map(g => g.perms), ["sign_event:1"])
  await a.end()
})

const evil = `<img src=x onerror="window.pwned=1"><script>window.pwned=1</script>\u202Egnp.exe\u202C\u0007\u200B {{constructor}} javascript:alert(1)`

act("hostile names and events are shown inert", s, async ({ bunker, paired }) => {
  const { page } = await paired("owner")
  await go(page, `#/keys/${(await bunker.json("key", "show", "herald")).key.id}?connect=1`)
  // An app's own code, with a name that is markup, turned around, and ten thousand letters long.
  const secret = generateSecretKey()
  const code = `nostrconnect://${getPublicKey(secret)}?relay=${encodeURIComponent(bunker.relay)}&secret=0123456789abcdef&name=${encodeURIComponent(evil + "x".repeat(10_000))}&url=${encodeURIComponent("javascript:alert(1)")}`
  const dialog = page.getByRole("dialog")
  await dialog.getByRole("radio", { name: "Paste its code" }).click()
  await dialog.getByPlaceholder("nostrconnect://").fill(code)
  await dialog.locator(".claim").waitFor()
  assert.ok((await dialog.locator(".claim").innerText()).length <= 200, "a long name is cut")
  await page.keyboard.press("Escape")
  const a = await app(bunker, "plain")
  for (const t of [{ ...note(evil), tags: [["t", evil], ["subject", evil]] }, { kind: 30023, created_at: note("").created_at, tags: [["d", evil], ["title", evil]], content: `# ${evil}\n![x](https://tracker.example/x.png)` }]) void a.sign(t)
  await go(page, "#/approvals")
  await sheet(page).getByText("onerror", { exact: false }).first().waitFor()
  await page.getByText("2 questions").waitFor()
  for (let i = 0; i < 2; i++) {
    await page.keyboard.press("e")
    await sheet(page).locator("dl.raw").waitFor()
    const found = await sheet(page).evaluate(e => {
      const rest = e.cloneNode(true)
      for (const x of rest.querySelectorAll(".said")) x.remove()
      return {
        markup: e.querySelectorAll("img, iframe, object, embed, script, form[action], a[href^=http], a[href^=javascript]").length,
        controls: /[\u0000-\u0008]/.test(e.textContent),
        turned: /[\u200b\u202a-\u202e\u2066-\u2069]/.test(rest.textContent), // outside of what is isolated
        loose: [...e.querySelectorAll(".said")].filter(x => !["isolate", "plaintext", "isolate-override"].includes(getComputedStyle(x).unicodeBidi)).length,
        pwned: window.pwned,
      }
    })
    assert.deepEqual(found, { markup: 0, controls: false, turned: false, loose: 0, pwned: undefined })
    const shown = await sheet(page).getByRole("heading").first().innerText()
    await page.keyboard.press("j")
    // There are two, and after the last one none: the next one's turn comes when it is there.
    if (i === 0) await page.waitForFunction(([was]) => document.querySelector(".question h1, .question h2")?.innerText !== was, [shown])
  }
  for (let left = 2; left > 0; left--) {
    await awake(page)
    await page.keyboard.press("d")
    await page.getByText(left === 2 ? "1 question" : "Nothing waits for you.").first().waitFor()
  }
  // In the log and in the lists, too.
  for (const route of ["#/activity", "#/connections", "#/"]) {
    await go(page, route)
    await page.getByRole("heading").first().waitFor()
    assert.equal(await page.evaluate(() => window.pwned), undefined)
  }
  await a.end()
})

act("a forged notice, an old answer and noise from a relay change nothing", s, async ({ bunker, paired }) => {
  let say = () => {}
  let me = ""
  const old = []
  const v = await paired("approver", {
    relay: ws => {
      const server = ws.connectToServer()
      ws.onMessage(m => {
        const frame = JSON.parse(m)
        if (frame[0] === "REQ") me = frame[2]["#p"][0]
        server.send(m)
      })
      server.onMessage(m => { if (m.startsWith('["EVENT"')) old.push(m); ws.send(m) })
      say = text => ws.send(text)
    },
  })
  const { page } = v
  const stranger = generateSecretKey()
  const forged = (body, kind = 24134) => JSON.stringify(["EVENT", "admin", finalizeEvent({
    kind, created_at: Math.floor(Date.now() / 1000), tags: [["p", me]], content: nip44.encrypt(JSON.stringify(body), nip44.getConversationKey(stranger, me)),
  }, stranger)])
  say(forged({ notice: 1, type: "ended", data: {} }))
  say(forged({ notice: 99, type: "alarm", data: { words: "Send your key to evil.example" } }))
  say(forged({ re: 1, result: { approvals: [] } }, 24133))
  // The bunker's own events, with a letter changed, as another's, and again as they were.
  for (const m of old.slice(-8)) {
    say(m)
    say(m.replace(/"sig":"./, '"sig":"0'))
    say(m.replace(/"pubkey":"[0-9a-f]{64}"/, `"pubkey":"${getPublicKey(stranger)}"`))
  }
  for (const noise of ["", "{}", "[", '["EVENT"]', '["EVENT","admin",null]', '["EVENT","admin",{"kind":24134,"tags":[["p",0]]}]', '["CLOSED","admin",1]', "x".repeat(200_000)]) say(noise)
  const a = await app(bunker, "honest")
  const asked = a.sign(note("after the noise"))
  await go(page, "#/approvals")
  await sheet(page).getByText("after the noise").waitFor()
  assert.equal(await page.getByText("evil.example").count(), 0)
  await awake(page)
  await page.keyboard.press("a")
  assert.equal((await asked).content, "after the noise")
  await a.end()
})
