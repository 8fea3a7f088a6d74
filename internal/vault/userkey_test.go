package vault

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/secret"
	"nsecbunker/nostr"
)

func TestAnImportedKeyIsWipedAndKeptAsItIs(t *testing.T) {
	v := newVault(t)
	raw := bytes.Repeat([]byte{7}, 32)
	sk, err := nostr.NewSecretKey(v.arena, bytes.Clone(raw))
	must(t, err)
	given := bytes.Clone(raw)
	k := rowWith(t, v, given, nil)
	if !bytes.Equal(given, make([]byte, 32)) {
		t.Fatal("the caller's copy is still there")
	}
	if k.PubKey != sk.PubKey() || bytes.Contains(k.Ciphertext, raw) {
		t.Fatal("another key was kept")
	}
	must(t, v.ExportUserKey(k, nil, func(b []byte) error {
		if !bytes.Equal(b, raw) {
			t.Fatal("another key was exported")
		}
		return nil
	}))
	for name, bad := range map[string][]byte{"zero": make([]byte, 32), "short": bytes.Repeat([]byte{1}, 31), "too great": bytes.Repeat([]byte{0xff}, 32), "empty": {}} {
		if _, _, err := v.NewUserKey(self, "k", false, bad, nil); !errors.Is(err, nostr.ErrSecretKey) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestALockedKeyDoesNothing(t *testing.T) {
	v := newVault(t)
	k := unlockedKey(t, v)
	peer := stranger(t, v).PubKey()
	c, err := v.Encrypt44(floorOf(), k.ID, peer, []byte("x"))
	must(t, err)
	c04, err := v.Encrypt04(floorOf(), k.ID, peer, []byte("x"))
	must(t, err)
	must(t, v.LockUserKey(self, k.ID))
	if v.Unlocked(self, k.ID) {
		t.Fatal("still unlocked")
	}
	for name, try := range map[string]func() error{
		"sign":      func() error { _, err := v.SignEvent(floorOf(), k.ID, note("x")); return err },
		"encrypt44": func() error { _, err := v.Encrypt44(floorOf(), k.ID, peer, []byte("x")); return err },
		"encrypt04": func() error { _, err := v.Encrypt04(floorOf(), k.ID, peer, []byte("x")); return err },
		"decrypt44": func() error { _, err := v.Decrypt44(floorOf(), k.ID, peer, c); return err },
		"decrypt04": func() error { _, err := v.Decrypt04(floorOf(), k.ID, peer, c04); return err },
		"unknown":   func() error { _, err := v.SignEvent(floorOf(), "k-none", note("x")); return err },
	} {
		if err := try(); !errors.Is(err, ErrLocked) || bunker.AsError(err).Code != bunker.CodeRestricted {
			t.Errorf("%s: %v", name, err)
		}
	}
	must(t, v.UnlockUserKey(k, nil))
	_, err = v.SignEvent(floorOf(), k.ID, note("x"))
	must(t, err)
}

func TestASealedTenantHasNoUserKeys(t *testing.T) {
	v := newVault(t)
	k := unlockedKey(t, v)
	s := service(t, v, bunker.RoleSigner)
	audit := service(t, v, bunker.RoleAudit)
	must(t, v.Seal(self))
	if v.Unsealed(self) || v.Unlocked(self, k.ID) {
		t.Fatal("not sealed")
	}
	if v.Digest(self, []byte("x")) != ([32]byte{}) || v.DigestText(self, []byte("x")) != "" {
		t.Error("a digest without its key")
	}
	for name, try := range map[string]func() error{
		"sign":     func() error { _, err := v.SignEvent(floorOf(), k.ID, note("x")); return err },
		"encrypt":  func() error { _, err := v.Encrypt44(floorOf(), k.ID, s.PubKey, []byte("x")); return err },
		"unlock":   func() error { return v.UnlockUserKey(k, nil) },
		"new":      func() error { _, _, err := v.NewUserKey(self, "k2", false, nil, nil); return err },
		"export":   func() error { return v.ExportUserKey(k, nil, func([]byte) error { return nil }) },
		"rewrap":   func() error { _, err := v.RewrapUserKey(k, nil, make([]byte, 32), false); return err },
		"tag":      func() error { _, err := v.Tag(&k); return err },
		"verify":   func() error { return v.Verify(&k, make([]byte, 32)) },
		"reply":    func() error { _, err := v.SealReply(self, nostr.ID{}, nil); return err },
		"open":     func() error { _, err := v.OpenSealedReply(self, nostr.ID{}, make([]byte, 50)); return err },
		"summary":  func() error { _, err := v.SealSummary(&bunker.Approval{Tenant: self}, nil); return err },
		"root":     func() error { return v.WithRootKey(self, func([]byte) error { return nil }) },
		"digests":  func() error { return v.WithDigestKey(self, func([]byte) {}) },
		"audit":    func() error { return v.LoadServiceKey(audit) },
		"newaudit": func() error { _, _, err := v.NewServiceKey(self, bunker.RoleAudit); return err },
		"check":    func() error { _, _, err := v.SignCheckpoint(self, [32]byte{}); return err },
	} {
		if err := try(); !errors.Is(err, ErrSealed) || bunker.AsError(err).Code != bunker.CodeSealed {
			t.Errorf("%s: %v", name, err)
		}
	}
	// It can still be heard, and say so.
	_, err := v.CloseReply(self, s.PubKey, stranger(t, v).PubKey(), NIP44, false, []byte("sealed"), testNow)
	must(t, err)
	// The same root key brings everything back, another one nothing.
	must(t, v.Unseal(self, bytes.Repeat([]byte{9}, 32)))
	wantErr(t, v.UnlockUserKey(k, nil), bunker.ErrTampered)
	must(t, v.Seal(self))
	must(t, v.Unseal(self, bytes.Repeat([]byte{2}, 32)))
	must(t, v.UnlockUserKey(k, nil))
	must(t, v.LoadServiceKey(audit))
	if err := v.Unseal(self, bytes.Repeat([]byte{2}, 32)); bunker.AsError(err).Code != bunker.CodeConflict {
		t.Fatalf("unsealed twice: %v", err)
	}
	if err := v.NewRootKey(self); bunker.AsError(err).Code != bunker.CodeConflict {
		t.Fatalf("the root key was replaced: %v", err)
	}
}

func TestFlagsOfTheRowAreInTheCiphertext(t *testing.T) {
	v := newVault(t)
	k := row(t, v, noExport)
	wantErr(t, v.ExportUserKey(k, nil, func([]byte) error { t.Fatal("exported"); return nil }), ErrNoExport)
	k.NoExport = false // changed in the store
	wantErr(t, v.ExportUserKey(k, nil, func([]byte) error { t.Fatal("exported"); return nil }), bunker.ErrTampered)
	wantErr(t, v.UnlockUserKey(k, nil), bunker.ErrTampered)

	pass := bytes.Repeat([]byte{3}, 32)
	p := rowWith(t, v, nil, pass)
	p.OwnPassphrase = false
	wantErr(t, v.UnlockUserKey(p, nil), bunker.ErrTampered)
	plain := row(t, v)
	plain.OwnPassphrase = true
	wantErr(t, v.UnlockUserKey(plain, pass), bunker.ErrTampered)
	plain = row(t, v)
	plain.PubKey = k.PubKey
	wantErr(t, v.UnlockUserKey(plain, nil), bunker.ErrTampered)
	plain.State = bunker.KeyDeleting
	if err := v.UnlockUserKey(plain, nil); bunker.AsError(err).Code != bunker.CodeConflict {
		t.Fatalf("a key that is being deleted: %v", err)
	}
}

func TestAKeysOwnPassphraseIsNeededBesideTheRootKey(t *testing.T) {
	v := newVault(t)
	pass, other := bytes.Repeat([]byte{3}, 32), bytes.Repeat([]byte{4}, 32)
	k := rowWith(t, v, nil, pass)
	for _, wrong := range [][]byte{nil, other} {
		err := v.UnlockUserKey(k, wrong)
		wantErr(t, err, ErrPassphrase)
		if bunker.AsError(err).Code != bunker.CodeNeedsProof {
			t.Fatal(err)
		}
		wantErr(t, v.ExportUserKey(k, wrong, func([]byte) error { return nil }), ErrPassphrase)
		_, err = v.RewrapUserKey(k, wrong, nil, false)
		wantErr(t, err, ErrPassphrase)
	}
	must(t, v.UnlockUserKey(k, pass))
	for _, short := range [][]byte{{}, make([]byte, 31)} {
		must(t, v.LockUserKey(self, k.ID))
		if err := v.UnlockUserKey(k, short); err == nil {
			t.Fatalf("a key of %d bytes was taken", len(short))
		}
	}
	if !bytes.Equal(pass, bytes.Repeat([]byte{3}, 32)) {
		t.Fatal("the caller's key was changed")
	}
}

func TestRewrappingChangesThePassphraseAndNothingElse(t *testing.T) {
	v := newVault(t)
	one, two := bytes.Repeat([]byte{3}, 32), bytes.Repeat([]byte{4}, 32)
	k := row(t, v)
	with, err := v.RewrapUserKey(k, nil, one, false)
	must(t, err)
	if !with.OwnPassphrase || with.PubKey != k.PubKey || bytes.Equal(with.Ciphertext, k.Ciphertext) {
		t.Fatalf("%+v", with)
	}
	must(t, v.UnlockUserKey(with, one))
	must(t, v.LockUserKey(self, k.ID))
	changed, err := v.RewrapUserKey(with, one, two, true)
	must(t, err)
	wantErr(t, v.UnlockUserKey(changed, one), ErrPassphrase)
	must(t, v.UnlockUserKey(changed, two))
	must(t, v.LockUserKey(self, k.ID))
	if !changed.NoExport {
		t.Fatal("no-export was not set")
	}
	_, err = v.RewrapUserKey(changed, two, nil, false)
	wantErr(t, err, ErrNoExport)
	without, err := v.RewrapUserKey(changed, two, nil, true)
	must(t, err)
	must(t, v.UnlockUserKey(without, nil))
	if without.OwnPassphrase || !without.NoExport {
		t.Fatalf("%+v", without)
	}
}

func TestAPubkeyHasOneRole(t *testing.T) {
	v := newVault(t)
	raw := bytes.Repeat([]byte{7}, 32)
	k := rowWith(t, v, bytes.Clone(raw), nil)
	must(t, v.UnlockUserKey(k, nil))

	// A user key is no service key. (The vault makes those itself; this row is one
	// that was put into the store.)
	te := v.tenants[self]
	sk, err := nostr.NewSecretKey(v.arena, bytes.Clone(raw))
	must(t, err)
	defer sk.Destroy()
	key, at, err := te.serviceWrap(bunker.RoleSigner, sk.PubKey())
	must(t, err)
	c, err := wrapSecretKey(key, at, sk)
	must(t, err)
	asSigner := bunker.ServiceKey{Tenant: self, PubKey: sk.PubKey(), Role: bunker.RoleSigner, Ciphertext: c}
	wantErr(t, v.LoadServiceKey(asSigner), ErrHeld)

	// The same user key twice.
	_, _, err = v.NewUserKey(self, "k2", false, bytes.Clone(raw), nil)
	wantErr(t, err, ErrHeld)

	// After it is forgotten it may be a service key; then it is no user key.
	must(t, v.ForgetUserKey(self, k.ID))
	must(t, v.LoadServiceKey(asSigner))
	must(t, v.LoadServiceKey(asSigner))
	_, _, err = v.NewUserKey(self, "k2", false, bytes.Clone(raw), nil)
	wantErr(t, err, ErrHeld)
	wantErr(t, v.UnlockUserKey(k, nil), ErrHeld)
	asAdmin := asSigner
	asAdmin.Role = bunker.RoleAdmin
	wantErr(t, v.LoadServiceKey(asAdmin), ErrHeld)

	// Nor of another tenant.
	must(t, v.OpenService("other", bytes.Repeat([]byte{8}, 32)))
	must(t, v.NewRootKey("other"))
	_, _, err = v.NewUserKey("other", "k3", false, bytes.Clone(raw), nil)
	wantErr(t, err, ErrHeld)
	if bunker.AsError(err).Code != bunker.CodeConflict {
		t.Fatal(err)
	}
	must(t, v.UnloadServiceKey(self, sk.PubKey()))
	_, _, err = v.NewUserKey("other", "k3", false, bytes.Clone(raw), nil)
	must(t, err)
}

func TestForgettingALockedKeyFreesItsPubkey(t *testing.T) {
	v := newVault(t)
	raw := bytes.Repeat([]byte{7}, 32)
	k := rowWith(t, v, bytes.Clone(raw), nil)
	must(t, v.UnlockUserKey(k, nil))
	must(t, v.ForgetUserKey(self, k.ID))
	must(t, v.ForgetUserKey(self, k.ID))
	again := rowWith(t, v, bytes.Clone(raw), nil)
	must(t, v.UnlockUserKey(again, nil))
}

func TestAnExportEndsWithTheFunction(t *testing.T) {
	v := newVault(t)
	k := row(t, v) // not unlocked
	before, _ := v.arena.Used()
	var kept []byte
	boom := errors.New("boom")
	err := v.ExportUserKey(k, nil, func(b []byte) error {
		kept = b
		// The vault is free meanwhile: f may be slow.
		must(t, v.LockUserKey(self, k.ID))
		return boom
	})
	wantErr(t, err, boom)
	if !bytes.Equal(kept, make([]byte, 32)) {
		t.Fatal("the export is still there")
	}
	if after, _ := v.arena.Used(); after != before {
		t.Fatalf("the arena went from %d to %d bytes", before, after)
	}
}

func TestRootKeyIsLentForWrapping(t *testing.T) {
	v := newVault(t)
	boom := errors.New("boom")
	var kept []byte
	err := v.WithRootKey(self, func(b []byte) error {
		if !bytes.Equal(b, bytes.Repeat([]byte{2}, 32)) {
			t.Fatal("another key")
		}
		kept = b
		must(t, v.Seal(self)) // a slow f does not hold the vault
		return boom
	})
	wantErr(t, err, boom)
	if !bytes.Equal(kept, make([]byte, 32)) {
		t.Fatal("the copy is still there")
	}
}

func TestMACsCoverTheRow(t *testing.T) {
	v := newVault(t)
	k := row(t, v)
	k.Version = 3
	mac, err := v.Tag(&k)
	must(t, err)
	must(t, v.Verify(&k, mac[:]))
	for name, change := range map[string]func(*bunker.UserKey){
		"version": func(k *bunker.UserKey) { k.Version++ }, "name": func(k *bunker.UserKey) { k.Name = "x" },
		"id": func(k *bunker.UserKey) { k.ID = "x" }, "login": func(k *bunker.UserKey) { k.NpubLogin = true },
		"export": func(k *bunker.UserKey) { k.NoExport = true }, "state": func(k *bunker.UserKey) { k.State = bunker.KeyDeleting },
	} {
		bad := k
		change(&bad)
		err := v.Verify(&bad, mac[:])
		if !errors.Is(err, bunker.ErrTampered) || !strings.Contains(err.Error(), "user_key") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, bad := range [][]byte{nil, {}, mac[:31], append(mac[:], 0), make([]byte, 32)} {
		wantErr(t, v.Verify(&k, bad), bunker.ErrTampered)
	}
	// A MAC of another tenant, with the same root key, is another.
	must(t, v.OpenService("other", bytes.Repeat([]byte{1}, 32)))
	must(t, v.Unseal("other", bytes.Repeat([]byte{2}, 32)))
	k.Tenant = "other"
	wantErr(t, v.Verify(&k, mac[:]), bunker.ErrTampered)
}

func TestFlagsThatHoldWhileSealedAreMarked(t *testing.T) {
	v := sealedVault(t)
	mac, err := v.TagService(self, "stop everything", []byte("1"))
	must(t, err)
	must(t, v.VerifyService(self, "stop everything", []byte("1"), mac[:]))
	wantErr(t, v.VerifyService(self, "stop everything", []byte("0"), mac[:]), bunker.ErrTampered)
	wantErr(t, v.VerifyService(self, "stop everythin", []byte("g1"), mac[:]), bunker.ErrTampered)
	wantErr(t, v.VerifyService(self, "stop everything", []byte("1"), nil), bunker.ErrTampered)
}

func TestDigestsAreKeyedAndUnambiguous(t *testing.T) {
	v := newVault(t)
	a, b := v.Digest(self, []byte("ab"), []byte("c")), v.Digest(self, []byte("a"), []byte("bc"))
	if a == b || a == ([32]byte{}) || v.Digest(self, []byte("ab"), []byte("c")) != a {
		t.Fatal("digests are ambiguous")
	}
	if len(v.DigestText(self, []byte("x"))) != 64 {
		t.Fatal("not hexadecimal")
	}
	must(t, v.Seal(self))
	must(t, v.Unseal(self, bytes.Repeat([]byte{9}, 32)))
	if v.Digest(self, []byte("ab"), []byte("c")) == a {
		t.Fatal("the digest has no key")
	}
	must(t, v.WithDigestKey(self, func(key []byte) {
		if len(key) != 32 {
			t.Fatalf("%d bytes", len(key))
		}
	}))
}

func TestAnUnknownTenantHasNothing(t *testing.T) {
	v := newVault(t)
	const none = bunker.TenantID("none")
	f := floorOf()
	f.Tenant = none
	k := bunker.UserKey{Tenant: none, State: bunker.KeyActive}
	for name, try := range map[string]func() error{
		"unseal": func() error { return v.Unseal(none, make([]byte, 32)) }, "seal": func() error { return v.Seal(none) },
		"sign":   func() error { _, err := v.SignEvent(f, "k", note("x")); return err },
		"unlock": func() error { return v.UnlockUserKey(k, nil) }, "lock": func() error { return v.LockUserKey(none, "k") },
		"lockall": func() error { return v.LockAll(none) }, "forget": func() error { return v.ForgetUserKey(none, "k") },
		"update": func() error { return v.UpdateUserKey(k) }, "export": func() error { return v.ExportUserKey(k, nil, nil) },
		"rewrap": func() error { _, err := v.RewrapUserKey(k, nil, nil, false); return err },
		"tag":    func() error { _, err := v.TagService(none, "", nil); return err },
		"load":   func() error { return v.LoadServiceKey(bunker.ServiceKey{Tenant: none}) },
		"open":   func() error { _, err := v.OpenEnvelope(none, &nostr.Event{}); return err },
		"close": func() error {
			_, err := v.CloseReply(none, nostr.PubKey{}, nostr.PubKey{}, NIP44, false, nil, testNow)
			return err
		},
	} {
		if err := try(); err == nil || bunker.AsError(err).Code != bunker.CodeNotFound {
			t.Errorf("%s: %v", name, err)
		}
	}
	if v.Unsealed(none) || v.Unlocked(none, "k") {
		t.Error("an unknown tenant has keys")
	}
	if err := v.OpenService(self, make([]byte, 32)); !errors.Is(err, ErrHeld) {
		t.Errorf("the service key was replaced: %v", err)
	}
	if err := v.OpenService("short", make([]byte, 31)); err == nil {
		t.Error("a service key of 31 bytes was taken")
	}
	if _, _, err := v.NewServiceKey(self, "herald"); err == nil {
		t.Error("a key of an unknown role was made")
	}
}

func TestCloseWipesEverything(t *testing.T) {
	v := newVault(t)
	k := unlockedKey(t, v)
	service(t, v, bunker.RoleSigner)
	service(t, v, bunker.RoleAudit)
	_, err := v.Encrypt44(floorOf(), k.ID, stranger(t, v).PubKey(), []byte("x"))
	must(t, err)
	v.Close()
	v.Close()
	if used, _ := v.arena.Used(); used != slotOf(v) {
		t.Fatalf("%d bytes are still taken", used)
	}
}

// slotOf is what the test's own stranger takes.
func slotOf(v *Vault) int {
	sk, err := nostr.GenerateKey(v.arena)
	if err != nil {
		panic(err)
	}
	with, _ := v.arena.Used()
	sk.Destroy()
	without, _ := v.arena.Used()
	return with - without
}

func TestAFullArenaIsAnErrorAndLosesNothing(t *testing.T) {
	a, err := secret.NewArena(16384, secret.Options{AllowSwap: true})
	must(t, err)
	defer a.Close()
	v, err := New(Config{Arena: a, Now: func() time.Time { return testNow }, ConversationKeys: 8})
	must(t, err)
	must(t, v.OpenService(self, bytes.Repeat([]byte{1}, 32)))
	must(t, v.NewRootKey(self))
	k := unlockedKey(t, v)
	var fill []*secret.Bytes
	for _, size := range []int{32, 64, 96, 128} {
		for {
			b, err := a.New(size)
			if err != nil {
				break
			}
			fill = append(fill, b)
		}
	}
	_, _, err = v.NewUserKey(self, "k2", false, nil, nil)
	if err == nil {
		t.Fatal("there was room for one more")
	}
	_, err = v.SignEvent(floorOf(), k.ID, note("signing needs no room"))
	must(t, err)
	for _, b := range fill {
		b.Destroy()
	}
	unlockedKey(t, v)
}

func TestConfigIsChecked(t *testing.T) {
	a, err := secret.NewArena(1<<16, secret.Options{AllowSwap: true})
	must(t, err)
	defer a.Close()
	now := func() time.Time { return testNow }
	for name, c := range map[string]Config{
		"arena": {Now: now}, "clock": {Arena: a}, "negative": {Arena: a, Now: now, ConversationKeys: -1},
		"too many": {Arena: a, Now: now, ConversationKeys: MaxConversationKeys + 1}, "no room": {Arena: a, Now: now, ConversationKeys: 1 << 12},
	} {
		if _, err := New(c); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestNothingOfTheVaultPrints(t *testing.T) {
	v := newVault(t)
	k := unlockedKey(t, v)
	o := Opened{Plaintext: []byte("private words"), Scheme: NIP44}
	out := fmt.Sprintf("%v %+v %#v %s %v %+v %#v %s", v, v, v, v, o, o, o, &o)
	must(t, v.ExportUserKey(k, nil, func(raw []byte) error {
		for _, form := range []string{string(raw), fmt.Sprintf("%x", raw), fmt.Sprint(raw), "private", fmt.Sprint(o.Plaintext), fmt.Sprintf("%x", o.Plaintext)} {
			if strings.Contains(out, strings.Trim(form, "[]")) {
				t.Errorf("printed: %s", out)
			}
		}
		return nil
	}))
}

// TestASealForOneOpeningLeavesALaterOneAlone: what was found before an unseal says
// nothing of what the unseal has verified.
func TestASealForOneOpeningLeavesALaterOneAlone(t *testing.T) {
	v := newVault(t)
	first := v.Opening(self)
	must(t, v.Seal(self))
	if v.Opening(self) != 0 {
		t.Error("a sealed vault has an opening")
	}
	must(t, v.Unseal(self, bytes.Repeat([]byte{2}, 32)))
	must(t, v.SealOpening(self, first))
	if !v.Unsealed(self) {
		t.Fatal("a seal for the first opening ended the second")
	}
	must(t, v.SealOpening(self, v.Opening(self)))
	if v.Unsealed(self) {
		t.Error("not sealed")
	}
}
