// Every screen of the app, by its address. A new screen is one line here: accessibility, pictures and the size of the page come by themselves.
import { answered } from "./browser.mjs"
import { patience } from "./bunker.mjs"

/** routes are the addresses in a bunker as kit/world.mjs made it; ready is what shows that the screen is there. */
export const routes = w => [
  { name: "home", at: "#/" },
  { name: "keys", at: "#/keys" },
  { name: "key", at: `#/keys/${w.key.id}` },
  { name: "key-tokens", at: `#/keys/${w.key.id}?tab=tokens` },
  { name: "key-profile", at: `#/keys/${w.key.id}?tab=profile` },
  { name: "key-safety", at: `#/keys/${w.key.id}?tab=safety` },
  { name: "key-connect", at: `#/keys/${w.key.id}?connect=1`, dialog: true },
  { name: "key-add", at: "#/keys?add=1", dialog: true },
  { name: "connections", at: "#/connections" },
  { name: "connection", at: `#/connections/${w.connection.id}` },
  { name: "connection-give", at: `#/connections/${w.connection.id}?give=1`, dialog: true },
  { name: "tokens", at: "#/tokens" },
  { name: "token", at: `#/tokens?show=${w.token.id}` },
  { name: "policies", at: "#/policies" },
  { name: "policy", at: "#/policies/basic-social" },
  { name: "policy-edit", at: "#/policies/basic-social?edit=1" },
  { name: "policy-create", at: "#/policies?from=basic-social", dialog: true },
  { name: "policy-new", at: "#/policies?new=1" },
  { name: "activity", at: "#/activity" },
  { name: "activity-why", at: "#/activity?why=9" },
  { name: "activity-export", at: "#/activity?export=1", dialog: true },
  { name: "admins", at: "#/admins" },
  { name: "admins-add", at: "#/admins?add=1", dialog: true },
  { name: "admins-browsers", at: "#/admins/browsers" },
  { name: "admins-pair", at: "#/admins/browsers?pair=1", dialog: true },
  { name: "admins-together", at: "#/admins/together" },
  { name: "opening-add", at: "#/settings/opening?add=1", dialog: true },
  ...["relays", "opening", "questions", "notices", "backup", "bunker", "page"].map(tab => ({ name: `settings-${tab}`, at: `#/settings/${tab}` })),
  { name: "notices-add", at: "#/settings/notices?add=1", dialog: true },
  { name: "bunkers", at: "#/bunkers" },
  { name: "begin", at: "#/begin" },
  { name: "stop", at: "#/stop", dialog: true },
]

/** asked are the addresses of the questions, by what they are about. */
export const asked = w => {
  const out = []
  // What most questions are about stands first.
  const order = q => (q.kind === 1 ? 0 : q.kind === 3 ? 1 : 2)
  for (const q of w.questions.toSorted((a, b) => order(a) - order(b))) {
    const name = `approvals-${q.method === "connect" ? "login" : `kind-${q.kind}`}`
    if (!out.some(o => o.name === name)) out.push({ name, at: `#/approvals/${q.id}`, phone: true })
  }
  return out
}

/** settled waits until a screen stands still: it is there, nothing loads, and no answer to what it asked is on its way. */
export async function settled(page, route) {
  await page.evaluate(r => { location.hash = r }, route.at)
  if (route.dialog) await page.getByRole("dialog").waitFor()
  await page.locator("main :is(h1, h2)").first().waitFor()
  for (const until = Date.now() + patience; Date.now() < until; ) {
    const asked = await answered(page)
    await still(page)
    if (await answered(page) === asked) return
  }
  throw new Error(`${route.at} does not come to rest`)
}

/** still waits for two quiet frames after the last change of the page. */
const still = page => page.evaluate(async () => {
  await document.fonts.ready
  await new Promise(done => {
    let timer = setTimeout(done, 250)
    new MutationObserver(() => { clearTimeout(timer); timer = setTimeout(done, 120) }).observe(document.body, { subtree: true, childList: true, characterData: false, attributes: false })
    setTimeout(done, 4000)
  })
})
