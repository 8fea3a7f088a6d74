// The part of the service worker that opens the page without a network: it keeps the page's own files. It keeps nothing that a bunker
// said: that goes through WebSockets, which never pass here.

interface Extended {
  waitUntil(p: Promise<unknown>): void;
}
interface Fetched extends Extended {
  request: Request;
  respondWith(r: Promise<Response>): void;
}
/** Scope is what of a service worker is used here. */
export interface Scope {
  addEventListener(type: "install" | "activate", heard: (e: Extended) => void): void;
  addEventListener(type: "fetch", heard: (e: Fetched) => void): void;
  location: { href: string };
  skipWaiting(): Promise<void>;
  clients: { claim(): Promise<void> };
}

const cache = "nsecbunker";

/** openOffline has a service worker answer for the page where no network does. */
export function openOffline(self: Scope) {
  const page = new URL("./", self.location.href).href;

  /** keep reads the page and what it names. What the version before named goes last, so that a connection that breaks loses nothing. */
  async function keep(answer: Response) {
    if (!answer.ok) return;
    const html = await answer.clone().text();
    const box = await caches.open(cache);
    if ((await (await box.match(page))?.text()) === html) return;
    const named = [...html.matchAll(/(?:src|href)="\.\/([^"]+)"/g)].map((m) => new URL(m[1]!, page).href);
    await Promise.all(named.map(async (url) => (await box.match(url)) ?? box.put(url, await fetch(url))));
    await box.put(page, answer);
    for (const old of await box.keys()) if (old.url !== page && !named.includes(old.url)) await box.delete(old);
  }

  /** open prefers the bunker's own page, so that a new version is never more than one visit away. */
  async function open(e: Fetched): Promise<Response> {
    try {
      const answer = await fetch(e.request);
      e.waitUntil(keep(answer.clone()).catch(() => {}));
      return answer;
    } catch (offline) {
      const kept = await caches.match(page);
      if (kept) return kept;
      throw offline;
    }
  }

  /** asset is of one content for ever: its name holds its hash. */
  async function asset(request: Request): Promise<Response> {
    const kept = await caches.match(request.url);
    if (kept) return kept;
    const answer = await fetch(request);
    if (answer.ok) await (await caches.open(cache)).put(request.url, answer.clone());
    return answer;
  }

  self.addEventListener("install", (e) => e.waitUntil(fetch(page, { cache: "no-cache" }).then(keep).then(() => self.skipWaiting())));
  self.addEventListener("activate", (e) => e.waitUntil(self.clients.claim()));
  self.addEventListener("fetch", (e) => {
    if (e.request.method !== "GET" || !e.request.url.startsWith(page)) return;
    if (e.request.mode === "navigate") e.respondWith(open(e));
    else if (new URL(e.request.url).pathname.includes("/assets/")) e.respondWith(asset(e.request));
  });
}
