package vault

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/secret"
	"nsecbunker/nostr"
)

const self = bunker.SelfHosted

var testNow = time.Unix(1_800_000_000, 0)

// testClock is a clock that tests move.
type testClock struct{ now time.Time }

func (c *testClock) Now() time.Time { return c.now }

// newVault returns a vault with one tenant that is unsealed with fixed keys.
func newVault(t testing.TB) *Vault {
	t.Helper()
	v := sealedVault(t)
	must(t, v.Unseal(self, bytes.Repeat([]byte{2}, 32)))
	return v
}

func sealedVault(t testing.TB) *Vault {
	t.Helper()
	a, err := secret.NewArena(1<<20, secret.Options{AllowSwap: true})
	must(t, err)
	v, err := New(Config{Arena: a, Now: func() time.Time { return testNow }, ConversationKeys: 64})
	must(t, err)
	t.Cleanup(a.Close)
	t.Cleanup(v.Close)
	must(t, v.OpenService(self, bytes.Repeat([]byte{1}, 32)))
	return v
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// wantErr fails unless err is want.
func wantErr(t testing.TB, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("got %v, want %v", err, want)
	}
}

// row makes a user key's row, not loaded.
func row(t testing.TB, v *Vault, opts ...func(*bunker.UserKey)) bunker.UserKey {
	t.Helper()
	return rowWith(t, v, nil, nil, opts...)
}

func rowWith(t testing.TB, v *Vault, raw, passphraseKey []byte, opts ...func(*bunker.UserKey)) bunker.UserKey {
	t.Helper()
	k := bunker.UserKey{Tenant: self, ID: bunker.NewKeyID(), Name: "herald", State: bunker.KeyActive, OwnPassphrase: passphraseKey != nil}
	for _, o := range opts {
		o(&k)
	}
	var err error
	k.PubKey, k.Ciphertext, err = v.NewUserKey(self, k.ID, k.NoExport, raw, passphraseKey)
	must(t, err)
	return k
}

func npubLogin(k *bunker.UserKey) { k.NpubLogin = true }
func adminHere(k *bunker.UserKey) { k.AdminHere = true }
func noExport(k *bunker.UserKey)  { k.NoExport = true }

// unlockedKey makes a user key and unlocks it.
func unlockedKey(t testing.TB, v *Vault, opts ...func(*bunker.UserKey)) bunker.UserKey {
	t.Helper()
	k := row(t, v, opts...)
	must(t, v.UnlockUserKey(k, nil))
	return k
}

// service makes a service key and loads it.
func service(t testing.TB, v *Vault, role bunker.ServiceRole) bunker.ServiceKey {
	t.Helper()
	k := bunker.ServiceKey{Tenant: self, Role: role}
	var err error
	k.PubKey, k.Ciphertext, err = v.NewServiceKey(self, role)
	must(t, err)
	must(t, v.LoadServiceKey(k))
	return k
}

// stranger makes a key that the vault does not know.
func stranger(t testing.TB, v *Vault) *nostr.SecretKey {
	t.Helper()
	sk, err := nostr.GenerateKey(v.arena)
	must(t, err)
	t.Cleanup(sk.Destroy)
	return sk
}

// floorOf is a floor that knows nothing of ours beyond what the vault does.
func floorOf() Floor {
	return Floor{
		Tenant: self, Connection: "c1", Client: nostr.PubKey{9},
		Ours:     func(nostr.PubKey) bool { return false },
		Clients:  func(nostr.PubKey) bool { return false },
		OurHosts: func() []string { return []string{"bunker.example"} }, OurRelays: func() []string { return []string{"wss://relay.bunker.example"} },
		Now: testNow,
	}
}

func note(content string) *nostr.Template {
	return &nostr.Template{Kind: 1, CreatedAt: testNow.Unix(), Tags: nostr.Tags{{"t", "x"}}, Content: content}
}

func TestASignatureIsOfTheTemplateAndNothingElse(t *testing.T) {
	v := newVault(t)
	k := unlockedKey(t, v)
	tmpl := &nostr.Template{
		Kind: 30023, CreatedAt: 12, Content: "a\u2028b<>&\x01",
		Tags: nostr.Tags{{"d", ""}, {"e", "x", "", "root"}, {"__proto__", "y"}, {"d", "again"}},
	}
	ev, err := v.SignEvent(floorOf(), k.ID, tmpl)
	must(t, err)
	must(t, ev.Verify())
	if ev.PubKey != k.PubKey || ev.Kind != 30023 || ev.CreatedAt != 12 || ev.Content != tmpl.Content ||
		fmt.Sprint(ev.Tags) != fmt.Sprint(tmpl.Tags) {
		t.Fatalf("signed something else: %+v", ev)
	}
}

func TestAnotherAccountsEventIsRefused(t *testing.T) {
	v := newVault(t)
	k := unlockedKey(t, v)
	tmpl := note("hi")
	tmpl.HasPubKey, tmpl.PubKey = true, stranger(t, v).PubKey()
	if _, err := v.SignEvent(floorOf(), k.ID, tmpl); bunker.AsError(err).Code != bunker.CodeInvalid {
		t.Fatal(err)
	}
	tmpl.PubKey = k.PubKey
	_, err := v.SignEvent(floorOf(), k.ID, tmpl)
	must(t, err)
}
