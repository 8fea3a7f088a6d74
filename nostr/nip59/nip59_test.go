package nip59

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"nsecbunker/internal/secret"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip44"
)

// example is the one of NIP-59, "An Example".
type example struct {
	Author, Recipient string
	Rumor             json.RawMessage
	Seal, Wrap        nostr.Event
}

func readExample(t testing.TB) (e example) {
	t.Helper()
	b, err := os.ReadFile("testdata/example.json")
	if err == nil {
		err = json.Unmarshal(b, &e)
	}
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func newArena(t testing.TB) *secret.Arena {
	t.Helper()
	a, err := secret.NewArena(1<<16, secret.Options{AllowSwap: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	return a
}

func key(t testing.TB, a *secret.Arena, hexKey string) *nostr.SecretKey {
	t.Helper()
	raw, err := hex.DecodeString(hexKey)
	if err != nil {
		t.Fatal(err)
	}
	k, err := nostr.NewSecretKey(a, raw)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func random(t testing.TB, a *secret.Arena) *nostr.SecretKey {
	t.Helper()
	k, err := nostr.GenerateKey(a)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

var now = time.Unix(1_800_000_000, 0)

func TestTheExampleOfTheNIPOpens(t *testing.T) {
	a, e := newArena(t), readExample(t)
	want, err := ParseRumor(e.Rumor)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Unwrap(key(t, a, e.Recipient), &e.Wrap)
	if err != nil {
		t.Fatal(err)
	}
	if got.ID != want.ID || got.PubKey != want.PubKey || got.Content != "Are you going to the party tonight?" || got.CreatedAt != 1691518405 {
		t.Errorf("the rumor is %+v", got)
	}
	if got.PubKey != key(t, a, e.Author).PubKey() {
		t.Error("the author is another one")
	}
}

func TestWhatIsWrappedOpensForItsReaderOnly(t *testing.T) {
	a := newArena(t)
	from, to, other := random(t, a), random(t, a), random(t, a)
	rumor := NewRumor(from.PubKey(), 14, nostr.Tags{{"p", to.PubKey().String()}}, "a\n\u2028\"text\\", now)
	w, err := Wrap(a, from, rumor, to.PubKey(), now)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Unwrap(to, w)
	if err != nil || got.ID != rumor.ID || got.Content != rumor.Content || got.PubKey != from.PubKey() {
		t.Errorf("opened %+v, %v", got, err)
	}
	if _, err := Unwrap(other, w); !errors.Is(err, ErrUnopened) {
		t.Errorf("another reader: %v", err)
	}
	raw := string(w.AppendJSON(nil))
	if strings.Contains(raw, from.PubKey().String()) || strings.Contains(raw, rumor.ID.String()) || w.PubKey == from.PubKey() {
		t.Error("the wrap tells who wrote it")
	}
}

// TestSealAndWrapAreDatedApart: by their times nobody can tell when a message was
// written (NIP-59, Other Considerations).
func TestSealAndWrapAreDatedApart(t *testing.T) {
	a := newArena(t)
	from, to := random(t, a), random(t, a)
	times := map[int64]bool{}
	for range 20 {
		w, err := Wrap(a, from, NewRumor(from.PubKey(), 14, nil, "x", now), to.PubKey(), now)
		if err != nil {
			t.Fatal(err)
		}
		plain, err := decrypt(to, w.PubKey, w.Content)
		if err != nil {
			t.Fatal(err)
		}
		seal, err := nostr.ParseEvent(plain)
		if err != nil {
			t.Fatal(err)
		}
		for _, at := range []int64{w.CreatedAt, seal.CreatedAt} {
			if at > now.Unix() || at <= now.Add(-MaxTweak).Unix() {
				t.Fatalf("dated %d", at)
			}
			times[at] = true
		}
	}
	if len(times) < 30 {
		t.Errorf("only %d different times of 40", len(times))
	}
}

// forge wraps a seal made by hand.
func forge(t *testing.T, a *secret.Arena, to nostr.PubKey, seal *nostr.Event) *nostr.Event {
	t.Helper()
	once := random(t, a)
	w := &nostr.Event{Kind: KindWrap, CreatedAt: now.Unix(), Tags: nostr.Tags{{"p", to.String()}}, Content: enc(t, once, to, seal.AppendJSON(nil))}
	if err := once.Sign(w); err != nil {
		t.Fatal(err)
	}
	return w
}

func enc(t *testing.T, k *nostr.SecretKey, to nostr.PubKey, plain []byte) string {
	t.Helper()
	s, err := encrypt(k, to, plain)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestForgeriesAreRefused(t *testing.T) {
	a := newArena(t)
	mallory, alice, to := random(t, a), random(t, a), random(t, a)
	sealOf := func(signer *nostr.SecretKey, rumor []byte, change func(*nostr.Event)) *nostr.Event {
		s := &nostr.Event{Kind: KindSeal, CreatedAt: now.Unix(), Tags: nostr.Tags{}, Content: enc(t, signer, to.PubKey(), rumor)}
		if change != nil {
			change(s)
		}
		if err := signer.Sign(s); err != nil {
			t.Fatal(err)
		}
		return s
	}
	alices := appendRumor(nil, NewRumor(alice.PubKey(), 14, nil, "yes", now))
	mallorys := NewRumor(mallory.PubKey(), 14, nil, "yes", now)
	signed := *mallorys
	if err := mallory.Sign(&signed); err != nil {
		t.Fatal(err)
	}
	wrongID := strings.Replace(string(appendRumor(nil, mallorys)), mallorys.ID.String(), strings.Repeat("0", 64), 1)
	badSig := sealOf(mallory, appendRumor(nil, mallorys), nil)
	badSig.Sig[3] ^= 1
	claimed := sealOf(mallory, alices, nil)
	claimed.PubKey = alice.PubKey()
	for name, c := range map[string]struct {
		wrap *nostr.Event
		want error
	}{
		"another author's rumor":  {forge(t, a, to.PubKey(), sealOf(mallory, alices, nil)), ErrAuthor},
		"a seal in another name":  {forge(t, a, to.PubKey(), claimed), ErrSeal},
		"a seal with a bad sig":   {forge(t, a, to.PubKey(), badSig), ErrSeal},
		"a seal with tags":        {forge(t, a, to.PubKey(), sealOf(mallory, appendRumor(nil, mallorys), func(s *nostr.Event) { s.Tags = nostr.Tags{{"p", "x"}} })), ErrSeal},
		"a seal of another kind":  {forge(t, a, to.PubKey(), sealOf(mallory, appendRumor(nil, mallorys), func(s *nostr.Event) { s.Kind = 1 })), ErrSeal},
		"a signed rumor":          {forge(t, a, to.PubKey(), sealOf(mallory, signed.AppendJSON(nil), nil)), ErrRumor},
		"a rumor with another id": {forge(t, a, to.PubKey(), sealOf(mallory, []byte(wrongID), nil)), ErrRumor},
		"no rumor":                {forge(t, a, to.PubKey(), sealOf(mallory, []byte("[]"), nil)), ErrRumor},
	} {
		if got, err := Unwrap(to, c.wrap); !errors.Is(err, c.want) || got != nil {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	good, err := Wrap(a, mallory, mallorys, to.PubKey(), now)
	if err != nil {
		t.Fatal(err)
	}
	bad := *good
	bad.Sig[0] ^= 1
	if _, err := Unwrap(to, &bad); !errors.Is(err, ErrNotWrap) {
		t.Errorf("a wrap with a bad signature: %v", err)
	}
	long := *good
	long.Content = strings.Repeat("A", MaxWrap+1)
	if _, err := Unwrap(to, &long); !errors.Is(err, ErrNotWrap) {
		t.Errorf("a wrap that is too long: %v", err)
	}
	if _, err := Wrap(a, mallory, NewRumor(alice.PubKey(), 14, nil, "", now), to.PubKey(), now); !errors.Is(err, ErrAuthor) {
		t.Errorf("wrapping in another name: %v", err)
	}
}

func FuzzParseRumor(f *testing.F) {
	e := readExample(f)
	f.Add([]byte(e.Rumor))
	f.Add([]byte(`{"pubkey":"","id":"","sig":null}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := ParseRumor(b)
		if err != nil {
			return
		}
		again, err := ParseRumor(appendRumor(nil, r))
		if err != nil || again.ID != r.ID || r.Sig != (nostr.Sig{}) {
			t.Errorf("%q became %+v, %v", b, again, err)
		}
	})
}

func TestARumorThatIsTooLongIsRefused(t *testing.T) {
	a := newArena(t)
	from, to := random(t, a), random(t, a)
	r := NewRumor(from.PubKey(), 14, nil, strings.Repeat("x", nip44.MaxPlaintext), now)
	if w, err := Wrap(a, from, r, to.PubKey(), now); err == nil || w != nil {
		t.Errorf("got %v", w)
	}
}
