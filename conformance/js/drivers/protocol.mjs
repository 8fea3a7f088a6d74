// The drivers' side of the harness's protocol: one JSON object per line, in either direction.
//   → {"id":1,"session":"a","op":"sign_event","args":{…}}
//   ← {"id":1,"ok":…} | {"id":1,"error":"the library's own words"} | {"id":1,"lacks":"what it has no function for"}
// Ops run at once, not in turn; the harness decides what runs beside what, how long it waits, and what is right.
import { createInterface } from "node:readline"

/** The library offers no way to do this. */
export class Lack extends Error {}

/** need returns object[name] bound to object, or throws Lack. */
export function need(object, name) {
  if (typeof object?.[name] !== "function") throw new Lack(`no function ${name}`)
  return object[name].bind(object)
}

/** lack throws Lack. */
export function lack(what) {
  throw new Lack(what)
}

/** words is the text of an error as a user of the library gets it: libraries throw Errors, strings and replies. */
function words(reason) {
  if (typeof reason === "string") return reason
  if (reason?.errors?.length) return reason.errors.map(words).join("; ")
  return String(reason?.message ?? reason?.error ?? JSON.stringify(reason))
}

export const bytes = hex => Uint8Array.from(Buffer.from(hex, "hex"))

/** target reads a bunker:// URI as an app would that hands the parts to a library itself. */
export function target(uri) {
  const url = new URL(uri)
  return {
    signer: url.hostname || url.pathname.replace(/\//g, ""),
    relays: url.searchParams.getAll("relay"),
    secret: url.searchParams.get("secret") ?? "",
  }
}

/**
 * serve runs a driver: Adapter is a class with one method for each op that the library can do. connect and
 * nostrconnect begin a session; every other op goes to the session's adapter.
 */
export function serve(Adapter) {
  const sessions = new Map()
  const answer = line => process.stdout.write(JSON.stringify(line) + "\n")
  const run = async ({ session, op, args }) => {
    if (op === "connect" || op === "nostrconnect") sessions.set(session, new Adapter())
    const adapter = sessions.get(session)
    if (!adapter) throw new Error(`the harness names no session ${session}`)
    return await need(adapter, op)(args ?? {})
  }
  createInterface({ input: process.stdin }).on("line", async line => {
    const call = JSON.parse(line)
    try {
      answer({ id: call.id, ok: (await run(call)) ?? null })
    } catch (reason) {
      if (process.env.DRIVER_TRACE) console.error(reason)
      answer(reason instanceof Lack ? { id: call.id, lacks: reason.message } : { id: call.id, error: words(reason) })
    }
  }).on("close", () => process.exit(0))
  answer({ id: 0, ok: "ready" })
}
