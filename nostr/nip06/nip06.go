// Package nip06 derives a private key from a recovery phrase: NIP-06, over
// BIP-39 (English words) and BIP-32. It only reads phrases, for people who keep
// one; new keys are random.
package nip06

import (
	"errors"
	"fmt"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"nsecbunker/internal/secret"
)

const (
	// MaxAccount is the greatest account: BIP-32 has 2^31 hardened children.
	MaxAccount = hardened - 1

	// MaxPhrase is the most bytes of a phrase as given, spaces included; 24 of the
	// longest words need 215.
	MaxPhrase = 1024

	// MaxPassphrase is the most bytes of a passphrase, before normalisation.
	MaxPassphrase = 1024
)

// Why no key was derived. A word is named by its place only.
var (
	ErrLength     = fmt.Errorf("nip06: the phrase is longer than %d bytes", MaxPhrase)
	ErrCount      = errors.New("nip06: a recovery phrase has 12, 15, 18, 21 or 24 words")
	ErrWord       = errors.New("is not in the English word list of BIP-39 (other languages are not supported); check its spelling")
	ErrChecksum   = errors.New("nip06: the phrase's checksum does not match: a word is wrong, or two changed places")
	ErrPassphrase = fmt.Errorf("nip06: the passphrase must be valid UTF-8 and at most %d bytes", MaxPassphrase)
	ErrAccount    = fmt.Errorf("nip06: the account must be at most %d", MaxAccount)
	ErrNoKey      = errors.New("nip06: this phrase has no key at that account (one in 2^127 has none); use another account")
)

// FromMnemonic returns the private key (32 bytes) that a phrase gives at the path
// m/44'/1237'/account'/0/0. words are 12 to 24 English words, letters of either
// case, with any white space between; passphrase is BIP-39's, normally empty. It
// changes neither; the caller wipes both and the result.
//
// Errors: ErrLength, ErrCount, ErrWord (wrapped, with the word's place),
// ErrChecksum, ErrPassphrase, ErrAccount, ErrNoKey.
func FromMnemonic(words, passphrase []byte, account uint32) (raw []byte, err error) {
	if account > MaxAccount {
		return nil, ErrAccount
	}
	phrase, err := parsePhrase(words)
	if err != nil {
		return nil, err
	}
	defer secret.Wipe(phrase)
	var seed [seedSize]byte
	defer secret.Wipe(seed[:])
	if err := makeSeed(&seed, phrase, passphrase); err != nil {
		return nil, err
	}

	var n node
	defer n.wipe()
	if err := n.master(seed[:]); err != nil {
		return nil, err
	}
	// NIP-06; 1237 is Nostr's number in SLIP-44.
	for _, index := range [...]uint32{44 | hardened, 1237 | hardened, account | hardened, 0, 0} {
		if err := n.child(index); err != nil {
			return nil, err
		}
	}
	raw = make([]byte, len(n.key))
	copy(raw, n.key[:])
	return raw, nil
}

const (
	seedSize     = 64
	seedRounds   = 2048
	saltPrefix   = "mnemonic"
	nfkdGrowth   = 11 // the most by which NFKD lengthens UTF-8 text (UAX #15, 9)
	blockCounter = 4
)

// makeSeed is BIP-39's "From mnemonic to seed": PBKDF2 with HMAC-SHA512, 2048
// rounds, 64 bytes; phrase is normalised already. As 64 bytes are one block of
// PBKDF2 (RFC 8018, 5.2), it is short enough to write out, over buffers that can
// be wiped; crypto/pbkdf2 takes the password as a string, which cannot.
func makeSeed(seed *[seedSize]byte, phrase, passphrase []byte) error {
	if len(passphrase) > MaxPassphrase || !utf8.Valid(passphrase) {
		return ErrPassphrase
	}
	salt := make([]byte, 0, len(saltPrefix)+nfkdGrowth*len(passphrase)+blockCounter)
	salt = append(salt, saltPrefix...)
	salt = norm.NFKD.Append(salt, passphrase...)
	salt = append(salt, 0, 0, 0, 1)
	defer secret.Wipe(salt)

	h := newHMAC(phrase, max(len(salt), seedSize))
	defer h.wipe()
	var u [seedSize]byte
	defer secret.Wipe(u[:])
	h.sum(&u, salt)
	*seed = u
	for range seedRounds - 1 {
		h.sum(&u, u[:])
		for i := range seed {
			seed[i] ^= u[i]
		}
	}
	return nil
}
