package relay

import (
	"cmp"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"time"

	"nsecbunker/nostr"
)

// sub is one subscription: one REQ with one filter over some of the keys.
//
// A live one is never replaced under its id: ephemeral events that arrive
// between its end and its new beginning would be lost. A successor is opened
// beside it, and it is closed after the successor's EOSE.
type sub struct {
	id       string // new for each REQ, so that a late answer to an old one does no harm
	keys     []nostr.PubKey
	live     int // keys that are still wanted
	state    subState
	at       time.Duration // pending: not before; opening: EOSE until; open: since; on the link's clock
	begun    time.Time     // opening: when the REQ was sent
	fails    int           // CLOSED since it was last open for Timing.Stable
	replaces []*sub        // a merge: these end when this is open
}

type subState int

const (
	pending  subState = iota // to be sent, when due
	needAuth                 // answered auth-required; sent after AUTH
	opening                  // sent, no EOSE yet
	open                     // heard
)

const subPrefix = "s"

func subID(n int64) string { return subPrefix + strconv.FormatInt(n, 10) }

// reconcile takes up a change of what is wanted. An error means that the link
// has to be made anew.
func (l *link) reconcile() error {
	kinds, version := l.p.desiredKinds()
	if version == l.version {
		return nil // something else woke us; comparing 10,000 keys takes a while
	}
	if len(l.subs) > 0 && !slices.Equal(kinds, l.kinds) {
		return errKinds
	}
	l.kinds, l.version = kinds, version
	l.plan()
	return nil
}

// plan compares the subscriptions with the keys that are wanted.
func (l *link) plan() {
	l.place(l.recount())
	l.merge()
	l.refresh()
}

// homes returns for each key that is wanted the subscription by which it is, or will be,
// heard; nil: there is none. Nothing of it is kept between changes, which are rare: of ten
// thousand keys a map would be a megabyte.
func (l *link) homes(want nostr.PubKeys) []*sub {
	homes := make([]*sub, len(want))
	for _, s := range l.subs {
		if s.replaces != nil {
			continue // its parts are heard until it is
		}
		for _, k := range s.keys {
			if i, ok := want.Index(k); ok && homes[i] == nil {
				homes[i] = s
			}
		}
	}
	return homes
}

// place gives new keys a subscription: one that is not sent yet and has room,
// or a new one.
func (l *link) place(added []nostr.PubKey) {
	var s *sub
	l.unheard = 0
	for _, have := range l.subs {
		if have.state == pending && have.fails == 0 && have.replaces == nil && len(have.keys) < l.p.chunk {
			s = have
		}
	}
	for i, k := range added {
		if s == nil || len(s.keys) >= l.p.chunk {
			if len(l.subs) >= MaxSubs {
				l.unheard = len(added) - i
				text := fmt.Sprintf("%d keys are not heard there: it takes only %d in one subscription", l.unheard, l.p.chunk)
				l.p.note(func(st *Status) { st.Err = text })
				return
			}
			s = &sub{keys: make([]nostr.PubKey, 0, min(l.p.chunk, len(added)-i))}
			l.subs = append(l.subs, s)
		}
		s.keys = append(s.keys, k)
		s.live++
	}
}

// merge opens one subscription in place of the smallest ones when too many are
// half empty. It asks anew for at most one chunk of keys.
func (l *link) merge() {
	var partial []*sub
	for _, s := range l.subs {
		if s.replaces != nil {
			return // one at a time
		}
		if s.state == open && s.live <= l.p.chunk/2 {
			partial = append(partial, s)
		}
	}
	if len(partial) <= MaxPartials || l.now() < l.mergeAt || len(l.subs) >= MaxSubs {
		return
	}
	slices.SortStableFunc(partial, func(a, b *sub) int { return cmp.Compare(a.live, b.live) })
	next, n := &sub{}, 0
	for _, s := range partial {
		if n += s.live; n > l.p.chunk {
			break
		}
		next.replaces = append(next.replaces, s)
	}
	want := l.p.desiredKeys()
	for i, s := range l.homes(want) {
		if slices.Contains(next.replaces, s) {
			next.keys = append(next.keys, want[i])
		}
	}
	l.subs = append(l.subs, next)
}

// drop ends a subscription for good.
func (l *link) drop(s *sub) {
	if s.state == opening || s.state == open {
		l.closing = append(l.closing, s.id)
	}
	l.subs = slices.DeleteFunc(l.subs, func(have *sub) bool { return have == s })
	for _, other := range l.subs {
		other.replaces = slices.DeleteFunc(other.replaces, func(old *sub) bool { return old == s })
	}
}

// nextSub is the subscription whose REQ is to be written now, or nil.
func (l *link) nextSub() *sub {
	inFlight := 0
	for _, s := range l.subs {
		if s.state == opening {
			inFlight++
		}
	}
	if inFlight >= MaxOpening {
		return nil
	}
	now := l.now()
	for _, s := range l.subs {
		if (s.state == pending || s.state == needAuth) && s.at <= now {
			return s
		}
	}
	return nil
}

