package inbox

import (
	"context"
	"sync"
	"time"

	"nsecbunker/internal/adminwire"
	"nsecbunker/nostr"
)

// Door is where messages of administrators go.
type Door interface {
	// Known reports a key that has a session: it has reserved capacity.
	Known(client nostr.PubKey) bool
	// Take works on a verified event to the admin key, and returns when it was
	// answered, or will not be.
	Take(ctx context.Context, link string, ev *nostr.Event) (ok bool, reason string)
}

const (
	// adminPlaces is how many messages of sessions are worked on at once, and
	// adminVisitors how many of those who are not logged in; both apart from those of
	// apps. A command can take seconds.
	adminPlaces   = 256
	adminVisitors = 8
	// adminSeen is how many ids of them are remembered.
	adminSeen = 4096
	// doubleWithin is how long the same event is a double that another relay brought.
	// Later it was sent again because its answer was lost.
	doubleWithin = time.Second
)

// admins is what is volatile about messages to the admin key.
type admins struct {
	places    chan struct{}
	visitors  chan struct{}
	strangers *strangers // their budget for each link, apart from that of unknown apps
	mu        sync.Mutex
	now       map[nostr.ID]time.Time
	old       map[nostr.ID]time.Time
}

func newAdmins(l Limits) *admins {
	return &admins{
		places: make(chan struct{}, adminPlaces), visitors: make(chan struct{}, adminVisitors), strangers: newStrangers(l), now: map[nostr.ID]time.Time{}, old: map[nostr.ID]time.Time{},
	}
}

// double notes a verified event and reports whether it was just here.
func (a *admins) double(id nostr.ID, now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	last, ok := a.now[id]
	if !ok {
		last, ok = a.old[id]
	}
	if ok && now.Sub(last) < doubleWithin && !now.Before(last) {
		return true
	}
	if len(a.now) >= adminSeen/2 {
		a.old, a.now = a.now, map[nostr.ID]time.Time{}
	}
	a.now[id] = now
	return false
}

// toDoor takes one event to the admin key: size, time, then signature, then not
// yet seen. Strangers' events are bounded by link before anything is computed.
func (in *Inbox) toDoor(ctx context.Context, link string, ev *nostr.Event, size int) Verdict {
	if ev.Kind != adminwire.Kind && ev.Kind != adminwire.KindOld {
		return refused("blocked: not for this bunker")
	}
	if size > adminwire.MaxEvent {
		return refused("invalid: the event is too large")
	}
	now := in.Now()
	if away := now.Sub(time.Unix(ev.CreatedAt, 0)); away > adminwire.MaxSkew || away < -adminwire.MaxSkew {
		return refused("invalid: created_at is too far from now; check the clock")
	}
	places := in.admins.places
	if !in.Door.Known(ev.PubKey) {
		if !in.admins.strangers.admit(link, now) {
			return refused("rate-limited: too many events; slow down")
		}
		places = in.admins.visitors
	}
	select {
	case places <- struct{}{}:
		defer func() { <-places }()
	case <-ctx.Done():
		return refused("error: the link ended")
	case <-in.stopped:
		return refused("error: the bunker is shutting down; send it again")
	}
	if err := ev.Verify(); err != nil {
		in.BadSignature(link)
		return refused("invalid: " + err.Error())
	}
	if in.admins.double(ev.ID, now) {
		return accepted
	}
	ok, reason := in.Door.Take(ctx, link, ev)
	return Verdict{OK: ok, Reason: reason}
}
