import "./polyfill.mjs"
import { Nip46Broker, Nip46Signer } from "@welshman/signer"
import { lack, need, serve } from "./protocol.mjs"

serve(class {
  use(params) {
    this.broker = new Nip46Broker(params)
    this.signer = new Nip46Signer(this.broker)
  }
  async connect({ uri, key, perms, metadata, envelope }) {
    if (metadata) lack("connect sends no metadata")
    const { relays, signerPubkey, connectSecret } = Nip46Broker.parseBunkerUrl(uri)
    this.use({ relays, clientSecret: key, signerPubkey, connectSecret, algorithm: envelope })
    return await this.broker.connect(connectSecret, perms?.join(",") ?? "")
  }
  async nostrconnect({ key, relay, name, perms }) {
    this.use({ relays: [relay], clientSecret: key })
    const uri = await this.broker.makeNostrconnectUrl({ name, perms: perms?.join(",") })
    this.waiting = this.broker.waitForNostrconnect(uri, new AbortController().signal)
    this.waiting.catch(() => {})
    return uri
  }
  async connected() { await this.waiting }
  get_public_key() { return this.signer.getPubkey() }
  ping() { return this.broker.ping() }
  sign_event({ event }) { return this.signer.sign(event) }
  nip04_encrypt({ peer, text }) { return this.signer.nip04.encrypt(peer, text) }
  nip04_decrypt({ peer, text }) { return this.signer.nip04.decrypt(peer, text) }
  nip44_encrypt({ peer, text }) { return this.signer.nip44.encrypt(peer, text) }
  nip44_decrypt({ peer, text }) { return this.signer.nip44.decrypt(peer, text) }
  switch_relays() { return need(this.broker, "switchRelays")() }
  logout() { return need(this.broker, "logout")() }
  rpc({ method, params }) { return this.broker.send(method, params) }
  close() { this.broker.cleanup() }
})
