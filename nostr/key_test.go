package nostr

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"nsecbunker/internal/secret"
)

func arena(tb testing.TB) *secret.Arena {
	tb.Helper()
	a, err := secret.NewArena(64<<10, secret.Options{AllowSwap: true})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(a.Close)
	return a
}

func generate(tb testing.TB, a *secret.Arena) *SecretKey {
	tb.Helper()
	k, err := GenerateKey(a)
	if err != nil {
		tb.Fatal(err)
	}
	return k
}

func TestSignFillsInPubKeyIDAndSigAndNothingElse(t *testing.T) {
	k := generate(t, arena(t))
	for name, sign := range map[string]func(*Event) error{"checked": k.Sign, "unchecked": k.SignUnchecked} {
		e := &Event{ID: ID{1}, PubKey: PubKey{2}, Sig: Sig{3}, CreatedAt: 5, Kind: 7, Tags: Tags{{"e", "x"}}, Content: hostile}
		if err := sign(e); err != nil {
			t.Fatal(name, err)
		}
		if err := e.Verify(); err != nil {
			t.Fatal(name, err)
		}
		if e.PubKey != k.PubKey() || e.CreatedAt != 5 || e.Kind != 7 || len(e.Tags) != 1 || e.Content != hostile {
			t.Errorf("%s: %+v", name, e)
		}
	}
}

func TestEverySignatureIsFreshAndVerifies(t *testing.T) {
	k := generate(t, arena(t))
	seen := map[Sig]bool{}
	for range 50 {
		sig, err := k.SignDigest([32]byte{1})
		if err != nil || seen[sig] || !VerifyDigest(k.PubKey(), [32]byte{1}, sig) {
			t.Fatal(err, seen[sig])
		}
		seen[sig] = true
	}
}

func TestBothSidesOfECDHAgree(t *testing.T) {
	a := arena(t)
	k, l := generate(t, a), generate(t, a)
	var x, y [32]byte
	if err := errors.Join(k.ECDH(l.PubKey(), &x), l.ECDH(k.PubKey(), &y)); err != nil {
		t.Fatal(err)
	}
	if x != y || x == ([32]byte{}) {
		t.Fatal("the two sides do not agree")
	}
}

func TestECDHWithWhatIsNoKeyIsRefused(t *testing.T) {
	k := generate(t, arena(t))
	bad := PubKey{31: 5} // 5³+7 is no square
	out := [32]byte{1}
	if err := k.ECDH(bad, &out); !errors.Is(err, ErrPubKey) || out != ([32]byte{}) {
		t.Errorf("%v, out %x", err, out)
	}
	if bad.Valid() || !k.PubKey().Valid() || (PubKey{}).Valid() || !(PubKey{}).IsZero() {
		t.Error("Valid is wrong")
	}
}

func TestSecretKeysOutOfRangeAreRefusedAndWiped(t *testing.T) {
	a := arena(t)
	const n = "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xba\xae\xdc\xe6\xaf\x48\xa0\x3b\xbf\xd2\x5e\x8c\xd0\x36\x41\x41"
	for _, raw := range []string{"", "x", strings.Repeat("\x00", 32), n, strings.Repeat("\xff", 32), strings.Repeat("\x01", 33)} {
		b := []byte(raw)
		if _, err := NewSecretKey(a, b); !errors.Is(err, ErrSecretKey) {
			t.Errorf("%x: %v, want ErrSecretKey", raw, err)
		}
		if !bytes.Equal(b, make([]byte, len(b))) {
			t.Errorf("%x was not wiped", raw)
		}
	}
	if used, _ := a.Used(); used != 0 {
		t.Errorf("%d bytes of the arena are still taken", used)
	}
}

func TestSecretKeyIsTakenWipedAndLentForExport(t *testing.T) {
	raw := bytes.Repeat([]byte{7}, 32)
	k, err := NewSecretKey(arena(t), raw)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(raw, make([]byte, 32)) {
		t.Error("the caller's copy was not wiped")
	}
	var kept []byte
	if err := k.Use(func(b []byte) {
		if kept = b; !bytes.Equal(b, bytes.Repeat([]byte{7}, 32)) {
			t.Errorf("lent %x", b)
		}
	}); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(kept, make([]byte, 32)) {
		t.Error("what was lent was not wiped")
	}
}

func TestDestroyedKeyDoesNothing(t *testing.T) {
	a := arena(t)
	k := generate(t, a)
	pub := k.PubKey()
	k.Destroy()
	k.Destroy()
	e, out := &Event{}, [32]byte{}
	_, err := k.SignDigest([32]byte{})
	for _, err := range []error{err, k.Sign(e), k.SignUnchecked(e), k.ECDH(pub, &out), k.Use(func([]byte) { t.Error("lent") })} {
		if !errors.Is(err, secret.ErrDestroyed) {
			t.Errorf("%v, want ErrDestroyed", err)
		}
	}
	if e.Sig != (Sig{}) || k.PubKey() != pub {
		t.Error("something changed")
	}
	if used, _ := a.Used(); used != 0 {
		t.Errorf("%d bytes of the arena are still taken", used)
	}
}

