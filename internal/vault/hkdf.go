package vault

import (
	"crypto/sha256"
	"encoding/binary"

	"nsecbunker/internal/secret"
)

// keySize is the length in bytes of every symmetric key here.
const keySize = 32

// hmacSHA256 sets out to HMAC-SHA256 (RFC 2104) of the parts, one after the
// other, under key, which is at most one block (64 bytes) long.
//
// It is written out because crypto/hmac leaves the key, masked by a constant, in
// memory that nobody wipes; here everything that depends on the key alone is
// wiped. The tests compare the two.
func hmacSHA256(out *[sha256.Size]byte, key []byte, parts ...[]byte) {
	if len(key) > sha256.BlockSize {
		panic("vault: an HMAC key is longer than a block")
	}
	var block [sha256.BlockSize]byte
	var inner [sha256.Size]byte
	defer secret.Wipe(block[:])
	defer secret.Wipe(inner[:])

	h := sha256.New()
	defer h.Reset()
	pad(&block, key, 0x36)
	h.Write(block[:])
	for _, p := range parts {
		h.Write(p)
	}
	h.Sum(inner[:0])
	h.Reset() // the state after the first block is as good as the key
	pad(&block, key, 0x5c)
	h.Write(block[:])
	h.Write(inner[:])
	h.Sum(out[:0])
}

func pad(block *[sha256.BlockSize]byte, key []byte, mask byte) {
	for i := range block {
		block[i] = mask
		if i < len(key) {
			block[i] ^= key[i]
		}
	}
}

// derive sets out to HKDF-SHA256 (RFC 5869) of key without salt, with info: 32
// bytes, so one block of the expansion.
func derive(out *[keySize]byte, key, info []byte) {
	growStack()
	defer burnStack() // the hash returns its sums by way of the stack
	var prk, salt [sha256.Size]byte
	defer secret.Wipe(prk[:])
	hmacSHA256(&prk, salt[:], key)
	hmacSHA256(out, prk[:], info, []byte{1})
}

// DeriveKey returns the 32-byte key that HKDF-SHA256 (RFC 5869, no salt) makes of
// key material for one purpose; info is the labels, each prefixed with its
// length. The caller wipes both.
func DeriveKey(material []byte, labels ...string) []byte {
	out := new([keySize]byte)
	derive(out, material, joined(labels...))
	return out[:]
}

// joined encodes strings so that no two lists have the same bytes.
func joined(fields ...string) []byte {
	var b []byte
	for _, f := range fields {
		b = binary.BigEndian.AppendUint32(b, uint32(len(f)))
		b = append(b, f...)
	}
	return b
}
