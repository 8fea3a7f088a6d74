package vault

import (
	"errors"
	"fmt"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/secret"
	"nsecbunker/nostr"
)

// maxKeyCiphertext is the longest wrapped key in bytes: one wrapped twice.
const maxKeyCiphertext = 2*WrapOverhead + keySize

// userKey is what the vault knows of a user key that was unlocked once.
type userKey struct {
	sk        *nostr.SecretKey // nil: locked
	pub       nostr.PubKey
	npubLogin bool
	adminHere bool
}

// destroy wipes the key. The caller holds the tenant's lock for writing.
func (u *userKey) destroy() {
	if u.sk != nil {
		u.sk.Destroy()
		u.sk = nil
	}
}

// userPlace is where a user key's ciphertext belongs. What the row says of the
// pubkey, export and passphrase is a part of it, so changing the row opens nothing.
func userPlace(t bunker.TenantID, id bunker.KeyID, pub nostr.PubKey, noExport, ownPassphrase bool) Place {
	at := Place{Tenant: string(t), Table: "user_key", Row: string(id), Purpose: "user key", Flags: []string{pub.String()}}
	if noExport {
		at.Flags = append(at.Flags, "no-export")
	}
	if ownPassphrase {
		at.Flags = append(at.Flags, "own-passphrase")
	}
	return at
}

// innerPlace is that of the wrap inside, under the key's own passphrase.
func innerPlace(at Place) Place {
	at.Purpose = "user key, own passphrase"
	return at
}

// NewUserKey wraps a user key: raw (32 bytes, wiped), or a random one when raw is
// nil. passphraseKey is what the KDF made of the key's own passphrase (32 bytes,
// not changed), or nil. It is not loaded: store the row, then UnlockUserKey.
//
// Errors: ErrSealed; ErrHeld when the pubkey is a key of the bunker's own or a
// user key that was unlocked here; nostr.ErrSecretKey.
func (v *Vault) NewUserKey(id bunker.TenantID, key bunker.KeyID, noExport bool, raw, passphraseKey []byte) (pub nostr.PubKey, ciphertext []byte, err error) {
	defer secret.Wipe(raw)
	t, err := v.tenant(id)
	if err != nil {
		return pub, nil, err
	}
	var sk *nostr.SecretKey
	if raw == nil {
		sk, err = nostr.GenerateKey(v.arena)
	} else {
		sk, err = nostr.NewSecretKey(v.arena, raw)
	}
	if err != nil {
		return pub, nil, fmt.Errorf("taking a user key: %w", err)
	}
	defer sk.Destroy()
	pub = sk.PubKey()

	t.mu.RLock()
	defer t.mu.RUnlock()
	if err := v.freeForUser(t, key, pub); err != nil {
		return nostr.PubKey{}, nil, err
	}
	if t.root == nil {
		return nostr.PubKey{}, nil, sealed()
	}
	use := sk.Use(func(b []byte) {
		ciphertext, err = t.wrapUser(userPlace(id, key, pub, noExport, passphraseKey != nil), b, passphraseKey)
	})
	if err = errors.Join(use, err); err != nil {
		return nostr.PubKey{}, nil, fmt.Errorf("wrapping a user key: %w", err)
	}
	return pub, ciphertext, nil
}

// freeForUser refuses pubkeys that have another role, or another id, here.
func (v *Vault) freeForUser(t *tenant, key bunker.KeyID, pub nostr.PubKey) error {
	if v.isService(pub) {
		return held("this is one of the bunker's own keys; it can never be a user key")
	}
	if other, ok := t.pubs[pub]; ok && other != key {
		return held("this key is in the bunker already")
	}
	return nil
}

// wrapUser wraps raw under the root key, and before that under the key's own
// passphrase if it has one. The caller holds the tenant's lock.
func (t *tenant) wrapUser(at Place, raw, passphraseKey []byte) (ciphertext []byte, err error) {
	plaintext := raw
	if passphraseKey != nil {
		inner, err := passphraseSubkey(passphraseKey)
		if err != nil {
			return nil, err
		}
		defer secret.Wipe(inner)
		plaintext = Wrap(inner, innerPlace(at), raw)
	}
	err = t.root.with(wrapUser, func(k []byte) { ciphertext = Wrap(k, at, plaintext) })
	return ciphertext, err
}

func passphraseSubkey(passphraseKey []byte) ([]byte, error) {
	if len(passphraseKey) != keySize {
		return nil, fmt.Errorf("the key of a passphrase has %d bytes in place of %d", len(passphraseKey), keySize)
	}
	return DeriveKey(passphraseKey, "nsecbunker/vault/1", "own passphrase"), nil
}

