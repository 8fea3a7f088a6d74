package vault

import (
	"bytes"
	"crypto/cipher"
	"errors"
	"fmt"
	"reflect"
	"testing"

	"golang.org/x/crypto/chacha20poly1305"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr"
)

func TestAWrappedSecretOpensAtItsPlaceOnly(t *testing.T) {
	key := bytes.Repeat([]byte{1}, 32)
	at := Place{Tenant: "t", Table: "user_key", Row: "k1", Purpose: "user key", Flags: []string{"no-export"}}
	secret := []byte("thirty-two bytes of a secret key")
	w := Wrap(key, at, secret)
	if len(w) != len(secret)+WrapOverhead || w[0] != 1 {
		t.Fatalf("%d bytes of format %d", len(w), w[0])
	}
	room := make([]byte, len(secret))
	got, err := Unwrap(key, at, w, room)
	must(t, err)
	if !bytes.Equal(got, secret) || &got[0] != &room[0] {
		t.Fatal("not opened into the room given")
	}
	other := func(change func(*Place)) Place {
		p := at
		change(&p)
		return p
	}
	for name, p := range map[string]Place{
		"tenant":     other(func(p *Place) { p.Tenant = "u" }),
		"table":      other(func(p *Place) { p.Table = "service_key" }),
		"row":        other(func(p *Place) { p.Row = "k2" }),
		"purpose":    other(func(p *Place) { p.Purpose = "user key, own passphrase" }),
		"no flag":    other(func(p *Place) { p.Flags = nil }),
		"more flags": other(func(p *Place) { p.Flags = []string{"no-export", "own-passphrase"} }),
		"moved text": other(func(p *Place) { p.Table, p.Row = "user_keyk", "1" }),
		"flag in purpose": {
			Tenant: "t", Table: "user_key", Row: "k1", Purpose: "user keyno-export",
		},
	} {
		if _, err := Unwrap(key, p, w, nil); err == nil {
			t.Errorf("%s: it opened", name)
		}
	}
	_, err = Unwrap(bytes.Repeat([]byte{2}, 32), at, w, nil)
	wantErr(t, err, ErrUnwrap)
}

func TestEveryChangedByteOfACiphertextIsFound(t *testing.T) {
	key, at := bytes.Repeat([]byte{1}, 32), Place{Row: "x"}
	w := Wrap(key, at, []byte("secret"))
	for i := range w {
		for bit := range 8 {
			bad := bytes.Clone(w)
			bad[i] ^= 1 << bit
			if _, err := Unwrap(key, at, bad, nil); err == nil {
				t.Fatalf("bit %d of byte %d is not looked at", bit, i)
			}
		}
	}
	for n := range w {
		if _, err := Unwrap(key, at, w[:n], nil); err == nil {
			t.Fatalf("the first %d bytes opened", n)
		}
	}
	if _, err := Unwrap(key, at, append(bytes.Clone(w), 0), nil); err == nil {
		t.Fatal("a byte more opened")
	}
}

func TestNoNonceComesTwice(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		w := Wrap(make([]byte, 32), Place{}, nil)
		seen[string(w[1:1+nonceSize])] = true
	}
	if len(seen) != 1000 {
		t.Fatalf("%d nonces", len(seen))
	}
}

// wipeAEAD knows how the library lays out its object. When this fails, the
// library changed: look at it, then change wipeAEAD.
func TestTheLibrarysCopyOfTheKeyIsWiped(t *testing.T) {
	var kept cipher.AEAD
	withAEAD(bytes.Repeat([]byte{0xee}, 32), func(a cipher.AEAD) {
		kept = a
		if !onlyBytes(reflect.ValueOf(a)) || reflect.TypeOf(a).Elem().Size() != 32 {
			t.Fatalf("the cipher is a %T of %d bytes", a, reflect.TypeOf(a).Elem().Size())
		}
	})
	if got := fmt.Sprintf("%x", reflect.ValueOf(kept).Elem().Field(0)); bytes.Contains([]byte(got), []byte("ee")) {
		t.Fatalf("what is left: %s", got)
	}
	// Anything of another form is left alone.
	for _, v := range []any{&struct{ P *int }{}, struct{ P *int }{}, new(int), &struct{ a, b [4]byte }{}} {
		if onlyBytes(reflect.ValueOf(v)) {
			t.Errorf("%T would be overwritten", v)
		}
	}
	if _, err := chacha20poly1305.NewX(make([]byte, 31)); err == nil {
		t.Error("a key of 31 bytes is taken")
	}
}

// opener is one stored ciphertext: how it is opened where it belongs, and with
// another ciphertext in its place.
type opener struct {
	name       string
	ciphertext []byte
	open       func(v *Vault, ciphertext []byte) error
}

