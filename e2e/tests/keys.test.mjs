// Keys: every form one can be brought in, the sheet that brings it back, and the ways in for apps that know no link or show a code.
import assert from "node:assert/strict"
import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { privateKeyFromSeedWords } from "nostr-tools/nip06"
import { nsecEncode } from "nostr-tools/nip19"
import { decrypt, encrypt } from "nostr-tools/nip49"
import { generateSecretKey, getPublicKey } from "nostr-tools/pure"
import { note, tools } from "../kit/apps.mjs"
import { go } from "../kit/browser.mjs"
import { act, scene } from "../kit/scene.mjs"

const s = scene()
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8")
const key = async (bunker, name) => (await bunker.json("key", "show", name)).key

act("login by npub is turned on and off where a key is kept and where an app is connected; a login is expected", s, async ({ bunker, owner }) => {
  await bunker.run("key", "add", "herald")
  const { id, pubkey, npub } = await key(bunker, "herald")
  const { page } = await owner()
  await go(page, `#/keys/${id}?tab=safety`)
  const turn = page.getByRole("switch", { name: /^Apps may ask with the bare npub/ })
  assert.equal(await turn.isChecked(), false)
  await page.getByText("It is weaker: relays can see", { exact: false }).waitFor()
  await turn.focus()
  await page.keyboard.press(" ")
  await page.getByText("Apps may ask herald with the bare npub.").waitFor()
  assert.equal((await key(bunker, "herald")).npub_login, true)

  // An app that knows nothing else asks, and is let in.
  const old = await tools(`bunker://${pubkey}?relay=${encodeURIComponent(bunker.relay)}`)
  const asked = old.connect()
  await go(page, "#/approvals")
  await page.getByText("Nobody has met this app", { exact: false }).waitFor()
  await page.getByLabel("Name this connection").fill("Old app")
  await page.getByRole("button", { name: "Connect" }).and(page.locator(":not([aria-disabled=true]):not([disabled])")).click()
  await asked
  await old.end()

  // The same switch where an app is connected, and the better way.
  await go(page, `#/keys/${id}?connect=1`)
  const dialog = page.getByRole("dialog")
  await dialog.getByRole("radio", { name: "Only an npub" }).click()
  const there = dialog.getByRole("switch", { name: /^Apps may ask with the bare npub/ })
  assert.equal(await there.isChecked(), true)
  await dialog.getByText(npub).waitFor()
  await there.click()
  await page.getByText("The npub of herald alone leads nowhere any more.").waitFor()
  assert.equal((await key(bunker, "herald")).npub_login, false)

  // A link without a secret, for ten minutes: whoever has it may ask.
  await dialog.getByRole("button", { name: "Expect a login" }).click()
  const uri = (await dialog.getByText(/^bunker:\/\//).innerText()).trim()
  assert.doesNotMatch(uri, /secret=/)
  await dialog.getByText("Expected until").waitFor()
  await dialog.getByRole("button", { name: "Make a link" }).click()
  await dialog.getByLabel("Name of the app").waitFor()
  await page.keyboard.press("Escape")
  await dialog.waitFor({ state: "detached" })
  const stranger = await tools(uri)
  const asks = stranger.connect()
  await go(page, "#/approvals")
  await page.getByText("Nobody has met this app", { exact: false }).waitFor()
  await page.getByLabel("Name this connection").fill("Expected app")
  await page.getByRole("button", { name: "Connect" }).and(page.locator(":not([aria-disabled=true]):not([disabled])")).click()
  await asks
  await stranger.end()
})

act("a key is brought as nsec, ncryptsec and words; what was wrong is said, and what was typed stays", s, async ({ bunker, owner }) => {
  const { page } = await owner()
  const dialog = page.getByRole("dialog")
  const bring = async name => {
    await go(page, "#/keys")
    await go(page, "#/keys?add=1")
    await dialog.getByRole("radio", { name: "Bring your own" }).click()
    await dialog.getByLabel("Name", { exact: true }).fill(name)
  }
  const secret = dialog.getByLabel("Secret key", { exact: true })
  const add = dialog.getByRole("button", { name: "Add a key" })
  const here = name => page.getByRole("heading", { name: new RegExp(`^${name}`) }).waitFor()

  // A public key is none; an nsec with a wrong letter is refused, and stays.
  const one = generateSecretKey()
  await bring("one")
  await secret.fill((await key(bunker, "herald")).npub)
  await dialog.getByText("This is a public key (npub).", { exact: false }).waitFor()
  assert.equal(await add.isDisabled(), true)
  const good = nsecEncode(one)
  const wrong = good.slice(0, -1) + (good.endsWith("q") ? "p" : "q")
  await secret.fill(wrong)
  await add.click()
  await dialog.getByRole("status").filter({ hasText: /./ }).waitFor()
  assert.equal(await secret.inputValue(), wrong)
  await secret.fill(good)
  await add.click()
  await here("one")
  assert.equal((await key(bunker, "one")).pubkey, getPublicKey(one))

  // An ncryptsec with a wrong password, and then with the right one and a passphrase of its own.
  const two = generateSecretKey()
  await bring("two")
  await secret.fill(encrypt(two, "the password of the file", 16))
  await dialog.getByLabel("Password of the ncryptsec").fill("another password")
  await dialog.getByLabel("A passphrase of its own").fill("only for this key 1")
  await add.click()
  await dialog.getByText(/password/i).and(dialog.locator("b")).waitFor()
  assert.match(await secret.inputValue(), /^ncryptsec1/)
  assert.equal(await dialog.getByLabel("A passphrase of its own").inputValue(), "only for this key 1")
  await dialog.getByLabel("Password of the ncryptsec").fill("the password of the file")
  await add.click()
  await here("two")
  const held = await key(bunker, "two")
  assert.equal(held.pubkey, getPublicKey(two))
  assert.equal(held.own_passphrase, true)

  // Words, one a line, with a passphrase and an account number.
  const words = "leader monkey parrot ring guide accident before fence cannon height naive bean"
  await bring("three")
  await secret.focus()
  await secret.evaluate((f, text) => {
    const data = new DataTransfer()
    data.setData("text/plain", text)
    f.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }))
  }, words.replaceAll(" ", "\n"))
  await dialog.getByText("12 recovery words.").waitFor()
  await dialog.getByLabel("Passphrase of the words (optional)").fill("beside the words")
  await dialog.getByLabel("Account number").fill("3")
  await add.click()
  await here("three")
  assert.equal((await key(bunker, "three")).pubkey, getPublicKey(privateKeyFromSeedWords(words, "beside the words", 3)))

  // The passphrase of its own is taken away on the page of the key.
  await go(page, `#/keys/${held.id}?tab=safety`)
  await page.getByRole("button", { name: "Take it away" }).click()
  await page.getByLabel("Passphrase that it has now").fill("only for this key 1")
  await page.getByRole("button", { name: "Take it away" }).click()
  await page.getByText("It has none: it opens together with the bunker.").waitFor()
  assert.equal((await key(bunker, "two")).own_passphrase, false)
})

