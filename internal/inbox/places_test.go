package inbox

import (
	"context"
	"testing"
	"testing/synctest"

	"nsecbunker/internal/bunker"
)

// in counts who has a place.
func (p *places) in(t bunker.TenantID) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.held[t]
}

func TestAFloodLeavesPlacesForOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlaces(10, 4, 2)
		for range 100 {
			go p.enter(t.Context(), "a", 0, nil)
		}
		synctest.Wait()
		if p.in("a") != 6 {
			t.Fatalf("a flood has %d of 10 places, with 4 kept", p.in("a"))
		}
		for _, other := range []bunker.TenantID{"b", "b", "c", "d"} {
			if inside != p.enter(t.Context(), other, 0, nil) {
				t.Fatal("no place")
			}
		}
		entered := make(chan bool)
		go func() { entered <- inside == p.enter(t.Context(), "e", 0, nil) }()
		synctest.Wait()
		// All are taken. The next that is free is no more the flood's: it has its share.
		p.leave("a")
		if !<-entered || p.in("e") != 1 || p.in("a") != 5 {
			t.Errorf("%d have b, %d e, %d the flood", p.in("b"), p.in("e"), p.in("a"))
		}
		for _, other := range []bunker.TenantID{"b", "b", "c", "d", "e"} {
			p.leave(other)
		}
		synctest.Wait()
		if p.in("a") != 6 {
			t.Errorf("then the flood has %d", p.in("a"))
		}
		for range 99 { // one has left
			p.leave("a")
			synctest.Wait()
		}
		if p.free != 10 || len(p.held) != 0 || p.waiting.Len() != 0 {
			t.Errorf("at the end %d of 10 are free, %d wait", p.free, p.waiting.Len())
		}
	})
}

func TestALoneTenantIsHeldBackByItsOwnNumberOnly(t *testing.T) {
	p := newPlaces(512, 64, 16)
	for n := range 448 {
		if inside != p.enter(t.Context(), "self", 0, nil) {
			t.Fatalf("no place for %d", n)
		}
	}
}

func TestWhoGivesUpWaitingTakesNoPlaceAlong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlaces(1, 0, 1)
		p.enter(t.Context(), "a", 0, nil)
		ctx, cancel := context.WithCancel(t.Context())
		stopped := make(chan struct{})
		got := make(chan bool, 2)
		go func() { got <- inside == p.enter(ctx, "a", 0, nil) }()
		synctest.Wait()
		go func() { got <- inside == p.enter(t.Context(), "b", 0, stopped) }()
		synctest.Wait()
		cancel()
		if <-got {
			t.Error("a place for who gave up")
		}
		close(stopped)
		if <-got {
			t.Error("a place at the end")
		}
		p.leave("a")
		if p.free != 1 || len(p.held) != 0 {
			t.Errorf("%d free", p.free)
		}
		if inside != p.enter(t.Context(), "c", 0, nil) {
			t.Error("none for the next")
		}
	})
}

func TestOfATenantWithAQuotaSoManyWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlaces(2, 1, 1)
		if p.enter(t.Context(), "a", 2, nil) != inside {
			t.Fatal("no place")
		}
		got := make(chan entry, 2)
		for range 2 {
			go func() { got <- p.enter(t.Context(), "a", 2, nil) }()
		}
		synctest.Wait()
		if p.enter(t.Context(), "a", 2, nil) != crowded {
			t.Error("a third one waits")
		}
		if p.enter(t.Context(), "b", 2, nil) != inside {
			t.Error("another has no place")
		}
		for range 2 {
			p.leave("a")
			if <-got != inside {
				t.Error("who waited has no place")
			}
		}
	})
}