// everyCiphertext stores one or two of everything that the vault wraps.
func everyCiphertext(t *testing.T, v *Vault) []opener {
	t.Helper()
	var all []opener
	pass := bytes.Repeat([]byte{3}, 32)
	user := func(name string, k bunker.UserKey, p []byte) {
		all = append(all, opener{name, k.Ciphertext, func(v *Vault, c []byte) error {
			k := k
			k.Ciphertext = c
			must(t, v.LockUserKey(self, k.ID))
			return v.UnlockUserKey(k, p)
		}})
	}
	user("user key", row(t, v), nil)
	user("another user key", row(t, v), nil)
	user("a key that may not be exported", row(t, v, noExport), nil)
	user("a key with a passphrase", rowWith(t, v, nil, pass), pass)
	user("another with the same passphrase", rowWith(t, v, nil, pass), pass)
	user("one with both", rowWith(t, v, nil, pass, noExport), pass)
	for _, role := range []bunker.ServiceRole{bunker.RoleSigner, bunker.RoleSigner, bunker.RoleAdmin, bunker.RoleAudit} {
		pub, c, err := v.NewServiceKey(self, role)
		must(t, err)
		all = append(all, opener{string(role), c, func(v *Vault, c []byte) error {
			must(t, v.UnloadServiceKey(self, pub))
			return v.LoadServiceKey(bunker.ServiceKey{Tenant: self, PubKey: pub, Role: role, Ciphertext: c})
		}})
	}
	for i := range 2 {
		id := nostr.ID{byte(i)}
		c, err := v.SealReply(self, id, bytes.Repeat([]byte{4}, 32))
		must(t, err)
		all = append(all, opener{"reply", c, func(v *Vault, c []byte) error {
			_, err := v.OpenSealedReply(self, id, c)
			return err
		}})
		question := bunker.ApprovalID(rune('a' + i))
		c, err = v.SealSummary(&bunker.Approval{Tenant: self, ID: question, OpDigest: [32]byte{5}}, bytes.Repeat([]byte{4}, 32))
		must(t, err)
		all = append(all, opener{"summary", c, func(v *Vault, c []byte) error {
			_, err := v.OpenSummary(&bunker.Approval{Tenant: self, ID: question, OpDigest: [32]byte{5}, Summary: c})
			return err
		}})
		kept := bunker.KeptVersion{Tenant: self, Key: "k", Address: bunker.Address{6}, Seq: int64(i), EventID: nostr.ID{7}}
		c, err = v.SealVersion(&kept, bytes.Repeat([]byte{4}, 32))
		must(t, err)
		all = append(all, opener{"version", c, func(v *Vault, c []byte) error {
			k := kept
			k.Sealed = c
			_, err := v.OpenVersion(&k)
			return err
		}})
	}
	return all
}

func TestEveryCiphertextSwappedWithEveryOtherIsRefused(t *testing.T) {
	v := newVault(t)
	all := everyCiphertext(t, v)
	swaps := 0
	for i, a := range all {
		if err := a.open(v, a.ciphertext); err != nil {
			t.Fatalf("%s does not open where it belongs: %v", a.name, err)
		}
		for j, b := range all {
			if i == j {
				continue
			}
			swaps++
			if err := a.open(v, b.ciphertext); err == nil {
				t.Errorf("%s opened with the ciphertext of %s (%d, %d)", a.name, b.name, i, j)
			}
		}
	}
	t.Logf("%d swaps of %d ciphertexts", swaps, len(all))
}

func TestEveryChangedByteOfEveryCiphertextIsRefused(t *testing.T) {
	v := newVault(t)
	for _, a := range everyCiphertext(t, v) {
		for i := range a.ciphertext {
			bad := bytes.Clone(a.ciphertext)
			bad[i] ^= 0x40
			if err := a.open(v, bad); err == nil {
				t.Fatalf("%s: byte %d is not looked at", a.name, i)
			}
		}
		for _, bad := range [][]byte{nil, {}, {1}, a.ciphertext[:len(a.ciphertext)-1], append(bytes.Clone(a.ciphertext), 0), make([]byte, 1000)} {
			if err := a.open(v, bad); err == nil {
				t.Fatalf("%s: %d bytes opened", a.name, len(bad))
			}
		}
	}
}

func TestASummaryIsBoundToItsQuestion(t *testing.T) {
	v := newVault(t)
	a := bunker.Approval{
		Tenant: self, ID: "a", EventID: nostr.ID{1}, OpDigest: [32]byte{2}, Connection: "c", Key: "k", Method: "sign_event", Kind: 1,
		Answers: "default", QuestionUntil: 9,
	}
	var err error
	a.Summary, err = v.SealSummary(&a, []byte("sign: hello"))
	must(t, err)
	got, err := v.OpenSummary(&a)
	must(t, err)
	if string(got) != "sign: hello" {
		t.Fatalf("got %q", got)
	}
	for what, edit := range map[string]func(*bunker.Approval){
		"id": func(a *bunker.Approval) { a.ID = "b" }, "digest": func(a *bunker.Approval) { a.OpDigest = [32]byte{3} },
		"connection": func(a *bunker.Approval) { a.Connection = "d" }, "key": func(a *bunker.Approval) { a.Key = "l" },
		"method": func(a *bunker.Approval) { a.Method = "nip44_decrypt" }, "kind": func(a *bunker.Approval) { a.Kind = 27235 },
		"answers": func(a *bunker.Approval) { a.Answers = "care" }, "once": func(a *bunker.Approval) { a.OnceOnly = true },
		"until": func(a *bunker.Approval) { a.QuestionUntil = 10 },
	} {
		b := a
		edit(&b)
		if _, err := v.OpenSummary(&b); !errors.Is(err, bunker.ErrTampered) {
			t.Errorf("with another %s: %v", what, err)
		}
	}
	b := a
	b.EventID = nostr.ID{9} // a newer request took the question over
	_, err = v.OpenSummary(&b)
	must(t, err)
}
