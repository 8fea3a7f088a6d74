package nip44

import (
	"encoding/binary"
	"math/bits"
)

// prefixLen is the size of the length prefix of n bytes of plaintext.
func prefixLen(n int) int {
	if n > MaxPlaintext {
		return extendedPrefix
	}
	return shortPrefix
}

// paddedLen is calc_padded_len of NIP-44, for 1 ≤ n ≤ MaxExtended: the next
// multiple of an eighth of the next power of two, at least 32. (An int is wide
// enough: 44.md's warning is for lengths near 2^32.)
func paddedLen(n int) int {
	if n <= minPadded {
		return minPadded
	}
	nextPower := 1 << bits.Len(uint(n-1))
	chunk := max(32, nextPower/8)
	return chunk * ((n-1)/chunk + 1)
}

// pad writes length prefix and plaintext into dst, which is all zeros and
// prefixLen+paddedLen bytes long.
func pad(dst, plaintext []byte) {
	n := len(plaintext)
	if n > MaxPlaintext {
		// Two zero bytes announce the 32-bit length.
		binary.BigEndian.PutUint32(dst[2:], uint32(n))
	} else {
		binary.BigEndian.PutUint16(dst, uint16(n))
	}
	copy(dst[prefixLen(n):], plaintext)
}

// unpad returns the plaintext within padded, which is at least minPadded+2
// bytes long. As in NIP-44's own code, the lengths must agree to the byte and
// the content of the padding, which the MAC covers, is not looked at.
//
// Errors: ErrPadding.
func unpad(padded []byte) (plaintext []byte, extended bool, err error) {
	n := int64(binary.BigEndian.Uint16(padded))
	if n == 0 {
		n = int64(binary.BigEndian.Uint32(padded[2:]))
		// MaxPayload left no room for more than MaxExtended: such a length lies.
		if n <= MaxPlaintext || n > MaxExtended {
			return nil, false, ErrPadding
		}
		extended = true
	}
	start := prefixLen(int(n))
	if len(padded) != start+paddedLen(int(n)) {
		return nil, false, ErrPadding
	}
	end := start + int(n)
	return padded[start:end:end], extended, nil
}
