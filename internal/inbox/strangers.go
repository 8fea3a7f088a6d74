package inbox

import (
	"sync"
	"time"

	"golang.org/x/time/rate"

	"nsecbunker/nostr"
)

// strangers is the budget of everybody who has no connection: a rate for each
// link, and a cap on the generic errors that are sent.
type strangers struct {
	mu    sync.Mutex
	lim   Limits
	links map[string]*rate.Limiter
	// replied holds who got an error in this minute; its size is the cap.
	replied map[nostr.PubKey]struct{}
	minute  time.Time
}

func newStrangers(l Limits) *strangers {
	return &strangers{lim: l, links: map[string]*rate.Limiter{}, replied: map[nostr.PubKey]struct{}{}}
}

// admit spends one event of the link's budget. When too many links are known,
// all are forgotten at once: their number is bounded, and so is the harm.
func (s *strangers) admit(link string, now time.Time) bool {
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

// mayReply reports whether one more generic error may be sent, to this stranger.
func (s *strangers) mayReply(to nostr.PubKey, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m := now.Truncate(time.Minute); m != s.minute {
		s.minute = m
		clear(s.replied)
	}
	if _, told := s.replied[to]; told || len(s.replied) >= s.lim.StrangerReplies {
		return false
	}
	s.replied[to] = struct{}{}
	return true
}