// request marks s as sent and returns its REQ (NIP-01).
func (l *link) request(s *sub) []byte {
	s.id = subID(l.issued.Add(1))
	s.state, s.at, s.begun = opening, l.now()+l.m.t.EOSEWait, time.Now()
	b := make([]byte, 0, 100+67*len(s.keys))
	b = append(b, `["REQ","`+s.id+`",{"kinds":[`...)
	for i, k := range l.kinds {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendUint(b, uint64(k), 10)
	}
	b = append(b, `],"#p":[`...)
	for i, k := range s.keys {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '"')
		b = hex.AppendEncode(b, k[:])
		b = append(b, '"')
	}
	b = append(b, `],"since":`...)
	b = strconv.AppendInt(b, l.m.cfg.Now().Add(-l.m.cfg.Since).Unix(), 10)
	return append(b, `}]`...)
}

func (l *link) find(id string) *sub {
	for _, s := range l.subs {
		if s.id == id && (s.state == opening || s.state == open) {
			return s
		}
	}
	return nil
}

// eose: from now on the subscription is heard.
func (l *link) eose(id string) {
	s := l.find(id)
	if s == nil || s.state != opening {
		return
	}
	s.state, s.at = open, l.now()
	took := time.Since(s.begun)
	l.p.note(func(st *Status) {
		if st.Latency == 0 {
			st.Latency = took
		}
	})
	if s.replaces != nil {
		for _, old := range slices.Clone(s.replaces) {
			l.drop(old)
		}
		s.replaces = nil
		l.recount()
		if l.unheard > 0 {
			l.plan() // there is room again
		}
	}
	l.merge()
	l.refresh()
}

// recount brings live up to date after keys moved, ends subscriptions by which nothing is heard
// that is wanted, and returns the wanted keys that have none.
func (l *link) recount() (added []nostr.PubKey) {
	for _, s := range l.subs {
		s.live = 0
	}
	want := l.p.desiredKeys()
	for i, s := range l.homes(want) {
		if s != nil {
			s.live++
		} else {
			added = append(added, want[i])
		}
	}
	for _, s := range slices.Clone(l.subs) {
		if s.live == 0 && s.replaces == nil {
			l.drop(s)
		}
	}
	return added
}

// closed: the relay ended or refused a subscription. It is asked for again,
// whatever the reason, later each time: never deaf for ever.
func (l *link) closed(id, text string) {
	s := l.find(id)
	if s == nil {
		return
	}
	refused := s.state == opening
	if s.state == open && l.now()-s.at >= l.m.t.Stable {
		s.fails = 0
	}
	l.p.note(func(st *Status) { st.Err = "it closed a subscription: " + text })
	if s.replaces != nil {
		// The merge is off; its parts are still heard.
		s.state = pending
		l.subs = slices.DeleteFunc(l.subs, func(have *sub) bool { return have == s })
		l.mergeAt = l.now() + l.m.t.BackoffMax
		return
	}
	t := l.m.t
	base := t.ClosedMin
	s.state = pending
	again := []*sub{s}
	switch prefix(text) {
	case "auth-required":
		// After AUTH at once; otherwise as if it were rate-limited.
		s.state, base = needAuth, t.RateLimitedMin
		l.authAsked()
	case "rate-limited":
		base = t.RateLimitedMin
	case "invalid", "unsupported":
		if refused {
			again = l.split(s)
		}
	}
	for _, s := range again {
		delay := doubled(base, t.BackoffMax, s.fails)
		s.at = l.now() + delay/2 + spreadOut(delay/2, t.BackoffMax, 0)
		s.fails++
	}
	l.refresh()
}

// split halves a subscription that the relay does not take, if it can be, and
// from now on uses smaller ones there. It returns the parts.
func (l *link) split(s *sub) []*sub {
	if len(s.keys) <= MinChunk || len(l.subs) >= MaxSubs {
		return []*sub{s}
	}
	half := len(s.keys) / 2
	l.p.chunk = max(MinChunk, min(half, l.p.chunk))
	other := &sub{keys: slices.Clone(s.keys[half:]), fails: s.fails}
	s.keys = s.keys[:half:half]
	l.subs = append(l.subs, other)
	l.recount()
	return slices.DeleteFunc([]*sub{s, other}, func(part *sub) bool { return part.live == 0 })
}

// overdue returns a subscription whose EOSE did not come in time. A large one
// was perhaps too large: the next link tries smaller ones.
func (l *link) overdue() *sub {
	now := l.now()
	for _, s := range l.subs {
		if s.state == opening && s.at <= now {
			alive := l.heard.Load() > int64(s.begun.Sub(l.born))
			if alive && len(s.keys) > MinChunk {
				l.p.chunk = max(MinChunk, min(len(s.keys)/2, l.p.chunk))
			}
			return s
		}
	}
	return nil
}

// subTick is how long no subscription becomes due.
func (l *link) subTick() time.Duration {
	now, wait := l.now(), time.Minute
	for _, s := range l.subs {
		if s.state != open && s.at > now {
			wait = min(wait, s.at-now)
		}
	}
	return wait
}

// refresh tells the peer whether everything is heard. A subscription that has
// never been heard and is not refused (new keys) does not make a link that was
// up look down.
func (l *link) refresh() {
	state := Up
	isUp := l.p.isUp()
	if l.unheard > 0 {
		state = Open
	}
	for _, s := range l.subs {
		if s.replaces != nil || s.state == open {
			continue
		}
		if s.fails > 0 || !isUp {
			state = Open
		}
	}
	subs := len(l.subs)
	l.p.note(func(st *Status) { st.Subs = subs })
	l.p.setState(state, "", time.Time{})
}

func (p *peer) isUp() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stat.State == Up
}
