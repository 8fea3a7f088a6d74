// Every screen: axe-core's rules by day and by night, targets for a thumb on a phone, and the keyboard alone on a desktop.
import assert from "node:assert/strict"
import { go, login, visitor } from "../kit/browser.mjs"
import { clean, clumsy, desktop, phone, turn, unreached, violations } from "../kit/look.mjs"
import { asked, routes, settled } from "../kit/routes.mjs"
import { act, scene } from "../kit/scene.mjs"
import { ask, leave, settle } from "../kit/world.mjs"

const s = scene()
let w

act("before a login no screen breaks a rule of accessibility", s, async ({ bunker, chrome, admin }) => {
  const v = await visitor(chrome, { secret: admin.secret })
  const { page } = v
  await page.goto(bunker.page)
  await page.getByRole("heading", { name: "Log in to your bunker" }).waitFor()
  await clean(v, "login")
  assert.deepEqual(await unreached(page, "login"), [])
  await page.getByRole("button", { name: /Browser extension/ }).click()
  const digits = page.getByLabel("Six digits to compare")
  await digits.waitFor()
  await clean(v, "confirm")
  await bunker.run("device", "refuse", (await digits.innerText()).replace(/\D/g, ""))
  await page.getByRole("heading", { name: "Log in to your bunker" }).waitFor()
  await v.close()
})

act("inside, no screen does; each is for a thumb, and for the keyboard alone", s, async ({ bunker, owner }) => {
  const wrong = []
  const { page } = await owner()
  w = await settle(bunker)
  await ask(bunker, w)
  // The questions first: a login is one for a minute.
  for (const route of [...asked(w), ...routes(w)]) {
    const { name } = route
    await turn(page, "light", desktop)
    await settled(page, route)
    wrong.push(...await violations(page, `${name}, by day`), ...await unreached(page, name))
    await turn(page, "dark", phone)
    wrong.push(...await violations(page, `${name}, on a phone by night`), ...await clumsy(page, `${name}, on a phone`))
    // What a phone does not show has its colours by night, too.
    await turn(page, "dark", desktop)
    wrong.push(...await violations(page, `${name}, by night`, ["color-contrast"]))
    if (route.dialog) await page.keyboard.press("Escape")
  }
  assert.equal([...new Set(wrong)].join("\n"), "")
})

act("a sealed bunker, and one that is stopped, break none either", s, async ({ bunker, chrome, admin }) => {
  await bunker.run("stop")
  const v = await visitor(chrome, { secret: admin.secret })
  await login(bunker, v)
  await clean(v, "stopped")
  assert.equal(await v.page.getByRole("button", { name: "Stop everything" }).count(), 0, "what is stopped is not offered to be stopped")
  assert.equal(await v.page.getByText("nsecbunker stop end").count(), 0, "it is said once that it is stopped")
  await bunker.owner("stop", "end")
  await bunker.run("seal")
  await v.page.getByRole("heading", { name: /is sealed/ }).waitFor()
  await clean(v, "unseal")
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
})
