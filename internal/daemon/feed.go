package daemon

import (
	"context"
	"sync"

	"nsecbunker/internal/bunker"
)

// feed tells subscribers in this process what was committed: questions, answers,
// connections, alarms, changes. It is read from the log, so nothing is told before
// its commit, nothing is left out, and the path of a request waits for nobody. It
// begins with what is committed after Run: who needs what was before, or must not
// miss anything over a restart, keeps a place in the log of its own.
type feed struct {
	wake chan struct{} // one place: that there is something

	mu   sync.Mutex
	next int
	subs map[int]func(bunker.Happening)
}

func newFeed() *feed {
	return &feed{wake: make(chan struct{}, 1), subs: map[int]func(bunker.Happening){}}
}

// poke says that something was committed. It never blocks.
func (f *feed) poke() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// Subscribe has f called for every happening from now on, in order, from one
// goroutine. f must return at once: keep what it is given, and work elsewhere.
func (d *Daemon) Subscribe(f func(bunker.Happening)) (cancel func()) {
	d.feed.mu.Lock()
	defer d.feed.mu.Unlock()
	id := d.feed.next
	d.feed.next++
	d.feed.subs[id] = f
	return func() {
		d.feed.mu.Lock()
		defer d.feed.mu.Unlock()
		delete(d.feed.subs, id)
	}
}

func (f *feed) tell(h bunker.Happening) {
	f.mu.Lock()
	subs := make([]func(bunker.Happening), 0, len(f.subs))
	for i := range f.next {
		if s := f.subs[i]; s != nil {
			subs = append(subs, s)
		}
	}
	f.mu.Unlock()
	for _, s := range subs {
		s(h)
	}
}

// feedPage is how many records the feed reads at once.
const feedPage = 200

// runFeed reads what was committed whenever the store says that there is something.
func (d *Daemon) runFeed(ctx context.Context) error {
	seen, err := d.store.Head(ctx, d.tenant)
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-d.feed.wake:
		}
		d.notifier.Wake()
		for {
			recs, upTo, err := d.store.Happened(ctx, d.tenant, seen, feedPage)
			if err != nil && ctx.Err() == nil {
				d.Log.Error("what was committed could not be read", "error", err)
			}
			if err != nil {
				break
			}
			for i := range recs {
				if h := bunker.HappeningOf(&recs[i]); h.Kind != "" {
					d.feed.tell(h)
				}
			}
			seen = upTo
			if len(recs) < feedPage {
				break
			}
		}
	}
}
