package inbox

import (
	"sync"
	"time"

	"golang.org/x/time/rate"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr"
)

// strangers is the budget of everybody who has no connection: a rate for what each
// link brings for a tenant, and a cap on the generic errors that are sent.
type strangers struct {
	mu    sync.Mutex
	lim   Limits
	links map[linkTo]*rate.Limiter
	// replied holds, for each tenant, who got an error of it in this minute; its size is the cap.
	replied map[bunker.TenantID]map[nostr.PubKey]struct{}
	minute  time.Time
	// refused counts generic refusals since the last record of them.
	refused counts
	// alarmed is when a token's owner was last told.
	alarmed map[spentToken]time.Time
}

func newStrangers(l Limits) *strangers {
	return &strangers{lim: l, links: map[linkTo]*rate.Limiter{}, replied: map[bunker.TenantID]map[nostr.PubKey]struct{}{}, alarmed: map[spentToken]time.Time{}}
}

// linkTo is a link as the way to one tenant: over one relay come the apps of many.
type linkTo struct {
	link   string
	tenant bunker.TenantID
}

// admit spends one event of the link's budget. When too many links are known,
// all are forgotten at once: their number is bounded, and so is the harm.
func (s *strangers) admit(link linkTo, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	l, ok := s.links[link]
	if !ok {
		if len(s.links) >= s.lim.StrangerLinks {
			clear(s.links)
		}
		l = rate.NewLimiter(rate.Limit(s.lim.StrangerRate), s.lim.StrangerBurst)
		s.links[link] = l
	}
	return l.AllowN(now, 1)
}

// Bounds of what is remembered of spent secrets.
const (
	alarmEvery = time.Hour
	maxAlarms  = 1024
)

// mayAlarm reports whether the spent secret of a token is worth one more record.
func (s *strangers) mayAlarm(t spentToken, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if last, ok := s.alarmed[t]; ok && now.Sub(last) < alarmEvery {
		return false
	}
	if len(s.alarmed) >= maxAlarms {
		clear(s.alarmed)
	}
	s.alarmed[t] = now
	return true
}

// spentToken is a token of one tenant.
type spentToken struct {
	tenant bunker.TenantID
	token  bunker.TokenID
}

// counts is a number for each tenant. Its zero value counts nothing yet.
type counts struct {
	mu sync.Mutex
	m  map[bunker.TenantID]int64
}

func (c *counts) add(t bunker.TenantID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.m == nil {
		c.m = map[bunker.TenantID]int64{}
	}
	c.m[t]++
}

// take returns the numbers, and begins anew.
func (c *counts) take() map[bunker.TenantID]int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	m := c.m
	c.m = nil
	return m
}

// rates bounds what each known client may ask.
type rates struct {
	mu      *sync.Mutex
	rate    rate.Limit
	burst   int
	clients int
	m       map[pair]*rate.Limiter
	room    *int // for how many clients there is room, until those at rest are forgotten
	// over counts what was too much since the last record of it.
	over *counts
}

func newRates(perSecond float64, burst, clients int) rates {
	return rates{mu: new(sync.Mutex), rate: rate.Limit(perSecond), burst: burst, clients: clients, m: map[pair]*rate.Limiter{}, room: new(int), over: new(counts)}
}

// admit spends one request of a client.
func (r rates) admit(t bunker.TenantID, p pair, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	l, ok := r.m[p]
	if !ok {
		r.makeRoom(now)
		l = rate.NewLimiter(r.rate, r.burst)
		r.m[p] = l
	}
	if !l.AllowN(now, 1) {
		r.over.add(t)
		return false
	}
	return true
}

// leastRoom is how many clients' rates are kept before those at rest are looked for.
const leastRoom = 1024

// makeRoom forgets the clients that have all of their burst again: a new limiter says
// the same of them. If too many are left, all are forgotten.
func (r rates) makeRoom(now time.Time) {
	if len(r.m) < max(leastRoom, *r.room) && len(r.m) < r.clients {
		return
	}
	for p, l := range r.m {
		if l.TokensAt(now) >= float64(r.burst) {
			delete(r.m, p)
		}
	}
	if len(r.m) >= r.clients {
		clear(r.m)
	}
	*r.room = 2 * len(r.m)
}

// mayReply reports whether one more generic error of a tenant may be sent, to this stranger.
func (s *strangers) mayReply(t bunker.TenantID, to nostr.PubKey, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m := now.Truncate(time.Minute); m != s.minute {
		s.minute = m
		clear(s.replied)
	}
	of := s.replied[t]
	if _, told := of[to]; told || len(of) >= s.lim.StrangerReplies {
		return false
	}
	if of == nil {
		of = map[nostr.PubKey]struct{}{}
		s.replied[t] = of
	}
	of[to] = struct{}{}
	return true
}
