// Package voi is the pure Go back end of secp: gitlab.com/yawning/secp256k1-voi,
// which computes with secrets in constant time.
//
// The library leaves copies of what it computes with on the stack. Every
// function here that touches a secret therefore runs guarded: on a stack that
// is wiped afterwards. Nothing secret is put on the heap.
package voi

import (
	"crypto/sha256"
	"crypto/subtle"
	"unsafe"

	secp256k1 "gitlab.com/yawning/secp256k1-voi"
)

// Name is the name of the back end, for people.
const Name = "secp256k1-voi (pure Go)"

// KeySize is the length in bytes of a prepared key: the key as it came (32,
// big-endian), the same or its negation, whichever has a public key with even
// y, in the form that the library computes with (32), and the x coordinate of
// the public key (32, big-endian).
const KeySize = 96

// The middle of a prepared key is used in place, as the library's own type;
// this does not compile should that type ever change its size.
var _ [32]byte = [unsafe.Sizeof(secp256k1.Scalar{})]byte{}

// prepared is the shape of a prepared key.
type prepared struct {
	raw [32]byte
	d   secp256k1.Scalar
	x   [32]byte
}

func view(kp *[KeySize]byte) *prepared { return (*prepared)(unsafe.Pointer(kp)) }

// Prepare fills kp from raw, a big-endian number. It returns the public key,
// and false if the number is 0 or not below the group's order. kp must be
// aligned to 8 bytes.
func Prepare(kp *[KeySize]byte, raw *[32]byte) (pub [32]byte, ok bool) {
	guarded(func() { ok = prepare(view(kp), raw) })
	return view(kp).x, ok
}

// PrepareHere is Prepare for a key that stands in the first 32 bytes of kp, where
// its prepared form has it too.
func PrepareHere(kp *[KeySize]byte) (pub [32]byte, ok bool) {
	guarded(func() { ok = prepare(view(kp), &view(kp).raw) })
	return view(kp).x, ok
}

func prepare(k *prepared, raw *[32]byte) bool {
	if _, err := k.d.SetCanonicalBytes(raw); err != nil || k.d.IsZero() != 0 {
		return false
	}
	k.raw = *raw
	var p secp256k1.Point
	x, odd := split(p.ScalarBaseMult(&k.d))
	k.d.ConditionalNegate(&k.d, odd)
	k.x = x
	return true
}

// Raw copies the key, as it came, out of kp.
// The copy is made from memory to memory: an assignment may go over the stack.
func Raw(kp *[KeySize]byte, raw *[32]byte) { copy(raw[:], view(kp).raw[:]) }

// Sign makes a BIP-340 signature of msg with the auxiliary randomness aux and
// checks it. It returns false, and no signature, if the check fails or the
// prepared key is not the one of pub (memory that went bad).
func Sign(sig *[64]byte, kp *[KeySize]byte, pub *[32]byte, msg []byte, aux *[32]byte) bool {
	ok := false
	guarded(func() { ok = sign(sig, view(kp), pub, msg, aux) && check(sig, view(kp), pub, msg) })
	if !ok {
		clear(sig[:])
	}
	return ok
}

// SignUnchecked is Sign without the check of the signature; that of the prepared
// key is made.
func SignUnchecked(sig *[64]byte, kp *[KeySize]byte, pub *[32]byte, msg []byte, aux *[32]byte) bool {
	ok := false
	guarded(func() { ok = sign(sig, view(kp), pub, msg, aux) })
	if !ok {
		clear(sig[:])
	}
	return ok
}

// sign follows BIP-340, Default Signing, name by name.
func sign(sig *[64]byte, key *prepared, pub *[32]byte, msg []byte, aux *[32]byte) bool {
	if subtle.ConstantTimeCompare(key.x[:], pub[:]) != 1 || !intact(key) {
		return false
	}
	var k, e, s secp256k1.Scalar
	nonce(&k, key, msg, aux)
	if k.IsZero() != 0 {
		return false
	}
	var r secp256k1.Point
	rx, odd := split(r.ScalarBaseMult(&k))
	k.ConditionalNegate(&k, odd)
	challenge(&e, &rx, pub, msg)
	s.Multiply(&e, &key.d)
	s.Add(&k, &s)
	copy(sig[:32], rx[:])
	copy(sig[32:], s.Bytes())
	return true
}

// intact tells whether the two forms of the key still are the same number, up
// to its sign.
func intact(key *prepared) bool {
	var d, n secp256k1.Scalar
	if _, err := d.SetCanonicalBytes(&key.raw); err != nil {
		return false
	}
	n.Negate(&d)
	return d.Equal(&key.d)|n.Equal(&key.d) == 1 && d.IsZero() == 0
}

// nonce sets k to BIP-340's k'.
func nonce(k *secp256k1.Scalar, key *prepared, msg []byte, aux *[32]byte) {
	t := tagged(&tagAux, aux[:], nil, nil)
	subtle.XORBytes(t[:], t[:], key.d.Bytes())
	h := tagged(&tagNonce, t[:], key.x[:], msg)
	k.SetBytes(&h)
}

// challenge sets e to BIP-340's challenge.
func challenge(e *secp256k1.Scalar, rx, pub *[32]byte, msg []byte) {
	h := tagged(&tagChallenge, rx[:], pub[:], msg)
	e.SetBytes(&h)
}

