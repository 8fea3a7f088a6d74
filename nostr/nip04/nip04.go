// Package nip04 encrypts and decrypts NIP-04 contents: AES-256-CBC under the x
// coordinate of the shared point, "<base64>?iv=<base64>". NIP-04 is deprecated,
// malleable and unauthenticated; it is here because clients still send it.
package nip04

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"nsecbunker/internal/secret"
	"nsecbunker/nostr"
)

const (
	// MaxPlaintext is the most bytes that Encrypt takes and Decrypt gives: 1 MiB,
	// as much as a relay's largest frames carry. NIP-04 names no bound.
	MaxPlaintext = 1 << 20

	// MaxPayload is the most characters that Decrypt reads: those of a plaintext
	// of MaxPlaintext bytes. Longer ones are refused before base64.
	MaxPayload = (MaxPlaintext+aes.BlockSize+2)/3*4 + len(separator) + ivChars
)

const (
	separator = "?iv="
	ivChars   = (aes.BlockSize + 2) / 3 * 4 // 24
)

// Why an encryption or decryption was refused. ErrFormat depends only on what
// anybody can see; everything that depends on the key is the one ErrDecrypt, so
// that no detail helps a padding oracle.
var (
	ErrTooLarge = fmt.Errorf("nip04: larger than the %d bytes of plaintext that are handled here; send it in parts", MaxPlaintext)
	ErrFormat   = errors.New("nip04: malformed: expected base64 of whole 16-byte blocks, then ?iv= and base64 of exactly 16 bytes")
	ErrDecrypt  = errors.New("nip04: cannot be decrypted: the text was changed, or was made for other keys")
)

// encoding is strict about the unused bits of the last character.
var encoding = base64.StdEncoding.Strict()

// SharedKey puts the key that sk and peer share into out: the unhashed x
// coordinate of the shared point. It is the same with the roles swapped; wipe it.
//
// Errors: peer is not a point of the curve; sk was destroyed. out is zero then.
func SharedKey(sk *nostr.SecretKey, peer nostr.PubKey, out *[32]byte) error {
	if err := sk.ECDH(peer, out); err != nil {
		secret.Wipe(out[:])
		return fmt.Errorf("nip04: shared key: %w", err)
	}
	return nil
}

// Encrypt returns the content for 0 to MaxPlaintext bytes, under a fresh random
// IV.
//
// Errors: ErrTooLarge.
func Encrypt(key *[32]byte, plaintext []byte) (string, error) {
	var iv [aes.BlockSize]byte
	rand.Read(iv[:]) // never fails: crypto/rand ends the process instead
	return encrypt(key, &iv, plaintext)
}

func encrypt(key *[32]byte, iv *[aes.BlockSize]byte, plaintext []byte) (string, error) {
	if len(plaintext) > MaxPlaintext {
		return "", ErrTooLarge
	}
	// PKCS #7: one to sixteen bytes, each the number of them. Encrypted in
	// place, so that no copy of the plaintext is left behind.
	fill := aes.BlockSize - len(plaintext)%aes.BlockSize
	blocks := make([]byte, len(plaintext)+fill)
	copy(blocks, plaintext)
	for i := len(plaintext); i < len(blocks); i++ {
		blocks[i] = byte(fill)
	}
	block := newCipher(key)
	mode := cipher.NewCBCEncrypter(block, iv[:])
	mode.CryptBlocks(blocks, blocks)
	wipeCipher(block)
	wipeCipher(mode)

	out := make([]byte, 0, encoding.EncodedLen(len(blocks))+len(separator)+ivChars)
	out = encoding.AppendEncode(out, blocks)
	out = append(out, separator...)
	out = encoding.AppendEncode(out, iv[:])
	return string(out), nil
}

// Decrypt returns the plaintext of a content. It is the only copy; the caller
// wipes it where it is secret. Nothing proves that it is what the peer wrote:
// whoever can change the content can change the plaintext.
//
// Errors: ErrTooLarge, ErrFormat, ErrDecrypt.
func Decrypt(key *[32]byte, payload string) ([]byte, error) {
	blocks, iv, err := parse(payload)
	if err != nil {
		return nil, err
	}
	block := newCipher(key)
	mode := cipher.NewCBCDecrypter(block, iv[:])
	mode.CryptBlocks(blocks, blocks)
	wipeCipher(block)
	wipeCipher(mode)
	n, ok := unpad(blocks)
	if !ok {
		secret.Wipe(blocks)
		return nil, ErrDecrypt
	}
	return blocks[:n:n], nil
}

// parse splits and decodes a content; all it looks at is public.
func parse(payload string) (blocks []byte, iv [aes.BlockSize]byte, err error) {
	if len(payload) > MaxPayload {
		return nil, iv, ErrTooLarge
	}
	text, ivText, found := strings.Cut(payload, separator)
	// encoding/base64 skips line ends, which are no part of the alphabet.
	if !found || len(ivText) != ivChars || strings.ContainsAny(payload, "\r\n") {
		return nil, iv, ErrFormat
	}
	// 24 characters can hold 16 to 18 bytes: the IV's length is checked after
	// decoding. A wrong one would make crypto/cipher panic.
	ivBytes, err := encoding.DecodeString(ivText)
	if err != nil || copy(iv[:], ivBytes) != aes.BlockSize || len(ivBytes) != aes.BlockSize {
		return nil, iv, ErrFormat
	}
	blocks, err = encoding.DecodeString(text)
	if err != nil || len(blocks) == 0 || len(blocks)%aes.BlockSize != 0 {
		return nil, iv, ErrFormat
	}
	if len(blocks) > MaxPlaintext+aes.BlockSize {
		return nil, iv, ErrTooLarge
	}
	return blocks, iv, nil
}

// unpad returns the length without PKCS #7 padding. It looks at the whole last
// block whatever it holds, without a branch on its bytes: a padding oracle lives
// on the time, too.
func unpad(blocks []byte) (n int, ok bool) {
	last := blocks[len(blocks)-aes.BlockSize:]
	fill := int(last[aes.BlockSize-1])
	good := subtle.ConstantTimeLessOrEq(1, fill) & subtle.ConstantTimeLessOrEq(fill, aes.BlockSize)
	for i, b := range last {
		isFill := subtle.ConstantTimeLessOrEq(aes.BlockSize-i, fill)
		good &= subtle.ConstantTimeSelect(isFill, subtle.ConstantTimeByteEq(b, byte(fill)), 1)
	}
	return len(blocks) - fill, good == 1
}

// newCipher's key schedule stays on the heap until it is reused: crypto/aes has no
// way to wipe it. On processors with AES instructions (amd64, arm64) it runs in
// constant time.
func newCipher(key *[32]byte) cipher.Block {
	block, err := aes.NewCipher(key[:])
	if err != nil {
		panic("nip04: AES refused a 32-byte key: " + err.Error())
	}
	return block
}
