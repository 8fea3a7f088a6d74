// A bunker with a long past: what the page holds of it is what is in sight.
import assert from "node:assert/strict"
import { after, before } from "node:test"
import { browser, go, login, person, visitor } from "../kit/browser.mjs"
import { Bunker } from "../kit/bunker.mjs"
import { act } from "../kit/scene.mjs"
import { scrollThrough } from "../kit/scroll.mjs"

const apps = 10_000
const audit = 100_000
const mostRows = 200
const s = { admin: person() }
before(async () => {
  s.bunker = await Bunker.seeded({ admin: s.admin.npub, apps, audit })
  s.chrome = await browser()
})
after(async () => {
  await s.chrome?.close()
  await s.bunker?.end()
  setImmediate(() => process.exit())
})
s.owner = async () => {
  const v = await visitor(s.chrome, { secret: s.admin.secret })
  await login(s.bunker, v)
  return v
}

// A twentieth of the log, and the first quarter of the connections: make bench-ui goes to their ends. The connections last: what their
// rows ask for is still being answered when the next screen is looked at.
act("of 10,000 connections and 100,000 lines of the log at most 200 rows are in the page, however far somebody scrolls", s, async ({ owner }) => {
  const { page } = await owner()
  for (const [route, rows] of [["#/activity", audit / 20], ["#/connections", apps / 4]]) {
    await go(page, route)
    await page.locator("[role=listitem]").first().waitFor()
    const seen = await scrollThrough(page, { rows, pages: 40 })
    assert.equal(seen.problem, "", route)
    assert.ok(seen.rows >= rows, `${route}: ${seen.rows} of ${rows} rows came`)
    assert.ok(seen.most <= mostRows, `${route}: ${seen.most} rows were in the page at once`)
    await page.evaluate(() => scrollTo(0, 0))
  }
})
