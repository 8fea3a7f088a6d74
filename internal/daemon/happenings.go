package daemon

import (
	"context"
	"sync"

	"nsecbunker/internal/bunker"
)

// happenings tells subscribers in this process what was committed of one tenant:
// questions, answers, connections, alarms, changes. It is read from the log, so nothing
// is told before its commit, nothing is left out, and the path of a request waits for
// nobody. It begins with what is committed after the first subscriber: who needs what
// was before, or must not miss anything over a restart, keeps a place in the log of his
// own.
type happenings struct {
	mu    sync.Mutex
	next  int
	subs  map[int]func(bunker.Happening)
	begun bool
	seen  int64 // up to which record was told
}

// stirred is the tenants of which something is to be looked at.
type stirred struct {
	wake chan struct{} // one place: that there is one

	mu  sync.Mutex
	ids map[bunker.TenantID]struct{}
}

func newStirred() *stirred {
	return &stirred{wake: make(chan struct{}, 1), ids: map[bunker.TenantID]struct{}{}}
}

// add says that something is to be looked at. It never blocks.
func (s *stirred) add(ids ...bunker.TenantID) {
	s.mu.Lock()
	for _, id := range ids {
		s.ids[id] = struct{}{}
	}
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// take returns the tenants, and begins anew.
func (s *stirred) take() []bunker.TenantID {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]bunker.TenantID, 0, len(s.ids))
	for id := range s.ids {
		out = append(out, id)
	}
	clear(s.ids)
	return out
}

// committed notes that a tenant has new records. The store calls it with its locks
// held.
func (d *Daemon) committed(t bunker.TenantID) {
	d.moved.add(t)
	d.grown.add(t)
	d.together.committed(t)
}

// Subscribe has f called for every happening from now on, in order, from one
// goroutine. f must return at once: keep what it is given, and work elsewhere.
func (t *tenant) Subscribe(f func(bunker.Happening)) (cancel func()) {
	h := &t.happened
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.subs == nil {
		h.subs = map[int]func(bunker.Happening){}
	}
	id := h.next
	h.next++
	h.subs[id] = f
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.subs, id)
	}
}

func (h *happenings) tell(what bunker.Happening) {
	h.mu.Lock()
	subs := make([]func(bunker.Happening), 0, len(h.subs))
	for i := range h.next {
		if s := h.subs[i]; s != nil {
			subs = append(subs, s)
		}
	}
	h.mu.Unlock()
	for _, s := range subs {
		s(what)
	}
}

// begin finds the end of the log, from which on is told.
func (h *happenings) begin(ctx context.Context, t *tenant) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.begun {
		return nil
	}
	seen, err := t.store.Head(ctx, t.id)
	if err == nil {
		h.begun, h.seen = true, seen
	}
	return err
}

// place is up to which record was told; ok is false where nobody is told.
func (h *happenings) place() (seen int64, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.seen, h.begun
}

// happeningsPage is how many records are read at once.
const happeningsPage = 200

// runHappenings reads what was committed whenever the store says that there is something.
func (d *Daemon) runHappenings(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-d.moved.wake:
		}
		ids := d.moved.take()
		d.untold.add(ids...)
		for _, id := range ids {
			if t := d.tenants.tenant(id); t != nil {
				t.tellHappened(ctx)
			}
		}
	}
}

// tellHappened tells what was committed since the last time.
func (t *tenant) tellHappened(ctx context.Context) {
	seen, ok := t.happened.place()
	for ok {
		recs, upTo, err := t.store.Happened(ctx, t.id, seen, happeningsPage)
		if err != nil && ctx.Err() == nil {
			t.Log.Error("what was committed could not be read", "error", err)
		}
		if err != nil {
			return
		}
		for i := range recs {
			if h := bunker.HappeningOf(&recs[i]); h.Kind != "" {
				t.happened.tell(h)
			}
		}
		seen = upTo
		t.happened.mu.Lock()
		t.happened.seen = seen
		t.happened.mu.Unlock()
		ok = len(recs) == happeningsPage
	}
}