act("a new key is put on paper: the sheet alone is printed, it opens with the password, and the key is not on it", s, async ({ bunker, owner }) => {
  const { page, signed } = await owner()
  await page.evaluate(() => { window.print = () => { window.printed = (window.printed ?? 0) + 1 } })
  await go(page, "#/keys?add=1")
  const dialog = page.getByRole("dialog")
  await dialog.getByLabel("Name", { exact: true }).fill("paper")
  await dialog.getByRole("button", { name: "Add a key" }).click()
  await page.getByText("Before you rely on it, put it on paper.", { exact: false }).waitFor()
  await page.getByRole("button", { name: "Make a recovery kit" }).click()
  await dialog.getByLabel("Password of the kit").fill("correct horse battery")
  await dialog.getByLabel("Password once more").fill("correct horse batterie")
  await dialog.getByText("The two differ.").waitFor()
  await dialog.getByLabel("Password once more").fill("correct horse battery")
  const before = signed.length
  await dialog.getByRole("button", { name: "Make the sheet" }).click()
  const closed = (await dialog.getByText(/^ncryptsec1/).innerText()).trim()
  assert.equal(signed.length, before + 1)
  const { pubkey, npub } = await key(bunker, "paper")
  const secret = decrypt(closed, "correct horse battery")
  assert.equal(getPublicKey(secret), pubkey)
  await dialog.getByRole("img", { name: "QR code of the ncryptsec" }).waitFor()
  await dialog.getByText(npub).waitFor()

  await page.emulateMedia({ media: "print" })
  const paper = await page.evaluate(() => document.body.innerText)
  assert.match(paper, /Recovery kit of a Nostr key[\s\S]*paper[\s\S]*What to do with it/)
  for (const no of [nsecEncode(secret), Buffer.from(secret).toString("hex"), "correct horse battery", "Connect an app", "Print"]) assert.ok(!paper.includes(no), `${no} is on the paper`)
  assert.ok((await page.pdf()).length > 0)
  await page.emulateMedia({ media: "screen" })
  await dialog.getByRole("button", { name: "Print" }).click()
  await page.waitForFunction(() => window.printed === 1)
  await dialog.getByRole("button", { name: "Done" }).click()
  await dialog.waitFor({ state: "detached" })
  await page.getByRole("button", { name: "Make a recovery kit" }).click()
  assert.equal(await dialog.getByLabel("Password of the kit").inputValue(), "")
})

