// A real Chromium. Whatever the page says on its console as an error, throws, or is forbidden by its own policy fails the test that opened it.
import { existsSync } from "node:fs"
import { chromium } from "playwright-core"
import { finalizeEvent, generateSecretKey, getPublicKey } from "nostr-tools/pure"
import { npubEncode } from "nostr-tools/nip19"
import { patience } from "./bunker.mjs"

/** Debian's browser; without a sandbox of its own where root runs it. */
export const executablePath = process.env.CHROMIUM ?? ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(existsSync)

export async function browser(...args) {
  // No page of a test reaches farther than this machine, whatever network there is.
  const here = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
  return chromium.launch({ executablePath, timeout: patience, args: ["--no-sandbox", "--disable-dev-shm-usage", "--force-color-profile=srgb", here, ...args] })
}

/** visitor is one person's browser profile: a page, and what it complained of. */
export async function visitor(chrome, { size = { width: 1280, height: 860 }, scheme = "light", touch = false, secret = null, relay = null, ...rest } = {}) {
  const context = await chrome.newContext({ viewport: size, colorScheme: scheme, locale: "en-GB", timezoneId: "UTC", hasTouch: touch, reducedMotion: "reduce", ...rest })
  const v = { context, scheme, complaints: [], forgiven: [], signed: [] }
  if (secret) await extension(v, secret)
  // Somebody between the page and its relay.
  if (relay) await context.routeWebSocket(/./, relay)
  // What the policy forbids is told to the page that did it, also where it is only a style.
  await context.addInitScript(() => addEventListener("securitypolicyviolation", e => console.error(`policy violation: ${e.violatedDirective} ${e.blockedURI} ${e.sample}`)))
  context.on("weberror", e => complain(v, `thrown: ${e.error().stack ?? e.error()}`))
  context.on("console", m => { if (m.type() === "error") complain(v, `console: ${m.text()}`) })
  context.setDefaultTimeout(patience)
  v.page = await context.newPage()
  listen(v.page)
  /** forgive names what a test makes happen on purpose, such as a relay that is gone. */
  v.forgive = pattern => v.forgiven.push(pattern)
  v.close = async () => {
    await context.close()
    const left = v.complaints.filter(c => !v.forgiven.some(f => f.test(c)))
    if (left.length) throw new Error(`the page complained:\n${left.join("\n")}`)
  }
  return v
}

const lines = new WeakMap()
/** listen counts what a page asks its bunker: the bunker's relay says OK to an order when it is done, behind the answer. */
function listen(page) {
  let line
  // A page that is loaded anew waits for nothing that it asked before.
  const begin = () => lines.set(page, line = { sent: 0, waiting: 0 })
  begin()
  page.on("request", r => { if (r.isNavigationRequest() && r.frame() === page.mainFrame()) begin() })
  page.on("websocket", ws => {
    const of = line
    let open = 0
    const count = n => { open += n; of.waiting += n }
    ws.on("framesent", f => { if (String(f.payload).startsWith('["EVENT"')) { of.sent++; count(1) } })
    ws.on("framereceived", f => { if (open > 0 && String(f.payload).startsWith('["OK"')) count(-1) })
    ws.on("close", () => count(-open))
  })
}
/** answered waits until the page waits for no answer; what it returns is how much it asked until then. */
export async function answered(page) {
  const line = () => lines.get(page)
  for (const until = Date.now() + patience; line().waiting > 0; ) {
    if (Date.now() > until) throw new Error(`the page waits for ${line().waiting} answers of its bunker`)
    await page.waitForTimeout(20)
  }
  return line().sent
}

function complain(v, text) { v.complaints.push(text) }

/** extension is a stub of NIP-07: it signs whatever it is asked, and notes it. */
async function extension(v, secret) {
  await v.context.exposeFunction("stubSign", t => {
    const e = finalizeEvent({ ...t, created_at: t.created_at ?? Math.floor(Date.now() / 1000) }, secret)
    v.signed.push(e)
    return e
  })
  await v.context.addInitScript(pubkey => {
    const sign = window.stubSign
    window.nostr = { getPublicKey: async () => pubkey, signEvent: t => sign(t) }
  }, getPublicKey(secret))
}

/** person is somebody's key. */
export function person() {
  const secret = generateSecretKey()
  const pubkey = getPublicKey(secret)
  return { secret, pubkey, npub: npubEncode(pubkey) }
}

/** What is seen first of a bunker that is open: Home, or the first steps of one without a key. */
const inside = /waits? for you|Add your first key/

/** pair opens a bunker's pairing link in a browser and has the terminal say yes. */
export async function pair(bunker, v, role = "owner", label = "browser") {
  const { link, run } = await bunker.pairing(role, label)
  const { page } = v
  await page.goto(link)
  await page.getByRole("button", { name: "Pair this browser" }).click()
  const [, asked] = await run.until(/nsecbunker device confirm (\d{6})/)
  const shown = (await page.getByLabel("Six digits to compare").innerText()).replace(/\D/g, "")
  if (shown !== asked) throw new Error(`the page shows ${shown}, the terminal ${asked}`)
  await run.done
  await bunker.run("device", "confirm", asked)
  await page.getByRole("heading", { name: inside }).waitFor()
}

/** login logs an admin in with the extension, and confirms the browser the first time. */
export async function login(bunker, v) {
  const { page } = v
  await page.goto(bunker.page)
  await page.getByRole("button", { name: /Browser extension/ }).click()
  const home = page.getByRole("heading", { name: inside })
  const digits = page.getByLabel("Six digits to compare")
  await home.or(digits).waitFor()
  if (await home.isVisible()) return
  await bunker.run("device", "confirm", (await digits.innerText()).replace(/\D/g, ""))
  await home.waitFor()
}

/** go opens a screen of the app without loading the page anew. */
export async function go(page, route) {
  await page.evaluate(r => { location.hash = r }, route)
}
