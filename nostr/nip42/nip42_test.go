package nip42

import (
	"errors"
	"strings"
	"testing"
	"time"

	"nsecbunker/internal/secret"
	"nsecbunker/nostr"
)

var now = time.Unix(1_800_000_000, 0)

func newKey(t testing.TB) *nostr.SecretKey {
	t.Helper()
	arena, err := secret.NewArena(1<<16, secret.Options{AllowSwap: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(arena.Close)
	key, err := nostr.GenerateKey(arena)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func signed(t testing.TB, key *nostr.SecretKey, relay, challenge string, change func(*nostr.Event)) *nostr.Event {
	t.Helper()
	e, err := Event(relay, challenge, now)
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(e)
	}
	if err := key.Sign(e); err != nil {
		t.Fatal(err)
	}
	return e
}

func TestAnAnswerToOurChallengeForOurRelayIsTaken(t *testing.T) {
	key, challenge := newKey(t), NewChallenge()
	for _, relay := range []string{"wss://r.example", "wss://R.Example:443/", "ws://r.example/path?x", "ws://127.0.0.1:7447/", "wss://r.example./"} {
		for _, off := range []time.Duration{0, MaxAge, -MaxAge} {
			e := signed(t, key, relay, challenge, func(e *nostr.Event) { e.CreatedAt = now.Add(off).Unix() })
			if err := Check(e, challenge, now, "wss://r.example/", "ws://127.0.0.1:7447"); err != nil {
				t.Errorf("%s, %v off: %v", relay, off, err)
			}
		}
	}
}

func TestEveryOtherAnswerIsRefused(t *testing.T) {
	key, challenge := newKey(t), NewChallenge()
	tag := func(name, value string) func(*nostr.Event) {
		return func(e *nostr.Event) { e.Tags = append(e.Tags, nostr.Tag{name, value}) }
	}
	cases := []struct {
		name   string
		relay  string
		change func(*nostr.Event)
		want   error
	}{
		{"kind", "wss://r.example", func(e *nostr.Event) { e.Kind = 1 }, ErrKind},
		{"old", "wss://r.example", func(e *nostr.Event) { e.CreatedAt -= 601 }, ErrTime},
		{"ahead", "wss://r.example", func(e *nostr.Event) { e.CreatedAt += 601 }, ErrTime},
		{"far ahead", "wss://r.example", func(e *nostr.Event) { e.CreatedAt = nostr.MaxCreatedAt }, ErrTime},
		{"other challenge", "wss://r.example", func(e *nostr.Event) { e.Tags[1][1] = NewChallenge() }, ErrChallenge},
		{"no challenge", "wss://r.example", func(e *nostr.Event) { e.Tags = e.Tags[:1] }, ErrChallenge},
		{"two challenges", "wss://r.example", tag("challenge", "x"), ErrChallenge},
		{"two relays", "wss://r.example", tag("relay", "wss://evil.example"), ErrRelay},
		{"no relay", "wss://r.example", func(e *nostr.Event) { e.Tags = e.Tags[1:] }, ErrRelay},
		{"other host", "wss://evil.example", nil, ErrRelay},
		{"other port", "wss://r.example:7448", nil, ErrRelay},
		{"host in the path", "wss://evil.example/r.example", nil, ErrRelay},
		{"host as user", "wss://r.example@evil.example", nil, ErrRelay},
		{"our host after a user", "wss://evil@r.example", nil, ErrRelay},
		{"web address", "https://r.example", nil, ErrRelay},
		{"subdomain", "wss://x.r.example", nil, ErrRelay},
	}
	for _, c := range cases {
		e := signed(t, key, c.relay, challenge, c.change)
		if err := Check(e, challenge, now, "wss://r.example"); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	e := signed(t, key, "wss://r.example", challenge, nil)
	if err := Check(e, "", now, "wss://r.example"); !errors.Is(err, ErrChallenge) {
		t.Errorf("no challenge was sent: %v", err)
	}
	if err := Check(e, challenge, now); !errors.Is(err, ErrRelay) {
		t.Errorf("no address of ours: %v", err)
	}
	e.Sig[0] ^= 1
	if err := Check(e, challenge, now, "wss://r.example"); !errors.Is(err, nostr.ErrSig) {
		t.Errorf("forged: %v", err)
	}
	e.Sig[0] ^= 1
	e.Content = "x"
	if err := Check(e, challenge, now, "wss://r.example"); !errors.Is(err, nostr.ErrID) {
		t.Errorf("changed: %v", err)
	}
}

func TestChallengesAreBoundedAndNew(t *testing.T) {
	if _, err := Event("wss://r.example", strings.Repeat("c", MaxChallenge), now); err != nil {
		t.Error(err)
	}
	for _, challenge := range []string{"", strings.Repeat("c", MaxChallenge+1)} {
		if _, err := Event("wss://r.example", challenge, now); err == nil {
			t.Errorf("a challenge of %d bytes was answered", len(challenge))
		}
	}
	if one, two := NewChallenge(), NewChallenge(); one == two {
		t.Error("two challenges are the same")
	}
}

func FuzzAuthCheck(f *testing.F) {
	f.Add("wss://r.example", "c", int64(1_800_000_000))
	f.Add("ws://[::1]:80", "", int64(-1))
	key := newKey(f)
	f.Fuzz(func(t *testing.T, relay, challenge string, at int64) {
		e := &nostr.Event{Kind: Kind, CreatedAt: at, Tags: nostr.Tags{{"relay", relay}, {"challenge", challenge}}}
		if err := key.Sign(e); err != nil {
			t.Fatal(err)
		}
		if Check(e, "the challenge", now, "wss://r.example") == nil && (challenge != "the challenge" || !strings.Contains(strings.ToLower(relay), "r.example")) {
			t.Fatalf("%q at %d was taken for %q", relay, at, challenge)
		}
	})
}
