package nip44

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"slices"
	"strings"

	"golang.org/x/crypto/chacha20"

	"nsecbunker/internal/secret"
)

func newNonce() (nonce [nonceSize]byte) {
	rand.Read(nonce[:]) // never fails: crypto/rand ends the process instead
	return nonce
}

// seal appends version, nonce, ciphertext and MAC to dst. The padded plaintext is
// encrypted where it was laid out, so no copy of it is left behind.
func seal(dst []byte, ck *[32]byte, nonce [nonceSize]byte, plaintext []byte) ([]byte, error) {
	n := len(plaintext)
	switch {
	case n == 0:
		return dst, ErrEmpty
	case n > MaxExtended:
		return dst, ErrTooLarge
	}
	size := overhead + prefixLen(n) + paddedLen(n)
	dst = slices.Grow(dst, size)
	raw := dst[len(dst) : len(dst)+size]
	clear(raw)
	raw[0] = version
	copy(raw[1:], nonce[:])
	end := len(raw) - macSize
	pad(raw[1+nonceSize:end], plaintext)

	var keys messageKeys
	defer keys.wipe()
	keys.derive(ck, &nonce)
	keys.xor(raw[1+nonceSize : end])
	mac := keys.mac(raw[1:end])
	copy(raw[end:], mac[:])
	return dst[:len(dst)+size], nil
}

// open checks the MAC and decrypts raw in place. The plaintext is a part of raw.
func open(ck *[32]byte, raw []byte) ([]byte, bool, error) {
	end := len(raw) - macSize
	var keys messageKeys
	defer keys.wipe()
	keys.derive(ck, (*[nonceSize]byte)(raw[1:]))
	mac := keys.mac(raw[1:end])
	if subtle.ConstantTimeCompare(mac[:], raw[end:]) != 1 {
		return nil, false, ErrMAC
	}
	padded := raw[1+nonceSize : end]
	keys.xor(padded)
	plaintext, extended, err := unpad(padded)
	if err != nil {
		secret.Wipe(padded)
		return nil, false, err
	}
	return plaintext, extended, nil
}

// decodePayload is decode_payload of NIP-44, with the size bounded before
// base64.
func decodePayload(payload string) ([]byte, error) {
	switch {
	case payload == "", payload[0] == '#':
		// NIP-44, Decryption 1: '#' announces an encoding other than base64.
		return nil, ErrVersion
	case len(payload) < MinPayload:
		return nil, ErrPayload
	case len(payload) > MaxPayload:
		return nil, ErrTooLarge
	}
	// encoding/base64 skips line ends, which are no part of the alphabet.
	if strings.IndexByte(payload, '\n') >= 0 || strings.IndexByte(payload, '\r') >= 0 {
		return nil, ErrPayload
	}
	raw, err := encoding.DecodeString(payload)
	if err != nil {
		return nil, ErrPayload
	}
	if len(raw) < minRaw {
		return nil, ErrPayload
	}
	if raw[0] != version {
		return nil, ErrVersion
	}
	return raw, nil
}

// messageKeys are the three keys of one message (NIP-44, Encryption 3):
// ChaCha20 key 0..32, its nonce 32..44, HMAC key 44..76. The rest is the end of
// HKDF's third block, which is not used.
type messageKeys [3 * sha256.Size]byte

// derive is HKDF-expand (RFC 5869, 2.3) with PRK ck, info nonce and 76 bytes.
// It is written out over fixed buffers because hkdf.Expand allocates 1.5 KiB per
// message; the tests compare the two.
func (k *messageKeys) derive(ck *[32]byte, nonce *[nonceSize]byte) {
	var in [sha256.BlockSize + sha256.Size + nonceSize + 1]byte
	var out [sha256.BlockSize + sha256.Size]byte
	defer secret.Wipe(in[:])
	defer secret.Wipe(out[:])
	setPads(in[:sha256.BlockSize], out[:sha256.BlockSize], ck[:])

	// T(1) = HMAC(nonce ‖ 1); T(n) = HMAC(T(n-1) ‖ nonce ‖ n)
	msg := in[sha256.BlockSize:]
	n := 0
	for i := range 3 {
		n += copy(msg[n:], nonce[:])
		msg[n] = byte(i + 1)
		t := finish(&out, in[:sha256.BlockSize+n+1])
		copy(k[i*sha256.Size:], t[:])
		n = copy(msg, t[:])
		secret.Wipe(t[:])
	}
}

// extract is HKDF-extract (RFC 5869, 2.2) of the shared x coordinate with the
// salt "nip44-v2".
func extract(shared, out *[32]byte) {
	var in [sha256.BlockSize + 32]byte
	var outer [sha256.BlockSize + sha256.Size]byte
	defer secret.Wipe(in[:])
	defer secret.Wipe(outer[:])
	setPads(in[:sha256.BlockSize], outer[:sha256.BlockSize], []byte("nip44-v2"))
	copy(in[sha256.BlockSize:], shared[:])
	*out = finish(&outer, in[:])
}

// setPads fills HMAC's inner and outer key block (RFC 2104); key is at most one
// block long.
func setPads(inner, outer, key []byte) {
	for i := range sha256.BlockSize {
		var b byte
		if i < len(key) {
			b = key[i]
		}
		inner[i] = b ^ 0x36
		outer[i] = b ^ 0x5c
	}
}

// finish returns the HMAC whose padded inner message is in, and whose outer key
// block is at the start of outer.
func finish(outer *[sha256.BlockSize + sha256.Size]byte, in []byte) [sha256.Size]byte {
	sum := sha256.Sum256(in)
	copy(outer[sha256.BlockSize:], sum[:])
	return sha256.Sum256(outer[:])
}

// mac is HMAC-SHA256 under the message's own key of nonce and ciphertext.
func (k *messageKeys) mac(message []byte) [macSize]byte {
	var inner [sha256.BlockSize]byte
	var outer [sha256.BlockSize + sha256.Size]byte
	defer secret.Wipe(inner[:])
	defer secret.Wipe(outer[:])
	setPads(inner[:], outer[:sha256.BlockSize], k[44:76])
	h := sha256.New()
	h.Write(inner[:])
	h.Write(message)
	h.Sum(outer[:sha256.BlockSize])
	return sha256.Sum256(outer[:])
}

// xor encrypts or decrypts b in place with ChaCha20, counter 0.
func (k *messageKeys) xor(b []byte) {
	c, err := chacha20.NewUnauthenticatedCipher(k[0:32], k[32:44])
	if err != nil {
		panic("nip44: chacha20 refused a 32-byte key and 12-byte nonce: " + err.Error())
	}
	c.XORKeyStream(b, b)
	*c = chacha20.Cipher{} // it holds a copy of the key
}

func (k *messageKeys) wipe() { secret.Wipe(k[:]) }
