import "./polyfill.mjs"
import { register } from "node:module"
import { lack, need, serve } from "./protocol.mjs"

register("./bundler.mjs", import.meta.url)
const { Nip46Signer, PrivateKeySigner } = await import("@snort/system")

serve(class {
  async connect({ uri, key, perms, metadata, envelope }) {
    if (perms) lack("the permissions are fixed in the library")
    if (metadata) lack("connect sends no metadata")
    if (envelope) lack("the envelope cannot be chosen")
    this.signer = new Nip46Signer(uri, new PrivateKeySigner(key))
    await this.signer.init()
  }
  async nostrconnect({ uri, key }) {
    this.signer = new Nip46Signer(uri, new PrivateKeySigner(key))
    const ready = new Promise(resolve => this.signer.once("ready", resolve))
    this.waiting = this.signer.init()
    this.waiting.catch(() => {})
    await ready
  }
  async connected() { await this.waiting }
  get_public_key() { return this.signer.getPubKey() }
  ping() { return need(this.signer, "ping")() }
  // It sends the whole event, and takes only id and signature from the answer.
  async sign_event({ event }) { return await this.signer.sign({ ...event, pubkey: await this.pubkey(), id: "", sig: "" }) }
  async pubkey() { return (this.user ??= await this.signer.getPubKey()) }
  nip04_encrypt({ peer, text }) { return this.signer.nip4Encrypt(text, peer) }
  nip04_decrypt({ peer, text }) { return this.signer.nip4Decrypt(text, peer) }
  nip44_encrypt({ peer, text }) { return this.signer.nip44Encrypt(text, peer) }
  nip44_decrypt({ peer, text }) { return this.signer.nip44Decrypt(text, peer) }
  switch_relays() { return need(this.signer, "switchRelays")() }
  logout() { return need(this.signer, "logout")() }
  rpc({ method, params }) { return need(this.signer, "rpc")(method, params) }
  describe() { return this.signer.describe() }
  close() { return this.signer.close() }
})
