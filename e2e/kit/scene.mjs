// What every file of tests begins with: one bunker, one Chromium, and the end of both.
import { after, before, test } from "node:test"
import { browser, login, pair, person, visitor } from "./browser.mjs"
import { Bunker } from "./bunker.mjs"

/** scene starts them before the tests of a file and ends them after; admin is an owner, known by the npub. */
export function scene(options = {}) {
  const s = { admin: person() }
  before(async () => {
    s.bunker = await Bunker.start({ admins: [s.admin.npub], ...options })
    await s.bunker.run("approvals", "settings", "--reply", "60s") // the longest that an app waits for its answer
    s.chrome = await browser()
  })
  after(async () => {
    await s.chrome?.close()
    await s.bunker?.end()
    // A client library may keep a timer for ever; the file is over.
    setImmediate(() => process.exit())
  })
  /** owner opens the app as the admin with the extension. */
  s.owner = async (options = {}) => {
    const v = await visitor(s.chrome, { secret: s.admin.secret, ...options })
    await login(s.bunker, v)
    return v
  }
  /** paired opens the app as a browser without any extension. */
  s.paired = async (role = "owner", options = {}) => {
    const v = await visitor(s.chrome, options)
    await pair(s.bunker, v, role, options.label ?? `browser-${++s.count}`)
    return v
  }
  s.count = 0
  return s
}

/** act is a test that closes every visitor it made, and fails with what their pages complained of. */
export function act(name, s, run) {
  test(name, async () => {
    const visitors = []
    const note = make => async (...args) => { const v = await make(...args); visitors.push(v); return v }
    const stage = { ...s, bunker: s.bunker, chrome: s.chrome, owner: note(s.owner), paired: s.paired && note(s.paired) }
    try {
      await run(stage)
    } catch (e) {
      for (const [i, v] of visitors.entries()) {
        if (!process.env.E2E_PICTURES) break
        await v.page.screenshot({ path: `${process.env.E2E_PICTURES}/${name.replace(/\W+/g, "-").slice(0, 60)}-${i}.png` }).catch(() => {})
      }
      const told = visitors.flatMap(v => v.complaints)
      await Promise.allSettled(visitors.map(v => v.context.close()))
      if (told.length) e.message += `\nthe pages complained:\n${told.join("\n")}`
      throw e
    }
    for (const v of visitors) await v.close()
  })
}
