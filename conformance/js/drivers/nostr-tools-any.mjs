// nostr-tools in all its versions: they differ in how a signer is made and in what it can do.
import { bytes, lack, need, serve } from "./protocol.mjs"

// PATIENCE is how long a relay's OK may take on a busy machine; the library gives it 4.4 s.
const PATIENCE = 60_000

// patient has a signer's relays wait so long.
function patient(signer) {
  for (const relay of signer.pool.relays.values()) relay.publishTimeout = PATIENCE
  return signer
}

export function serveNostrTools(nip46) {
  const { BunkerSigner, parseBunkerInput } = nip46
  serve(class {
    async connect({ uri, key, perms, metadata, envelope }) {
      if (perms) lack("connect takes no permissions")
      if (envelope) lack("the envelope cannot be chosen")
      const pointer = await parseBunkerInput(uri)
      if (!pointer) throw new Error("parseBunkerInput refuses the URI")
      this.signer = BunkerSigner.fromBunker ? BunkerSigner.fromBunker(bytes(key), pointer) : new BunkerSigner(bytes(key), pointer)
      patient(this.signer)
      if (metadata && this.signer.connect.length === 0) lack("connect takes no metadata")
      await this.signer.connect(metadata)
    }
    async nostrconnect({ key, client, relay, secret, name, perms }) {
      const uri = need(nip46, "createNostrConnectURI")({ clientPubkey: client, relays: [relay], secret, name, perms })
      this.waiting = need(BunkerSigner, "fromURI")(bytes(key), uri)
      this.waiting.catch(() => {})
      return uri
    }
    async connected() { this.signer = patient(await this.waiting) }
    get_public_key() { return this.signer.getPublicKey() }
    async ping() { await this.signer.ping(); return "pong" }
    sign_event({ event }) { return this.signer.signEvent(event) }
    nip04_encrypt({ peer, text }) { return need(this.signer, "nip04Encrypt")(peer, text) }
    nip04_decrypt({ peer, text }) { return need(this.signer, "nip04Decrypt")(peer, text) }
    nip44_encrypt({ peer, text }) { return need(this.signer, "nip44Encrypt")(peer, text) }
    nip44_decrypt({ peer, text }) { return need(this.signer, "nip44Decrypt")(peer, text) }
    async switch_relays() { await need(this.signer, "switchRelays")(); return this.signer.bp.relays }
    logout() { return need(this.signer, "logout")() }
    rpc({ method, params }) { return this.signer.sendRequest(method, params) }
    close() { return this.signer.close() }
  })
}
