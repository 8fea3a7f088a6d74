package daemon

import (
	"context"
	"sync"
	"time"

	"nsecbunker/internal/bunker"
)

// happenings tells subscribers in this process what was committed: questions, answers,
// connections, alarms, changes. It is read from the log, so nothing is told before
// its commit, nothing is left out, and the path of a request waits for nobody. It
// begins with what is committed after Run: who needs what was before, or must not
// miss anything over a restart, keeps a place in the log of its own.
type happenings struct {
	wake chan struct{} // one place: that there is something

	mu   sync.Mutex
	next int
	subs map[int]func(bunker.Happening)
}

func newHappenings() *happenings {
	return &happenings{wake: make(chan struct{}, 1), subs: map[int]func(bunker.Happening){}}
}

// poke says that something was committed. It never blocks.
func (h *happenings) poke() {
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

// Subscribe has f called for every happening from now on, in order, from one
// goroutine. f must return at once: keep what it is given, and work elsewhere.
func (d *Daemon) Subscribe(f func(bunker.Happening)) (cancel func()) {
	d.happened.mu.Lock()
	defer d.happened.mu.Unlock()
	id := d.happened.next
	d.happened.next++
	d.happened.subs[id] = f
	return func() {
		d.happened.mu.Lock()
		defer d.happened.mu.Unlock()
		delete(d.happened.subs, id)
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

// headAgain is how long passes until the end of the log is looked for again.
const headAgain = time.Second

// happeningsPage is how many records are read at once.
const happeningsPage = 200

// runHappenings reads what was committed whenever the store says that there is something.
func (d *Daemon) runHappenings(ctx context.Context) error {
	var seen int64
	for {
		var err error
		if seen, err = d.store.Head(ctx, d.tenant); err == nil {
			break
		}
		if ctx.Err() != nil {
			return nil
		}
		// A database's server may be away for a moment, and the bunker goes on.
		d.Log.Error("the end of the log could not be read", "error", err)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(headAgain):
		}
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-d.happened.wake:
		}
		d.notifier.Wake()
		for {
			recs, upTo, err := d.store.Happened(ctx, d.tenant, seen, happeningsPage)
			if err != nil && ctx.Err() == nil {
				d.Log.Error("what was committed could not be read", "error", err)
			}
			if err != nil {
				break
			}
			for i := range recs {
				if h := bunker.HappeningOf(&recs[i]); h.Kind != "" {
					d.happened.tell(h)
				}
			}
			seen = upTo
			if len(recs) < happeningsPage {
				break
			}
		}
	}
}
