package admin

import (
	"context"
	"strings"
	"testing"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/secret"
)

func TestSetUpMakesTheBunkerOnce(t *testing.T) {
	f := newFixture(t)
	if s := f.do("status", nil); str(s, "state") != "not set up" || !strings.HasPrefix(str(s, "connection_string"), "bunker-admin://") {
		t.Fatalf("before: %v", s)
	}
	f.refused(bunker.CodeSealed, "not set up", "key.add", m{"name": "herald"})
	f.refused(bunker.CodeConflict, "not set up", "unseal", m{"passphrase": passphrase})
	f.refused(bunker.CodeConflict, "not set up", "stop", nil)
	res := f.do("setup", m{"passphrase": passphrase, "admins": []m{{"npub": npubOf(1), "name": "Ada"}, {"npub": npubOf(2), "role": "viewer"}}, "relays": []string{"WSS://Relay.Example.com/"}})
	if str(res, "connection_string") == "" || str(res, "slot") == "" {
		t.Errorf("result: %v", res)
	}
	s := f.do("status", nil)
	if str(s, "state") != "unsealed" || len(get(s, "admins").([]any)) != 2 || f.world.changes == 0 {
		t.Errorf("after: %v", s)
	}
	if relays := f.do("relay.list", nil); str(get(relays, "relays").([]any)[0], "url") != "wss://relay.example.com" {
		t.Errorf("relays: %v", relays)
	}
	f.refused(bunker.CodeConflict, "already", "setup", m{"passphrase": passphrase})
	// What was made opens again, with this passphrase only.
	f.do("seal", nil)
	f.refused(bunker.CodeNeedsProof, "wrong", "unseal", m{"passphrase": "another passphrase"})
	f.do("unseal", m{"passphrase": passphrase})
}

func TestSetUpRefusesWhatMakesNoSense(t *testing.T) {
	f := newFixture(t)
	f.refused(bunker.CodeInvalid, "12", "setup", m{"passphrase": "short"})
	f.refused(bunker.CodeInvalid, "first admin must be an owner", "setup", m{"passphrase": passphrase, "admins": []m{{"npub": npubOf(1), "role": "viewer"}}})
	f.refused(bunker.CodeInvalid, "twice", "setup", m{"passphrase": passphrase, "admins": []m{{"npub": npubOf(1)}, {"npub": npubOf(1)}}})
	f.refused(bunker.CodeInvalid, "npub", "setup", m{"passphrase": passphrase, "admins": []m{{"npub": "nsec1xx"}}})
	f.refused(bunker.CodeRestricted, "private", "setup", m{"passphrase": passphrase, "relays": []string{"ws://10.0.0.1"}})
	f.refused(bunker.CodeInvalid, "ask or deny", "setup", m{"passphrase": passphrase, "default": "allow"})
	f.refused(bunker.CodeNeedsProof, "setup code", "setup", m{"passphrase": passphrase, "code": "guessed"})
	if f.Vault.Unsealed(bunker.SelfHosted) {
		t.Error("a refused set-up left a root key")
	}
	f.do("setup", m{"passphrase": passphrase, "code": "setup code"})
}

