// Package nostr is the ground of the protocol: events and their ids, kinds,
// keys, signatures and shared secrets (NIP-01, BIP-340).
//
// What it parses cannot be wrong afterwards: ParseEvent and ParseTemplate
// refuse everything that two implementations might read differently.
package nostr

import (
	"encoding/hex"
	"errors"
	"fmt"

	"nsecbunker/nostr/internal/secp"
)

// PubKey is a public key: the x coordinate of a point, big-endian (BIP-340).
// Not every value is a key; see Valid.
type PubKey [32]byte

// ID is the SHA-256 of an event's canonical form (NIP-01).
type ID [32]byte

// Sig is a BIP-340 signature.
type Sig [64]byte

// ErrPubKey means that 32 bytes are not the x coordinate of a point.
var ErrPubKey = errors.New("not a public key: no point of the curve has this x coordinate")

// ParsePubKey reads 64 hexadecimal digits of either case. It does not check
// that they are a point of the curve (that takes microseconds): Valid does, and
// every use of the key does.
func ParsePubKey(s string) (p PubKey, err error) {
	return p, parseHex(p[:], s, "public key")
}

// ParseID reads 64 hexadecimal digits of either case.
func ParseID(s string) (id ID, err error) {
	return id, parseHex(id[:], s, "event id")
}

// ParseSig reads 128 hexadecimal digits of either case.
func ParseSig(s string) (sig Sig, err error) {
	return sig, parseHex(sig[:], s, "signature")
}

func parseHex(dst []byte, s, what string) error {
	if len(s) != 2*len(dst) {
		return fmt.Errorf("%s: %d characters instead of %d hexadecimal digits", what, len(s), 2*len(dst))
	}
	if _, err := hex.Decode(dst, []byte(s)); err != nil {
		return fmt.Errorf("%s: not hexadecimal", what)
	}
	return nil
}

// Valid tells whether p is a point of the curve.
func (p PubKey) Valid() bool { return secp.Valid((*[32]byte)(&p)) }

// String returns 64 lower-case hexadecimal digits.
func (p PubKey) String() string { return hex.EncodeToString(p[:]) }

// MarshalText returns String.
func (p PubKey) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, p[:]), nil }

// UnmarshalText is ParsePubKey.
func (p *PubKey) UnmarshalText(b []byte) (err error) {
	*p, err = ParsePubKey(string(b))
	return err
}

// IsZero tells whether p is all zeroes, which no key is.
func (p PubKey) IsZero() bool { return p == PubKey{} }

// String returns 64 lower-case hexadecimal digits.
func (id ID) String() string { return hex.EncodeToString(id[:]) }

// MarshalText returns String.
func (id ID) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, id[:]), nil }

// UnmarshalText is ParseID.
func (id *ID) UnmarshalText(b []byte) (err error) {
	*id, err = ParseID(string(b))
	return err
}

// String returns 128 lower-case hexadecimal digits.
func (s Sig) String() string { return hex.EncodeToString(s[:]) }

// MarshalText returns String.
func (s Sig) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, s[:]), nil }

// UnmarshalText is ParseSig.
func (s *Sig) UnmarshalText(b []byte) (err error) {
	*s, err = ParseSig(string(b))
	return err
}

// VerifyDigest tells whether s is a BIP-340 signature of d by p.
func VerifyDigest(p PubKey, d [32]byte, s Sig) bool {
	return secp.Verify((*[64]byte)(&s), (*[32]byte)(&p), d[:])
}

// Backend names the implementation of the curve that was built in, for people.
func Backend() string { return secp.Name() }
