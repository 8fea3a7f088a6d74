// A web app of somebody else: a page of its own origin that logs people in with nostr-login, as it comes.
import { createServer } from "node:http"
import { readFileSync } from "node:fs"
import { createRequire } from "node:module"

const script = readFileSync(createRequire(import.meta.url).resolve("nostr-login/dist/unpkg.js"))
const page = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Quick Notes</title><link rel="icon" href="data:,">
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
