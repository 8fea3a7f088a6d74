// NDK in all its versions.
import { lack, need, serve, target } from "./protocol.mjs"

export function serveNDK({ default: NDK, NDKNip46Signer, NDKPrivateKeySigner, NDKUser }) {
  // An app names its relays: 2.10 takes relays that it does not know down after 30 s, and its subscriptions with them
  // (src/relay/pool/index.ts, useTemporaryRelay).
  const make = relays => new NDK({ explicitRelayUrls: relays.map(relay => new URL(relay).href) })
  serve(class {
    async connect({ uri, key, perms, metadata, envelope }) {
      if (perms) lack("blockUntilReady sends no permissions")
      if (metadata) lack("blockUntilReady sends no metadata")
      this.signer = new NDKNip46Signer(make(target(uri).relays), uri, new NDKPrivateKeySigner(key))
      if (envelope) this.signer.rpc.encryptionType = envelope
      await this.signer.blockUntilReady()
    }
    async nostrconnect({ key, relay, name, perms }) {
      this.signer = need(NDKNip46Signer, "nostrconnect")(make([relay]), relay, new NDKPrivateKeySigner(key), { name, perms: perms?.join(",") })
      this.waiting = this.signer.blockUntilReady()
      this.waiting.catch(() => {})
      return this.signer.nostrConnectUri
    }
    async connected() { await this.waiting }
    async get_public_key() { return await this.signer.getPublicKey() }
    ping() { return this.rpc({ method: "ping", params: [] }) }
    async sign_event({ event }) {
      const pubkey = (await this.signer.user()).pubkey
      return { ...event, pubkey, sig: await this.signer.sign({ ...event, pubkey }) }
    }
    // 2.10 has a function for each; later versions take the scheme as a parameter.
    crypt(act, scheme, peer, text) {
      const user = new NDKUser({ pubkey: peer })
      const own = this.signer[scheme + act]
      return own ? own.call(this.signer, user, text) : this.signer[act.toLowerCase()](user, text, scheme)
    }
    nip04_encrypt({ peer, text }) { return this.crypt("Encrypt", "nip04", peer, text) }
    nip04_decrypt({ peer, text }) { return this.crypt("Decrypt", "nip04", peer, text) }
    nip44_encrypt({ peer, text }) { return this.crypt("Encrypt", "nip44", peer, text) }
    nip44_decrypt({ peer, text }) { return this.crypt("Decrypt", "nip44", peer, text) }
    async switch_relays() { await need(this.signer, "switchRelays")(); return this.signer.relayUrls }
    logout() { return need(this.signer, "logout")() }
    rpc({ method, params }) {
      return new Promise((resolve, reject) => {
        this.signer.rpc.sendRequest(this.signer.bunkerPubkey, method, params, 24133, reply =>
          reply.error ? reject(reply.error) : resolve(reply.result)).catch(reject)
      })
    }
    close() {
      this.signer.stop?.()
      for (const relay of this.signer.rpc.pool.relays.values()) relay.disconnect()
    }
  })
}
