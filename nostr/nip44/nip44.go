// Package nip44 encrypts and decrypts NIP-44 version 2 payloads, with the
// extended length prefix that 44.md has since July 2026: secp256k1 ECDH, HKDF,
// padding, ChaCha20, HMAC-SHA256, base64.
//
// The signature of the event that carries a payload must be verified before
// Decrypt is called (NIP-44, Decryption).
package nip44

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"nsecbunker/internal/secret"
	"nsecbunker/nostr"
)

const (
	// MaxPlaintext is the most bytes that Encrypt takes: what the two-byte length
	// prefix holds, and so what a client without the extended prefix can read.
	MaxPlaintext = 65535

	// MaxExtended is the most bytes that EncryptExtended takes and that Decrypt
	// gives: 1 MiB. NIP-44 allows 4 GiB and asks implementations for a bound of
	// their own. Relays commonly take frames of 128 KiB to 1 MiB, so no payload
	// beyond this one can reach us through one.
	MaxExtended = 1 << 20

	// MaxPayload is the most base64 characters that Decrypt reads: those of a
	// plaintext of MaxExtended bytes. Longer ones are refused before base64.
	// (MaxExtended is a power of two, hence its own padded length.)
	MaxPayload = (overhead + extendedPrefix + MaxExtended + 2) / 3 * 4

	// MinPayload is the least base64 characters of a payload (NIP-44, Decryption 2).
	MinPayload = 132
)

const (
	version        = 2
	nonceSize      = 32
	macSize        = 32
	overhead       = 1 + nonceSize + macSize
	shortPrefix    = 2
	extendedPrefix = 6
	minPadded      = 32
	minRaw         = overhead + shortPrefix + minPadded // 99
)

// Why an encryption or decryption was refused. None says anything about a key
// or about the plaintext.
var (
	ErrEmpty    = errors.New("nip44: the plaintext is empty; NIP-44 needs at least one byte")
	ErrTooLong  = fmt.Errorf("nip44: the plaintext is longer than %d bytes; the reader would need the extended length prefix", MaxPlaintext)
	ErrTooLarge = fmt.Errorf("nip44: larger than the %d bytes of plaintext that are handled here; send it in parts", MaxExtended)
	ErrVersion  = errors.New("nip44: the encryption version is not supported; only version 2 is")
	ErrPayload  = errors.New("nip44: the payload is malformed: too short, or not base64; was it cut off?")
	ErrMAC      = errors.New("nip44: the MAC does not match: the payload was changed, or was made for other keys")
	ErrPadding  = errors.New("nip44: the padding is invalid; the sender's software has a fault")
)

// encoding is strict about the unused bits of the last character: one text per
// payload.
var encoding = base64.StdEncoding.Strict()

// ConversationKey puts the key that sk and peer share into out (NIP-44,
// Encryption 1). It is the same with the roles swapped, and lasts as long as both
// keys: whoever has it reads everything between the two, so wipe it.
//
// Errors: peer is not a point of the curve; sk was destroyed. out is zero then.
func ConversationKey(sk *nostr.SecretKey, peer nostr.PubKey, out *[32]byte) error {
	var shared [32]byte
	defer secret.Wipe(shared[:])
	if err := sk.ECDH(peer, &shared); err != nil {
		secret.Wipe(out[:])
		return fmt.Errorf("nip44: conversation key: %w", err)
	}
	extract(&shared, out)
	return nil
}

// Encrypt returns the payload of 1 to MaxPlaintext bytes, which every client of
// NIP-44 version 2 can read.
//
// Errors: ErrEmpty, ErrTooLong.
func Encrypt(ck *[32]byte, plaintext []byte) (string, error) {
	if len(plaintext) > MaxPlaintext {
		return "", ErrTooLong
	}
	return EncryptExtended(ck, plaintext)
}

// EncryptExtended is Encrypt for 1 to MaxExtended bytes. Above MaxPlaintext it
// uses the extended length prefix, which older clients refuse.
//
// Errors: ErrEmpty, ErrTooLarge.
func EncryptExtended(ck *[32]byte, plaintext []byte) (string, error) {
	room := secret.Borrow(0)
	defer room.Return()
	var err error
	if room.B, err = seal(room.B, ck, newNonce(), plaintext); err != nil {
		return "", err
	}
	return encode(room.B), nil
}

// encode is encoding.EncodeToString with one copy and one allocation instead of
// two: a large reply is 1.4 MB.
func encode(raw []byte) string {
	const part = 3 << 8
	var text [part / 3 * 4]byte
	var b strings.Builder
	b.Grow(encoding.EncodedLen(len(raw)))
	for len(raw) > 0 {
		n := min(part, len(raw))
		encoding.Encode(text[:], raw[:n])
		b.Write(text[:encoding.EncodedLen(n)])
		raw = raw[n:]
	}
	return b.String()
}

// AppendEncrypt appends the payload of EncryptExtended to dst and returns the
// extended slice: one copy less where the payload goes into a larger message.
//
// Errors: ErrEmpty, ErrTooLarge; dst is returned as it was.
func AppendEncrypt(dst []byte, ck *[32]byte, plaintext []byte) ([]byte, error) {
	room := secret.Borrow(0)
	defer room.Return()
	var err error
	if room.B, err = seal(room.B, ck, newNonce(), plaintext); err != nil {
		return dst, err
	}
	return encoding.AppendEncode(dst, room.B), nil
}

// Decrypt returns the plaintext of a payload, 1 to MaxExtended bytes as the
// sender gave them (UTF-8 is not checked), and whether the extended length prefix
// was used, which shows that the sender reads it, too. The plaintext is the
// only copy; the caller wipes it where it is secret.
//
// Errors: ErrVersion, ErrPayload, ErrTooLarge, ErrMAC, ErrPadding.
func Decrypt(ck *[32]byte, payload string) (plaintext []byte, extended bool, err error) {
	raw, err := decodePayload(payload)
	if err != nil {
		return nil, false, err
	}
	return open(ck, raw)
}
