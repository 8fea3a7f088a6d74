// Package secrettest looks for secrets in the memory of the running process:
// the test of "locked means that the key is not in memory".
//
// A test that knows the secret has it in memory itself. So a test makes its
// needles in one process and scans in another, a child that is told only the
// needles, which are stored masked.
package secrettest

import (
	"encoding/hex"
	"fmt"
	"strings"

	"nsecbunker/internal/secret"
)

// MinNeedle is the shortest needle, in bytes: shorter ones are found by chance.
const MinNeedle = 8

// mask hides byte i of a needle. It is not plain inversion: n less the key has
// the inverted bytes of the key in its upper half.
func mask(i int) byte { return byte(0x5c + 37*i) }

// Needle is something to look for: a name, and bytes that are stored masked.
type Needle struct {
	Name   string // without '=' and white space
	masked []byte
}

// Hide makes a needle of b and wipes b.
func Hide(name string, b []byte) Needle {
	n := Needle{Name: name, masked: make([]byte, len(b))}
	for i, c := range b {
		n.masked[i] = c ^ mask(i)
	}
	secret.Wipe(b)
	return n
}

// Reveal appends to dst what the needle stands for. dst must have the room.
func (n Needle) Reveal(dst []byte) []byte {
	for i, c := range n.masked {
		dst = append(dst, c^mask(i))
	}
	return dst
}

// Forms are the needles of a number of 32 bytes, big-endian, as it may lie in
// memory: both byte orders, both orders of its 64-bit words in either, each
// word by itself, and hexadecimal of either case.
func Forms(name string, number [32]byte) []Needle {
	word := func(i int) []byte { return append([]byte(nil), number[8*i:8*i+8]...) }
	turned := func(b []byte) []byte {
		for i, j := 0, len(b)-1; i < j; i, j = i+1, j-1 {
			b[i], b[j] = b[j], b[i]
		}
		return b
	}
	whole := func() []byte { return append([]byte(nil), number[:]...) }
	words := func(b []byte) []byte { // the other order of words
		return append(append(append(append([]byte(nil), b[24:]...), b[16:24]...), b[8:16]...), b[:8]...)
	}
	lower := hex.AppendEncode(nil, number[:])
	out := []Needle{
		Hide(name+"/be", whole()),
		Hide(name+"/le", turned(whole())),
		Hide(name+"/be-words", words(whole())),
		Hide(name+"/le-words", words(turned(whole()))),
		Hide(name+"/HEX", []byte(strings.ToUpper(string(lower)))),
		Hide(name+"/hex", lower),
	}
	for i := range 4 {
		if b := word(i); string(b) != string(make([]byte, 8)) {
			out = append(out,
				Hide(fmt.Sprintf("%s/word%d-be", name, i), b),
				Hide(fmt.Sprintf("%s/word%d-le", name, i), turned(word(i))))
		}
	}
	return out
}

// String is the needle on one line, masked, for Parse in the child.
func (n Needle) String() string { return n.Name + "=" + hex.EncodeToString(n.masked) }

// Parse reads what String wrote.
func Parse(line string) (Needle, error) {
	name, value, ok := strings.Cut(line, "=")
	b, err := hex.DecodeString(value)
	if !ok || err != nil || len(b) < MinNeedle {
		return Needle{}, fmt.Errorf("%q is not a needle", line)
	}
	return Needle{Name: name, masked: b}, nil
}
