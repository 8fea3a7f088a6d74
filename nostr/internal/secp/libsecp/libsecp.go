//go:build libsecp256k1

// Package libsecp is the C back end of secp: libsecp256k1 0.2 or later, with
// its modules schnorrsig, extrakeys and ecdh, linked statically.
//
// The library leaves copies of secrets on the C stack. Every function here that
// touches one wipes the part of the stack that was used, before it returns.
package libsecp

/*
#cgo CFLAGS: -O2 -Wall -Wextra
#cgo LDFLAGS: -l:libsecp256k1.a
#cgo noescape nsb_prepare
#cgo noescape nsb_prepare_here
#cgo noescape nsb_raw
#cgo noescape nsb_sign
#cgo noescape nsb_sign_unchecked
#cgo noescape nsb_verify
#cgo noescape nsb_verify_at
#cgo noescape nsb_ecdh
#cgo noescape nsb_valid
#cgo nocallback nsb_prepare
#cgo nocallback nsb_prepare_here
#cgo nocallback nsb_raw
#cgo nocallback nsb_sign
#cgo nocallback nsb_sign_unchecked
#cgo nocallback nsb_verify
#cgo nocallback nsb_verify_at
#cgo nocallback nsb_ecdh
#cgo nocallback nsb_valid

#include <string.h>
#include <secp256k1.h>
#include <secp256k1_ecdh.h>
#include <secp256k1_extrakeys.h>
#include <secp256k1_schnorrsig.h>

typedef unsigned char u8;

// Wipe p in a way that the compiler may not leave out.
static void nsb_wipe(void *p, size_t n) {
	memset(p, 0, n);
	__asm__ __volatile__("" : : "r"(p) : "memory");
}

// More stack than any operation of the library uses.
#define NSB_DEPTH (16 * 1024)

// Wipe what the calls before left on the stack.
static __attribute__((noinline)) void nsb_burn(void) {
	u8 b[NSB_DEPTH];
	nsb_wipe(b, sizeof b);
}

// NULL if there is no memory or the randomisation fails.
static secp256k1_context *nsb_context(const u8 seed[32]) {
	secp256k1_context *ctx = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
	if (ctx != NULL && !secp256k1_context_randomize(ctx, seed)) {
		secp256k1_context_destroy(ctx);
		return NULL;
	}
	nsb_burn();
	return ctx;
}

static int nsb_pub(const secp256k1_context *ctx, secp256k1_xonly_pubkey *pk, u8 pub[32], const secp256k1_keypair *kp) {
	return secp256k1_keypair_xonly_pub(ctx, pk, NULL, kp) && secp256k1_xonly_pubkey_serialize(ctx, pub, pk);
}

static int nsb_prepare(const secp256k1_context *ctx, u8 *kp, u8 *pub, const u8 *raw) {
	secp256k1_xonly_pubkey pk;
	int ok = secp256k1_keypair_create(ctx, (secp256k1_keypair *)kp, raw);
	nsb_burn();
	return ok && nsb_pub(ctx, &pk, pub, (secp256k1_keypair *)kp);
}

// The library clears kp before it reads the key.
static int nsb_prepare_here(const secp256k1_context *ctx, u8 *kp, u8 *pub) {
	u8 raw[32];
	int ok;
	memcpy(raw, kp, sizeof raw);
	ok = nsb_prepare(ctx, kp, pub, raw);
	nsb_wipe(raw, sizeof raw);
	return ok;
}

static void nsb_raw(const secp256k1_context *ctx, const u8 *kp, u8 *raw) {
	if (!secp256k1_keypair_sec(ctx, raw, (const secp256k1_keypair *)kp)) {
		memset(raw, 0, 32); // never: it always returns 1
	}
	nsb_burn();
}

// Sign. The public key is taken from the prepared key, where it is held as a
// point, and compared with the one that the caller means.
static int nsb_make(const secp256k1_context *ctx, secp256k1_xonly_pubkey *pk, u8 *sig, const u8 *kp, const u8 *pub,
	const u8 *msg, size_t len, u8 *aux) {
	secp256k1_schnorrsig_extraparams extra = SECP256K1_SCHNORRSIG_EXTRAPARAMS_INIT;
	u8 own[32];
	int ok;
	if (!nsb_pub(ctx, pk, own, (const secp256k1_keypair *)kp) || memcmp(own, pub, 32) != 0) {
		return 0;
	}
	extra.ndata = aux;
	ok = secp256k1_schnorrsig_sign_custom(ctx, sig, msg, len, (const secp256k1_keypair *)kp, &extra);
	nsb_burn();
	return ok;
}

// Sign and verify.
static int nsb_sign(const secp256k1_context *ctx, u8 *sig, const u8 *kp, const u8 *pub,
	const u8 *msg, size_t len, u8 *aux) {
	secp256k1_xonly_pubkey pk;
	return nsb_make(ctx, &pk, sig, kp, pub, msg, len, aux) && secp256k1_schnorrsig_verify(ctx, sig, msg, len, &pk);
}

static int nsb_sign_unchecked(const secp256k1_context *ctx, u8 *sig, const u8 *kp, const u8 *pub,
	const u8 *msg, size_t len, u8 *aux) {
	secp256k1_xonly_pubkey pk;
	return nsb_make(ctx, &pk, sig, kp, pub, msg, len, aux);
}

static int nsb_verify(const secp256k1_context *ctx, const u8 *sig, const u8 *pub, const u8 *msg, size_t len) {
	secp256k1_xonly_pubkey pk;
	return secp256k1_xonly_pubkey_parse(ctx, &pk, pub) && secp256k1_schnorrsig_verify(ctx, sig, msg, len, &pk);
}

// Verify with the even y of pub, or put it there.
static int nsb_verify_at(const secp256k1_context *ctx, const u8 *sig, const u8 *pub, u8 *y, const u8 *msg, size_t len) {
	secp256k1_pubkey pk;
	secp256k1_xonly_pubkey x;
	size_t size = 65;
	u8 point[65];
	int known = (y[31] & 1) == 0;
	if (known) {
		point[0] = SECP256K1_TAG_PUBKEY_UNCOMPRESSED;
		memcpy(point + 1, pub, 32);
		memcpy(point + 33, y, 32);
		known = secp256k1_ec_pubkey_parse(ctx, &pk, point, sizeof point);
	}
	if (!known) {
		point[0] = SECP256K1_TAG_PUBKEY_EVEN;
		memcpy(point + 1, pub, 32);
		if (!secp256k1_ec_pubkey_parse(ctx, &pk, point, 33) ||
			!secp256k1_ec_pubkey_serialize(ctx, point, &size, &pk, SECP256K1_EC_UNCOMPRESSED)) {
			return 0;
		}
		memcpy(y, point + 33, 32);
	}
	return secp256k1_xonly_pubkey_from_pubkey(ctx, &x, NULL, &pk) && secp256k1_schnorrsig_verify(ctx, sig, msg, len, &x);
}

// NIP-04 and NIP-44 want the coordinate itself.
static int nsb_take_x(u8 *out, const u8 *x, const u8 *y, void *data) {
	(void)y;
	(void)data;
	memcpy(out, x, 32);
	return 1;
}

static int nsb_ecdh(const secp256k1_context *ctx, u8 *out, const u8 *kp, const u8 *peer) {
	secp256k1_pubkey pk;
	u8 point[33], raw[32];
	int ok;
	point[0] = SECP256K1_TAG_PUBKEY_EVEN;
	memcpy(point + 1, peer, 32);
	if (!secp256k1_ec_pubkey_parse(ctx, &pk, point, sizeof point)) {
		return 0;
	}
	ok = secp256k1_keypair_sec(ctx, raw, (const secp256k1_keypair *)kp);
	ok = ok && secp256k1_ecdh(ctx, out, &pk, raw, nsb_take_x, NULL);
	nsb_wipe(raw, sizeof raw);
	nsb_burn();
	return ok;
}

static int nsb_valid(const secp256k1_context *ctx, const u8 *x) {
	secp256k1_xonly_pubkey pk;
	return secp256k1_xonly_pubkey_parse(ctx, &pk, x);
}
*/
import "C"

