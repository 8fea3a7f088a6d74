// Package wire speaks NIP-46 by hand, with cryptography that is not the bunker's: btcec through go-nostr, and NIP-44 as
// below. What it says of a signature or a ciphertext is an independent word.
package wire

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/nbd-wtf/go-nostr"
	"github.com/nbd-wtf/go-nostr/nip04"
	"github.com/nbd-wtf/go-nostr/nip44"
	"golang.org/x/crypto/chacha20"
	"golang.org/x/crypto/hkdf"
)

// Event is a Nostr event.
type Event = nostr.Event

// Key is a keypair of a client, in hex.
type Key struct{ Secret, Pub string }

// NewKey makes a key.
func NewKey() Key {
	for {
		secret := nostr.GeneratePrivateKey()
		if pub, err := nostr.GetPublicKey(secret); err == nil {
			return Key{secret, pub}
		}
	}
}

// Scheme is an envelope's encryption.
type Scheme string

// The envelopes.
const (
	NIP44 Scheme = "nip44"
	NIP04 Scheme = "nip04"
	// Extended is NIP-44 with the length prefix of six bytes, for what is longer than 65,535 bytes.
	Extended Scheme = "nip44 extended"
)

// SchemeOf tells an envelope's encryption by its form.
func SchemeOf(content string) Scheme {
	if strings.Contains(content, "?iv=") {
		return NIP04
	}
	return NIP44
}

// Encrypt closes text for peer.
func (k Key) Encrypt(scheme Scheme, peer, text string) (string, error) {
	if scheme == NIP04 {
		shared, err := nip04.ComputeSharedSecret(peer, k.Secret)
		if err != nil {
			return "", err
		}
		return nip04.Encrypt(text, shared)
	}
	ck, err := nip44.GenerateConversationKey(peer, k.Secret)
	if err != nil {
		return "", err
	}
	if scheme == Extended {
		return encryptExtended(ck, text)
	}
	return nip44.Encrypt(text, ck)
}

// Decrypt opens what came from peer and says how it was closed.
func (k Key) Decrypt(peer, content string) (text string, scheme Scheme, err error) {
	if SchemeOf(content) == NIP04 {
		shared, err := nip04.ComputeSharedSecret(peer, k.Secret)
		if err != nil {
			return "", NIP04, err
		}
		text, err = nip04.Decrypt(content, shared)
		return text, NIP04, err
	}
	ck, err := nip44.GenerateConversationKey(peer, k.Secret)
	if err != nil {
		return "", NIP44, err
	}
	if text, err = nip44.Decrypt(content, ck); err == nil {
		return text, NIP44, nil
	}
	text, err = decryptExtended(ck, content)
	return text, Extended, err
}

// Sign fills in pubkey, id and signature.
func (k Key) Sign(ev *Event) {
	if err := ev.Sign(k.Secret); err != nil {
		panic(err) // only a key that is none
	}
}

// Verify reports what is wrong with an event's id or signature.
func Verify(ev *Event) error {
	if !ev.CheckID() {
		return fmt.Errorf("the id %s is not that of the event (%s)", ev.ID, ev.GetID())
	}
	if ok, err := ev.CheckSignature(); err != nil || !ok {
		return fmt.Errorf("the signature of %s is wrong (%v)", ev.ID, err)
	}
	return nil
}

// messageKeys are NIP-44's three keys of one payload.
func messageKeys(ck [32]byte, nonce []byte) (cipherKey, cipherNonce, macKey []byte) {
	out := make([]byte, 76)
	if _, err := io.ReadFull(hkdf.Expand(sha256.New, ck[:], nonce), out); err != nil {
		panic(err) // 76 bytes are always there
	}
	return out[:32], out[32:44], out[44:]
}

// encryptExtended is NIP-44, Encryption, for plaintexts of 65,536 bytes and more: two zero bytes, then 32 bits of length.
func encryptExtended(ck [32]byte, text string) (string, error) {
	padded := make([]byte, 6+paddedLen(len(text)))
	binary.BigEndian.PutUint32(padded[2:], uint32(len(text)))
	copy(padded[6:], text)
	nonce := make([]byte, 32)
	if _, err := rand.Read(nonce); err != nil {
		return "", err
	}
	cipherKey, cipherNonce, macKey := messageKeys(ck, nonce)
	stream, err := chacha20.NewUnauthenticatedCipher(cipherKey, cipherNonce)
	if err != nil {
		return "", err
	}
	stream.XORKeyStream(padded, padded)
	mac := hmac.New(sha256.New, macKey)
	mac.Write(nonce)
	mac.Write(padded)
	payload := append([]byte{2}, nonce...)
	payload = append(payload, padded...)
	return base64.StdEncoding.EncodeToString(mac.Sum(payload)), nil
}

func decryptExtended(ck [32]byte, content string) (string, error) {
	raw, err := base64.StdEncoding.DecodeString(content)
	if err != nil || len(raw) < 1+32+6+32 || raw[0] != 2 {
		return "", errors.New("no NIP-44 payload")
	}
	nonce, sealed, tag := raw[1:33], raw[33:len(raw)-32], raw[len(raw)-32:]
	cipherKey, cipherNonce, macKey := messageKeys(ck, nonce)
	mac := hmac.New(sha256.New, macKey)
	mac.Write(nonce)
	mac.Write(sealed)
	if !hmac.Equal(mac.Sum(nil), tag) {
		return "", errors.New("wrong MAC")
	}
	stream, err := chacha20.NewUnauthenticatedCipher(cipherKey, cipherNonce)
	if err != nil {
		return "", err
	}
	padded := make([]byte, len(sealed))
	stream.XORKeyStream(padded, sealed)
	size := int(binary.BigEndian.Uint32(padded[2:]))
	if padded[0] != 0 || padded[1] != 0 || size < 65536 || 6+paddedLen(size) != len(padded) {
		return "", errors.New("wrong length prefix or padding")
	}
	return string(padded[6 : 6+size]), nil
}

// paddedLen is NIP-44's calc_padded_len.
func paddedLen(n int) int {
	if n <= 32 {
		return 32
	}
	next := 1
	for next < n {
		next *= 2
	}
	chunk := 32
	if next > 256 {
		chunk = next / 8
	}
	return chunk * ((n-1)/chunk + 1)
}

// RandomHex is n random bytes in hex.
func RandomHex(n int) string {
	b := make([]byte, n)
	if _, err := rand.Read(b); err != nil {
		panic(err)
	}
	return hex.EncodeToString(b)
}