// rawUser opens a stored user key into locked memory. The caller holds the
// tenant's lock. Errors: ErrSealed, ErrPassphrase, bunker.ErrTampered.
func (v *Vault) rawUser(t *tenant, k *bunker.UserKey, passphraseKey []byte) (*secret.Bytes, error) {
	if t.root == nil {
		return nil, sealed()
	}
	if k.OwnPassphrase && passphraseKey == nil {
		return nil, bunker.Errorf(bunker.CodeNeedsProof, "the key %s has a passphrase of its own; give it to unlock the key", k.Name).
			In("passphrase").WithCause(ErrPassphrase)
	}
	at := userPlace(k.Tenant, k.ID, k.PubKey, k.NoExport, k.OwnPassphrase)
	raw, err := v.unwrapRaw(t.root.sub[wrapUser], at, k.Ciphertext)
	if err != nil || !k.OwnPassphrase {
		return raw, err
	}
	defer raw.Destroy()
	inner, err := passphraseSubkey(passphraseKey)
	if err != nil {
		return nil, err
	}
	sub, err := v.arena.From(inner)
	if err != nil {
		return nil, err
	}
	defer sub.Destroy()
	var opened *secret.Bytes
	use := raw.Use(func(b []byte) { opened, err = v.unwrapRaw(sub, innerPlace(at), b) })
	if use != nil {
		return nil, use
	}
	if errors.Is(err, ErrUnwrap) {
		// The outer wrap opened, so nobody changed the row: the passphrase is wrong.
		return nil, bunker.Errorf(bunker.CodeNeedsProof, "the passphrase of the key %s is wrong", k.Name).
			In("passphrase").WithCause(ErrPassphrase)
	}
	return opened, err
}

