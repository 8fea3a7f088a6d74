package vault

import (
	"fmt"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr"
)

// SignEvent signs a template with a user key: exactly its fields, nothing added,
// after the floor let it pass. The signature was verified before it is returned.
//
// Errors: ErrNever (the floor; *bunker.Error), ErrLocked, ErrSealed,
// nostr.ErrSelfCheck.
func (v *Vault) SignEvent(f Floor, key bunker.KeyID, tmpl *nostr.Template) (*nostr.Event, error) {
	t, s, err := v.subject(f, key)
	if err != nil {
		return nil, err
	}
	if err := v.checkEvent(&f, s, tmpl); err != nil {
		return nil, err
	}
	var ev *nostr.Event
	err = t.withUser(key, s.pub, func(sk *nostr.SecretKey) error {
		ev = tmpl.Event(s.pub)
		return sk.Sign(ev)
	})
	if err != nil {
		return nil, fmt.Errorf("signing: %w", err)
	}
	return ev, nil
}

// subject is what the floor must know of the key that an operation is for.
type subject struct {
	pub                  nostr.PubKey
	npubLogin, adminHere bool
}

// subject looks the key up. What the caller read from the store and what the
// vault knows are joined: the stricter counts.
func (v *Vault) subject(f Floor, key bunker.KeyID) (*tenant, subject, error) {
	t, err := v.tenant(f.Tenant)
	if err != nil {
		return nil, subject{}, err
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	if t.closed() {
		return nil, subject{}, sealed()
	}
	u := t.users[key]
	if u == nil || u.sk == nil {
		return nil, subject{}, locked(key)
	}
	return t, subject{u.pub, u.npubLogin || f.NpubLogin, u.adminHere || f.AdminHere}, nil
}

// withUser calls f with the unlocked key and the tenant's lock held for reading:
// locking the key waits for f. f makes no calls to the outside.
func (t *tenant) withUser(key bunker.KeyID, pub nostr.PubKey, f func(*nostr.SecretKey) error) error {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if t.closed() {
		return sealed()
	}
	u := t.users[key]
	if u == nil || u.sk == nil || u.pub != pub {
		return locked(key)
	}
	return f(u.sk)
}

// AuthEvent makes the answer to a relay's AUTH challenge (NIP-42) by a signer or
// admin key. A user key never answers: with it the relay would show direct
// messages.
func (v *Vault) AuthEvent(id bunker.TenantID, signer nostr.PubKey, relayURL, challenge string, now time.Time) (*nostr.Event, error) {
	t, err := v.tenant(id)
	if err != nil {
		return nil, err
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	s, ok := t.services[signer]
	if !ok || s.role == bunker.RoleAudit {
		return nil, bunker.Errorf(bunker.CodeNotFound, "%s is no signer key of this bunker", signer).WithCause(ErrNotOurs)
	}
	return signed(s.SecretKey, kindAuth, nostr.Tags{{"relay", relayURL}, {"challenge", challenge}}, "", now)
}

// SignCheckpoint signs the digest of a checkpoint with the audit key (BIP-340).
// Errors: ErrSealed, ErrNotOurs (no audit key is loaded).
func (v *Vault) SignCheckpoint(id bunker.TenantID, digest [32]byte) (pub nostr.PubKey, sig nostr.Sig, err error) {
	t, err := v.tenant(id)
	if err != nil {
		return pub, sig, err
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	if t.root == nil {
		return pub, sig, sealed()
	}
	s, ok := t.services[t.audit]
	if !ok {
		return pub, sig, bunker.Errorf(bunker.CodeNotFound, "no audit key is loaded").WithCause(ErrNotOurs)
	}
	if sig, err = s.SignDigest(digest); err != nil {
		return pub, nostr.Sig{}, fmt.Errorf("signing a checkpoint: %w", err)
	}
	return t.audit, sig, nil
}
