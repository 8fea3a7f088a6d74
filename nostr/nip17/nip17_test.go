package nip17

import (
	"encoding/json"
	"errors"
	"os"
	"slices"
	"testing"
	"time"

	"nsecbunker/internal/secret"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip19"
	"nsecbunker/nostr/nip59"
)

func newArena(t testing.TB) *secret.Arena {
	t.Helper()
	a, err := secret.NewArena(1<<16, secret.Options{AllowSwap: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	return a
}

func nsec(t testing.TB, a *secret.Arena, s string) *nostr.SecretKey {
	t.Helper()
	raw, err := nip19.DecodeNsec([]byte(s))
	if err != nil {
		t.Fatal(err)
	}
	k, err := nostr.NewSecretKey(a, raw)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// TestTheExamplesOfTheNIPOpen: one message, wrapped for its reader and for its
// writer (NIP-17, Examples).
func TestTheExamplesOfTheNIPOpen(t *testing.T) {
	var e struct {
		Sender, Receiver, Text string
		ToReceiver             nostr.Event `json:"to_receiver"`
		ToSender               nostr.Event `json:"to_sender"`
	}
	b, err := os.ReadFile("testdata/example.json")
	if err == nil {
		err = json.Unmarshal(b, &e)
	}
	if err != nil {
		t.Fatal(err)
	}
	a := newArena(t)
	sender, receiver := nsec(t, a, e.Sender), nsec(t, a, e.Receiver)
	m, err := Open(receiver, &e.ToReceiver)
	if err != nil || m.From != sender.PubKey() || m.Text != e.Text {
		t.Errorf("the reader's: %+v, %v", m, err)
	}
	own, err := nip59.Unwrap(sender, &e.ToSender)
	if err != nil || own.Content != e.Text || own.ID != m.ID {
		t.Errorf("the writer's copy: %+v, %v", own, err)
	}
	if _, err := Open(sender, &e.ToSender); !errors.Is(err, ErrNotMessage) {
		t.Errorf("a message to somebody else passed: %v", err)
	}
}

func TestTheSameMessageSentAgainIsTheSameRumorInAnotherWrap(t *testing.T) {
	a := newArena(t)
	from, err1 := nostr.GenerateKey(a)
	to, err2 := nostr.GenerateKey(a)
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	at := time.Unix(1_800_000_000, 0)
	var ids []nostr.ID
	var wraps []nostr.ID
	for i := range 2 {
		w, err := New(a, from, to.PubKey(), "hello", at, at.Add(time.Duration(i)*time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		m, err := Open(to, w)
		if err != nil || m.Text != "hello" || !m.At.Equal(at) {
			t.Fatal(m, err)
		}
		ids, wraps = append(ids, m.ID), append(wraps, w.ID)
	}
	if ids[0] != ids[1] || wraps[0] == wraps[1] {
		t.Errorf("rumors %v, wraps %v", ids, wraps)
	}
}

func TestOtherKindsAreNoMessages(t *testing.T) {
	a := newArena(t)
	from, err1 := nostr.GenerateKey(a)
	to, err2 := nostr.GenerateKey(a)
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	at := time.Unix(1_800_000_000, 0)
	for _, r := range []*nostr.Event{
		nip59.NewRumor(from.PubKey(), 7, nostr.Tags{{"p", to.PubKey().String()}}, "+", at),
		nip59.NewRumor(from.PubKey(), KindMessage, nostr.Tags{{"p", from.PubKey().String()}}, "to another room", at),
	} {
		w, err := nip59.Wrap(a, from, r, to.PubKey(), at)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Open(to, w); !errors.Is(err, ErrNotMessage) {
			t.Errorf("kind %d: %v", r.Kind, err)
		}
	}
}

func TestRelayListsAreReadAsWritten(t *testing.T) {
	urls := []string{"wss://a.example", "wss://b.example"}
	if got := Relays(RelayList(urls, time.Unix(1, 0))); !slices.Equal(got, urls) {
		t.Errorf("got %v", got)
	}
	many := make([]string, MaxRelays+5)
	for i := range many {
		many[i] = "wss://a.example"
	}
	if got := Relays(RelayList(many, time.Unix(1, 0))); len(got) != MaxRelays {
		t.Errorf("%d relays", len(got))
	}
	if Relays(&nostr.Event{Kind: 1, Tags: nostr.Tags{{"relay", "wss://a.example"}}}) != nil {
		t.Error("an event of kind 1 is a list of relays")
	}
}
