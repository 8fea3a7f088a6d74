// Pictures of every screen, light and dark, on a desktop and on a phone: into ../dist/screenshots, and the few that the README shows,
// made small, into ../docs/screenshots.
import { mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { browser, login, person, visitor } from "./kit/browser.mjs"
import { Bunker } from "./kit/bunker.mjs"
import { asked, routes, settled } from "./kit/routes.mjs"
import { ask, leave, settle } from "./kit/world.mjs"

const all = fileURLToPath(new URL("../dist/screenshots/", import.meta.url))
const few = fileURLToPath(new URL("../docs/screenshots/", import.meta.url))
/** Those that the README and the pages show. */
const best = ["approvals-kind-1-light-desktop", "approvals-kind-3-dark-desktop", "approvals-kind-1-dark-phone", "home-light-desktop", "connection-light-desktop"]
/** Of all committed pictures together, in bytes: a checkout is read by people on trains. */
const most = 1_500_000
const sizes = { desktop: { width: 1280, height: 860 }, phone: { width: 390, height: 844 } }

rmSync(all, { recursive: true, force: true })
mkdirSync(all, { recursive: true })
mkdirSync(few, { recursive: true })
const admin = person()
const bunker = await Bunker.start({ admins: [admin.npub] })
const chrome = await browser()
const shot = (page, name, scheme, size) => page.screenshot({ path: `${all}${name}-${scheme}-${size}.png`, animations: "disabled" })
async function everyLook(page, take) {
  for (const [size, viewport] of Object.entries(sizes)) {
    await page.setViewportSize(viewport)
    for (const scheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" })
      await take(scheme, size)
    }
  }
}

const v = await visitor(chrome, { secret: admin.secret, deviceScaleFactor: 2 })
const { page } = v
await page.goto(bunker.page)
await page.getByRole("heading", { name: "Log in to your bunker" }).waitFor()
await everyLook(page, (scheme, size) => shot(page, "login", scheme, size))
await page.getByRole("button", { name: /Browser extension/ }).click()
await page.getByLabel("Six digits to compare").waitFor()
await everyLook(page, (scheme, size) => shot(page, "confirm", scheme, size))
await page.goto("about:blank")
await login(bunker, v)
const w = await settle(bunker)
await ask(bunker, w)
await page.mouse.move(-1, -1)
// The questions first, while their apps still wait.
for (const route of [...asked(w), ...routes(w)]) {
  await settled(page, route)
  await everyLook(page, async (scheme, size) => {
    await page.waitForTimeout(120) // a picture is no test: what was laid out anew is painted
    await shot(page, route.name, scheme, size)
  })
  if (route.dialog) await page.keyboard.press("Escape")
}
await bunker.run("stop")
await settled(page, { at: "#/" })
await everyLook(page, (scheme, size) => shot(page, "stopped", scheme, size))
await bunker.owner("stop", "end")
await bunker.run("seal")
await page.getByRole("heading", { name: /is sealed/ }).waitFor()
await everyLook(page, (scheme, size) => shot(page, "unseal", scheme, size))
await leave(w)

// Made small by the browser itself: half as many points, and the format that text stays sharp in.
const press = await chrome.newPage()
for (const name of best) {
  const raw = readFileSync(`${all}${name}.png`).toString("base64")
  const webp = await press.evaluate(async data => {
    const image = await createImageBitmap(await (await fetch(`data:image/png;base64,${data}`)).blob())
    const canvas = new OffscreenCanvas(image.width, image.height)
    canvas.getContext("2d").drawImage(image, 0, 0)
    const blob = await canvas.convertToBlob({ type: "image/webp", quality: 0.82 })
    const bytes = new Uint8Array(await blob.arrayBuffer())
    return btoa(bytes.reduce((s, b) => s + String.fromCharCode(b), ""))
  }, raw)
  writeFileSync(`${few}${name}.webp`, Buffer.from(webp, "base64"))
}
await chrome.close()
await bunker.end()
const sum = readdirSync(few).reduce((n, f) => n + statSync(few + f).size, 0)
console.log(`${readdirSync(all).length} pictures in dist/screenshots, ${readdirSync(few).length} of them in docs/screenshots (${Math.round(sum / 1024)} kB)`)
if (sum > most) {
  console.error(`screenshots: the committed ones weigh ${sum} bytes; at most ${most}`)
  process.exitCode = 1
}
setImmediate(() => process.exit())
