import "./polyfill.mjs"
import { RelayPool } from "applesauce-relay"
import { NostrConnectSigner, PrivateKeySigner } from "applesauce-signers"
import { bytes, lack, need, serve } from "./protocol.mjs"

serve(class {
  make(key, options) {
    return new NostrConnectSigner({ pool: new RelayPool(), signer: new PrivateKeySigner(bytes(key)), ...options })
  }
  async connect({ uri, key, perms, metadata, envelope }) {
    if (metadata) lack("connect sends no metadata")
    if (envelope) lack("the envelope cannot be chosen")
    const { remote, relays, bunkerSecret } = NostrConnectSigner.parseBunkerURI(uri)
    this.signer = this.make(key, { remote, relays, bunkerSecret })
    await this.signer.connect(bunkerSecret, perms)
  }
  async nostrconnect({ key, relay, name, perms }) {
    this.signer = this.make(key, { relays: [relay] })
    this.waiting = this.signer.waitForSigner()
    this.waiting.catch(() => {})
    return this.signer.getNostrConnectURI({ name, permissions: perms })
  }
  async connected() { await this.waiting }
  get_public_key() { return this.signer.getPublicKey() }
  ping() { return this.signer.ping() }
  sign_event({ event }) { return this.signer.signEvent(event) }
  nip04_encrypt({ peer, text }) { return this.signer.nip04.encrypt(peer, text) }
  nip04_decrypt({ peer, text }) { return this.signer.nip04.decrypt(peer, text) }
  nip44_encrypt({ peer, text }) { return this.signer.nip44.encrypt(peer, text) }
  nip44_decrypt({ peer, text }) { return this.signer.nip44.decrypt(peer, text) }
  async switch_relays() { await need(this.signer, "switchRelays")(); return this.signer.relays }
  logout() { return need(this.signer, "logout")() }
  rpc({ method, params }) { return this.signer.makeRequest(method, params) }
  close() { return this.signer.close() }
})
