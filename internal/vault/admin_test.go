package vault

import (
	"testing"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr"
)

// TestTheAdminKeySpeaksToAdminsAndSignsNothingElse: envelopes with one p tag of the
// two kinds; while sealed, too.
func TestTheAdminKeySpeaksToAdminsAndSignsNothingElse(t *testing.T) {
	for _, v := range []*Vault{newVault(t), sealedVault(t)} {
		b, page := service(t, v, bunker.RoleAdmin), stranger(t, v)
		hello, _ := closed(t, page, b.PubKey, "hello")
		plain, err := v.OpenAdmin(self, b.PubKey, page.PubKey(), hello)
		must(t, err)
		if string(plain) != "hello" {
			t.Fatalf("read %q", plain)
		}
		ev, err := v.CloseAdmin(self, b.PubKey, page.PubKey(), kindAdmin, []byte("challenge"), testNow)
		must(t, err)
		must(t, ev.Verify())
		if text, _ := reading(t, page, ev, NIP44); text != "challenge" || ev.PubKey != b.PubKey || len(ev.Tags) != 1 || ev.Tags[0][1] != page.PubKey().String() {
			t.Fatalf("got %+v", ev)
		}
		ev, err = v.SignAdmin(self, b.PubKey, page.PubKey(), kindEnvelope, "what another key encrypted", testNow)
		must(t, err)
		must(t, ev.Verify())
		for _, kind := range []nostr.Kind{0, 1, kindDM, kindAuth, kindHTTP} {
			if _, err := v.SignAdmin(self, b.PubKey, page.PubKey(), kind, "x", testNow); err == nil {
				t.Errorf("it signed kind %d", kind)
			}
			if _, err := v.CloseAdmin(self, b.PubKey, page.PubKey(), kind, []byte("x"), testNow); err == nil {
				t.Errorf("it closed kind %d", kind)
			}
		}
		if _, err := v.SignAdmin(self, b.PubKey, b.PubKey, kindAdmin, "x", testNow); err == nil {
			t.Error("it wrote to itself")
		}
		// No other key of the bunker is one.
		signer := service(t, v, bunker.RoleSigner)
		_, err = v.OpenAdmin(self, signer.PubKey, page.PubKey(), hello)
		wantErr(t, err, ErrNotOurs)
		_, err = v.SignAdmin(self, signer.PubKey, page.PubKey(), kindAdmin, "x", testNow)
		wantErr(t, err, ErrNotOurs)
		_, err = v.OpenAdmin(self, b.PubKey, page.PubKey(), "garbage")
		wantErr(t, err, ErrUnreadable)
	}
}

// TestAnAnnouncementIsToTheAdminKeyItselfAndItsMACNeedsTheRootKey: whoever has the admin key
// and not the root key can make none that a bunker believes.
func TestAnAnnouncementIsToTheAdminKeyItselfAndItsMACNeedsTheRootKey(t *testing.T) {
	v := newVault(t)
	b := service(t, v, bunker.RoleAdmin)
	for _, kind := range []nostr.Kind{kindAdmin, kindEnvelope} {
		ev, err := v.Announce(self, b.PubKey, kind, []byte("life"), testNow)
		must(t, err)
		must(t, ev.Verify())
		plain, err := v.OpenAdmin(self, b.PubKey, ev.PubKey, ev.Content)
		must(t, err)
		if string(plain) != "life" || ev.Kind != kind || ev.PubKey != b.PubKey || len(ev.Tags) != 1 || ev.Tags[0][1] != b.PubKey.String() {
			t.Fatalf("got %q in %+v", plain, ev)
		}
	}
	if _, err := v.Announce(self, b.PubKey, 1, []byte("life"), testNow); err == nil {
		t.Error("it signed kind 1")
	}
	a := bunker.Announcing{Tenant: self, Said: "s", Life: 3, Incarnation: "i", Instance: "x", At: 5}
	mac, err := v.Tag(&a)
	must(t, err)
	for what, change := range map[string]func(*bunker.Announcing){
		"the bunker": func(a *bunker.Announcing) { a.Tenant = "other" }, "its name": func(a *bunker.Announcing) { a.Said = "t" },
		"the life": func(a *bunker.Announcing) { a.Life++ }, "the incarnation": func(a *bunker.Announcing) { a.Incarnation = "j" },
		"the instance": func(a *bunker.Announcing) { a.Instance = "y" }, "the time": func(a *bunker.Announcing) { a.At++ },
	} {
		changed := a
		change(&changed)
		if err := v.Verify(&changed, mac[:]); err == nil {
			t.Errorf("%s was changed, and the MAC is right", what)
		}
	}
	must(t, v.Verify(&a, mac[:]))
	must(t, v.Seal(self))
	_, err = v.Tag(&a)
	wantErr(t, err, ErrSealed)
	wantErr(t, v.Verify(&a, mac[:]), ErrSealed)
}

// TestStrangersAtTheAdminKeyPushOutNoConversationOfApps: a hello is a new key each
// time.
func TestStrangersAtTheAdminKeyPushOutNoConversationOfApps(t *testing.T) {
	v := newVault(t)
	b, page := service(t, v, bunker.RoleAdmin), stranger(t, v)
	hello, _ := closed(t, page, b.PubKey, "hello")
	before := len(v.talks.index)
	_, err := v.OpenAdmin(self, b.PubKey, page.PubKey(), hello)
	must(t, err)
	if len(v.talks.index) != before {
		t.Error("the conversation key was kept")
	}
}

func TestResultsOfChangesAreBoundToTheirChange(t *testing.T) {
	v := newVault(t)
	closed, err := v.SealOp(self, [32]byte{1}, []byte("result"))
	must(t, err)
	got, err := v.OpenOp(self, [32]byte{1}, closed)
	must(t, err)
	if string(got) != "result" {
		t.Fatalf("got %q", got)
	}
	_, err = v.OpenOp(self, [32]byte{2}, closed)
	wantErr(t, err, bunker.ErrTampered)
	must(t, v.Seal(self))
	_, err = v.OpenOp(self, [32]byte{1}, closed)
	wantErr(t, err, ErrSealed)
}
