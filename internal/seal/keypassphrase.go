package seal

import (
	"crypto/sha256"
	"encoding/binary"

	"nsecbunker/internal/bunker"
)

// KeyPassphrase makes the 32-byte key of a user key's own passphrase, for the
// vault; the caller wipes it. The salt is made of the tenant and the key's id
// (80 random bits), which nobody else has, so nothing but the ciphertext need be
// stored; the cost is DefaultLogN for every such key of this format.
//
// A new passphrase must pass CheckPassphrase first.
func KeyPassphrase(kdf KDF, t bunker.TenantID, id bunker.KeyID, passphrase []byte) ([]byte, error) {
	return stretch(kdf, passphrase, keySalt(t, id), DefaultLogN)
}

func keySalt(t bunker.TenantID, id bunker.KeyID) []byte {
	var b []byte
	for _, s := range []string{"nsecbunker/own passphrase/1", string(t), string(id)} {
		b = binary.BigEndian.AppendUint32(b, uint32(len(s)))
		b = append(b, s...)
	}
	sum := sha256.Sum256(b)
	return sum[:]
}
