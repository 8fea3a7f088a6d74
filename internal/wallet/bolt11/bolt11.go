// Package bolt11 reads Lightning invoices (BOLT 11), to hold what a wallet made
// against what it was asked for. It knows the fields that such a check needs and
// passes over the others, as BOLT 11 asks.
//
// Own code, because the libraries that read invoices (lnd's zpay32, and what
// wraps it) bring a whole Lightning node and its database drivers into go.mod.
// Held against BOLT 11's examples and invoices of a real lnd (test/simnet).
package bolt11

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"math"
	"time"
	"unicode/utf8"

	"nsecbunker/nostr/nip19/bech32"
)

// DefaultExpiry is how long an invoice without a field x can be paid.
const DefaultExpiry = time.Hour

const (
	timeGroups = 7   // 35 bits
	signGroups = 104 // 64 bytes and the recovery id
	hashGroups = 52  // 256 bits
	keyGroups  = 53  // 33 bytes
	maxExpiry  = 100 * 365 * 24 * 3600
	maxGroups  = 13 // of a number: 64 bits
)

// Invoice is what an invoice says. Times are Unix seconds.
type Invoice struct {
	Network         string // "bc" mainnet, "tb" testnet, "tbs" signet, "bcrt" regtest, "sb" simnet
	AmountMsat      int64  // 0: the payer chooses
	Hash            [32]byte
	Secret          [32]byte // the payment secret, which only stops probing by others
	Description     string   // "" when there is a hash of it
	DescriptionHash [32]byte
	CreatedAt       int64
	ExpiresAt       int64
	Payee           [33]byte // the node that is paid, compressed; its signature was checked
}

// What can be wrong with an invoice beside what package bech32 finds.
var (
	ErrPrefix    = errors.New("bolt11: it does not begin with ln and a network's name")
	ErrAmount    = errors.New("bolt11: its amount cannot be read")
	ErrShort     = errors.New("bolt11: it is too short; it was probably cut off")
	ErrFields    = errors.New("bolt11: its fields do not end where they say")
	ErrTwice     = errors.New("bolt11: a field comes twice")
	ErrHash      = errors.New("bolt11: it has no payment hash")
	ErrSecret    = errors.New("bolt11: it has no payment secret")
	ErrWords     = errors.New("bolt11: its description is no text")
	ErrExpiry    = errors.New("bolt11: its expiry cannot be read")
	ErrSignature = errors.New("bolt11: its signature is wrong")
)

// Parse reads an invoice of either case and checks its signature. No error
// repeats any part of it.
func Parse(text string) (*Invoice, error) {
	hrp, groups, err := bech32.DecodeGroups([]byte(text))
	if err != nil {
		return nil, fmt.Errorf("bolt11: %w", err)
	}
	inv := &Invoice{}
	if inv.Network, inv.AmountMsat, err = parsePrefix(hrp); err != nil {
		return nil, err
	}
	if len(groups) < timeGroups+signGroups {
		return nil, ErrShort
	}
	data, signature := groups[:len(groups)-signGroups], groups[len(groups)-signGroups:]
	created, _ := number(data[:timeGroups])
	inv.CreatedAt = created
	f := fields{inv: inv, expiry: int64(DefaultExpiry / time.Second)}
	if err := f.read(data[timeGroups:]); err != nil {
		return nil, err
	}
	inv.ExpiresAt = created + f.expiry
	digest := sha256.Sum256(append([]byte(hrp), packed(data)...))
	sig := whole(signature)
	if inv.Payee, err = signer(digest, [64]byte(sig[:64]), sig[64], f.payee); err != nil {
		return nil, err
	}
	return inv, nil
}

// parsePrefix takes ln, the network and the amount apart (BOLT 11, Human-Readable
// Part). The network's name has no digits.
func parsePrefix(hrp string) (network string, msat int64, err error) {
	if len(hrp) < 4 || hrp[:2] != "ln" {
		return "", 0, ErrPrefix
	}
	rest := hrp[2:]
	n := 0
	for n < len(rest) && rest[n] >= 'a' && rest[n] <= 'z' {
		n++
	}
	if n == 0 {
		return "", 0, ErrPrefix
	}
	network, rest = rest[:n], rest[n:]
	if rest == "" {
		return network, 0, nil
	}
	msat, err = parseAmount(rest)
	return network, msat, err
}

