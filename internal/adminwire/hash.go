package adminwire

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"nsecbunker/nostr"
)

// Nonce is 32 random bytes.
type Nonce [32]byte

// Hash is h, h2, or a digest over them.
type Hash [32]byte

// String returns the hash in hexadecimal.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// joined is the fields, each after its length in four bytes, big-endian: no two
// different lists have the same bytes.
func joined(fields ...[]byte) []byte {
	n := 0
	for _, f := range fields {
		n += 4 + len(f)
	}
	b := make([]byte, 0, n) // it can hold secrets: a buffer that grows leaves copies behind
	for _, f := range fields {
		b = binary.BigEndian.AppendUint32(b, uint32(len(f)))
		b = append(b, f...)
	}
	return b
}

// Labels of what is hashed: no hash of one kind is one of another.
const (
	labelSession = "nsecbunker/admin/1"
	labelCommand = "nsecbunker/admin/1/command"
	labelNonce   = "nsecbunker/admin/1/nb"
	labelPairing = "nsecbunker/admin/1/pair"
)

// Handshake is what both sides know before the proof.
type Handshake struct {
	Bunker   nostr.PubKey // B, of the connection string
	Client   nostr.PubKey // E_c, the page's key
	Epoch    nostr.PubKey // E_b
	NC, NB   Nonce
	Versions []int64 // as hello offered them
}

// H is what A and D sign: SHA-256 over label, B, E_c, E_b, nc, nb, v, versions.
// v is the version in decimal, versions are those offered, with commas between.
func (s *Handshake) H() Hash {
	var offered []string
	for _, v := range s.Versions {
		offered = append(offered, strconv.FormatInt(v, 10))
	}
	return sha256.Sum256(joined([]byte(labelSession), s.Bunker[:], s.Client[:], s.Epoch[:], s.NC[:], s.NB[:],
		[]byte(strconv.Itoa(Version)), []byte(strings.Join(offered, ","))))
}

// SessionID names a session on the wire.
type SessionID [16]byte

func (id SessionID) String() string { return hex.EncodeToString(id[:]) }

// H2 binds everything that both sides know once the session is ready: SHA-256
// over h, who (A, or the device's id where there is no certificate), the id of
// the certificate (32 zero bytes without one), E_s and sid.
func H2(h Hash, who []byte, cert nostr.ID, session nostr.PubKey, sid SessionID) Hash {
	return sha256.Sum256(joined(h[:], who, cert[:], session[:], sid[:]))
}

// Code is the six digits that both ends show: the first six bytes of h2 as a
// number, its remainder by a million.
func Code(h2 Hash) string {
	var b [8]byte
	copy(b[2:], h2[:6])
	return fmt.Sprintf("%06d", binary.BigEndian.Uint64(b[:])%1_000_000)
}

// NB is the bunker's nonce: it keeps none, and knows its own again by the
// epoch's secret.
func NB(epochSecret []byte, client nostr.PubKey, nc Nonce) (nb Nonce) {
	m := hmac.New(sha256.New, epochSecret)
	m.Write(joined([]byte(labelNonce), client[:], nc[:]))
	copy(nb[:], m.Sum(nil))
	return nb
}

// Pairing is the proof of a pairing secret, over h.
func Pairing(secret []byte, h Hash) (p Hash) {
	m := hmac.New(sha256.New, secret)
	m.Write(joined([]byte(labelPairing), h[:]))
	copy(p[:], m.Sum(nil))
	return p
}

// SameHash compares in constant time.
func SameHash(a, b Hash) bool { return subtle.ConstantTimeCompare(a[:], b[:]) == 1 }
