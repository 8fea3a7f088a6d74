package nip49

import (
	"golang.org/x/crypto/chacha20poly1305"
	"golang.org/x/crypto/scrypt"
)

// Scrypt is the KDF of NIP-49, in this process. It takes 128·8·2^logN bytes,
// which go back to the system only when the garbage collector pleases and hold
// traces of the password until then: where that matters, run it in a child
// process that exits.
//
// Errors: ErrLogN for a logN outside 1 to MaxLogN.
func Scrypt(password, salt []byte, logN uint8) ([]byte, error) {
	if logN < 1 || logN > MaxLogN {
		return nil, ErrLogN
	}
	return scrypt.Key(password, salt, 1<<logN, 8, 1, chacha20poly1305.KeySize)
}
