package signerrelay

import (
	"slices"
	"sync"

	"nsecbunker/nostr"
)

// sub is one subscription. After add only routes.mu guards it; its filters never change.
type sub struct {
	c       *conn
	id      string
	head    []byte // of its EVENT messages
	filters []filter
	p       []nostr.PubKey // distinct, of all filters
	values  int
	gone    bool
}

func newSub(c *conn, id string, filters []filter) *sub {
	s := &sub{c: c, id: id, head: eventHead(id), filters: filters}
	seen := make(map[nostr.PubKey]struct{})
	for i := range filters {
		s.values += filters[i].values
		for p := range filters[i].p {
			if !has(seen, p) {
				seen[p] = struct{}{}
				s.p = append(s.p, p)
			}
		}
	}
	return s
}

// routes says who listens for which `p`: an event finds its listeners with one look-up, however many there are.
type routes struct {
	mu   sync.RWMutex
	lim  *Limits
	byP  map[nostr.PubKey][]*sub
	subs int
	used int // values of all connections, each beyond its FreeValues
}

func newRoutes(lim *Limits) *routes {
	return &routes{lim: lim, byP: make(map[nostr.PubKey][]*sub)}
}

// add makes s live, in the place of old if that is not nil. The listeners that had to make room are returned and are
// already removed; the caller tells them. Whoever calls it holds mu.
func (t *routes) add(s, old *sub) (evicted []*sub, err error) {
	if old != nil {
		t.drop(old)
	}
	values := s.c.values + s.values
	if values > t.lim.MaxValuesPerConn {
		return nil, &refusal{"rate-limited", "this connection listens for too many values; close some subscriptions"}
	}
	more := beyond(values) - beyond(s.c.values)
	if more > 0 && t.used+more > t.lim.MaxValues {
		return nil, &refusal{"rate-limited", "this relay is busy; ask for fewer values or try again later"}
	}
	var victims []*sub
	for _, p := range s.p {
		if len(t.byP[p]) < t.lim.MaxListeners {
			continue
		}
		v := t.victim(p)
		if v == nil {
			return nil, &refusal{"rate-limited", "too many subscriptions listen for the same key"}
		}
		victims = append(victims, v)
	}
	for _, v := range victims {
		if !v.gone { // one may have been in the way twice
			t.drop(v)
			evicted = append(evicted, v)
		}
	}
	for _, p := range s.p {
		t.byP[p] = append(t.byP[p], s)
	}
	t.subs++
	t.count(s.c, s.values)
	return evicted, nil
}

// victim is the oldest listener for p that has not shown that p is its own key: pubkeys of clients can be read on other
// relays, and a stranger who listens for one must not keep its owner from doing so.
func (t *routes) victim(p nostr.PubKey) *sub {
	for _, s := range t.byP[p] {
		if !s.c.isOf(p) {
			return s
		}
	}
	return nil
}

// remove ends s; it may be called twice.
func (t *routes) remove(s *sub) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.drop(s)
}

func (t *routes) drop(s *sub) {
	if s.gone {
		return
	}
	s.gone = true
	for _, p := range s.p {
		// At most MaxListeners long.
		list := t.byP[p]
		if i := slices.Index(list, s); i >= 0 {
			list = slices.Delete(list, i, i+1)
		}
		if len(list) == 0 {
			delete(t.byP, p)
		} else {
			t.byP[p] = list
		}
	}
	t.subs--
	t.count(s.c, -s.values)
}

// count notes that connection c lists n values more.
func (t *routes) count(c *conn, n int) {
	t.used += beyond(c.values+n) - beyond(c.values)
	c.values += n
}

func beyond(values int) int { return max(0, values-FreeValues) }

// isGone says whether s was removed.
func (t *routes) isGone(s *sub) bool {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return s.gone
}

// visit calls f once for each subscription that matches a new event with the `p` values ps. Whoever calls it holds mu
// for reading.
func (t *routes) visit(ev *nostr.Event, ps []nostr.PubKey, f func(*sub)) {
	for i, p := range ps {
		for _, s := range t.byP[p] {
			if i > 0 && listensFor(s, ps[:i]) {
				continue // had its turn
			}
			for j := range s.filters {
				if s.filters[j].matchLive(ev, ps) {
					f(s)
					break
				}
			}
		}
	}
}

func listensFor(s *sub, ps []nostr.PubKey) bool {
	for i := range s.filters {
		for _, p := range ps {
			if has(s.filters[i].p, p) {
				return true
			}
		}
	}
	return false
}

// size returns how many subscriptions, keys and counted values there are.
func (t *routes) size() (subs, keys, values int) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.subs, len(t.byP), t.used
}
