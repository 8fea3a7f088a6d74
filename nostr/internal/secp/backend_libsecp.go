//go:build libsecp256k1

package secp

import "nsecbunker/nostr/internal/secp/libsecp"

// KeySize is the length of a prepared key, in bytes.
const KeySize = libsecp.KeySize

// Name names the back end, for people.
func Name() string { return libsecp.Name }

// Prepare fills kp from raw and returns the public key; false if raw is 0 or
// not below the group's order.
func Prepare(kp *[KeySize]byte, raw *[32]byte) (pub [32]byte, ok bool) {
	return libsecp.Prepare(kp, raw)
}

// PrepareHere is Prepare for a key that stands in the first 32 bytes of kp. Where
// it fails, kp holds nothing of use.
func PrepareHere(kp *[KeySize]byte) (pub [32]byte, ok bool) { return libsecp.PrepareHere(kp) }

// Raw copies the key out of its prepared form.
func Raw(kp *[KeySize]byte, raw *[32]byte) { libsecp.Raw(kp, raw) }

// Sign makes a BIP-340 signature and verifies it; false, and no signature, if
// that fails.
func Sign(sig *[64]byte, kp *[KeySize]byte, pub *[32]byte, msg []byte, aux *[32]byte) bool {
	return libsecp.Sign(sig, kp, pub, msg, aux)
}

// SignUnchecked makes a BIP-340 signature and does not verify it; false, and no
// signature, if the prepared key is not the one of pub.
func SignUnchecked(sig *[64]byte, kp *[KeySize]byte, pub *[32]byte, msg []byte, aux *[32]byte) bool {
	return libsecp.SignUnchecked(sig, kp, pub, msg, aux)
}

// Verify tells whether sig is a BIP-340 signature of msg by pub.
func Verify(sig *[64]byte, pub *[32]byte, msg []byte) bool { return libsecp.Verify(sig, pub, msg) }

// VerifyAt is Verify for a public key of which the even y coordinate is known, which
// saves lifting it. A y that is not pub's, such as 0, is replaced by the one that is, if pub is
// a point.
func VerifyAt(sig *[64]byte, pub, y *[32]byte, msg []byte) bool {
	return libsecp.VerifyAt(sig, pub, y, msg)
}

// ECDH sets out to the shared x coordinate, not hashed; false if peer is no
// point.
func ECDH(out *[32]byte, kp *[KeySize]byte, peer *[32]byte) bool { return libsecp.ECDH(out, kp, peer) }

// Valid tells whether x is the x coordinate of a point.
func Valid(x *[32]byte) bool { return libsecp.Valid(x) }
