package nip47_test

import (
	"context"
	"testing"
	"time"

	"nsecbunker/nostr"
	"nsecbunker/nostr/nip46"
	"nsecbunker/nostr/nip47"
)

// brings is a relay that brings the same events to everybody who subscribes.
type brings []*nostr.Event

func (b brings) Subscribe(_ context.Context, _ []string, _ nip46.Filter, on func(*nostr.Event)) (func(), error) {
	for _, e := range b {
		on(e)
	}
	return func() {}, nil
}

func (brings) Publish(context.Context, []string, *nostr.Event) error { return nil }

// An old info event is signed for ever: a relay that keeps one must not take the wallet
// back to the encryption of then.
func TestAnInfoEventFromBeforeIsNotBelievedAgain(t *testing.T) {
	wallet, err := nostr.GenerateKey(arena(t))
	if err != nil {
		t.Fatal(err)
	}
	info := func(at int64, tags nostr.Tags) *nostr.Event {
		e := &nostr.Event{Kind: nip47.KindInfo, CreatedAt: at, Content: "make_invoice", Tags: tags}
		if err := wallet.Sign(e); err != nil {
			t.Fatal(err)
		}
		return e
	}
	before, now := info(100, nostr.Tags{}), info(200, nostr.Tags{{"encryption", "nip44_v2"}})
	clock := time.Unix(1_800_000_000, 0)
	relay := &brings{now}
	c, err := nip47.NewClient(nip47.Config{Connection: &nip47.Connection{Service: wallet.PubKey()}, Transport: relay, Now: func() time.Time { return clock }})
	if err != nil {
		t.Fatal(err)
	}
	for _, list := range []brings{{now}, {before, now}} {
		*relay = list
		if said, err := c.Announced(t.Context()); err != nil || said.Encryption != nip47.NIP44 {
			t.Errorf("%+v, %v", said, err)
		}
		clock = clock.Add(nip47.InfoLasts)
	}
}