act("an app's code is scanned; the camera stops with the code and with the dialog; where there is none the page says so", s, async ({ bunker, owner }) => {
  const { id } = await key(bunker, "herald")
  const { page } = await owner()
  // A camera and a reader that the test turns; with those of Chromium and of the page the same is tried in camera.test.mjs.
  await page.evaluate(() => {
    window.tracks = []
    navigator.mediaDevices.getUserMedia = async () => {
      const c = document.createElement("canvas")
      c.getContext("2d").fillRect(0, 0, 9, 9)
      const stream = c.captureStream(5)
      window.tracks.push(...stream.getTracks())
      return stream
    }
  })
  const live = () => page.evaluate(() => window.tracks.map(t => t.readyState))
  await go(page, `#/keys/${id}?connect=1`)
  const dialog = page.getByRole("dialog")
  await dialog.getByRole("radio", { name: "Paste its code" }).click()
  await page.evaluate(() => {
    window.had = Object.getOwnPropertyDescriptor(Navigator.prototype, "mediaDevices")
    delete Navigator.prototype.mediaDevices
  })
  await dialog.getByRole("button", { name: "Scan with the camera" }).click()
  await dialog.getByText("This page may not use the camera", { exact: false }).waitFor()
  assert.deepEqual(await live(), [])
  await page.evaluate(() => Object.defineProperty(Navigator.prototype, "mediaDevices", window.had))

  await page.evaluate(() => {
    window.before = []
    window.BarcodeDetector = class {
      static async getSupportedFormats() { return ["qr_code"] }
      async detect() { return window.before.map(rawValue => ({ rawValue })) }
    }
  })
  await dialog.getByRole("button", { name: "Scan with the camera" }).click()
  await dialog.getByLabel("Picture of the camera").waitFor()
  await page.waitForFunction(() => window.tracks.length === 1)
  await page.keyboard.press("Escape")
  await dialog.waitFor({ state: "detached" })
  await page.waitForFunction(() => window.tracks[0].readyState === "ended")

  await go(page, `#/keys/${id}?connect=1`)
  await dialog.getByRole("button", { name: "Scan with the camera" }).click()
  await page.evaluate(() => { window.before = ["https://example.com"] })
  await dialog.getByText("A code was read, but it is no app's code.").waitFor()
  const code = `nostrconnect://${"ab".repeat(32)}?relay=${encodeURIComponent(bunker.relay)}&secret=abcdefgh&name=Scanned`
  await page.evaluate(c => { window.before = [c] }, code)
  await dialog.getByText("The code was read.").waitFor()
  assert.equal(await dialog.getByLabel("The app's code").inputValue(), code)
  await dialog.getByText("It calls itself").waitFor()
  await page.waitForFunction(() => window.tracks.every(t => t.readyState === "ended"))
  assert.deepEqual(await live(), ["ended", "ended"])
})

act("the list of keys says that a key was used, also while it lies behind a dialog", s, async ({ bunker, owner }) => {
  await bunker.run("key", "add", "busy")
  const a = await tools(await bunker.link("busy", "a busy app", "sign_event:1"))
  const { page } = await owner()
  await go(page, "#/keys?add=1")
  await page.getByRole("dialog").waitFor()
  const row = page.locator("a.k").filter({ hasText: "busy" })
  await row.getByText("not used yet").waitFor()
  await a.connect()
  await a.sign(note("nobody is asked"))
  await row.getByText("last used").waitFor()
  await a.end()
})

