// Real client libraries, as the apps that people use. They give a relay two to five seconds and then fail, which a test must not: they get our patience.
import { WebSocket } from "ws"
import { patience } from "./bunker.mjs"
globalThis.WebSocket ??= WebSocket
globalThis.window ??= globalThis
const { BunkerSigner, parseBunkerInput } = await import("nostr-tools/nip46")
const { generateSecretKey, getPublicKey } = await import("nostr-tools/pure")
const { SimplePool, useWebSocketImplementation } = await import("nostr-tools/pool")
useWebSocketImplementation(WebSocket)

/** note is the template of a short note. */
export const note = content => ({ kind: 1, created_at: Math.floor(Date.now() / 1000), tags: [], content })

/** heard lets an answer come before anybody asks for it: a refusal that nobody hears yet would end the whole file. */
export function heard(answer) {
  answer.catch(() => {})
  return answer
}

/** patient is a pool of nostr-tools that waits for its relays. */
function patient() {
  const pool = new SimplePool({ maxWaitForConnection: patience })
  const ensure = pool.ensureRelay.bind(pool)
  pool.ensureRelay = async (url, params) => {
    const relay = await ensure(url, { ...params, connectionTimeout: patience })
    relay.publishTimeout = patience
    return relay
  }
  return pool
}

/** tools is an app made with nostr-tools; connect is its login, which may wait for a person. */
export async function tools(uri, secret = generateSecretKey()) {
  const pool = patient()
  const pointer = await parseBunkerInput(uri)
  const signer = BunkerSigner.fromBunker(secret, pointer, { pool })
  return {
    pubkey: getPublicKey(secret),
    connect: metadata => heard(signer.connect(metadata)),
    /** wish is a login that says what the app would like to do unasked. */
    wish: perms => heard(signer.sendRequest("connect", [pointer.pubkey, pointer.secret ?? "", perms])),
    sign: t => heard(signer.signEvent(t)),
    end: async () => { await signer.close(); pool.destroy() },
  }
}

/** ndk is an app made with NDK. */
export async function ndk(uri) {
  const { default: NDK, NDKNip46Signer, NDKPrivateKeySigner, NDKEvent, NDKRelay } = await import("@nostr-dev-kit/ndk")
  const { publish } = NDKRelay.prototype
  NDKRelay.prototype.publish = function (event, ms = patience) { return publish.call(this, event, ms) }
  const relays = new URL(uri.replace("bunker://", "https://")).searchParams.getAll("relay")
  const kit = new NDK({ explicitRelayUrls: relays.map(r => new URL(r).href) })
  const signer = new NDKNip46Signer(kit, uri, NDKPrivateKeySigner.generate())
  return {
    connect: () => signer.blockUntilReady(),
    async sign(t) {
      const e = new NDKEvent(kit, t)
      e.pubkey = (await signer.user()).pubkey
      await e.sign(signer)
      return e.rawEvent()
    },
    async end() {
      signer.stop?.()
      for (const relay of signer.rpc.pool.relays.values()) relay.disconnect()
    },
  }
}
