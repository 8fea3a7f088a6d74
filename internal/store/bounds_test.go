package store

import (
	"context"
	"errors"
	"slices"
	"testing"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/host"
)

func TestGroupsAndQueuesAreBounded(t *testing.T) {
	f := newFixture(t)
	c := f.addConnection(f.addKey("herald"))
	f.stop() // nobody takes from the queue any more
	s, err := Open(context.Background(), f.cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	v, err := s.View(context.Background(), c.Tenant, c.Signer, c.Client)
	if err != nil {
		t.Fatal(err)
	}
	e := entryOf(v, start)
	for range maxWaiting {
		s.queue <- &waiting{ctx: context.Background(), e: e}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if r, err := s.Commit(ctx, e); r.Outcome != bunker.Failed || !errors.Is(err, context.Canceled) {
		t.Errorf("one more than may wait: %+v %v", r, err)
	}
	var waits host.Turns[*waiting]
	if got := len(s.gather(&waits)); got != maxGroup || waits.Len() > maxWaiting {
		t.Errorf("a group of %d, at most %d are wanted; %d wait", got, maxGroup, waits.Len())
	}
	// Another tenant's only one is in the next group, whatever waits before it.
	other := *e
	other.Tenant = "other"
	s.queue <- &waiting{ctx: context.Background(), e: &other}
	if !slices.ContainsFunc(s.gather(&waits), func(w *waiting) bool { return w.e == &other }) {
		t.Error("one tenant's entries stand before another's")
	}
	// And from then on groups are short.
	if got := len(s.gather(&waits)); got != maxGroupShared {
		t.Errorf("a group of %d with two tenants, %d are wanted", got, maxGroupShared)
	}
	for i := range maxLazy + 10 {
		id := random32()
		if i == 0 {
			id = [32]byte{1}
		}
		s.Delivered(id, bunker.PartFinal, "wss://relay.example")
	}
	s.Delivered([32]byte{1}, bunker.PartFinal, "wss://second.example")
	w := s.lazy.take(true)
	if len(w.delivered) != maxLazy {
		t.Errorf("%d deliveries wait, at most %d are wanted", len(w.delivered), maxLazy)
	}
	if got := w.delivered[delivery{[32]byte{1}, bunker.PartFinal}]; got.relay != "wss://relay.example" {
		t.Errorf("the first OK counts, not %q", got.relay)
	}
}

func TestBackOffIsBounded(t *testing.T) {
	for tries, want := range map[int64]int64{0: 1, 1: 2, 2: 4, 5: 32, 6: 60, 7: 60, 1 << 40: 60} {
		if got := backoff(tries); int64(got.Seconds()) != want {
			t.Errorf("after %d tries: %s, want %d s", tries, got, want)
		}
	}
}
