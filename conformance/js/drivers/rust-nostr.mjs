import "./polyfill.mjs"
import sdk from "@rust-nostr/nostr-sdk"
import { lack, need, serve } from "./protocol.mjs"

sdk.loadWasmSync()
const { Duration, Keys, NostrConnect, NostrConnectURI, NostrSigner, PublicKey, UnsignedEvent } = sdk
const patience = Duration.fromSecs(60)

serve(class {
  use(uri, key) {
    this.client = new NostrConnect(NostrConnectURI.parse(uri), Keys.parse(key), patience)
    this.connector = this.client
    this.signer = NostrSigner.nip46(this.client)
  }
  async connect({ uri, key, perms, metadata, envelope }) {
    if (perms) lack("it sends no permissions")
    if (metadata) lack("it sends no metadata")
    if (envelope) lack("the envelope cannot be chosen")
    this.use(uri, key)
    await this.signer.publicKey() // it connects with the first request
  }
  async nostrconnect({ key, client, relay, secret, name }) {
    const metadata = encodeURIComponent(JSON.stringify({ name }))
    const uri = `nostrconnect://${client}?metadata=${metadata}&relay=${encodeURIComponent(relay)}&secret=${secret}`
    this.use(uri, key)
    this.waiting = this.signer.publicKey()
    this.waiting.catch(() => {})
    return uri
  }
  async connected() { await this.waiting }
  async get_public_key() { return (await this.signer.publicKey()).toHex() }
  ping() { return need(this.signer, "ping")() }
  async sign_event({ event }) {
    const pubkey = await this.get_public_key()
    return JSON.parse((await this.signer.signEvent(UnsignedEvent.fromJson(JSON.stringify({ ...event, pubkey })))).asJson())
  }
  nip04_encrypt({ peer, text }) { return this.signer.nip04Encrypt(PublicKey.parse(peer), text) }
  nip04_decrypt({ peer, text }) { return this.signer.nip04Decrypt(PublicKey.parse(peer), text) }
  nip44_encrypt({ peer, text }) { return this.signer.nip44Encrypt(PublicKey.parse(peer), text) }
  nip44_decrypt({ peer, text }) { return this.signer.nip44Decrypt(PublicKey.parse(peer), text) }
  switch_relays() { return need(this.signer, "switchRelays")() }
  logout() { return need(this.signer, "logout")() }
  rpc() { need(this.signer, "sendRequest") }
  close() {}
})
