// Package nip49 encrypts and decrypts a private key with a password: ncryptsec,
// NIP-49. scrypt (or whatever runs it for us) makes a key of the password, and
// XChaCha20-Poly1305 closes the private key under it.
package nip49

import (
	"crypto/rand"
	"errors"
	"fmt"
	"unicode/utf8"

	"golang.org/x/crypto/chacha20poly1305"
	"golang.org/x/text/unicode/norm"

	"nsecbunker/internal/secret"
	"nsecbunker/nostr/nip19/bech32"
)

const (
	// HRP is the bech32 prefix of an encrypted private key.
	HRP = "ncryptsec"

	// MinLogN is the least LOG_N that Encrypt takes: the least that NIP-49 lists.
	// Decrypt takes any from 1, since that harms nobody further.
	MinLogN = 16

	// MaxLogN is the greatest LOG_N that both take. scrypt needs 128·8·2^LOG_N
	// bytes, so 20 is 1 GiB and about two seconds. NIP-49 also lists 21 and 22;
	// at 2 and 4 GiB the kernel would rather end a small server's bunker than let
	// it import one key. Clients write 16 to 18 unless told otherwise.
	MaxLogN = 20

	// DefaultLogN is a good choice for Encrypt: 256 MiB.
	DefaultLogN = 18

	// MaxPassword is the most bytes of a password, before normalisation.
	MaxPassword = 1024

	// Length is the number of characters of every ncryptsec.
	Length = len(HRP) + len("1") + (rawSize*8+4)/5 + bech32.ChecksumLength
)

// The key security byte says how the key was handled before it was encrypted.
const (
	Insecure  byte = 0x00 // was stored or pasted in clear
	Secure    byte = 0x01 // is not known to have been
	Untracked byte = 0x02 // the writer does not track this
)

const (
	version   = 0x02
	keySize   = 32
	saltSize  = 16
	nonceSize = chacha20poly1305.NonceSizeX
	rawSize   = 1 + 1 + saltSize + nonceSize + 1 + keySize + chacha20poly1305.Overhead // 91

	// nfkcGrowth is the most by which NFKC lengthens UTF-8 text (UAX #15, 9).
	nfkcGrowth = 11
)

// Why a key was not encrypted or decrypted. None says anything of the key or the
// password.
var (
	ErrFormat       = errors.New("nip49: not an ncryptsec; it begins with ncryptsec1 and is 162 characters long: copy it again")
	ErrVersion      = errors.New("nip49: this version of ncryptsec is not supported; only version 2 is")
	ErrLogN         = fmt.Errorf("nip49: LOG_N must be %d to %d to encrypt and at most %d (1 GiB of memory) to decrypt; encrypt the key again with less, in the app that made this", MinLogN, MaxLogN, MaxLogN)
	ErrSecurityByte = errors.New("nip49: the key security byte must be 0, 1 or 2")
	ErrKey          = errors.New("nip49: a private key is 32 bytes")
	ErrPassword     = fmt.Errorf("nip49: the password must be valid UTF-8 and at most %d bytes; to encrypt, it must not be empty", MaxPassword)
	ErrDecrypt      = errors.New("nip49: cannot be decrypted: wrong password, or a damaged ncryptsec")
)

// KDF makes the 32-byte key of an ncryptsec from a password that is already in
// NFKC, a salt of 16 bytes, and LOG_N (1 to MaxLogN, checked before): scrypt with
// N = 2^LOG_N, r = 8, p = 1. It must not keep what it is given; the caller wipes
// password and result.
type KDF func(password, salt []byte, logN uint8) ([]byte, error)

// Info is what an ncryptsec says in clear. Nothing of it is proven before
// Decrypt.
type Info struct {
	LogN         uint8
	SecurityByte byte
}

// Memory is the number of bytes that scrypt takes for LOG_N.
func (i Info) Memory() uint64 { return 128 * 8 << i.LogN }

// Inspect checks the form of an ncryptsec without a password.
//
// Errors: ErrFormat, ErrVersion, ErrLogN, ErrSecurityByte.
func Inspect(ncryptsec []byte) (Info, error) {
	p, err := parse(ncryptsec)
	if err != nil {
		return Info{}, err
	}
	return Info{LogN: p.logN, SecurityByte: p.ksb[0]}, nil
}

