// Package bech32 reads and writes bech32 (BIP-173, not the later bech32m) over
// whole bytes, as NIP-19 and NIP-49 use it. It works on byte slices only and
// wipes its intermediate buffers, because what passes through may be a private
// key. No error repeats any part of its input.
package bech32

import (
	"errors"
	"fmt"

	"nsecbunker/internal/secret"
)

// MaxLength is the most characters that Encode writes and Decode reads:
// NIP-19's "SHOULD be limited in size to 5000 characters", instead of BIP-173's
// 90, which suits payment addresses.
const MaxLength = 5000

// ChecksumLength is the number of characters after the data.
const ChecksumLength = 6

const (
	maxHRP       = 83 // BIP-173
	charset      = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
	invalidGroup = 0xff
)

// What can be wrong with an input of Decode, or with what is given to Encode.
var (
	ErrTooLong   = fmt.Errorf("bech32: longer than %d characters", MaxLength)
	ErrTooShort  = errors.New("bech32: too short; the text was probably cut off when it was copied")
	ErrNoPrefix  = errors.New("bech32: no prefix; expected a word, the digit 1, then letters and digits")
	ErrPrefix    = errors.New("bech32: the prefix holds a character that is not allowed, or is too long")
	ErrCharacter = errors.New("bech32: holds a character that bech32 does not use")
	ErrMixedCase = errors.New("bech32: mixes upper and lower case; copy it again as it was shown")
	ErrChecksum  = errors.New("bech32: the checksum does not match: a character is wrong or missing; copy it again")
	ErrPadding   = errors.New("bech32: the bits at the end do not make whole bytes")
)

// reverse maps an ASCII character of either case to its 5-bit group.
var reverse = func() (t [128]byte) {
	for i := range t {
		t[i] = invalidGroup
	}
	for i := range len(charset) {
		c := charset[i]
		t[c] = byte(i)
		if c >= 'a' {
			t[c-'a'+'A'] = byte(i)
		}
	}
	return t
}()

// step advances the checksum state by one 5-bit group. The generator is chosen
// by masks and not by branches: the groups may be those of a private key.
func step(chk uint32, group byte) uint32 {
	top := chk >> 25
	chk = (chk&0x1ffffff)<<5 ^ uint32(group)
	chk ^= 0x3b6a57b2 & -(top & 1)
	chk ^= 0x26508e6d & -(top >> 1 & 1)
	chk ^= 0x1ea119fa & -(top >> 2 & 1)
	chk ^= 0x3d4233dd & -(top >> 3 & 1)
	chk ^= 0x2a1462b3 & -(top >> 4 & 1)
	return chk
}

// polymod is the checksum state after the prefix and the groups.
func polymod(hrp string, groups []byte) uint32 {
	chk := uint32(1)
	for i := range len(hrp) {
		chk = step(chk, hrp[i]>>5)
	}
	chk = step(chk, 0)
	for i := range len(hrp) {
		chk = step(chk, hrp[i]&31)
	}
	for _, g := range groups {
		chk = step(chk, g)
	}
	return chk
}

// Encode returns hrp, the separator and data in lower-case bech32. The prefix is
// 1 to 83 lower-case printable ASCII characters. The result is a new slice; the
// caller wipes it where data is secret.
//
// Errors: ErrPrefix, ErrTooLong.
func Encode(hrp string, data []byte) ([]byte, error) {
	if err := checkHRP(hrp); err != nil {
		return nil, err
	}
	if len(data) > MaxLength { // before the multiplication below can overflow
		return nil, ErrTooLong
	}
	n := (len(data)*8 + 4) / 5
	out, groups, err := begin(hrp, n)
	if err != nil {
		return nil, err
	}
	toGroups(groups[:n], data)
	finish(hrp, groups)
	return out, nil
}

// EncodeGroups is Encode for data that is 5-bit groups already and need not make
// whole bytes, as in BOLT 11. A group over 31 is ErrCharacter.
func EncodeGroups(hrp string, data []byte) ([]byte, error) {
	if err := checkHRP(hrp); err != nil {
		return nil, err
	}
	if len(data) > MaxLength {
		return nil, ErrTooLong
	}
	for _, g := range data {
		if g > 31 {
			return nil, ErrCharacter
		}
	}
	out, groups, err := begin(hrp, len(data))
	if err != nil {
		return nil, err
	}
	copy(groups, data)
	finish(hrp, groups)
	return out, nil
}

// begin returns a text with its prefix and, in it, room for n groups and the
// checksum's.
func begin(hrp string, n int) (out, groups []byte, err error) {
	total := len(hrp) + 1 + n + ChecksumLength
	if total > MaxLength {
		return nil, nil, ErrTooLong
	}
	out = make([]byte, total)
	copy(out, hrp)
	out[len(hrp)] = '1'
	return out, out[len(hrp)+1:], nil
}

