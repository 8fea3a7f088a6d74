//go:build libsecp256k1

package secp_test

import "nsecbunker/nostr/internal/secp/libsecp"

func init() {
	backends = append(backends, backend{
		name: "libsecp", prepare: libsecp.Prepare, here: libsecp.PrepareHere, raw: libsecp.Raw, sign: libsecp.Sign, unchecked: libsecp.SignUnchecked,
		verify: libsecp.Verify, verifyAt: libsecp.VerifyAt, ecdh: libsecp.ECDH, valid: libsecp.Valid,
	})
}
