package inbox

import (
	"context"
	"sync"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/host"
)

// Of the places one in keptShare is kept for tenants that have fewer than few.
const (
	keptShare = 8
	few       = 16
)

// places are what requests of known clients are worked on at. Whoever finds none free
// waits in the line of its tenant, and those take turns. Some are kept for tenants
// that have few: one with a flood does not have them all.
type places struct {
	mu      sync.Mutex
	free    int
	kept    int // of the free, for who has fewer than few
	few     int
	held    map[bunker.TenantID]int
	waiting host.Turns[*waiter]
}

type waiter struct {
	tenant bunker.TenantID
	ready  chan struct{} // buffered: a place is given
	gone   bool          // guarded by places.mu
}

func newPlaces(all, kept, few int) *places {
	return &places{free: all, kept: min(kept, all-1), few: few, held: map[bunker.TenantID]int{}}
}

// may reports whether a tenant may have a free place now.
func (p *places) may(t bunker.TenantID) bool {
	return p.free > p.kept || p.free > 0 && p.held[t] < p.few
}

func (p *places) take(t bunker.TenantID) {
	p.free--
	p.held[t]++
}

// entry is how entering ended.
type entry uint8

const (
	without entry = iota // ctx or the inbox ended first
	crowded              // too many of the tenant's wait already
	inside
)

// enter takes a place for a request of a tenant, when one is free and its turn has come;
// leave gives it back. At most as many as most of a tenant wait; 0: however many come.
func (p *places) enter(ctx context.Context, t bunker.TenantID, most int, stopped <-chan struct{}) entry {
	p.mu.Lock()
	if p.may(t) { // who waits may not have this one
		p.take(t)
		p.mu.Unlock()
		return inside
	}
	if most > 0 && p.waiting.Of(t) >= most {
		p.mu.Unlock()
		return crowded
	}
	w := &waiter{tenant: t, ready: make(chan struct{}, 1)}
	p.waiting.Add(t, w)
	p.mu.Unlock()
	select {
	case <-w.ready:
		return inside
	case <-ctx.Done():
	case <-stopped:
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-w.ready: // given meanwhile
		p.back(t)
	default:
		w.gone = true
	}
	return without
}

func (p *places) leave(t bunker.TenantID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.back(t)
}

// back takes a place back and gives it to whose turn it is, of those who may have it.
func (p *places) back(t bunker.TenantID) {
	p.free++
	if p.held[t]--; p.held[t] == 0 {
		delete(p.held, t)
	}
	for {
		w, ok := p.waiting.NextOf(p.may)
		if !ok {
			return
		}
		if !w.gone {
			p.take(w.tenant)
			w.ready <- struct{}{}
			return
		}
	}
}
