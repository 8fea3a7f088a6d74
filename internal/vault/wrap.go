package vault

import (
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"
	"reflect"
	"unsafe"

	"golang.org/x/crypto/chacha20poly1305"

	"nsecbunker/internal/secret"
)

// The stored form of everything that is wrapped:
//
//	  0        1                       25                        25+n       41+n
//	  ┌────────┬───────────────────────┬─────────────────────────┬──────────┐
//	  │ format │ nonce                 │ ciphertext              │ tag      │
//	  │ 01     │ 24 random bytes       │ n bytes, as plaintext   │ 16 bytes │
//	  └────────┴───────────────────────┴─────────────────────────┴──────────┘
//	                                   └── XChaCha20-Poly1305 ──────────────┘
//	associated data: "nsecbunker/wrap", format, tenant, table, row, purpose,
//	                 flags…            each prefixed with its length (4 bytes)
//
// A user key (32 bytes) is wrapped once, 73 bytes in all. One with a passphrase
// of its own is wrapped twice, 114 bytes in all:
//
//	root subkey ( passphrase subkey ( secret key ) )
//
// A change of this form gets the next format number; the reader of the old one
// stays.
const formatV1 = 1

const (
	nonceSize = chacha20poly1305.NonceSizeX
	tagSize   = chacha20poly1305.Overhead
	// WrapOverhead is how many bytes longer a wrapped secret is than the secret.
	WrapOverhead = 1 + nonceSize + tagSize
)

// Place is what a ciphertext is and where it belongs. It is not stored with the
// ciphertext: who opens it must know it. A ciphertext that was moved to another
// row, table, tenant or purpose, or whose flags were changed, does not open.
type Place struct {
	Tenant, Table, Row, Purpose string
	Flags                       []string // in a fixed order
}

func (p Place) associated(format byte) []byte {
	fields := append([]string{"nsecbunker/wrap", string(rune(format)), p.Tenant, p.Table, p.Row, p.Purpose}, p.Flags...)
	return joined(fields...)
}

var (
	// ErrUnwrap means that a ciphertext did not open: wrong key, another place,
	// or changed bytes. Which one cannot be told.
	ErrUnwrap = errors.New("a wrapped secret does not open: the key is wrong, or it was moved or changed")
	// ErrFormat means that a ciphertext is not of a form that is known here.
	ErrFormat = errors.New("a wrapped secret is cut off, or was written by a newer nsecbunker")
)

// Wrap closes plaintext under key (32 bytes) for one place and returns a new
// slice. Neither argument is changed or kept.
func Wrap(key []byte, at Place, plaintext []byte) []byte {
	out := make([]byte, 1+nonceSize, WrapOverhead+len(plaintext))
	out[0] = formatV1
	nonce := out[1 : 1+nonceSize]
	rand.Read(nonce) // never fails: crypto/rand ends the process instead
	withAEAD(key, func(a cipher.AEAD) {
		out = a.Seal(out, nonce, plaintext, at.associated(formatV1))
	})
	return out
}

// Unwrap opens what Wrap made for the same place. The plaintext is put into dst
// if its capacity suffices (dst's length is ignored), so that secrets can be
// opened straight into locked memory.
//
// Errors: ErrFormat, ErrUnwrap.
func Unwrap(key []byte, at Place, wrapped, dst []byte) ([]byte, error) {
	if len(wrapped) < WrapOverhead || wrapped[0] != formatV1 {
		return nil, ErrFormat
	}
	var plaintext []byte
	var err error
	withAEAD(key, func(a cipher.AEAD) {
		plaintext, err = a.Open(dst[:0], wrapped[1:1+nonceSize], wrapped[1+nonceSize:], at.associated(formatV1))
	})
	if err != nil {
		return nil, ErrUnwrap
	}
	return plaintext, nil
}

// withAEAD lends XChaCha20-Poly1305 under key and wipes the library's copies of
// the key afterwards: the object's own, and those on the stack.
func withAEAD(key []byte, f func(cipher.AEAD)) {
	aead, err := chacha20poly1305.NewX(key)
	if err != nil {
		panic(fmt.Sprintf("vault: a wrapping key of %d bytes: %v", len(key), err))
	}
	growStack()
	defer burnStack()
	defer wipeAEAD(aead)
	f(aead)
}

// wipeAEAD zeroes the object behind the interface: x/crypto has no function for
// it. It is a struct of one byte array; where a version of the library has
// anything else there (a test looks), nothing is touched.
func wipeAEAD(a cipher.AEAD) {
	v := reflect.ValueOf(a)
	if !onlyBytes(v) {
		return
	}
	secret.Wipe(unsafe.Slice((*byte)(v.UnsafePointer()), v.Elem().Type().Size()))
}

func onlyBytes(v reflect.Value) bool {
	if v.Kind() != reflect.Pointer || v.Elem().Kind() != reflect.Struct || v.Elem().NumField() != 1 {
		return false
	}
	f := v.Elem().Type().Field(0).Type
	return f.Kind() == reflect.Array && f.Elem().Kind() == reflect.Uint8
}

// stackDepth is how much stack, in bytes, the cipher may use.
const stackDepth = 8 << 10

// growStack makes the stack large enough beforehand, so that it is not moved in
// the middle, which would leave a copy of it in freed memory.
//
//go:noinline
func growStack() {
	var b [stackDepth]byte
	keepStack(&b)
}

// burnStack wipes the part of the stack that was just used.
//
//go:noinline
func burnStack() {
	var b [stackDepth]byte
	keepStack(&b)
}

//go:noinline
func keepStack(*[stackDepth]byte) {}
