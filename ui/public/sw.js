// The page's own files without a network, and messages of the bunker while no page is open. It keeps nothing that a bunker said:
// that goes through WebSockets, which never pass here.
const cache = "nsecbunker"
const page = new URL("./", self.location).href
/** How much of a message is shown. */
const most = 400

self.addEventListener("install", (e) => e.waitUntil(keep().then(() => self.skipWaiting())))
self.addEventListener("activate", (e) => e.waitUntil(self.clients.claim()))

/** keep reads the page and what it names, and forgets what the version before named. */
async function keep(fresh) {
  const answer = fresh ?? (await fetch(page, { cache: "no-cache" }))
  if (!answer.ok) return answer
  const html = await answer.clone().text()
  const named = [...html.matchAll(/(?:src|href)="\.\/([^"]+)"/g)].map((m) => new URL(m[1], page).href)
  const box = await caches.open(cache)
  const known = await box.match(page)
  if (!known || (await known.text()) !== html) {
    await caches.delete(cache)
    const anew = await caches.open(cache)
    await Promise.all([anew.put(page, answer.clone()), ...named.map(async (url) => anew.put(url, await fetch(url)))])
  }
  return answer
}

self.addEventListener("fetch", (e) => {
  const url = new URL(e.request.url)
  if (e.request.method !== "GET" || !url.href.startsWith(page)) return
  if (e.request.mode === "navigate") e.respondWith(open(e))
  else if (url.pathname.includes("/assets/")) e.respondWith(asset(e.request))
})

/** open prefers the bunker's own page, so that a new version is never more than one visit away. */
async function open(e) {
  try {
    const answer = await fetch(e.request)
    e.waitUntil(keep(answer.clone()).catch(() => {}))
    return answer
  } catch (offline) {
    const kept = await caches.match(page)
    if (kept) return kept
    throw offline
  }
}

/** asset is of one content for ever: its name is its hash. */
async function asset(request) {
  const kept = await caches.match(request.url)
  if (kept) return kept
  const answer = await fetch(request)
  if (answer.ok) await (await caches.open(cache)).put(request.url, answer.clone())
  return answer
}

self.addEventListener("push", (e) => {
  let said = {}
  try {
    said = e.data.json()
  } catch {
    // something waits; what, the page will say
  }
  const text = (value, otherwise) => (typeof value === "string" && value ? value.slice(0, most) : otherwise)
  // What is sent again has the same id, and replaces itself.
  const options = { body: text(said.body, ""), icon: "./icon-192.png", tag: text(said.id, "nsecbunker"), requireInteraction: said.urgent === true }
  e.waitUntil(self.registration.showNotification(text(said.title, "nsecBunker"), options))
})

self.addEventListener("notificationclick", (e) => {
  e.notification.close()
  e.waitUntil(
    self.clients.matchAll({ type: "window", includeUncontrolled: true }).then((open) => {
      const one = open.find((c) => c.url.startsWith(page))
      return one ? one.focus() : self.clients.openWindow(`${page}#/approvals`)
    }),
  )
})
