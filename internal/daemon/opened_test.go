package daemon

import (
	"slices"
	"testing"

	"nsecbunker/internal/bunker"
)

// TestWhoeverIsAskedForIsOpenedFirst: a guest that was taken out of turn does not come
// again, and one with two slots waits once.
func TestWhoeverIsAskedForIsOpenedFirst(t *testing.T) {
	t.Parallel()
	var s shut
	s.put([]bunker.Slot{{Tenant: "a", ID: "1"}, {Tenant: "b", ID: "2"}, {Tenant: "b", ID: "3"}, {Tenant: "c", ID: "4"}})
	s.queue()
	if n := s.n.Load(); n != 3 {
		t.Errorf("%d guests wait", n)
	}
	if got := s.take("b"); len(got) != 2 {
		t.Errorf("b has %d slots", len(got))
	}
	if got := s.take("b"); got != nil {
		t.Errorf("b waits again: %v", got)
	}
	for _, want := range []bunker.TenantID{"a", "c"} {
		if ids := s.next(1); len(ids) != 1 || ids[0] != want || len(s.take(want)) != 1 {
			t.Errorf("next is %q", ids)
		}
	}
	if ids := s.next(1); len(ids) > 0 || s.n.Load() != 0 {
		t.Errorf("%q still wait", ids)
	}
	s.put([]bunker.Slot{{Tenant: "d", ID: "5"}, {Tenant: "b", ID: "2"}, {Tenant: "e", ID: "6"}}) // the house was opened anew
	s.queue()
	if ids := s.next(2); !slices.Equal(ids, []bunker.TenantID{"b", "d"}) {
		t.Errorf("next are %q", ids)
	}
	if ids := s.next(2); !slices.Equal(ids, []bunker.TenantID{"e"}) {
		t.Errorf("then comes %q", ids)
	}
}

// TestWhatTheStoreCouldNotOpenWaitsOn: it is found by whoever asks for it, and comes up again
// with the next that are queued, but not among those that are being gone through.
func TestWhatTheStoreCouldNotOpenWaitsOn(t *testing.T) {
	t.Parallel()
	var s shut
	s.put([]bunker.Slot{{Tenant: "a", ID: "1"}, {Tenant: "b", ID: "2"}})
	s.queue()
	if ids := s.next(2); !slices.Equal(ids, []bunker.TenantID{"a", "b"}) {
		t.Fatalf("next are %q", ids)
	}
	for _, id := range []bunker.TenantID{"a", "b"} {
		s.put(s.take(id))
	}
	if ids := s.next(2); ids != nil || s.n.Load() != 2 {
		t.Errorf("%q come up at once, and %d wait", ids, s.n.Load())
	}
	if got := s.take("a"); len(got) != 1 || got[0].ID != "1" {
		t.Errorf("a waits with %v", got)
	}
	s.queue()
	if ids := s.next(2); !slices.Equal(ids, []bunker.TenantID{"b"}) {
		t.Errorf("then come %q", ids)
	}
}
