package session

import (
	"slices"
	"time"

	"nsecbunker/internal/adminwire"
	"nsecbunker/nostr"
)

// orders is which numbers were heard, and what was answered: each is worked on
// once.
type orders struct {
	high  int64
	heard map[int64]bool
	kept  map[int64][]*nostr.Event
	order []int64 // of kept, oldest first
	bytes int
}

type claim int

const (
	claimOutside  claim = iota
	claimNew            // nobody had it: it is the caller's now
	claimRunning        // it is worked on
	claimAnswered       // and the answer is kept
	claimGone           // and it is not
)

// claim takes a number, or says what became of it.
func (s *live) claim(n int64, now time.Time) (claim, []*nostr.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := &s.orders
	if kept, ok := o.kept[n]; ok {
		if kept == nil {
			return claimRunning, nil
		}
		return claimAnswered, kept[:min(len(kept), adminwire.PartsAhead)]
	}
	switch {
	case n <= o.high-adminwire.Window || n > o.high+adminwire.Window:
		return claimOutside, nil
	case o.heard[n]:
		return claimGone, nil
	}
	if o.heard == nil {
		o.heard, o.kept = map[int64]bool{}, map[int64][]*nostr.Event{}
	}
	o.heard[n], o.kept[n] = true, nil
	if n > o.high {
		o.high = n
		for old := range o.heard {
			if old <= o.high-adminwire.Window {
				delete(o.heard, old)
			}
		}
	}
	s.last = now
	return claimNew, nil
}

// keep keeps an answer; the oldest leave for it.
func (s *live) keep(n int64, events []*nostr.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := &s.orders
	if o.kept == nil || o.kept[n] != nil {
		return // the session is over; or it is the answer that there is none
	}
	if _, claimed := o.kept[n]; !claimed {
		return
	}
	o.kept[n] = events
	o.order = append(o.order, n)
	o.bytes += size(events)
	for len(o.order) > 1 && (len(o.order) > adminwire.KeptAnswers || o.bytes > KeptBytes) {
		oldest := o.order[0]
		o.bytes -= size(o.kept[oldest])
		delete(o.kept, oldest)
		o.order = slices.Delete(o.order, 0, 1)
	}
}

// forget forgets the answers; what is worked on is still to be answered.
func (o *orders) forget() {
	for _, n := range o.order {
		delete(o.kept, n)
	}
	o.order, o.bytes = nil, 0
}

// forget is that of the session's orders; it returns how many bytes they were.
func (s *live) forget() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.orders.bytes
	s.orders.forget()
	return n
}

func (s *live) keptBytes() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.orders.bytes
}

// answered reports that an order was answered, and whether the answer is still kept.
func (s *live) answered(n int64) (was, kept bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	events, claimed := s.orders.kept[n]
	return s.orders.heard[n] && (events != nil || !claimed), events != nil
}

func size(events []*nostr.Event) (n int) {
	for _, e := range events {
		n += len(e.Content)
	}
	return n
}

// parts returns what was asked for of a kept answer.
func (s *live) parts(m *adminwire.More) []*nostr.Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	kept := s.orders.kept[m.Re]
	if m.From >= int64(len(kept)) {
		return nil
	}
	return kept[m.From:min(int64(len(kept)), m.From+adminwire.PartsAhead)]
}