// CheckPassphrase tells whether what the KDF made of a passphrase (32 bytes, not changed)
// opens a stored user key that has one of its own: nil, or the error. Nothing is loaded.
//
// Errors: ErrSealed, ErrPassphrase, bunker.ErrTampered, the arena's.
func (v *Vault) CheckPassphrase(k bunker.UserKey, passphraseKey []byte) error {
	t, err := v.tenant(k.Tenant)
	if err != nil {
		return err
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	raw, err := v.rawUser(t, &k, passphraseKey)
	if err != nil {
		return err
	}
	raw.Destroy()
	return nil
}

// UnlockUserKey takes a stored user key into memory; its ciphertext opens for its
// pubkey only. At its first use it is prepared for signing, and its pubkey is
// computed and compared. If it is there already, only the flags are taken over and
// passphraseKey is not looked at.
//
// Errors: ErrSealed, ErrPassphrase, ErrHeld, bunker.ErrTampered, the arena's.
func (v *Vault) UnlockUserKey(k bunker.UserKey, passphraseKey []byte) error {
	t, err := v.tenant(k.Tenant)
	if err != nil {
		return err
	}
	if k.State != bunker.KeyActive {
		return bunker.Errorf(bunker.CodeConflict, "the key %s is being deleted; bring it back before unlocking it", k.Name)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	u := t.users[k.ID]
	if u != nil && u.sk != nil && u.pub == k.PubKey {
		u.npubLogin, u.adminHere = k.NpubLogin, k.AdminHere
		return nil
	}
	if u != nil && u.pub != k.PubKey {
		return fmt.Errorf("the pubkey of the key %s changed: %w", k.ID, bunker.ErrTampered)
	}
	if err := v.freeForUser(t, k.ID, k.PubKey); err != nil {
		return err
	}
	raw, err := v.rawUser(t, &k, passphraseKey)
	if err != nil {
		return fmt.Errorf("unlocking the key %s: %w", k.ID, err)
	}
	defer raw.Destroy()
	sk, err := v.secretKey(raw, k.PubKey)
	if err != nil {
		return fmt.Errorf("unlocking the key %s: %w", k.ID, err)
	}
	t.users[k.ID] = &userKey{sk: sk, pub: k.PubKey, npubLogin: k.NpubLogin, adminHere: k.AdminHere}
	t.pubs[k.PubKey] = k.ID
	return nil
}

// UpdateUserKey takes over the flags of a key that the vault knows (npub login,
// admin here), after they were changed in the store.
func (v *Vault) UpdateUserKey(k bunker.UserKey) error {
	t, err := v.tenant(k.Tenant)
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if u := t.users[k.ID]; u != nil && u.pub == k.PubKey {
		u.npubLogin, u.adminHere = k.NpubLogin, k.AdminHere
	}
	return nil
}

// LockUserKey waits for what the key is doing, then wipes it and its
// conversation keys. When it returned, nothing is done with the key until it is
// unlocked again. (An export under way keeps its copy until it is done.)
func (v *Vault) LockUserKey(id bunker.TenantID, key bunker.KeyID) error {
	t, err := v.tenant(id)
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if u := t.users[key]; u != nil {
		u.destroy()
		v.talks.drop(t.no, &u.pub)
	}
	return nil
}

// LockAll locks every user key of the tenant, as LockUserKey does: for "stop
// everything".
func (v *Vault) LockAll(id bunker.TenantID) error {
	t, err := v.tenant(id)
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, u := range t.users {
		u.destroy()
		v.talks.drop(t.no, &u.pub)
	}
	return nil
}

// ForgetUserKey is LockUserKey for a key that is deleted for good: its pubkey is
// free again.
func (v *Vault) ForgetUserKey(id bunker.TenantID, key bunker.KeyID) error {
	if err := v.LockUserKey(id, key); err != nil {
		return err
	}
	t, err := v.tenant(id)
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if u := t.users[key]; u != nil && u.sk == nil {
		delete(t.pubs, u.pub)
		delete(t.users, key)
	}
	return nil
}

// Unlocked reports whether the key is in memory.
func (v *Vault) Unlocked(id bunker.TenantID, key bunker.KeyID) bool {
	t, err := v.tenant(id)
	if err != nil {
		return false
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	u := t.users[key]
	return u != nil && u.sk != nil
}

// RewrapUserKey wraps a stored key anew with another passphrase of its own (nil:
// none any more) and returns the row with Ciphertext, OwnPassphrase and NoExport
// set to fit; store it as it is. oldKey and newKey are what the KDF made of the
// passphrases. noExport can be set, never taken back.
//
// Errors: ErrSealed, ErrPassphrase, ErrNoExport, bunker.ErrTampered.
func (v *Vault) RewrapUserKey(k bunker.UserKey, oldKey, newKey []byte, noExport bool) (bunker.UserKey, error) {
	if k.NoExport && !noExport {
		return k, bunker.Errorf(bunker.CodeBlocked, "the key %s may never be exported; that cannot be taken back", k.Name).WithCause(ErrNoExport)
	}
	t, err := v.tenant(k.Tenant)
	if err != nil {
		return k, err
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	raw, err := v.rawUser(t, &k, oldKey)
	if err != nil {
		return k, fmt.Errorf("wrapping the key %s anew: %w", k.ID, err)
	}
	defer raw.Destroy()
	next := k
	next.NoExport, next.OwnPassphrase = noExport, newKey != nil
	at := userPlace(k.Tenant, k.ID, k.PubKey, next.NoExport, next.OwnPassphrase)
	use := raw.Use(func(b []byte) { next.Ciphertext, err = t.wrapUser(at, b, newKey) })
	if err = errors.Join(use, err); err != nil {
		return k, fmt.Errorf("wrapping the key %s anew: %w", k.ID, err)
	}
	return next, nil
}

// ExportUserKey lends the 32 bytes of a user key to f, which makes an ncryptsec
// of them or the like; they are wiped when f returns. The key need not be
// unlocked. It is for an owner's command, freshly proven and audited.
//
// Errors: ErrNoExport, ErrSealed, ErrPassphrase, bunker.ErrTampered, f's.
func (v *Vault) ExportUserKey(k bunker.UserKey, passphraseKey []byte, f func(raw []byte) error) error {
	if k.NoExport {
		return bunker.Errorf(bunker.CodeBlocked, "the key %s may never be exported; it was made so, for ever", k.Name).WithCause(ErrNoExport)
	}
	t, err := v.tenant(k.Tenant)
	if err != nil {
		return err
	}
	raw, err := v.exported(t, &k, passphraseKey)
	if err != nil {
		return fmt.Errorf("exporting the key %s: %w", k.ID, err)
	}
	defer raw.Destroy()
	var inner error
	// f is slow (a KDF), so the tenant's lock is not held.
	if err := raw.Use(func(b []byte) { inner = f(b) }); err != nil {
		return err
	}
	return inner
}

// exported opens the key and checks that it is the one of its pubkey.
func (v *Vault) exported(t *tenant, k *bunker.UserKey, passphraseKey []byte) (*secret.Bytes, error) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	raw, err := v.rawUser(t, k, passphraseKey)
	if err != nil {
		return nil, err
	}
	sk, err := v.checkedCopy(raw, k.PubKey)
	if err != nil {
		raw.Destroy()
		return nil, err
	}
	sk.Destroy()
	return raw, nil
}

func (v *Vault) checkedCopy(raw *secret.Bytes, pub nostr.PubKey) (*nostr.SecretKey, error) {
	scratch, err := v.arena.New(raw.Len())
	if err != nil {
		return nil, err
	}
	defer scratch.Destroy()
	use := raw.Use(func(from []byte) {
		_ = scratch.Use(func(to []byte) { copy(to, from) }) // ours alone: it cannot be gone
	})
	if use != nil {
		return nil, use
	}
	sk, err := v.secretKey(scratch, pub)
	if err != nil {
		return nil, err
	}
	if err := sk.Prepare(); err != nil {
		sk.Destroy()
		return nil, fmt.Errorf("the wrapped key is another's: %w (%w)", bunker.ErrTampered, err)
	}
	return sk, nil
}