// Encrypt returns the ncryptsec of raw (32 bytes, a private key) under password
// (UTF-8, at most MaxPassword bytes, normalised here). logN is MinLogN to
// MaxLogN; ksb is Insecure, Secure or Untracked; kdf does the slow part. Neither
// raw nor password is changed.
//
// Errors: ErrKey, ErrPassword, ErrLogN, ErrSecurityByte, what kdf returns.
func Encrypt(raw, password []byte, logN uint8, ksb byte, kdf KDF) ([]byte, error) {
	switch {
	case len(raw) != keySize:
		return nil, ErrKey
	case len(password) == 0:
		return nil, ErrPassword
	case logN < MinLogN || logN > MaxLogN:
		return nil, ErrLogN
	case ksb > Untracked:
		return nil, ErrSecurityByte
	}
	var salt [saltSize]byte
	var nonce [nonceSize]byte
	rand.Read(salt[:]) // never fails: crypto/rand ends the process instead
	rand.Read(nonce[:])
	key, err := deriveKey(password, salt[:], logN, kdf)
	if err != nil {
		return nil, err
	}
	defer secret.Wipe(key)
	aead, err := chacha20poly1305.NewX(key)
	if err != nil {
		return nil, fmt.Errorf("nip49: closing the key: %w", err)
	}
	out := make([]byte, 0, rawSize)
	out = append(out, version, logN)
	out = append(out, salt[:]...)
	out = append(out, nonce[:]...)
	out = append(out, ksb)
	out = aead.Seal(out, nonce[:], raw, []byte{ksb})
	return bech32.Encode(HRP, out)
}

// Decrypt returns the private key of an ncryptsec, 32 bytes that the caller wipes
// and checks to be a valid scalar, and the key security byte. Form and LOG_N are
// checked before kdf runs. password is UTF-8 of at most MaxPassword bytes,
// normalised here; it is not changed.
//
// Errors: ErrFormat, ErrVersion, ErrLogN, ErrSecurityByte, ErrPassword, what kdf
// returns, ErrDecrypt.
func Decrypt(ncryptsec, password []byte, kdf KDF) (raw []byte, ksb byte, err error) {
	p, err := parse(ncryptsec)
	if err != nil {
		return nil, 0, err
	}
	key, err := deriveKey(password, p.salt, p.logN, kdf)
	if err != nil {
		return nil, 0, err
	}
	defer secret.Wipe(key)
	aead, err := chacha20poly1305.NewX(key)
	if err != nil {
		return nil, 0, fmt.Errorf("nip49: opening the key: %w", err)
	}
	raw, err = aead.Open(make([]byte, 0, keySize), p.nonce, p.ciphertext, p.ksb)
	if err != nil {
		return nil, 0, ErrDecrypt
	}
	return raw, p.ksb[0], nil
}

// parts are the fields of an ncryptsec, slices of one buffer.
type parts struct {
	logN       uint8
	salt       []byte
	nonce      []byte
	ksb        []byte // one byte: also the associated data
	ciphertext []byte
}

// parse checks everything that can be checked without a password.
func parse(ncryptsec []byte) (parts, error) {
	if len(ncryptsec) != Length {
		return parts{}, ErrFormat
	}
	hrp, data, err := bech32.Decode(ncryptsec)
	if err != nil {
		return parts{}, fmt.Errorf("%w (%w)", ErrFormat, err)
	}
	if hrp != HRP || len(data) != rawSize {
		return parts{}, ErrFormat
	}
	if data[0] != version {
		return parts{}, ErrVersion
	}
	p := parts{logN: data[1]}
	rest := data[2:]
	p.salt, rest = rest[:saltSize], rest[saltSize:]
	p.nonce, rest = rest[:nonceSize], rest[nonceSize:]
	p.ksb, p.ciphertext = rest[:1], rest[1:]
	if p.logN < 1 || p.logN > MaxLogN {
		return parts{}, ErrLogN
	}
	if p.ksb[0] > Untracked {
		return parts{}, ErrSecurityByte
	}
	return p, nil
}

// deriveKey normalises the password, runs kdf and checks what comes back.
func deriveKey(password, salt []byte, logN uint8, kdf KDF) ([]byte, error) {
	normal, err := normalise(password)
	if err != nil {
		return nil, err
	}
	defer secret.Wipe(normal)
	key, err := kdf(normal, salt, logN)
	if err != nil {
		return nil, fmt.Errorf("nip49: making a key of the password: %w", err)
	}
	if len(key) != chacha20poly1305.KeySize {
		secret.Wipe(key)
		return nil, fmt.Errorf("nip49: the KDF gave %d bytes in place of 32", len(key))
	}
	return key, nil
}

// normalise returns a copy of password in NFKC (NIP-49; UAX #15), so that the
// same characters typed on another keyboard open the same key. The buffer is
// made large enough beforehand: growing it would leave copies that nobody wipes.
func normalise(password []byte) ([]byte, error) {
	if len(password) > MaxPassword || !utf8.Valid(password) {
		return nil, ErrPassword
	}
	out := make([]byte, 0, nfkcGrowth*len(password))
	return norm.NFKC.Append(out, password...), nil
}
