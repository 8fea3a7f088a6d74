package vault

import (
	"errors"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/secret"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip44"
)

// The admin key's part in the handshake of the relay door (security.md section
// 4). It opens the first message and signs the two that answer; from the proof on
// everything is between keys that live in memory for minutes, which the session
// holds. No conversation key of the admin key is kept: strangers make new keys for
// every hello, and would push those of apps out.

// adminKey lends the admin key. The caller holds the tenant's lock.
func (t *tenant) adminKey(pub nostr.PubKey) (*nostr.SecretKey, error) {
	if s, ok := t.services[pub]; ok && s.role == bunker.RoleAdmin {
		return s.SecretKey, nil
	}
	return nil, bunker.Errorf(bunker.CodeNotFound, "%s is no admin key of this bunker", pub).WithCause(ErrNotOurs)
}

// OpenAdmin decrypts (NIP-44) what a key sent to the admin key. Errors:
// ErrNotOurs, ErrUnreadable.
func (v *Vault) OpenAdmin(id bunker.TenantID, admin, from nostr.PubKey, content string) (plaintext []byte, err error) {
	err = v.withAdmin(id, admin, from, func(_ *nostr.SecretKey, key *[keySize]byte) error {
		if plaintext, _, err = nip44.Decrypt(key, content); err != nil {
			return bunker.Errorf(bunker.CodeInvalid, "%s", err).WithCause(errors.Join(ErrUnreadable, err))
		}
		return nil
	})
	return plaintext, err
}

// CloseAdmin makes the event by which the bunker answers a hello: encrypted and
// signed by the admin key.
func (v *Vault) CloseAdmin(id bunker.TenantID, admin, to nostr.PubKey, kind nostr.Kind, plaintext []byte, now time.Time) (ev *nostr.Event, err error) {
	err = v.withAdmin(id, admin, to, func(sk *nostr.SecretKey, key *[keySize]byte) error {
		content, err := nip44.Encrypt(key, plaintext)
		if err != nil {
			return err
		}
		ev, err = adminEvent(sk, to, kind, content, now)
		return err
	})
	return ev, err
}

// SignAdmin makes the event by which the bunker answers a proof: content was
// encrypted with the epoch key, so that the admin key opens nothing of it.
func (v *Vault) SignAdmin(id bunker.TenantID, admin, to nostr.PubKey, kind nostr.Kind, content string, now time.Time) (ev *nostr.Event, err error) {
	t, err := v.tenant(id)
	if err != nil {
		return nil, err
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	sk, err := t.adminKey(admin)
	if err != nil {
		return nil, err
	}
	return adminEvent(sk, to, kind, content, now)
}

// Announce makes the event by which a bunker tells whoever has its admin key that it runs:
// to the key itself, encrypted with it, so that nobody else learns anything. It is no
// message to anybody, so what is in it cannot be taken for one. kind is one of the two of
// messages to administrators.
func (v *Vault) Announce(id bunker.TenantID, admin nostr.PubKey, kind nostr.Kind, plaintext []byte, now time.Time) (ev *nostr.Event, err error) {
	if kind != kindAdmin && kind != kindEnvelope {
		return nil, errors.New("vault: an announcement is of a kind of messages to administrators")
	}
	err = v.withAdmin(id, admin, admin, func(sk *nostr.SecretKey, key *[keySize]byte) error {
		content, err := nip44.Encrypt(key, plaintext)
		if err != nil {
			return err
		}
		ev, err = signed(sk, kind, nostr.Tags{{"p", admin.String()}}, content, now)
		return err
	})
	return ev, err
}

// adminEvent signs nothing but the envelope of a message: one of two kinds, with
// one p tag, which is not the key's own.
func adminEvent(sk *nostr.SecretKey, to nostr.PubKey, kind nostr.Kind, content string, now time.Time) (*nostr.Event, error) {
	if kind != kindAdmin && kind != kindEnvelope || to == sk.PubKey() {
		return nil, errors.New("vault: the admin key signs messages to administrators only")
	}
	return signed(sk, kind, nostr.Tags{{"p", to.String()}}, content, now)
}

func (v *Vault) withAdmin(id bunker.TenantID, admin, peer nostr.PubKey, f func(sk *nostr.SecretKey, key *[keySize]byte) error) error {
	return v.withAdminKey(id, admin, peer, nip44.ConversationKey, f)
}

// withAdminKey lends the admin key and the key that derive makes of it and the peer's.
// No such key is kept.
func (v *Vault) withAdminKey(id bunker.TenantID, admin, peer nostr.PubKey, derive func(*nostr.SecretKey, nostr.PubKey, *[keySize]byte) error,
	f func(sk *nostr.SecretKey, key *[keySize]byte) error) error {
	t, err := v.tenant(id)
	if err != nil {
		return err
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	sk, err := t.adminKey(admin)
	if err != nil {
		return err
	}
	key := new([keySize]byte)
	defer secret.Wipe(key[:])
	if err := derive(sk, peer, key); err != nil {
		return bunker.Errorf(bunker.CodeInvalid, "%s is not a public key", peer).WithCause(err)
	}
	return f(sk, key)
}

// SealOp wraps the result of a change for the store: it can hold secrets. op
// names the change, 32 bytes. OpenOp opens it again. Errors: ErrSealed;
// bunker.ErrTampered.
func (v *Vault) SealOp(id bunker.TenantID, op [32]byte, result []byte) ([]byte, error) {
	return v.close(id, closeReplies, opPlace(id, op), result)
}

// OpenOp opens what SealOp made.
func (v *Vault) OpenOp(id bunker.TenantID, op [32]byte, wrapped []byte) ([]byte, error) {
	return v.open(id, closeReplies, opPlace(id, op), wrapped)
}

func opPlace(id bunker.TenantID, op [32]byte) Place {
	return Place{Tenant: string(id), Table: "admin_op", Row: nostr.ID(op).String(), Purpose: "result"}
}
