// A relay as accounts use one: it keeps what it is given, and says what it has.
import { WebSocketServer } from "ws"
import { matchFilters, verifyEvent } from "nostr-tools"

/** relay runs one on a port of its own. */
export async function relay() {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" })
  await new Promise(done => server.on("listening", done))
  const r = { events: [], address: `127.0.0.1:${server.address().port}` }
  r.url = `ws://${r.address}`
  /** of is what it has of a kind, the newest last. */
  r.of = kind => r.events.filter(e => e.kind === kind)
  r.end = () => { for (const c of server.clients) c.terminate(); server.close() }
  server.on("connection", c => c.on("message", raw => {
    const [verb, first, ...rest] = JSON.parse(raw)
    const say = (...m) => c.send(JSON.stringify(m))
    if (verb === "EVENT") {
      const ok = verifyEvent(first)
      if (ok) r.events.push(first)
      say("OK", first.id, ok, ok ? "" : "invalid: signature")
    } else if (verb === "REQ") {
      for (const e of r.events) if (matchFilters(rest, e)) say("EVENT", first, e)
      say("EOSE", first)
    }
  }))
  return r
}