// A set-up that cannot be stored leaves nothing: neither a root key in memory nor
// a bunker that looks set up.
func TestSetUpThatFailsLeavesNothing(t *testing.T) {
	f := newFixture(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := f.Dispatch(ctx, owner(), "setup", []byte(`{"passphrase":"`+passphrase+`"}`)); err == nil {
		t.Fatal("it was stored")
	}
	if f.Vault.Unsealed(bunker.SelfHosted) {
		t.Error("a root key is left")
	}
	f.do("setup", m{"passphrase": passphrase})
}

func TestUnsealTakesKeysIntoMemory(t *testing.T) {
	f := setUp(t)
	f.do("key.add", m{"name": "plain"})
	f.do("key.add", m{"name": "locked"})
	f.do("key.lock", m{"key": "locked"})
	f.do("key.add", m{"name": "own", "passphrase": "a second passphrase"})
	f.do("key.add", m{"name": "gone"})
	f.do("key.delete", m{"key": "gone"})
	f.do("seal", nil)
	if f.Vault.Unlocked(bunker.SelfHosted, "") || f.Vault.Unsealed(bunker.SelfHosted) {
		t.Fatal("still unsealed")
	}
	f.refused(bunker.CodeSealed, "sealed", "key.list", nil)
	if s := f.do("status", nil); str(s, "state") != "sealed" {
		t.Errorf("status: %v", s)
	}
	f.do("slot.list", nil)
	f.do("relay.list", nil)
	res := f.do("unseal", m{"passphrase": passphrase})
	if get(res, "unlocked") != 1.0 || get(res, "waiting").([]any)[0] != "own" || get(res, "locked").([]any)[0] != "locked" {
		t.Errorf("unseal: %v", res)
	}
	f.refused(bunker.CodeConflict, "already", "unseal", m{"passphrase": passphrase})
	if r := f.last(); r.Action != "unseal" || r.Principal != "local" {
		t.Errorf("record: %+v", r)
	}
}

func TestUnsealNeedsAProof(t *testing.T) {
	f := setUp(t)
	f.do("seal", nil)
	f.refused(bunker.CodeNeedsProof, "missing", "unseal", nil)
	f.refused(bunker.CodeNotFound, "no key slot", "unseal", m{"slot": "nowhere"})
	for range seal10(f) {
		f.refused(bunker.CodeNeedsProof, "wrong", "unseal", m{"passphrase": "a wrong passphrase"})
	}
	f.refused(bunker.CodeRateLimited, "again in", "unseal", m{"passphrase": passphrase})
	f.tries.Spent = 0
	f.do("unseal", m{"passphrase": passphrase})
}

// seal10 is how many wrong passphrases are let through.
func seal10(f *fixture) int { return 10 - f.tries.Spent }

// A row that was changed from outside keeps the bunker sealed.
func TestUnsealRefusesATamperedStore(t *testing.T) {
	f := setUp(t)
	f.do("key.add", m{"name": "herald"})
	f.do("seal", nil)
	f.tamper(`UPDATE user_key SET no_export = 1`)
	f.refused(bunker.CodeBlocked, "changed from outside", "unseal", m{"passphrase": passphrase})
	if f.Vault.Unsealed(bunker.SelfHosted) {
		t.Error("unsealed all the same")
	}
}

func TestPassphraseAndSlotsCanBeChanged(t *testing.T) {
	f := setUp(t)
	f.refused(bunker.CodeInvalid, "12", "passphrase.change", m{"new": "short"})
	f.do("passphrase.change", m{"new": "another long passphrase"})
	slots := get(f.do("slot.list", nil), "slots").([]any)
	if len(slots) != 1 || str(slots[0], "name") != "passphrase" {
		t.Fatalf("slots: %v", slots)
	}
	if f.opens(passphrase) {
		t.Error("the old passphrase still opens")
	}
	if !f.opens("another long passphrase") {
		t.Error("the new one does not open")
	}
	f.refused(bunker.CodeConflict, "last passphrase", "slot.remove", m{"slot": "passphrase"})
	f.do("slot.add", m{"kind": "passphrase", "name": "second", "passphrase": "a second long passphrase"})
	f.refused(bunker.CodeConflict, "already", "slot.add", m{"kind": "passphrase", "name": "second", "passphrase": "a third long passphrase"})
	f.refused(bunker.CodeInvalid, "say which", "passphrase.change", m{"new": "yet another passphrase"})
	f.do("passphrase.change", m{"new": "yet another passphrase", "slot": "second"})
	f.do("slot.remove", m{"slot": "passphrase"})
	f.do("seal", nil)
	f.do("unseal", m{"passphrase": "yet another passphrase"})
}

func TestSlotsTakeTheirKindsFieldsOnly(t *testing.T) {
	f := setUp(t)
	for _, bad := range []m{
		{"kind": "file", "name": "x"},
		{"kind": "file", "name": "x", "path": "/a", "passphrase": "a long passphrase"},
		{"kind": "magic", "name": "x"},
		{"kind": "passphrase", "name": "x", "path": "/a"},
		{"kind": "credential", "name": "x", "command": "c"},
		{"kind": "command", "name": "bad name", "command": "c"},
	} {
		if _, err := f.call("slot.add", bad); err == nil {
			t.Errorf("%v was taken", bad)
		}
	}
}

// A slot that needs no person opens the bunker for an owner, and says what that
// means.
func TestAKeyFileOpensWithoutAPersonForAnOwnerOnly(t *testing.T) {
	f := setUp(t)
	path := f.keyFile()
	res := f.do("slot.add", m{"kind": "file", "name": "auto", "path": path})
	if len(get(res, "warnings").([]any)) == 0 {
		t.Error("no warning")
	}
	f.refused(bunker.CodeConflict, "last passphrase", "slot.remove", m{"slot": "passphrase"})
	f.do("seal", nil)
	viewer := bunker.Principal{Name: "npub1x", Role: bunker.Viewer, Door: bunker.DoorSocket}
	if _, err := f.callAs(viewer, "unseal", m{"slot": "auto"}); err == nil || bunker.AsError(err).Code != bunker.CodeRestricted {
		t.Errorf("a viewer: %v", err)
	}
	f.do("unseal", m{"slot": "auto"})
	f.do("slot.remove", m{"slot": "auto"})
}

func TestStopHoldsOverASealAndAnUnseal(t *testing.T) {
	f := setUp(t)
	f.do("key.add", m{"name": "herald"})
	k := f.keyRow("herald")
	f.do("stop", nil)
	if f.Vault.Unlocked(bunker.SelfHosted, k.ID) || !f.keyRow("herald").Locked {
		t.Error("the key is not locked")
	}
	if s := f.do("status", nil); str(s, "state") != "stopped" {
		t.Errorf("status: %v", s)
	}
	f.do("seal", nil)
	f.do("unseal", m{"passphrase": passphrase})
	if s := f.do("status", nil); str(s, "state") != "stopped" {
		t.Errorf("after an unseal: %v", s)
	}
	f.do("stop.end", nil)
	f.refused(bunker.CodeConflict, "not stopped", "stop.end", nil)
	if f.Vault.Unlocked(bunker.SelfHosted, k.ID) {
		t.Error("ending the stop unlocked the key")
	}
}

func TestStopWhileSealedHoldsFromTheUnsealOn(t *testing.T) {
	f := setUp(t)
	f.do("key.add", m{"name": "herald"})
	f.do("seal", nil)
	f.do("stop", nil)
	res := f.do("unseal", m{"passphrase": passphrase})
	if len(get(res, "warnings").([]any)) == 0 {
		t.Error("nothing was said of it")
	}
	if s := f.do("status", nil); str(s, "state") != "stopped" {
		t.Errorf("status: %v", s)
	}
	if f.Vault.Unlocked(bunker.SelfHosted, f.keyRow("herald").ID) {
		t.Error("the key was unlocked")
	}
}

func TestSecretsOfParametersAreWiped(t *testing.T) {
	f := setUp(t)
	params := []byte(`{"name":"herald","passphrase":"a second passphrase"}`)
	v, err := decode(f.commands["key.add"].params, params)
	if err != nil {
		t.Fatal(err)
	}
	p := v.Interface().(*keyAddParams).Passphrase
	if string([]byte(p)) != "a second passphrase" {
		t.Fatalf("read %q", []byte(p))
	}
	wipe(v.Elem())
	if strings.Trim(string([]byte(p)), "\x00") != "" {
		t.Error("the secret is still there")
	}
	var _ secret.Param = p
}
