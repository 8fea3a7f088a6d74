// A web app of somebody else: a page of its own origin that logs people in with nostr-login, as it comes. The NDK in it gives a relay 2.5 s to say
// OK, which is not what is tried here: it gets the tests' patience.
import { createServer } from "node:http"
import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { patience } from "./bunker.mjs"

const script = readFileSync(createRequire(import.meta.url).resolve("nostr-login/dist/unpkg.js"))
const page = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Quick Notes</title><link rel="icon" href="data:,">
<script>{ const wait = setTimeout; window.setTimeout = (f, ms, ...rest) => wait(f, ms === 2500 ? ${patience} : ms, ...rest) }</script>
<script src="/nostr-login.js" data-perms="sign_event:1" data-title="Quick Notes" data-start-screen="login-bunker-url" data-methods="connect" data-no-banner="true"></script>
<h1>Quick Notes</h1></html>`

export async function site() {
  const server = createServer((request, response) => {
    const js = request.url === "/nostr-login.js"
    response.writeHead(200, { "Content-Type": js ? "text/javascript" : "text/html" }).end(js ? script : page)
  })
  await new Promise(done => server.listen(0, "127.0.0.1", done))
  return { url: `http://127.0.0.1:${server.address().port}/`, end: () => new Promise(done => { server.closeAllConnections(); server.close(done) }) }
}
