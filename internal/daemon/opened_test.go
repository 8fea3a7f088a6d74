package daemon

import (
	"testing"

	"nsecbunker/internal/bunker"
)

// TestWhoeverIsAskedForIsOpenedFirst: a guest that was taken out of turn does not come
// again, and one with two slots waits once.
func TestWhoeverIsAskedForIsOpenedFirst(t *testing.T) {
	t.Parallel()
	var s shut
	s.put([]bunker.Slot{{Tenant: "a", ID: "1"}, {Tenant: "b", ID: "2"}, {Tenant: "b", ID: "3"}, {Tenant: "c", ID: "4"}})
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
		if id, ok := s.next(); !ok || id != want || len(s.take(id)) != 1 {
			t.Errorf("next is %q, %v", id, ok)
		}
	}
	if id, ok := s.next(); ok || s.n.Load() != 0 {
		t.Errorf("%q still waits", id)
	}
	s.put([]bunker.Slot{{Tenant: "b", ID: "2"}}) // the house was opened anew
	if id, ok := s.next(); !ok || id != "b" {
		t.Errorf("next is %q, %v", id, ok)
	}
}
