package nip06

import (
	"crypto/sha512"

	"nsecbunker/internal/secret"
)

// hmacSHA512 is HMAC-SHA512 (RFC 2104) over two buffers that wipe clears.
// crypto/hmac keeps its key for as long as the garbage collector likes.
type hmacSHA512 struct {
	inner []byte // one block of key, then room for the message
	outer [sha512.BlockSize + sha512.Size]byte
}

// newHMAC returns a MAC for messages of at most maxMessage bytes.
func newHMAC(key []byte, maxMessage int) *hmacSHA512 {
	h := &hmacSHA512{inner: make([]byte, sha512.BlockSize+maxMessage)}
	if len(key) > sha512.BlockSize {
		sum := sha512.Sum512(key)
		defer secret.Wipe(sum[:])
		key = sum[:]
	}
	for i := range sha512.BlockSize {
		var b byte
		if i < len(key) {
			b = key[i]
		}
		h.inner[i] = b ^ 0x36
		h.outer[i] = b ^ 0x5c
	}
	return h
}

// sum puts the MAC of message into out; the two may be the same memory.
func (h *hmacSHA512) sum(out *[sha512.Size]byte, message []byte) {
	n := copy(h.inner[sha512.BlockSize:], message)
	*out = sha512.Sum512(h.inner[:sha512.BlockSize+n])
	copy(h.outer[sha512.BlockSize:], out[:])
	*out = sha512.Sum512(h.outer[:])
}

func (h *hmacSHA512) wipe() {
	secret.Wipe(h.inner)
	secret.Wipe(h.outer[:])
}
