// The camera for real: Chromium takes a film for it, in which an app's code comes into sight; the page's own reader reads it.
import assert from "node:assert/strict"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { test } from "node:test"
import { encode } from "uqr"
import { browser, go, login, visitor } from "../kit/browser.mjs"
import { scene } from "../kit/scene.mjs"

const s = scene()

/** film is a Y4M of grey pictures: ten in which nothing is to be seen, ten with the code. */
function film(text) {
  const [w, h] = [640, 480]
  const { data, size } = encode(text)
  const scale = Math.floor(380 / size)
  const at = v => Math.floor((v - size * scale) / 2)
  const picture = code => {
    const y = Buffer.alloc(w * h, 150)
    if (code) {
      for (let r = -3 * scale; r < (size + 3) * scale; r++) {
        for (let c = -3 * scale; c < (size + 3) * scale; c++) {
          y[(at(h) + r) * w + at(w) + c] = data[Math.floor(r / scale)]?.[Math.floor(c / scale)] ? 35 : 215
        }
      }
    }
    return Buffer.concat([Buffer.from("FRAME\n"), y, Buffer.alloc(w * h / 2, 128)])
  }
  const none = picture(false), code = picture(true)
  return Buffer.concat([Buffer.from(`YUV4MPEG2 W${w} H${h} F10:1 Ip A1:1 C420jpeg\n`), ...Array(10).fill(none), ...Array(10).fill(code)])
}

test("a code before the camera is read, and the camera is off", async () => {
  const { bunker } = s
  await bunker.run("key", "add", "herald")
  const { id } = (await bunker.json("key", "show", "herald")).key
  const code = `nostrconnect://${"ab".repeat(32)}?relay=${encodeURIComponent(bunker.relay)}&secret=abcdefgh&name=Filmed`
  const dir = mkdtempSync(join(tmpdir(), "nsecbunker-film-"))
  writeFileSync(join(dir, "film.y4m"), film(code))
  const chrome = await browser("--use-fake-device-for-media-stream", `--use-file-for-fake-video-capture=${join(dir, "film.y4m")}`)
  try {
    const v = await visitor(chrome, { secret: s.admin.secret, permissions: ["camera"] })
    const { page } = v
    await login(bunker, v)
    await page.evaluate(() => {
      window.tracks = []
      const get = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices)
      navigator.mediaDevices.getUserMedia = async o => { const m = await get(o); window.tracks.push(...m.getTracks()); return m }
    })
    await go(page, `#/keys/${id}?connect=1`)
    const dialog = page.getByRole("dialog")
    await dialog.getByRole("radio", { name: "Paste its code" }).click()
    await dialog.getByRole("button", { name: "Scan with the camera" }).click()
    await dialog.getByText("The code was read.").waitFor()
    assert.equal(await dialog.getByLabel("The app's code").inputValue(), code)
    await dialog.getByText("Filmed").first().waitFor()
    await page.waitForFunction(() => window.tracks.length === 1 && window.tracks[0].readyState === "ended")
    await v.close()
  } finally {
    await chrome.close()
    rmSync(dir, { recursive: true })
  }
})