import (
	"crypto/rand"
	"sync"
	"unsafe"
)

// Name is the name of the back end, for people.
const Name = "libsecp256k1 (C)"

// KeySize is the length in bytes of a prepared key: the library's keypair.
const KeySize = C.sizeof_secp256k1_keypair

// context makes the library's context at the first use. It is randomised once,
// which hardens it against side channels, and only read afterwards, so that
// threads may share it.
var context = sync.OnceValue(func() *C.secp256k1_context {
	var seed [32]byte
	rand.Read(seed[:])
	ctx := C.nsb_context(u8(&seed[0]))
	clear(seed[:])
	if ctx == nil {
		panic("libsecp256k1: no context could be made: out of memory")
	}
	return ctx
})

func u8(p *byte) *C.u8 { return (*C.u8)(unsafe.Pointer(p)) }

// message points at msg; an empty message has an address too, as C wants it.
func message(msg []byte) *C.u8 {
	if len(msg) == 0 {
		return u8(new(byte))
	}
	return u8(&msg[0])
}

// Prepare fills kp from raw, a big-endian number. It returns the public key,
// and false if the number is 0 or not below the group's order.
func Prepare(kp *[KeySize]byte, raw *[32]byte) (pub [32]byte, ok bool) {
	ok = C.nsb_prepare(context(), u8(&kp[0]), u8(&pub[0]), u8(&raw[0])) == 1
	return pub, ok
}