// finish sets the checksum and turns the groups into characters.
func finish(hrp string, groups []byte) {
	n := len(groups) - ChecksumLength
	// Six zero groups stand for the checksum while it is computed.
	mod := polymod(hrp, groups) ^ 1
	for i := range ChecksumLength {
		groups[n+i] = byte(mod>>(5*(5-i))) & 31
	}
	for i, g := range groups {
		groups[i] = charset[g]
	}
}

func checkHRP(hrp string) error {
	if len(hrp) == 0 || len(hrp) > maxHRP {
		return ErrPrefix
	}
	for i := range len(hrp) {
		if c := hrp[i]; c < 33 || c > 126 || (c >= 'A' && c <= 'Z') {
			return ErrPrefix
		}
	}
	return nil
}

// Decode reads bech32 of either case, not mixed. It returns the prefix in lower
// case and the data as a new slice, which the caller wipes where it is secret.
//
// Errors: ErrTooLong, ErrTooShort, ErrNoPrefix, ErrPrefix, ErrCharacter,
// ErrMixedCase, ErrChecksum, ErrPadding.
func Decode(s []byte) (hrp string, data []byte, err error) {
	hrp, groups, err := split(s)
	if err != nil {
		return "", nil, err
	}
	defer secret.Wipe(groups)
	data, err = fromGroups(groups)
	if err != nil {
		return "", nil, err
	}
	return hrp, data, nil
}

// DecodeGroups is Decode for data that need not make whole bytes, as in BOLT 11:
// it returns the 5-bit groups, one a byte.
func DecodeGroups(s []byte) (hrp string, groups []byte, err error) { return split(s) }

// split checks everything but the padding bits, and returns the 5-bit groups
// without those of the checksum.
func split(s []byte) (string, []byte, error) {
	if len(s) > MaxLength {
		return "", nil, ErrTooLong
	}
	if err := checkCase(s); err != nil {
		return "", nil, err
	}
	sep := -1
	for i, c := range s {
		if c == '1' {
			sep = i
		}
	}
	switch {
	case sep < 1:
		return "", nil, ErrNoPrefix
	case sep > maxHRP:
		return "", nil, ErrPrefix
	case len(s)-sep-1 < ChecksumLength:
		return "", nil, ErrTooShort
	}
	hrp := lower(s[:sep])

	groups := make([]byte, len(s)-sep-1)
	for i, c := range s[sep+1:] {
		g := reverse[c]
		if g == invalidGroup {
			secret.Wipe(groups)
			return "", nil, ErrCharacter
		}
		groups[i] = g
	}
	if polymod(hrp, groups) != 1 {
		secret.Wipe(groups)
		return "", nil, ErrChecksum
	}
	return hrp, groups[:len(groups)-ChecksumLength], nil
}

// checkCase refuses what is not printable ASCII, and a mix of cases.
func checkCase(s []byte) error {
	var hasUpper, hasLower bool
	for _, c := range s {
		if c < 33 || c > 126 {
			return ErrCharacter
		}
		hasUpper = hasUpper || (c >= 'A' && c <= 'Z')
		hasLower = hasLower || (c >= 'a' && c <= 'z')
	}
	if hasUpper && hasLower {
		return ErrMixedCase
	}
	return nil
}

func lower(s []byte) string {
	b := make([]byte, len(s))
	for i, c := range s {
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		b[i] = c
	}
	return string(b)
}

// toGroups spreads the bits of data over 5-bit groups, most significant first,
// zero bits at the end. len(dst) is (len(data)*8+4)/5.
func toGroups(dst, data []byte) {
	var acc uint32
	var bits, n int
	for _, b := range data {
		acc = acc<<8 | uint32(b)
		bits += 8
		for bits >= 5 {
			bits -= 5
			dst[n] = byte(acc>>bits) & 31
			n++
		}
	}
	if bits > 0 {
		dst[n] = byte(acc<<(5-bits)) & 31
	}
}

// fromGroups is the inverse of toGroups. As BIP-173 asks, what is left over must
// be fewer than five bits, all of them zero: one text per value.
func fromGroups(groups []byte) ([]byte, error) {
	out := make([]byte, len(groups)*5/8)
	var acc uint32
	var bits, n int
	for _, g := range groups {
		acc = acc<<5 | uint32(g)
		bits += 5
		if bits >= 8 {
			bits -= 8
			out[n] = byte(acc >> bits)
			n++
		}
	}
	if bits >= 5 || acc&(1<<bits-1) != 0 {
		secret.Wipe(out)
		return nil, ErrPadding
	}
	return out, nil
}
