package seal

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/secret"
	"nsecbunker/internal/vault"
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

// OpenKeyPassphrase is KeyPassphrase for a key that has such a passphrase: fits tells
// whether what came of it opens the key (vault.CheckPassphrase). A wrong one is counted
// as those of slots are, for each key by itself: security.md section 1 limits every
// passphrase that scrypt works on.
//
// Errors: CodeRateLimited, what fits returns; the store's, in which case nothing was
// tried.
func (s *Slots) OpenKeyPassphrase(ctx context.Context, k *bunker.UserKey, passphrase []byte, fits func(key []byte) error) ([]byte, error) {
	if s.cfg.KeyAttempts == nil {
		return nil, errors.New("seal: nobody counts the tries of a key's own passphrase")
	}
	right, unmade, err := s.try(ctx, s.cfg.KeyAttempts(k.ID))
	if err != nil {
		return nil, err
	}
	key, err := KeyPassphrase(s.cfg.KDF, k.Tenant, k.ID, passphrase)
	if err == nil {
		err = fits(key)
	}
	switch {
	case err == nil:
		err = right()
	case !errors.Is(err, vault.ErrPassphrase): // nothing was found out about the passphrase
		err = errors.Join(err, unmade())
	}
	if err != nil {
		secret.Wipe(key)
		return nil, err
	}
	return key, nil
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
