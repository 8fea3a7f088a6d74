package vault

import (
	"fmt"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/secret"
	"nsecbunker/nostr"
)

// serviceKey is a key of the bunker's own, in memory. The zero value is none.
type serviceKey struct {
	*nostr.SecretKey
	role bunker.ServiceRole
}

// serviceWrap says which subkey wraps service keys of a role, and where such a
// ciphertext belongs.
func (t *tenant) serviceWrap(role bunker.ServiceRole, pub nostr.PubKey) (*secret.Bytes, Place, error) {
	at := Place{Tenant: string(t.id), Table: "service_key", Row: pub.String(), Purpose: "service key " + string(role)}
	switch role {
	case bunker.RoleSigner, bunker.RoleAdmin, bunker.RoleNotifier:
		if t.service == nil {
			return nil, at, unknownTenant(t.id)
		}
		return t.service.sub[wrapService], at, nil
	case bunker.RoleAudit:
		if t.root == nil {
			return nil, at, sealed()
		}
		return t.root.sub[wrapAudit], at, nil
	}
	return nil, at, fmt.Errorf("a service key of role %q is not known here", role)
}

// NewServiceKey makes a random key of the bunker's own: signer, admin and notifier keys
// under the service key, the audit key under the root key. It is not loaded:
// store the row, then LoadServiceKey.
func (v *Vault) NewServiceKey(id bunker.TenantID, role bunker.ServiceRole) (pub nostr.PubKey, ciphertext []byte, err error) {
	t, err := v.tenant(id)
	if err != nil {
		return pub, nil, err
	}
	sk, err := nostr.GenerateKey(v.arena)
	if err != nil {
		return pub, nil, fmt.Errorf("making a %s key: %w", role, err)
	}
	defer sk.Destroy()
	t.mu.RLock()
	defer t.mu.RUnlock()
	key, at, err := t.serviceWrap(role, sk.PubKey())
	if err != nil {
		return pub, nil, err
	}
	ciphertext, err = wrapSecretKey(key, at, sk)
	if err != nil {
		return pub, nil, fmt.Errorf("wrapping a %s key: %w", role, err)
	}
	return sk.PubKey(), ciphertext, nil
}

// LoadServiceKey takes a stored key of the bunker's own into memory. Loading it
// again does no harm. Errors: ErrSealed (audit key), ErrHeld, bunker.ErrTampered.
func (v *Vault) LoadServiceKey(k bunker.ServiceKey) error {
	t, err := v.tenant(k.Tenant)
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if s, ok := t.services[k.PubKey]; ok {
		if s.role != k.Role {
			return held("the bunker's own keys cannot have two roles: " + k.PubKey.String())
		}
		return nil
	}
	if _, ok := t.pubs[k.PubKey]; ok {
		return held("the pubkey " + k.PubKey.String() + " is a user key here and cannot be one of the bunker's own keys")
	}
	if k.Role == bunker.RoleAudit && t.audit != (nostr.PubKey{}) {
		return held("an audit key is loaded already")
	}
	key, at, err := t.serviceWrap(k.Role, k.PubKey)
	if err != nil {
		return err
	}
	sk, err := v.unwrapSecretKey(key, at, k.Ciphertext, k.PubKey)
	if err != nil {
		return fmt.Errorf("loading the %s key %s: %w", k.Role, k.PubKey, err)
	}
	if !v.rememberService(k.PubKey) {
		sk.Destroy()
		return held("the key " + k.PubKey.String() + " belongs to another bunker")
	}
	t.services[k.PubKey] = serviceKey{sk, k.Role}
	if k.Role == bunker.RoleAudit {
		t.audit = k.PubKey
	}
	return nil
}

// UnloadServiceKey wipes a key of the bunker's own, after waiting for those who
// use it: for a connection or token that is gone. It is no error if it is not
// loaded.
func (v *Vault) UnloadServiceKey(id bunker.TenantID, pub nostr.PubKey) error {
	t, err := v.tenant(id)
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	s, ok := t.services[pub]
	if !ok {
		return nil
	}
	s.Destroy()
	delete(t.services, pub)
	if t.audit == pub {
		t.audit = nostr.PubKey{}
	}
	v.forgetService(pub)
	v.talks.drop(t.no, &pub)
	return nil
}

func (v *Vault) rememberService(pub nostr.PubKey) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if _, ok := v.services[pub]; ok {
		return false
	}
	v.services[pub] = struct{}{}
	return true
}

func (v *Vault) forgetService(pub nostr.PubKey) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.services, pub)
}

func (v *Vault) isService(pub nostr.PubKey) bool {
	v.mu.RLock()
	defer v.mu.RUnlock()
	_, ok := v.services[pub]
	return ok
}

// wrapSecretKey wraps the 32 bytes of sk.
func wrapSecretKey(key *secret.Bytes, at Place, sk *nostr.SecretKey) (ciphertext []byte, err error) {
	useErr := sk.Use(func(raw []byte) {
		err = key.Use(func(k []byte) { ciphertext = Wrap(k, at, raw) })
	})
	if useErr != nil {
		return nil, useErr
	}
	return ciphertext, err
}

// unwrapSecretKey opens a wrapped key and checks that it is the one of pub.
func (v *Vault) unwrapSecretKey(key *secret.Bytes, at Place, ciphertext []byte, pub nostr.PubKey) (*nostr.SecretKey, error) {
	raw, err := v.unwrapRaw(key, at, ciphertext)
	if err != nil {
		return nil, err
	}
	defer raw.Destroy()
	return v.secretKey(raw, pub)
}

// unwrapRaw opens a wrapped secret straight into locked memory.
func (v *Vault) unwrapRaw(key *secret.Bytes, at Place, ciphertext []byte) (*secret.Bytes, error) {
	if len(ciphertext) <= WrapOverhead || len(ciphertext) > maxKeyCiphertext {
		return nil, fmt.Errorf("%w (%w)", bunker.ErrTampered, ErrFormat)
	}
	room, err := v.arena.New(len(ciphertext) - WrapOverhead)
	if err != nil {
		return nil, err
	}
	use := key.Use(func(k []byte) {
		_ = room.Use(func(b []byte) { _, err = Unwrap(k, at, ciphertext, b) }) // ours alone: it cannot be gone
	})
	if use != nil {
		err = use
	} else if err != nil {
		err = fmt.Errorf("%w (%w)", bunker.ErrTampered, err)
	}
	if err != nil {
		room.Destroy()
		return nil, err
	}
	return room, nil
}

// secretKey keeps the key whose 32 bytes are in raw, which are wiped. Its wrap is
// bound to pub; that it is the key of pub is computed at its first use.
func (v *Vault) secretKey(raw *secret.Bytes, pub nostr.PubKey) (sk *nostr.SecretKey, err error) {
	if use := raw.Use(func(b []byte) { sk, err = nostr.KnownSecretKey(v.arena, b, pub) }); use != nil {
		return nil, use
	}
	return sk, err
}
