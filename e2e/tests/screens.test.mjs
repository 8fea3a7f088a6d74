// Every screen, light and dark, wide and narrow, before axe-core.
import assert from "node:assert/strict"
import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { go, login, visitor } from "../kit/browser.mjs"
import { asked, routes, settled } from "../kit/routes.mjs"
import { act, scene } from "../kit/scene.mjs"
import { ask, leave, settle } from "../kit/world.mjs"

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8")
const s = scene()
let w

/** violations are axe's, in words: the rule, how bad, and where. */
async function violations(page, name) {
  await page.evaluate(axe)
  const found = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }))
  return found.violations.flatMap(v => v.nodes.slice(0, 3).map(n => `${name}: ${v.id} (${v.impact}): ${n.target.join(" ")}\n    ${n.html.slice(0, 160)}\n    ${n.failureSummary?.split("\n").slice(1, 3).join("; ")}`))
}

// axe has to be put into the page, which its policy forbids; every other test holds the page to it.
const looks = [["light", 1280], ["dark", 1280], ["dark", 390]]
const turn = async (page, [scheme, width]) => {
  await page.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" })
  await page.setViewportSize({ width, height: width > 760 ? 860 : 844 })
}

act("before a login no screen breaks a rule of accessibility", s, async ({ bunker, chrome, admin }) => {
  const wrong = []
  const v = await visitor(chrome, { secret: admin.secret, bypassCSP: true })
  const { page } = v
  await page.goto(bunker.page)
  for (const look of looks) {
    await turn(page, look)
    wrong.push(...await violations(page, `login, ${look}`))
  }
  await page.getByRole("button", { name: /Browser extension/ }).click()
  const digits = page.getByLabel("Six digits to compare")
  await digits.waitFor()
  for (const look of looks) {
    await turn(page, look)
    wrong.push(...await violations(page, `confirm, ${look}`))
  }
  await bunker.run("device", "refuse", (await digits.innerText()).replace(/\D/g, ""))
  await page.getByRole("heading", { name: "Log in to your bunker" }).waitFor()
  await v.close()
  assert.equal(wrong.join("\n"), "")
})

act("inside, no screen does: light and dark, wide and narrow", s, async ({ bunker, owner }) => {
  const wrong = []
  const { page } = await owner({ bypassCSP: true })
  w = await settle(bunker)
  await ask(bunker, w)
  for (const look of looks) {
    await turn(page, look)
    for (const route of [...routes(w), ...asked(w)]) {
      await settled(page, route)
      wrong.push(...await violations(page, `${route.name}, ${look}`))
      if (route.dialog) await page.keyboard.press("Escape")
    }
  }
  assert.equal(wrong.join("\n"), "")
})

act("a sealed bunker, and one that is stopped, break none either", s, async ({ bunker, chrome, admin }) => {
  const wrong = []
  await bunker.run("stop")
  const v = await visitor(chrome, { secret: admin.secret, bypassCSP: true })
  await login(bunker, v)
  wrong.push(...await violations(v.page, "stopped"))
  await bunker.owner("stop", "end")
  await bunker.run("seal")
  await v.page.getByRole("heading", { name: /is sealed/ }).waitFor()
  wrong.push(...await violations(v.page, "unseal"))
  // And it is opened from here.
  await v.page.getByLabel("Passphrase", { exact: true }).fill("wrong words that open nothing")
  await v.page.getByRole("button", { name: "Unseal" }).click()
  await v.page.locator("#pw-problem").getByText(/passphrase/i).waitFor()
  assert.equal(await v.page.getByLabel("Passphrase", { exact: true }).inputValue(), "wrong words that open nothing", "what was typed is kept")
  await v.page.getByLabel("Passphrase", { exact: true }).fill(bunker.passphrase)
  await v.page.getByRole("button", { name: "Unseal" }).click()
  await v.page.getByRole("heading", { name: /waits? for you/ }).waitFor()
  await go(v.page, "#/")
  await leave(w)
  await v.close()
  assert.equal(wrong.join("\n"), "")
})