act("one of a few side by side is chosen with the arrows, Home and End; Tab comes to the chosen one alone", s, async ({ owner }) => {
  const { page } = await owner()
  await go(page, "#/activity")
  const group = page.getByRole("radiogroup", { name: "Outcome" })
  const on = name => group.getByRole("radio", { name, exact: true, checked: true }).and(page.locator(":focus")).waitFor()
  await group.getByRole("radio", { name: "All", exact: true }).focus()
  for (const [key, name] of [["ArrowRight", "Allowed"], ["ArrowDown", "Asked"], ["End", "Refused"], ["ArrowRight", "All"], ["ArrowLeft", "Refused"], ["ArrowUp", "Asked"], ["Home", "All"], ["ArrowRight", "Allowed"]]) {
    await page.keyboard.press(key)
    await on(name)
  }
  await page.waitForFunction(() => location.hash.includes("effect=allow"))
  assert.deepEqual(await group.getByRole("radio").evaluateAll(all => all.map(e => e.tabIndex)), [-1, 0, -1, -1])
  await page.keyboard.press("Tab")
  assert.equal(await group.locator(":focus").count(), 0)
  await page.keyboard.press("Shift+Tab")
  await on("Allowed")
})

act("none of it breaks a rule of accessibility, light or dark, wide or narrow, in English or German", s, async ({ bunker, owner }) => {
  const { page } = await owner({ bypassCSP: true })
  const { id } = await key(bunker, "herald")
  const dialog = page.getByRole("dialog")
  const wrong = []
  const check = async name => {
    for (const [colorScheme, width] of [["light", 1280], ["dark", 390]]) {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" })
      await page.setViewportSize({ width, height: 860 })
      await page.evaluate(axe)
      const found = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }))
      wrong.push(...found.violations.flatMap(v => v.nodes.map(n => `${name}, ${colorScheme} ${width}: ${v.id}: ${n.target.join(" ")} ${n.html.slice(0, 160)}`)))
      if (await page.evaluate(() => document.documentElement.scrollWidth > innerWidth)) wrong.push(`${name}, ${width}: wider than the screen`)
    }
  }
  await go(page, `#/keys/${id}?tab=safety`)
  await page.getByRole("heading", { name: "Recovery kit" }).waitFor()
  await page.getByRole("button", { name: "Set", exact: true }).click()
  await check("safety")
  await page.getByRole("button", { name: "Make a recovery kit" }).click()
  await dialog.getByRole("button", { name: "Make one up" }).click()
  await check("kit, asked")
  await dialog.getByRole("button", { name: "Make the sheet" }).click()
  await dialog.getByText(/^ncryptsec1/).waitFor()
  await check("kit")
  await dialog.getByRole("button", { name: "Done" }).click()
  await go(page, `#/keys/${id}?connect=1`)
  await dialog.getByRole("radio", { name: "Only an npub" }).click()
  await dialog.getByRole("button", { name: "Expect a login" }).click()
  await dialog.getByText("Expected until").waitFor()
  await check("npub")
  await dialog.getByRole("radio", { name: "Paste its code" }).click()
  await dialog.getByRole("button", { name: "Scan with the camera" }).click()
  await check("scan")
  await page.keyboard.press("Escape")
  await dialog.waitFor({ state: "detached" })
  await go(page, "#/keys?add=1")
  await dialog.getByRole("radio", { name: "Bring your own" }).click()
  await dialog.getByLabel("Secret key", { exact: true }).fill("leader monkey")
  await dialog.getByText("2 words so far", { exact: false }).waitFor()
  await check("bring")

  await page.evaluate(() => localStorage.setItem("nsecbunker.language", "de"))
  await page.reload()
  await go(page, "#/")
  await go(page, `#/keys/${id}?tab=safety`)
  await page.getByRole("heading", { name: "Rettungsblatt" }).waitFor()
  await page.getByRole("switch", { name: /^Apps dürfen mit dem bloßen npub fragen/ }).waitFor()
  await check("German")
  assert.equal(wrong.join("\n"), "")
})
