import "./polyfill.mjs"
import { NConnectSigner, NRelay1, NSecSigner } from "@nostrify/nostrify"
import { bytes, lack, need, serve, target } from "./protocol.mjs"

serve(class {
  async connect({ uri, key, perms, metadata, envelope }) {
    if (perms) lack("connect sends no permissions")
    if (metadata) lack("connect sends no metadata")
    const { signer, relays, secret } = target(uri)
    this.relay = new NRelay1(relays[0])
    this.signer = new NConnectSigner({ relay: this.relay, pubkey: signer, signer: new NSecSigner(bytes(key)), encryption: envelope })
    return await this.signer.connect(secret)
  }
  nostrconnect() { need(NConnectSigner, "fromURI") }
  get_public_key() { return this.signer.getPublicKey() }
  ping() { return this.signer.ping() }
  sign_event({ event }) { return this.signer.signEvent(event) }
  nip04_encrypt({ peer, text }) { return this.signer.nip04.encrypt(peer, text) }
  nip04_decrypt({ peer, text }) { return this.signer.nip04.decrypt(peer, text) }
  nip44_encrypt({ peer, text }) { return this.signer.nip44.encrypt(peer, text) }
  nip44_decrypt({ peer, text }) { return this.signer.nip44.decrypt(peer, text) }
  switch_relays() { return need(this.signer, "switchRelays")() }
  logout() { return need(this.signer, "logout")() }
  rpc({ method, params }) { return this.signer.cmd(method, params) }
  close() { return this.relay.close() }
})
