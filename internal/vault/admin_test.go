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