// check verifies one's own signature. It computes the challenge and R anew, R
// as (s - e·d)·G, in constant time because d is secret: that takes a third of
// the time of a verification from the public key, and catches the same faults,
// given that the caller has seen that d is intact and belongs to pub.
func check(sig *[64]byte, key *prepared, pub *[32]byte, msg []byte) bool {
	var e, s, f secp256k1.Scalar
	if _, err := s.SetCanonicalBytes((*[32]byte)(sig[32:])); err != nil {
		return false
	}
	challenge(&e, (*[32]byte)(sig[:32]), pub, msg)
	f.Multiply(&key.d, &e)
	f.Subtract(&s, &f)
	var r secp256k1.Point
	r.ScalarBaseMult(&f)
	if r.IsIdentity() != 0 {
		return false
	}
	rx, odd := split(&r)
	return odd == 0 && subtle.ConstantTimeCompare(rx[:], sig[:32]) == 1
}

// Verify tells whether sig is a BIP-340 signature of msg by pub.
func Verify(sig *[64]byte, pub *[32]byte, msg []byte) bool {
	p, ok := lift(pub)
	return ok && verify(sig, pub, p, msg)
}

// VerifyAt is Verify for a public key of which the even y coordinate is known: that
// saves the square root. A y that is not the one of pub is replaced by it.
func VerifyAt(sig *[64]byte, pub, y *[32]byte, msg []byte) bool {
	if p, ok := at(pub, y); ok {
		return verify(sig, pub, p, msg)
	}
	p, ok := lift(pub)
	if !ok {
		return false
	}
	copy(y[:], p.UncompressedBytes()[1+len(pub):])
	return verify(sig, pub, p, msg)
}

// verify is Verify with pub as a point.
func verify(sig *[64]byte, pub *[32]byte, p *secp256k1.Point, msg []byte) bool {
	var e, s secp256k1.Scalar
	if _, err := s.SetCanonicalBytes((*[32]byte)(sig[32:])); err != nil {
		return false
	}
	challenge(&e, (*[32]byte)(sig[:32]), pub, msg)
	e.Negate(&e)
	var r secp256k1.Point
	r.DoubleScalarMultBasepointVartime(&s, &e, p)
	if r.IsIdentity() != 0 {
		return false
	}
	rx, odd := split(&r)
	// An r of the field's size or more equals no coordinate, so it fails here.
	return odd == 0 && rx == [32]byte(sig[:32])
}

// ECDH sets out to the x coordinate, not hashed, of the key times the point
// with x coordinate peer. It returns false if there is no such point.
func ECDH(out *[32]byte, kp *[KeySize]byte, peer *[32]byte) bool {
	p, ok := liftPair(peer)
	if !ok {
		return false
	}
	guarded(func() { ecdh(out, view(kp), &p) })
	return true
}

// ecdh may use the negated key: the result differs in y only. It is never the
// point at infinity, because the group's order is prime and 0 < d < n.
func ecdh(out *[32]byte, key *prepared, p *pair) {
	var r secp256k1.Point
	multiply(&r, &key.d, p)
	*out, _ = split(&r)
}

// Valid tells whether x is the x coordinate of a point (BIP-340's lift_x).
func Valid(x *[32]byte) bool {
	_, ok := lift(x)
	return ok
}

// lift returns the point with x coordinate x and an even y.
func lift(x *[32]byte) (*secp256k1.Point, bool) {
	var b [33]byte
	b[0] = 2
	copy(b[1:], x[:])
	p, err := secp256k1.NewPointFromBytes(b[:])
	return p, err == nil
}

// at returns the point with these coordinates, if it is on the curve and y is even.
func at(x, y *[32]byte) (*secp256k1.Point, bool) {
	if y[len(y)-1]&1 == 1 {
		return nil, false
	}
	p, err := secp256k1.NewPointFromCoords(x, y)
	return p, err == nil
}

// split returns the x coordinate of p, and whether y is odd. p is not the
// point at infinity.
func split(p *secp256k1.Point) (x [32]byte, odd uint64) {
	b, odd := secp256k1.SplitUncompressedPoint(p.UncompressedBytes())
	return [32]byte(b), odd
}

// BIP-340's tags, hashed: SHA-256(tag) twice is how a tagged hash starts.
var (
	tagAux       = tag("BIP0340/aux")
	tagNonce     = tag("BIP0340/nonce")
	tagChallenge = tag("BIP0340/challenge")
)

func tag(name string) (t [64]byte) {
	h := sha256.Sum256([]byte(name))
	copy(t[:], h[:])
	copy(t[32:], h[:])
	return t
}

// shortMessage is the longest message, in bytes, that is hashed without a
// buffer on the heap; ours are 32.
const shortMessage = 32

// tagged is BIP-340's tagged hash of a, b and c.
func tagged(tag *[64]byte, a, b, c []byte) [32]byte {
	var short [64 + 32 + 32 + shortMessage]byte
	buf := append(short[:0], tag[:]...)
	buf = append(buf, a...)
	buf = append(buf, b...)
	buf = append(buf, c...)
	return sha256.Sum256(buf)
}
