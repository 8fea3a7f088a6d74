package nip06

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	_ "embed"
	"fmt"
	"slices"
	"sync"

	"golang.org/x/text/unicode/norm"

	"nsecbunker/internal/secret"
)

// english is BIP-39's English word list, 2048 words in alphabetical order, from
// github.com/bitcoin/bips bip-0039/english.txt; a test knows its SHA-256.
//
//go:embed english.txt
var english []byte

// wordList is english, one word an item, split when a phrase is first read.
var wordList = sync.OnceValue(func() [][]byte { return bytes.Fields(english) })

const (
	bitsPerWord = 11
	maxWords    = 24
	maxWord     = 8 // bytes of the longest word
)

// parsePhrase checks number, spelling and checksum of the words (BIP-39,
// "Generating the mnemonic") and returns them in lower case with single spaces,
// which is what the seed is made of. It is not constant-time: somebody types a
// phrase once, on the machine itself.
func parsePhrase(words []byte) ([]byte, error) {
	if len(words) > MaxPhrase {
		return nil, ErrLength
	}
	// NFKD first: it turns wide letters and the spaces of other scripts into
	// plain ones. What is not English after it is in no list anyway.
	text := norm.NFKD.Append(make([]byte, 0, nfkdGrowth*len(words)), words...)
	defer secret.Wipe(text)
	for i, c := range text {
		if c >= 'A' && c <= 'Z' {
			text[i] = c + 'a' - 'A'
		}
	}
	given := bytes.Fields(text)
	if len(given) < 12 || len(given) > maxWords || len(given)%3 != 0 {
		return nil, ErrCount
	}

	var packed [maxWords * bitsPerWord / 8]byte // entropy, then checksum
	defer secret.Wipe(packed[:])
	list := wordList()
	phrase := make([]byte, 0, maxWords*(maxWord+1))
	for i, word := range given {
		index, found := slices.BinarySearchFunc(list, word, bytes.Compare)
		if !found {
			secret.Wipe(phrase)
			return nil, fmt.Errorf("nip06: word %d %w", i+1, ErrWord)
		}
		putBits(packed[:], i*bitsPerWord, index)
		if i > 0 {
			phrase = append(phrase, ' ')
		}
		phrase = append(phrase, word...)
	}
	if !checksumMatches(packed[:], len(given)) {
		secret.Wipe(phrase)
		return nil, ErrChecksum
	}
	return phrase, nil
}

// putBits writes the 11 bits of index, most significant first, at bit offset of
// dst.
func putBits(dst []byte, offset, index int) {
	for i := range bitsPerWord {
		bit := byte(index>>(bitsPerWord-1-i)) & 1
		at := offset + i
		dst[at/8] |= bit << (7 - at%8)
	}
}

// checksumMatches compares the last count/3 bits of packed with the first of the
// SHA-256 of the entropy before them.
func checksumMatches(packed []byte, count int) bool {
	entropy := packed[:count*4/3] // 32 bits for each three words
	sum := sha256.Sum256(entropy)
	defer secret.Wipe(sum[:])
	mask := byte(0xff) << (8 - count/3) // 4 to 8 bits: always within one byte
	return subtle.ConstantTimeByteEq(packed[len(entropy)]&mask, sum[0]&mask) == 1
}