// A key that is prepared late is the same key, for many at once too; one of
// another public key never does anything.
func TestKnownKeysArePreparedAtTheirFirstUse(t *testing.T) {
	a := arena(t)
	k := generate(t, a)
	copied := func(pub PubKey) *SecretKey {
		raw := make([]byte, 32)
		if err := k.Use(func(b []byte) { copy(raw, b) }); err != nil {
			t.Fatal(err)
		}
		known, err := KnownSecretKey(a, raw, pub)
		if err != nil || !bytes.Equal(raw, make([]byte, 32)) {
			t.Fatalf("%v, left %x", err, raw)
		}
		return known
	}
	known := copied(k.PubKey())
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if sig, err := known.SignDigest([32]byte{1}); err != nil || !VerifyDigest(k.PubKey(), [32]byte{1}, sig) {
				t.Errorf("signing: %v", err)
			}
		})
	}
	wg.Wait()
	if err := copied(k.PubKey()).Use(func(b []byte) {
		_ = k.Use(func(want []byte) {
			if !bytes.Equal(b, want) {
				t.Error("another key was lent")
			}
		})
	}); err != nil {
		t.Error(err)
	}
	wrong := copied(generate(t, a).PubKey())
	var out [32]byte
	for range 2 {
		_, err := wrong.SignDigest([32]byte{1})
		for _, err := range []error{err, wrong.Prepare(), wrong.ECDH(k.PubKey(), &out), wrong.Use(func([]byte) { t.Error("lent") })} {
			if !errors.Is(err, ErrOtherKey) {
				t.Errorf("%v, want ErrOtherKey", err)
			}
		}
	}
	if _, err := KnownSecretKey(a, make([]byte, 31), k.PubKey()); !errors.Is(err, ErrSecretKey) {
		t.Errorf("31 bytes: %v", err)
	}
	wrong.Destroy()
	if err := wrong.Prepare(); !errors.Is(err, secret.ErrDestroyed) {
		t.Errorf("prepared after it was destroyed: %v", err)
	}
}

func TestFullArenaRefusesKeys(t *testing.T) {
	a := arena(t)
	for {
		if _, err := GenerateKey(a); err != nil {
			if !errors.Is(err, secret.ErrFull) {
				t.Error(err)
			}
			return
		}
	}
}

func TestKeyIsUsedByManyAtOnceAndDestroyedAmongThem(t *testing.T) {
	k := generate(t, arena(t))
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for {
				sig, err := k.SignDigest([32]byte{9})
				if errors.Is(err, secret.ErrDestroyed) {
					return
				}
				if err != nil || !VerifyDigest(k.PubKey(), [32]byte{9}, sig) {
					t.Error(err)
					return
				}
			}
		})
	}
	for range 20 {
		if _, err := k.SignDigest([32]byte{}); err != nil {
			t.Error(err)
		}
	}
	k.Destroy()
	all.Wait()
}

func TestSecretKeyNeverPrints(t *testing.T) {
	raw := bytes.Repeat([]byte{0xd7}, 32)
	a := arena(t)
	k, err := NewSecretKey(a, raw)
	if err != nil {
		t.Fatal(err)
	}
	inside := &struct{ k SecretKey }{}
	if err := a.NewIn(&inside.k.prepared, 32); err != nil {
		t.Fatal(err)
	}
	if err := inside.k.prepared.Use(func(b []byte) { copy(b, bytes.Repeat([]byte{0xd7}, 32)) }); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T", "%p", "%c", "%08.3f", "%!"} {
		fmt.Fprintf(&out, verb+"\n", k)
		fmt.Fprintf(&out, verb+"\n", struct{ K *SecretKey }{k})
		fmt.Fprintf(&out, verb+"\n", []any{k})
		fmt.Fprintf(&out, verb+"\n", inside)
	}
	js, err := json.Marshal(map[string]any{"k": k})
	if err != nil {
		t.Fatal(err)
	}
	out.Write(js)
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "k", k, "s", struct{ K *SecretKey }{k})
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "k", k, "s", struct{ K *SecretKey }{k})
	text := strings.ToLower(out.String())
	for _, bad := range []string{"d7d7", "215 215", "215,215", "\xd7\xd7", "19dx19"} {
		if strings.Contains(text, bad) {
			t.Errorf("the key was printed:\n%s", text)
		}
	}
	for _, s := range []string{k.String(), k.GoString(), fmt.Sprint(k), fmt.Sprintf("%x", k)} {
		if s != secret.Placeholder {
			t.Errorf("%q, want %q", s, secret.Placeholder)
		}
	}
}

func TestTextFormsAreHexadecimal(t *testing.T) {
	p, err := ParsePubKey(strings.Repeat("aB", 32))
	if err != nil || p.String() != strings.Repeat("ab", 32) {
		t.Errorf("%v %v", p, err)
	}
	for _, bad := range []string{"", "ab", strings.Repeat("ag", 32), strings.Repeat("ab", 33), "npub1" + strings.Repeat("a", 59)} {
		if _, err := ParsePubKey(bad); err == nil {
			t.Errorf("%q was taken for a public key", bad)
		}
		if _, err := ParseID(bad); err == nil {
			t.Errorf("%q was taken for an id", bad)
		}
		if _, err := ParseSig(bad); err == nil {
			t.Errorf("%q was taken for a signature", bad)
		}
	}
	type all struct {
		P PubKey
		I ID
		S Sig
	}
	in := all{p, ID{1}, Sig{2}}
	js, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	var out all
	if err := json.Unmarshal(js, &out); err != nil || out != in {
		t.Errorf("%s: %+v %v", js, out, err)
	}
}

func TestBackendHasAName(t *testing.T) {
	if Backend() == "" {
		t.Error("no name")
	}
}
