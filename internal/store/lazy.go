package store

import (
	"bytes"
	"cmp"
	"maps"
	"slices"
	"sync"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr"
)

// maxLazy deliveries wait at most; more are forgotten, which costs one more
// publish of the same bytes each.
const maxLazy = 65_536

type delivery struct {
	id   nostr.ID
	part bunker.Part
}

type connectionKey struct {
	tenant bunker.TenantID
	id     bunker.ConnectionID
}

type usage struct {
	n    int64
	last int64 // unix ms
}

// lazyWork is what rides with the next group and may be lost.
type lazyWork struct {
	delivered map[delivery]string // → the relay that said OK first
	used      map[connectionKey]usage
}

type lazyBox struct {
	mu sync.Mutex
	lazyWork
}

// waiting reports whether there is something to write, uses counted or not.
func (b *lazyBox) waiting(uses bool) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.delivered) > 0 || uses && len(b.lazyWork.used) > 0
}

// take empties the box; without uses, which are worth a write now and then, not
// one a group: of many apps each would cost a page.
func (b *lazyBox) take(uses bool) lazyWork {
	b.mu.Lock()
	defer b.mu.Unlock()
	w := lazyWork{delivered: b.delivered}
	b.delivered = nil
	if uses {
		w.used, b.lazyWork.used = b.lazyWork.used, nil
	}
	return w
}

func (b *lazyBox) deliver(d delivery, relay string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.delivered == nil {
		b.delivered = map[delivery]string{}
	}
	if _, ok := b.delivered[d]; !ok && len(b.delivered) < maxLazy {
		b.delivered[d] = relay
	}
}

// used counts a use of the entry's connection: a display hint.
func (b *lazyBox) used(e *bunker.Entry, now int64) {
	if e.Connection == "" {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.lazyWork.used == nil {
		b.lazyWork.used = map[connectionKey]usage{}
	}
	k := connectionKey{e.Tenant, e.Connection}
	u := b.lazyWork.used[k]
	u.n++
	u.last = max(u.last, now)
	b.lazyWork.used[k] = u
}

// count adds to a connection's row the uses that are not written yet.
func (b *lazyBox) count(c *bunker.Connection) {
	b.mu.Lock()
	defer b.mu.Unlock()
	u := b.lazyWork.used[connectionKey{c.Tenant, c.ID}]
	c.Uses += u.n
	c.LastUsed = max(c.LastUsed, u.last)
}

// Delivered notes a relay's OK for a reply. It is written with the next group,
// or within about a second; losing it costs one more publish.
func (s *Store) Delivered(req nostr.ID, part bunker.Part, relay string) {
	s.lazy.deliver(delivery{req, part}, relay)
}

func compareDeliveries(a, b delivery) int {
	return cmp.Or(bytes.Compare(a.id[:], b.id[:]), cmp.Compare(a.part, b.part))
}

func compareConnections(a, b connectionKey) int {
	return cmp.Or(cmp.Compare(a.tenant, b.tenant), cmp.Compare(a.id, b.id))
}

func (s *Store) writeLazy(w lazyWork) error {
	// Always in the same order, so that two instances that write the same rows wait for
	// each other one way only.
	for _, d := range slices.SortedFunc(maps.Keys(w.delivered), compareDeliveries) {
		relay := w.delivered[d]
		var err error
		if d.part == bunker.PartFinal {
			_, err = s.exec(stmtDelivered, relay, d.id[:])
		} else {
			_, err = s.exec(stmtAccepted, relay, d.id[:])
		}
		if err != nil {
			return err
		}
	}
	for _, k := range slices.SortedFunc(maps.Keys(w.used), compareConnections) {
		u := w.used[k]
		if _, err := s.exec(stmtUsed, u.n, u.last, string(k.tenant), string(k.id)); err != nil {
			return err
		}
	}
	return nil
}