// PrepareHere is Prepare for a key that stands in the first 32 bytes of kp.
func PrepareHere(kp *[KeySize]byte) (pub [32]byte, ok bool) {
	ok = C.nsb_prepare_here(context(), u8(&kp[0]), u8(&pub[0])) == 1
	return pub, ok
}

// Raw copies the key as it came out of kp.
func Raw(kp *[KeySize]byte, raw *[32]byte) { C.nsb_raw(context(), u8(&kp[0]), u8(&raw[0])) }

// Sign makes a BIP-340 signature of msg with the auxiliary randomness aux and
// verifies it. It returns false, and no signature, if that fails or the
// prepared key is not the one of pub (memory that went bad).
func Sign(sig *[64]byte, kp *[KeySize]byte, pub *[32]byte, msg []byte, aux *[32]byte) bool {
	ok := C.nsb_sign(context(), u8(&sig[0]), u8(&kp[0]), u8(&pub[0]), message(msg), C.size_t(len(msg)), u8(&aux[0])) == 1
	if !ok {
		clear(sig[:])
	}
	return ok
}

// SignUnchecked is Sign without verifying the signature.
func SignUnchecked(sig *[64]byte, kp *[KeySize]byte, pub *[32]byte, msg []byte, aux *[32]byte) bool {
	ok := C.nsb_sign_unchecked(context(), u8(&sig[0]), u8(&kp[0]), u8(&pub[0]), message(msg), C.size_t(len(msg)), u8(&aux[0])) == 1
	if !ok {
		clear(sig[:])
	}
	return ok
}

// Verify tells whether sig is a BIP-340 signature of msg by pub.
func Verify(sig *[64]byte, pub *[32]byte, msg []byte) bool {
	return C.nsb_verify(context(), u8(&sig[0]), u8(&pub[0]), message(msg), C.size_t(len(msg))) == 1
}

// VerifyAt is Verify for a public key of which the even y coordinate is known: that
// saves the square root. A y that is not the one of pub is replaced by it.
func VerifyAt(sig *[64]byte, pub, y *[32]byte, msg []byte) bool {
	return C.nsb_verify_at(context(), u8(&sig[0]), u8(&pub[0]), u8(&y[0]), message(msg), C.size_t(len(msg))) == 1
}

// ECDH sets out to the x coordinate, not hashed, of the key times the point
// with x coordinate peer. It returns false if there is no such point.
func ECDH(out *[32]byte, kp *[KeySize]byte, peer *[32]byte) bool {
	return C.nsb_ecdh(context(), u8(&out[0]), u8(&kp[0]), u8(&peer[0])) == 1
}

// Valid tells whether x is the x coordinate of a point (BIP-340's lift_x).
func Valid(x *[32]byte) bool { return C.nsb_valid(context(), u8(&x[0])) == 1 }
