// Pictures of profiles: none until an owner wants them, then through the bunker alone.
import assert from "node:assert/strict"
import { execFileSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { createServer } from "node:https"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after } from "node:test"
import { tools } from "../kit/apps.mjs"
import { go } from "../kit/browser.mjs"
import { act, scene } from "../kit/scene.mjs"

// A host of pictures with a certificate that this bunker believes.
const dir = mkdtempSync(join(tmpdir(), "nsecbunker-tls-"))
execFileSync("openssl", ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", join(dir, "key.pem"), "-out", join(dir, "cert.pem")], { stdio: "ignore" })
// One red dot.
const red = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC", "base64")
const asked = []
const host = createServer({ key: readFileSync(join(dir, "key.pem")), cert: readFileSync(join(dir, "cert.pem")) }, (q, a) => { asked.push(q.url); a.end(red) })
await new Promise(done => host.listen(0, "127.0.0.1", done))
const address = `127.0.0.1:${host.address().port}`
const s = scene({ config: `allow = ["${address}"]\n`, env: { SSL_CERT_FILE: join(dir, "cert.pem") } })
after(() => { host.close(); rmSync(dir, { recursive: true }) })

act("no picture is fetched until an owner turns it on; then the bunker fetches it, and the page asks nobody else", s, async ({ bunker, owner, paired }) => {
  await bunker.run("key", "add", "herald")
  const app = await tools(await bunker.link("herald", "app", "all"))
  await app.connect()
  await app.sign({ kind: 0, created_at: Math.floor(Date.now() / 1000), tags: [], content: JSON.stringify({ name: "Herald", picture: `https://${address}/herald.png` }) })
  await app.end()
  const { page } = await owner()
  const elsewhere = []
  page.on("request", r => { if (!r.url().startsWith(bunker.page)) elsewhere.push(r.url()) })
  await go(page, "#/keys")
  await page.getByText("herald").first().waitFor()
  await go(page, "#/settings/page")
  const turn = page.getByRole("switch", { name: "Profile pictures" })
  assert.equal(await turn.isChecked(), false)
  assert.deepEqual(asked, [])

  await turn.click()
  await page.getByText("On: the bunker fetches the pictures", { exact: false }).waitFor()
  await go(page, "#/keys")
  const face = page.locator(".face canvas").first()
  await face.waitFor()
  await page.waitForFunction(() => {
    const drawn = document.querySelector(".face canvas")
    if (!drawn) return false
    const [r, g, b] = drawn.getContext("2d").getImageData(80, 80, 1, 1).data
    return r > 200 && g < 60 && b < 60
  })
  await go(page, `#/keys/${(await bunker.json("key", "show", "herald")).key.id}?tab=profile`)
  await face.waitFor()
  assert.deepEqual(asked, ["/herald.png"], "it was fetched once")
  assert.deepEqual(elsewhere, [])

  // Who is no owner sees them, and cannot turn them off.
  const other = await paired("viewer")
  await go(other.page, "#/settings/page")
  await other.page.getByText("On: the bunker fetches the pictures", { exact: false }).waitFor()
  assert.ok(await other.page.getByRole("switch", { name: "Profile pictures" }).isDisabled())

  await go(page, "#/settings/page")
  await turn.click()
  await page.getByText("Off: none is loaded", { exact: false }).waitFor()
  await go(page, "#/keys")
  await page.getByText("herald").first().waitFor()
  assert.equal(await page.locator(".face").count(), 0)
})
