package secp_test

import (
	"crypto/rand"
	"encoding/hex"
	"testing"
	"unsafe"

	"nsecbunker/nostr/internal/secp/voi"
)

// backend is one implementation of the curve, as secp offers it.
type backend struct {
	name    string
	prepare func(kp *[96]byte, raw *[32]byte) ([32]byte, bool)
	here    func(kp *[96]byte) ([32]byte, bool)
	raw     func(kp *[96]byte, raw *[32]byte)
	sign    func(sig *[64]byte, kp *[96]byte, pub *[32]byte, msg []byte, aux *[32]byte) bool
	// unchecked is sign without verifying.
	unchecked func(sig *[64]byte, kp *[96]byte, pub *[32]byte, msg []byte, aux *[32]byte) bool
	verify    func(sig *[64]byte, pub *[32]byte, msg []byte) bool
	verifyAt  func(sig *[64]byte, pub, y *[32]byte, msg []byte) bool
	ecdh      func(out *[32]byte, kp *[96]byte, peer *[32]byte) bool
	valid     func(x *[32]byte) bool
}

// backends are all that were built in; the tag libsecp256k1 adds one.
var backends = []backend{{
	name: "voi", prepare: voi.Prepare, here: voi.PrepareHere, raw: voi.Raw, sign: voi.Sign, unchecked: voi.SignUnchecked,
	verify: voi.Verify, verifyAt: voi.VerifyAt, ecdh: voi.ECDH, valid: voi.Valid,
}}

func onEach(t *testing.T, f func(t *testing.T, b backend)) {
	for _, b := range backends {
		t.Run(b.name, func(t *testing.T) { f(t, b) })
	}
}

// slot is memory for a prepared key, aligned as the arena's is.
func slot() *[96]byte { return (*[96]byte)(unsafe.Pointer(new([12]uint64))) }

// random returns a secret key.
func random(tb testing.TB, b backend) (kp *[96]byte, pub, raw [32]byte) {
	tb.Helper()
	kp = slot()
	rand.Read(raw[:])
	pub, ok := b.prepare(kp, &raw)
	if !ok {
		tb.Fatal("a random key was refused")
	}
	return kp, pub, raw
}

func unhex(tb testing.TB, s string) []byte {
	tb.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func unhex32(tb testing.TB, s string) *[32]byte {
	tb.Helper()
	b := unhex(tb, s)
	if len(b) != 32 {
		tb.Fatalf("%d bytes", len(b))
	}
	return (*[32]byte)(b)
}
