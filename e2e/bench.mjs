// How fast the admin app is, on this machine: medians. Numbers to be read, no test: what is deterministic is tested (tests/long, internal/web).
import { note, tools } from "./kit/apps.mjs"
import { browser, go, login, person, visitor } from "./kit/browser.mjs"
import { Bunker } from "./kit/bunker.mjs"
import { scrollThrough } from "./kit/scroll.mjs"

const loads = 15
const questions = 20
const median = list => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)]
const row = (what, got, bound) => console.log(`${what.padEnd(58)} ${String(got).padStart(12)}   ${bound}`)

const admin = person()
const chrome = await browser()
let bunker = await Bunker.start({ admins: [admin.npub] })

// From nothing (an empty cache) to a page that answers: the first button is there, and a frame was drawn after it.
const interactive = []
let bytes = 0
for (let i = 0; i < loads; i++) {
  const v = await visitor(chrome)
  const cdp = await v.context.newCDPSession(v.page)
  await cdp.send("Network.enable")
  let sum = 0
  cdp.on("Network.loadingFinished", e => { sum += e.encodedDataLength })
  await v.page.goto(bunker.page)
  await v.page.getByRole("button", { name: /Browser extension/ }).waitFor()
  interactive.push(await v.page.evaluate(() => new Promise(done => requestAnimationFrame(() => setTimeout(() => done(performance.now()), 0)))))
  bytes = sum
  await v.close()
}
row("first load, bytes on the wire", bytes, "150 kB")
row("interactive, empty cache, ms", Math.round(median(interactive)), "1000")

// A browser that is known, loaded anew: until what waits is shown. (A bunker without keys shows its first steps instead.)
await bunker.run("key", "add", "herald")
const v = await visitor(chrome, { secret: admin.secret })
await login(bunker, v)
const back = []
for (let i = 0; i < loads; i++) {
  const begin = performance.now()
  await v.page.reload({ waitUntil: "commit" })
  await v.page.getByRole("heading", { name: /waits? for you/ }).waitFor()
  back.push(performance.now() - begin)
}
row("logged in again after a reload, ms", Math.round(median(back)), "")

// From the call of the app's library to the words on the page, which looks at each frame.
const app = await tools(await bunker.link("herald", "bench", "none"))
await app.connect()
await go(v.page, "#/approvals")
await v.page.getByText("Nothing waits for you.").waitFor()
const seen = []
for (let i = 0; i < questions; i++) {
  const words = `question number ${i} of the measurement`
  const shown = v.page.evaluate(w => new Promise(done => {
    const look = () => document.querySelector(".question")?.textContent.includes(w) ? done(Date.now()) : requestAnimationFrame(look)
    look()
  }), words)
  const asked = Date.now()
  const answer = app.sign(note(words))
  seen.push(await shown - asked)
  await v.page.locator(".question button.pri:not([aria-disabled=true])").waitFor()
  await v.page.keyboard.press("a")
  await answer
  await v.page.getByText("Nothing waits for you.").waitFor()
}
row("an approval is on the page after the client asked, ms", median(seen), "200")
await app.end()
await v.close()
await bunker.end()

// A long past, scrolled from end to end.
bunker = await Bunker.seeded({ admin: admin.npub, apps: 10_000, audit: 100_000 })
const w = await visitor(chrome, { secret: admin.secret })
await login(bunker, w)
for (const [name, route, rows, pages] of [["10,000 connections", "#/connections", 10_000, 4], ["100,000 lines of the log", "#/activity", 100_000, 10]]) {
  await go(w.page, route)
  await w.page.locator("[role=listitem]").first().waitFor()
  const got = await scrollThrough(w.page, { rows, pages })
  row(`${name}: rows that came`, got.rows, String(rows))
  row(`${name}: rows in the page at most`, got.most, "200")
  row(`${name}: longest task, ms`, got.longest, "100")
  row(`${name}: tasks over 100 ms`, got.over, "0")
  row(`${name}: scrolled in, s`, (got.took / 1000).toFixed(1), "")
}
await w.close()
await chrome.close()
await bunker.end()
setImmediate(() => process.exit())
