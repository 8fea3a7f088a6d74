// Web push: what the browser's service would bring, given to the real service worker by the browser's own tools.
import assert from "node:assert/strict"
import { act, scene } from "../kit/scene.mjs"

const s = scene()

act("a push is shown by the service worker: its words cut, urgent where it says so, and never nothing", s, async ({ bunker, owner }) => {
  const { page, context } = await owner()
  await context.grantPermissions(["notifications"], { origin: new URL(bunker.page).origin })
  await page.evaluate(() => navigator.serviceWorker.ready.then(() => {}))
  const worker = context.serviceWorkers()[0] ?? await context.waitForEvent("serviceworker")
  assert.equal(worker.url(), `${bunker.page}sw.js`)
  await worker.evaluate(() => {
    self.shows = []
    self.registration.showNotification = async (title, o) => { self.shows.push([title, o.body, o.tag, o.requireInteraction]); self.told?.() }
  })
  const cdp = await context.newCDPSession(page)
  const there = new Promise(done => cdp.on("ServiceWorker.workerRegistrationUpdated", e => { const r = e.registrations.find(r => r.scopeURL === bunker.page && !r.isDeleted); if (r) done(r.registrationId) }))
  await cdp.send("ServiceWorker.enable")
  const registrationId = await there
  const origin = new URL(bunker.page).origin
  const shown = async (data, n) => {
    await cdp.send("ServiceWorker.deliverPushMessage", { origin, registrationId, data })
    return worker.evaluate(n => new Promise(done => {
      self.told = () => self.shows.length >= n && done(self.shows.at(-1))
      self.told()
    }), n)
  }
  assert.deepEqual(await shown(JSON.stringify({ title: "A question waits", body: "Open the app to answer it.", id: "q1", urgent: true }), 1), ["A question waits", "Open the app to answer it.", "q1", true])
  assert.deepEqual(await shown(JSON.stringify({ title: "x".repeat(9000), body: 7, id: [], urgent: "yes" }), 2), ["x".repeat(400), "", "nsecbunker", false])
  assert.deepEqual(await shown("no JSON", 3), ["nsecBunker", "", "nsecbunker", false])

  // Touched: the open page goes to the questions without being loaded anew.
  await page.evaluate(() => { window.same = true })
  await worker.evaluate(async () => {
    const e = new Event("notificationclick")
    Object.assign(e, { notification: { close() { self.closed = true } }, waitUntil(p) { self.done = p.catch(() => {}) } })
    self.dispatchEvent(e)
    await self.done
  })
  await page.waitForFunction(() => location.hash === "#/approvals" && window.same === true)
  assert.equal(await worker.evaluate(() => self.closed), true)
})
