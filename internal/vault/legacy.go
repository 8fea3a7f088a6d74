package vault

import (
	"errors"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip04"
)

// The admin key's part in the first nsecBunker's admin protocol: messages between it
// and an admin's own key, in NIP-44 or, as that program wrote them, NIP-04. Neither
// protects what was said from who gets one of the two keys later; who may still speak
// so is a matter of the admin's row.

// OpenLegacy decrypts what an admin's key sent to the admin key, and says in which
// scheme it was. The event's signature was verified before: NIP-04 itself proves
// nothing. Errors: ErrNotOurs, ErrUnreadable.
func (v *Vault) OpenLegacy(id bunker.TenantID, admin, from nostr.PubKey, content string) (plaintext []byte, s Scheme, err error) {
	if s = schemeOf(content); s == NIP44 {
		plaintext, err = v.OpenAdmin(id, admin, from, content)
		return plaintext, s, err
	}
	err = v.withAdminOld(id, admin, from, func(_ *nostr.SecretKey, key *[keySize]byte) error {
		if plaintext, err = nip04.Decrypt(key, content); err != nil {
			return bunker.Errorf(bunker.CodeInvalid, "%s", err).WithCause(errors.Join(ErrUnreadable, err))
		}
		return nil
	})
	return plaintext, s, err
}

// CloseLegacy makes an event (kind 24134) to an admin's key, in the scheme that he
// speaks. Errors: ErrNotOurs, ErrTooLarge.
func (v *Vault) CloseLegacy(id bunker.TenantID, admin, to nostr.PubKey, s Scheme, plaintext []byte, now time.Time) (ev *nostr.Event, err error) {
	if s == NIP44 {
		return v.CloseAdmin(id, admin, to, kindAdmin, plaintext, now)
	}
	err = v.withAdminOld(id, admin, to, func(sk *nostr.SecretKey, key *[keySize]byte) error {
		content, err := nip04.Encrypt(key, plaintext)
		switch {
		case errors.Is(err, nip04.ErrTooLarge):
			return tooLarge(nip04.MaxPlaintext)
		case err != nil:
			return err
		}
		ev, err = adminEvent(sk, to, kindAdmin, content, now)
		return err
	})
	return ev, err
}

// withAdminOld is withAdmin for NIP-04.
func (v *Vault) withAdminOld(id bunker.TenantID, admin, peer nostr.PubKey, f func(sk *nostr.SecretKey, key *[keySize]byte) error) error {
	return v.withAdminKey(id, admin, peer, nip04.SharedKey, f)
}