// parseAmount reads digits and a multiplier of bitcoin; one is 10^11 msat.
func parseAmount(s string) (int64, error) {
	unit, tenths := int64(100_000_000_000), false
	switch s[len(s)-1] {
	case 'm':
		unit = 100_000_000
	case 'u':
		unit = 100_000
	case 'n':
		unit = 100
	case 'p':
		unit, tenths = 1, true
	}
	if unit != 100_000_000_000 {
		s = s[:len(s)-1]
	}
	if s == "" || s[0] == '0' {
		return 0, ErrAmount
	}
	var v int64
	for _, c := range []byte(s) {
		if c < '0' || c > '9' || v > (math.MaxInt64-9)/10 {
			return 0, ErrAmount
		}
		v = v*10 + int64(c-'0')
	}
	if tenths {
		if v%10 != 0 { // less than a thousandth of a satoshi
			return 0, ErrAmount
		}
		v /= 10
	}
	if v > math.MaxInt64/unit {
		return 0, ErrAmount
	}
	return v * unit, nil
}

// fields reads the tagged fields (BOLT 11, Tagged Fields).
type fields struct {
	inv    *Invoice
	expiry int64
	payee  *[33]byte // of field n
	seen   [32]bool
}

// The fields' types, by their letters in bech32.
const (
	fieldHash      = 1  // p
	fieldWords     = 13 // d
	fieldPayee     = 19 // n
	fieldWordsHash = 23 // h
	fieldExpiry    = 6  // x
	fieldSecret    = 16 // s
)

func (f *fields) read(data []byte) error {
	for len(data) > 0 {
		if len(data) < 3 {
			return ErrFields
		}
		kind, n := data[0], int(data[1])<<5|int(data[2])
		data = data[3:]
		if n > len(data) {
			return ErrFields
		}
		if err := f.take(kind, data[:n]); err != nil {
			return err
		}
		data = data[n:]
	}
	switch {
	case !f.seen[fieldHash]:
		return ErrHash
	case !f.seen[fieldSecret]:
		return ErrSecret
	case f.seen[fieldWords] == f.seen[fieldWordsHash]:
		return ErrWords // exactly one of the two
	}
	return nil
}

// take keeps one field. One of a fixed length that has another is passed over.
func (f *fields) take(kind byte, v []byte) error {
	switch kind {
	case fieldHash, fieldSecret, fieldWordsHash:
		if len(v) != hashGroups {
			return nil
		}
	case fieldPayee:
		if len(v) != keyGroups {
			return nil
		}
	case fieldWords, fieldExpiry:
	default:
		return nil
	}
	if f.seen[kind] {
		return ErrTwice
	}
	f.seen[kind] = true
	switch kind {
	case fieldHash:
		f.inv.Hash = [32]byte(whole(v))
	case fieldSecret:
		f.inv.Secret = [32]byte(whole(v))
	case fieldWordsHash:
		f.inv.DescriptionHash = [32]byte(whole(v))
	case fieldPayee:
		key := [33]byte(whole(v))
		f.payee = &key
	case fieldWords:
		if f.inv.Description = string(whole(v)); !utf8.ValidString(f.inv.Description) {
			return ErrWords
		}
	case fieldExpiry:
		x, ok := number(v)
		if !ok || x > maxExpiry {
			return ErrExpiry
		}
		f.expiry = x
	}
	return nil
}

// number reads big-endian groups.
func number(groups []byte) (v int64, ok bool) {
	for len(groups) > 0 && groups[0] == 0 {
		groups = groups[1:]
	}
	if len(groups) >= maxGroups {
		return 0, false
	}
	for _, g := range groups {
		v = v<<5 | int64(g)
	}
	return v, true
}

// packed makes bytes of groups, with zero bits at the end.
func packed(groups []byte) []byte {
	out := make([]byte, 0, len(groups)*5/8+1)
	var acc uint32
	bits := 0
	for _, g := range groups {
		acc, bits = acc<<5|uint32(g), bits+5
		if bits >= 8 {
			bits -= 8
			out = append(out, byte(acc>>bits))
		}
	}
	if bits > 0 {
		out = append(out, byte(acc<<(8-bits)))
	}
	return out
}

// whole is packed without what does not make a whole byte.
func whole(groups []byte) []byte { return packed(groups)[:len(groups)*5/8] }
