package inbox

import (
	"context"
	"hash/maphash"
	"sync"
	"time"

	"nsecbunker/internal/signer"
	"nsecbunker/nostr"
)

// pair is a signer key and a client key.
type pair struct{ signer, client nostr.PubKey }

// knownSet is the clients with reserved capacity. It keeps their hashes alone: a
// stranger who is taken for one of them, once in 2^64 tries that nobody can aim, gets
// that capacity and no more.
type knownSet struct {
	mu   sync.RWMutex
	seed maphash.Seed
	m    map[uint64]struct{}
}

func (k *knownSet) add(p pair) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.m == nil {
		k.m, k.seed = map[uint64]struct{}{}, maphash.MakeSeed()
	}
	k.m[maphash.Comparable(k.seed, p)] = struct{}{}
}

func (k *knownSet) has(p pair) bool {
	k.mu.RLock()
	defer k.mu.RUnlock()
	if k.m == nil {
		return false
	}
	_, ok := k.m[maphash.Comparable(k.seed, p)]
	return ok
}

// seen remembers verified ids in two generations, so that it is bounded and
// forgets the oldest half at a time.
type seen struct {
	mu       sync.Mutex
	half     int
	now, old map[mark]struct{}
	// since is from when on every id is remembered; turned is when the younger
	// generation began.
	since, turned time.Time
}

// mark is the half of an id that is remembered: two events that share one would
// take 2^64 tries to make, and the second would be a waste of its own author's.
type mark [16]byte

func newSeen(n int, now time.Time) *seen {
	return &seen{half: max(1, n/2), now: map[mark]struct{}{}, since: now, turned: now}
}

// all returns the time from which on every verified event is remembered.
func (s *seen) all() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.since
}

// doubt forgets from when on every verified event is remembered: that begins now.
func (s *seen) doubt(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.since, s.turned = now, now
}

func (s *seen) has(id nostr.ID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, a := s.now[mark(id[:16])]
	_, b := s.old[mark(id[:16])]
	return a || b
}

func (s *seen) add(id nostr.ID, now time.Time) { s.first(id, now) }

// first is add, and reports whether the id was not there.
func (s *seen) first(id nostr.ID, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.now[mark(id[:16])]; ok {
		return false
	}
	_, old := s.old[mark(id[:16])]
	if len(s.now) >= s.half {
		s.old, s.now = s.now, map[mark]struct{}{}
		s.since, s.turned = s.turned, now
	}
	s.now[mark(id[:16])] = struct{}{}
	return !old
}

// flights joins doubles of one event that are worked on at the same time. Only
// verified events fly.
type flights struct {
	mu sync.Mutex
	m  map[nostr.ID]*flight
}

type flight struct {
	done chan struct{}
	v    Verdict
}

func (f *flights) do(ctx context.Context, id nostr.ID, work func() Verdict) Verdict {
	f.mu.Lock()
	if fl, ok := f.m[id]; ok {
		f.mu.Unlock()
		select {
		case <-fl.done:
			return fl.v
		case <-ctx.Done():
			return refused("error: the link ended")
		}
	}
	fl := &flight{done: make(chan struct{}), v: refused("error: it could not be worked on")}
	f.m[id] = fl
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		delete(f.m, id)
		f.mu.Unlock()
		close(fl.done)
	}()
	fl.v = work()
	return fl.v
}

// held keeps switch_relays requests that came before their client's connect.
type held struct {
	mu sync.Mutex
	m  map[pair]heldRequest
}

type heldRequest struct {
	arrival signer.Arrival
	until   time.Time
}

func (h *held) put(p pair, a signer.Arrival, now time.Time, l Limits) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, ok := h.m[p]; !ok && len(h.m) >= l.Held {
		return
	}
	h.m[p] = heldRequest{a, now.Add(l.HeldFor)}
}

func (h *held) take(p pair, now time.Time) (signer.Arrival, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	r, ok := h.m[p]
	delete(h.m, p)
	return r.arrival, ok && now.Before(r.until)
}

func (h *held) expire(now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for p, r := range h.m {
		if !now.Before(r.until) {
			delete(h.m, p)
		}
	}
}

// resent limits how often one stored reply is sent again on demand. Who asks too
// soon is owed it: what was sent a moment ago may have been lost on its way, and
// whoever asks again would else wait for nothing.
type resent struct {
	mu sync.Mutex
	at map[nostr.ID]sending
}

// sending is when a reply was last sent again, and whether it was asked for since.
type sending struct {
	last time.Time
	owed bool
}

// resentMax bounds what is remembered; beyond it everything waits for the sweep.
const resentMax = 1 << 14

// resentFor is how long it is remembered.
const resentFor = time.Minute

func (r *resent) may(id nostr.ID, now time.Time, every time.Duration) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s, ok := r.at[id]; ok && now.Sub(s.last) < every && now.After(s.last) {
		r.at[id] = sending{last: s.last, owed: true}
		return false
	}
	if len(r.at) >= resentMax {
		return false
	}
	r.at[id] = sending{last: now}
	return true
}

// due takes out what is owed and may be sent again now.
func (r *resent) due(now time.Time, every time.Duration) (ids []nostr.ID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for id, s := range r.at {
		if s.owed && (now.Sub(s.last) >= every || now.Before(s.last)) {
			r.at[id] = sending{last: now}
			ids = append(ids, id)
		}
	}
	return ids
}

func (r *resent) expire(now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for id, s := range r.at {
		if now.Sub(s.last) > resentFor || now.Before(s.last) {
			delete(r.at, id)
		}
	}
}
