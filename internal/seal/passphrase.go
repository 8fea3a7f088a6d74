package seal

import (
	"bytes"
	"crypto/rand"
	_ "embed"
	"encoding/binary"
	"fmt"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/secret"
)

const (
	// MinPassphrase is the fewest characters of a passphrase (security.md section
	// 1), counted after normalisation.
	MinPassphrase = 12
	// MaxPassphrase is the most bytes of a passphrase, before normalisation.
	MaxPassphrase = 1024
	// GeneratedWords is how many words GeneratePassphrase takes: at 11 bits each,
	// 66 bits. At a rate of 10 guesses a second and machine, which scrypt with
	// 256 MiB does not exceed by much, that is 200,000 machines for a million years.
	GeneratedWords = 6

	// nfkcGrowth is the most by which NFKC lengthens UTF-8 text (UAX #15, 9).
	nfkcGrowth = 11
)

// words are 2,048 English words of 3 to 8 letters that are told apart by their
// first four: the list of BIP-39.
//
//go:embed words.txt
var words []byte

const wordCount = 2048

// CheckPassphrase refuses what must not become a passphrase: fewer than
// MinPassphrase characters, more than MaxPassphrase bytes, no text, controls
// (a tab or a line end is a slip of the prompt), or spaces at the ends, which
// people do not see.
func CheckPassphrase(p []byte) error {
	normal, err := normalise(p)
	if err != nil {
		return err
	}
	defer secret.Wipe(normal)
	if n := utf8.RuneCount(normal); n < MinPassphrase {
		return bad("the passphrase has %d characters; it needs at least %d: several random words are good", n, MinPassphrase)
	}
	if !bytes.Equal(normal, bytes.TrimFunc(normal, unicode.IsSpace)) {
		return bad("the passphrase begins or ends with a space; leave it out")
	}
	if bytes.ContainsFunc(normal, unicode.IsControl) {
		return bad("the passphrase holds a tab, a line end or another control character; leave it out")
	}
	return nil
}

func bad(format string, args ...any) error {
	return bunker.Errorf(bunker.CodeInvalid, format, args...).In("passphrase")
}

// normalise returns a copy in NFKC, so that the same characters typed on another
// keyboard are the same passphrase. The buffer does not grow, so there is one
// copy, which the caller wipes.
func normalise(p []byte) ([]byte, error) {
	if len(p) == 0 {
		return nil, bad("the passphrase is empty")
	}
	if len(p) > MaxPassphrase || !utf8.Valid(p) {
		return nil, bad("the passphrase must be text of at most %d bytes", MaxPassphrase)
	}
	return norm.NFKC.Append(make([]byte, 0, nfkcGrowth*len(p)), p...), nil
}

// GeneratePassphrase returns GeneratedWords random words joined by hyphens. The
// caller wipes them.
func GeneratePassphrase() ([]byte, error) {
	list := bytes.Fields(words)
	if len(list) != wordCount {
		return nil, fmt.Errorf("the list of words has %d in place of %d", len(list), wordCount)
	}
	var random [2 * GeneratedWords]byte
	defer secret.Wipe(random[:])
	rand.Read(random[:]) // never fails: crypto/rand ends the process instead
	out := make([]byte, 0, GeneratedWords*9)
	for i := range GeneratedWords {
		if i > 0 {
			out = append(out, '-')
		}
		// 2,048 divides 65,536, so every word is as likely as the others.
		out = append(out, list[binary.BigEndian.Uint16(random[2*i:])%wordCount]...)
	}
	return out, nil
}
