package vault

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr"
)

// notifier loads a key that messages come from.
func notifier(t *testing.T, v *Vault) nostr.PubKey {
	t.Helper()
	pub, wrapped, err := v.NewServiceKey(self, bunker.RoleNotifier)
	if err == nil {
		err = v.LoadServiceKey(bunker.ServiceKey{Tenant: self, PubKey: pub, Role: bunker.RoleNotifier, Ciphertext: wrapped})
	}
	if err != nil {
		t.Fatal(err)
	}
	return pub
}

func TestLettersAreReadByWhomTheyAreTo(t *testing.T) {
	v := newVault(t)
	from, to := notifier(t, v), notifier(t, v)
	at := time.Unix(1_800_000_000, 0)
	for _, legacy := range []bool{false, true} {
		ev, err := v.Letter(self, from, to, legacy, "hello", at, at)
		if err != nil {
			t.Fatal(err)
		}
		l, err := v.OpenLetter(self, to, ev)
		if err != nil || l.From != from || l.Text != "hello" {
			t.Errorf("legacy %t: %+v, %v", legacy, l, err)
		}
		if _, err := v.OpenLetter(self, from, ev); !errors.Is(err, ErrUnreadable) {
			t.Errorf("legacy %t, by its writer: %v", legacy, err)
		}
		bad := *ev
		bad.Sig[9] ^= 1
		if _, err := v.OpenLetter(self, to, &bad); !errors.Is(err, ErrUnreadable) {
			t.Errorf("legacy %t, with a bad signature: %v", legacy, err)
		}
	}
	// Also while sealed: an alarm has to go out.
	if v.Unsealed(self) {
		if err := v.Seal(self); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := v.Letter(self, from, to, false, "sealed", at, at); err != nil {
		t.Errorf("while sealed: %v", err)
	}
}

// TestOnlyTheNotifiersKeyWritesLetters: neither a signer key nor the admin key
// does, and the notifier's key opens and closes no envelope.
func TestOnlyTheNotifiersKeyWritesLetters(t *testing.T) {
	v := newVault(t)
	me := notifier(t, v)
	at := time.Unix(1_800_000_000, 0)
	for _, role := range []bunker.ServiceRole{bunker.RoleSigner, bunker.RoleAdmin} {
		pub, wrapped, err := v.NewServiceKey(self, role)
		if err == nil {
			err = v.LoadServiceKey(bunker.ServiceKey{Tenant: self, PubKey: pub, Role: role, Ciphertext: wrapped})
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err := v.Letter(self, pub, me, false, "x", at, at); !errors.Is(err, ErrNotOurs) {
			t.Errorf("the %s key wrote a letter: %v", role, err)
		}
		// The same ciphertext is no notifier's key.
		if err := v.UnloadServiceKey(self, pub); err != nil {
			t.Fatal(err)
		}
		err = v.LoadServiceKey(bunker.ServiceKey{Tenant: self, PubKey: pub, Role: bunker.RoleNotifier, Ciphertext: wrapped})
		if !errors.Is(err, bunker.ErrTampered) {
			t.Errorf("the %s key was loaded as the notifier's: %v", role, err)
		}
	}
	if _, err := v.CloseReply(self, me, me, NIP44, false, []byte("{}"), at); !errors.Is(err, ErrNotOurs) {
		t.Errorf("the notifier's key closed an envelope: %v", err)
	}
}

func TestAChannelsSecretOpensInItsPlaceOnly(t *testing.T) {
	v := newVault(t)
	w, err := v.CloseChannel(self, "ops", []byte("password"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := v.OpenChannel(self, "ops", w); err != nil || !bytes.Equal(got, []byte("password")) {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := v.OpenChannel(self, "other", w); !errors.Is(err, bunker.ErrTampered) {
		t.Errorf("in another channel: %v", err)
	}
	w[len(w)-1] ^= 1
	if _, err := v.OpenChannel(self, "ops", w); !errors.Is(err, bunker.ErrTampered) {
		t.Errorf("changed: %v", err)
	}
}

// TestAnAnswerCodeIsOfItsQuestionAndPerson: each part of what it is bound to makes
// another code, and while sealed there is none.
func TestAnAnswerCodeIsOfItsQuestionAndPerson(t *testing.T) {
	v := newVault(t)
	if !v.Unsealed(self) {
		if err := v.NewRootKey(self); err != nil {
			t.Fatal(err)
		}
	}
	q := bunker.Approval{ID: "q1", OpDigest: [32]byte{1}}
	other, digest := q, q
	other.ID, digest.OpDigest = "q2", [32]byte{2}
	seen := map[[AnswerCodeSize]byte]bool{}
	for _, c := range []struct {
		n bunker.NoticeID
		q *bunker.Approval
		p [32]byte
	}{{"n1", &q, [32]byte{7}}, {"n2", &q, [32]byte{7}}, {"n1", &other, [32]byte{7}}, {"n1", &digest, [32]byte{7}}, {"n1", &q, [32]byte{8}}} {
		code, err := v.AnswerCode(self, c.n, c.q, c.p)
		if err != nil || seen[code] {
			t.Errorf("%+v: %x, %v", c, code, err)
		}
		seen[code] = true
	}
	if err := v.Seal(self); err != nil {
		t.Fatal(err)
	}
	if _, err := v.AnswerCode(self, "n1", &q, [32]byte{7}); bunker.AsError(err).Code != bunker.CodeSealed {
		t.Errorf("while sealed: %v", err)
	}
}
