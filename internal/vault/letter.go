package vault

import (
	"errors"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/secret"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip17"
	"nsecbunker/nostr/nip59"
)

// Letter is a direct message to the notifier's key, and who wrote it: proved by a
// signature.
type Letter struct {
	ID   nostr.ID // of the message: of the rumor, or of the event of kind 4
	From nostr.PubKey
	Text string
}

// Letter makes a direct message from the notifier's key: NIP-17, or kind 4 for
// readers that know nothing else. at dates the message, so that it is the same
// one when it is sent again; now dates what is around it.
//
// Errors: ErrNotOurs, nostr.ErrPubKey, ErrTooLarge.
func (v *Vault) Letter(id bunker.TenantID, from, to nostr.PubKey, legacy bool, text string, at, now time.Time) (ev *nostr.Event, err error) {
	err = v.withNotifier(id, from, func(t *tenant, sk *nostr.SecretKey) error {
		if !legacy {
			ev, err = nip17.New(v.arena, sk, to, text, at, now)
			return err
		}
		content, err := v.encrypt(t, sk, to, NIP04, []byte(text))
		if err != nil {
			return err
		}
		ev, err = signed(sk, kindDM, nostr.Tags{{"p", to.String()}}, content, at)
		return err
	})
	return ev, err
}

// OpenLetter opens a gift wrap (kind 1059) or a message of kind 4 to the
// notifier's key. Both are verified here. What is neither, or no message, or in
// another's name, is an error: CodeInvalid with ErrUnreadable.
func (v *Vault) OpenLetter(id bunker.TenantID, to nostr.PubKey, ev *nostr.Event) (l Letter, err error) {
	err = v.withNotifier(id, to, func(t *tenant, sk *nostr.SecretKey) error {
		switch ev.Kind {
		case nip59.KindWrap:
			m, err := nip17.Open(sk, ev)
			l = Letter{m.ID, m.From, m.Text}
			return unreadable(err)
		case kindDM:
			if p, ok := recipient(ev); !ok || p != to {
				return unreadable(errors.New("it is to somebody else"))
			}
			if err := ev.Verify(); err != nil {
				return unreadable(err)
			}
			plain, _, err := v.decrypt(t, sk, ev.PubKey, NIP04, ev.Content)
			l = Letter{ev.ID, ev.PubKey, string(plain)}
			secret.Wipe(plain)
			return err
		}
		return unreadable(errors.New("it is no direct message"))
	})
	return l, err
}

func unreadable(err error) error {
	if err == nil {
		return nil
	}
	return bunker.Errorf(bunker.CodeInvalid, "a direct message cannot be read").WithCause(errors.Join(ErrUnreadable, err))
}

// LetterRelays signs the list of relays on which the notifier's key takes
// messages (kind 10050), without which apps that keep to NIP-17 do not answer.
func (v *Vault) LetterRelays(id bunker.TenantID, notifier nostr.PubKey, relays []string, now time.Time) (ev *nostr.Event, err error) {
	err = v.withNotifier(id, notifier, func(_ *tenant, sk *nostr.SecretKey) error {
		ev = nip17.RelayList(relays, now)
		return sk.Sign(ev)
	})
	return ev, err
}

func (v *Vault) withNotifier(id bunker.TenantID, pub nostr.PubKey, f func(*tenant, *nostr.SecretKey) error) error {
	t, err := v.tenant(id)
	if err != nil {
		return err
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	s, ok := t.services[pub]
	if !ok || s.role != bunker.RoleNotifier {
		return bunker.Errorf(bunker.CodeNotFound, "%s is not the key that this bunker's messages come from", pub).WithCause(ErrNotOurs)
	}
	return f(t, s.SecretKey)
}
