package signerrelay

import (
	"time"

	"nsecbunker/nostr"
)

// filter is one filter of a REQ (NIP-01). Absent lists match everything; `#p` is never absent.
type filter struct {
	p       map[nostr.PubKey]struct{}
	ids     map[nostr.ID]struct{}
	authors map[nostr.PubKey]struct{}
	kinds   [2]bool // 24133, 24134; both when the filter names none
	since   *int64  // seconds
	until   *int64  // seconds
	limit   int     // of the initial answer; -1 when absent
	values  int     // how many values its lists name
}

// parseFilter reads one filter; values is how many listed values the message may still have. Anything that the relay
// cannot serve is refused with a reason rather than left unanswered (NIP-01, CLOSED).
func parseFilter(s *scanner, values *int) (filter, error) {
	f := filter{limit: -1, kinds: [2]bool{true, true}}
	before := *values
	err := s.object(func(name string) error {
		switch name {
		case "#p":
			return set32(s, &f.p, values, "#p")
		case "authors":
			return set32(s, &f.authors, values, "authors")
		case "ids":
			return set32(s, &f.ids, values, "ids")
		case "kinds":
			return f.parseKinds(s, values)
		case "since":
			return number(s, &f.since, "since")
		case "until":
			return number(s, &f.until, "until")
		case "limit":
			var n *int64
			if err := number(s, &n, "limit"); err != nil {
				return err
			}
			if *n < 0 {
				return &refusal{"invalid", "limit is negative"}
			}
			f.limit = int(min(*n, 1<<30))
			return nil
		}
		return &refusal{"unsupported", "a filter here has #p, kinds, authors, ids, since, until and limit only"}
	})
	if err != nil {
		return f, err
	}
	f.values = before - *values
	if len(f.p) == 0 {
		return f, &refusal{"restricted", "name the keys that you listen for in #p; this relay carries nothing else"}
	}
	return f, nil
}

func (f *filter) parseKinds(s *scanner, values *int) error {
	f.kinds = [2]bool{}
	return s.list(func() error {
		if err := spend(values); err != nil {
			return err
		}
		n, err := s.integer()
		if err != nil {
			return &refusal{"invalid", "kinds is a list of integers"}
		}
		if n != int64(KindNostrConnect) && n != int64(KindAdmin) {
			return &refusal{"restricted", "this relay carries the kinds 24133 and 24134 only"}
		}
		f.kinds[n-int64(KindNostrConnect)] = true
		return nil
	})
}

// set32 reads a list of 32-byte values in hexadecimal. An empty list matches nothing (NIP-01: one value or more).
func set32[T ~[32]byte](s *scanner, out *map[T]struct{}, values *int, name string) error {
	set := make(map[T]struct{})
	*out = set
	return s.list(func() error {
		if err := spend(values); err != nil {
			return err
		}
		word, err := s.text(64)
		var v [32]byte
		if err != nil || !hex32(word, &v) {
			return &refusal{"invalid", name + " is a list of 64 lower-case hexadecimal characters each"}
		}
		set[T(v)] = struct{}{}
		return nil
	})
}

func spend(values *int) error {
	if *values == 0 {
		return &refusal{"invalid", "too many values in one REQ"}
	}
	*values--
	return nil
}

func number(s *scanner, out **int64, name string) error {
	n, err := s.integer()
	if err != nil {
		return &refusal{"invalid", name + " is an integer"}
	}
	*out = &n
	return nil
}

// matchLive says whether a new event matches. since is read LiveTolerance back, see there; until is not, as nobody
// names one who waits for an answer.
func (f *filter) matchLive(ev *nostr.Event, ps []nostr.PubKey) bool {
	return f.match(ev, ps, int64(LiveTolerance/time.Second))
}

// matchKept says whether an event published before the REQ matches. A filter without since asks for the stored events
// of kinds that are never stored, so gets none.
func (f *filter) matchKept(ev *nostr.Event, ps []nostr.PubKey) bool {
	return f.since != nil && f.limit != 0 && f.match(ev, ps, 0)
}

func (f *filter) match(ev *nostr.Event, ps []nostr.PubKey, tolerance int64) bool {
	if ev.Kind != KindNostrConnect && ev.Kind != KindAdmin || !f.kinds[ev.Kind-KindNostrConnect] {
		return false
	}
	// Written so that a client's extreme since cannot overflow.
	if f.since != nil && ev.CreatedAt < *f.since && (*f.since < 0 || ev.CreatedAt < *f.since-tolerance) {
		return false
	}
	if f.until != nil && ev.CreatedAt > *f.until {
		return false
	}
	if f.ids != nil && !has(f.ids, ev.ID) || f.authors != nil && !has(f.authors, ev.PubKey) {
		return false
	}
	for _, p := range ps {
		if has(f.p, p) {
			return true
		}
	}
	return false
}

func has[T comparable](set map[T]struct{}, v T) bool {
	_, ok := set[v]
	return ok
}
