import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { v2 as nip44 } from "nostr-tools/nip44";
import { test } from "vitest";
import { hexToBytes } from "./bytes";
import { code, h, h2, pairing, type Handshake } from "./hash";

// The session that the bunker's own tests hold, with every key (docs/admin-protocol.md).
const v = JSON.parse(readFileSync(new URL("../../../../internal/adminwire/testdata/vectors.json", import.meta.url), "utf8"));

const handshake: Handshake = { bunker: v.pubs.B, client: v.pubs.E_c, epoch: v.pubs.E_b, nc: v.nonces.nc, nb: v.nonces.nb, versions: v.versions };

test("both sides hash the same", () => {
  assert.equal(h(handshake), v.h);
  const m3 = v.messages.find((m: { name: string }) => m.name.startsWith("M3"));
  const cert = JSON.parse(m3.plain).cert;
  assert.equal(h2(v.h, v.pubs.A, cert.id, v.pubs.E_s, v.nonces.sid), v.h2);
  assert.equal(h2(v.h, v.device_id, null, v.pubs.E_s, v.nonces.sid), v.h2_without_certificate);
  assert.equal(code(v.h2), v.code);
  assert.equal(pairing(hexToBytes(v.nonces.pairing_secret), v.h), v.pairing);
});

test("every payload opens to what was said", () => {
  let opened = 0;
  for (const m of v.messages) {
    const key = nip44.utils.getConversationKey(hexToBytes(v.keys[m.to]), v.pubs[m.from]);
    assert.equal(nip44.decrypt(m.payload, key), m.plain, m.name);
    opened++;
  }
  assert.ok(opened >= 5);
});
