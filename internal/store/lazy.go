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

// numbersKept of the rows that were committed last are remembered, in two generations of
// half as many: a reply is delivered within moments.
const numbersKept = 8192

// maxLazy deliveries wait at most; more are forgotten, which costs one more
// publish of the same bytes each.
const maxLazy = 65_536

type delivery struct {
	id   nostr.ID
	part bunker.Part
}

type usage struct {
	n    int64
	last int64 // unix ms
	key  bunker.KeyID
}

// lazyWork is what rides with the next group and may be lost.
type lazyWork struct {
	delivered map[delivery]acceptance
	used      map[bunker.TenantID]map[bunker.ConnectionID]usage
}

// acceptance is what a delivery writes: the relay that said OK first, and the number of
// the request's row, 0 where it is not remembered.
type acceptance struct {
	relay string
	no    int64
}

type lazyBox struct {
	mu sync.Mutex
	lazyWork
	// numbers, and those before them: of requests whose replies are not delivered yet.
	numbers, older map[nostr.ID]int64
}

// number remembers the row of a request that was committed.
func (b *lazyBox) number(id nostr.ID, no int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.numbers == nil {
		b.numbers = map[nostr.ID]int64{}
	}
	if len(b.numbers) >= numbersKept/2 {
		b.older, b.numbers = b.numbers, map[nostr.ID]int64{}
	}
	b.numbers[id] = no
}

// takeNumber forgets a request's row, and returns it; 0: it is not known.
func (b *lazyBox) takeNumber(id nostr.ID) int64 {
	no, ok := b.numbers[id]
	if ok {
		delete(b.numbers, id)
		return no
	}
	no = b.older[id]
	delete(b.older, id)
	return no
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
		b.delivered = map[delivery]acceptance{}
	}
	if _, ok := b.delivered[d]; !ok && len(b.delivered) < maxLazy {
		a := acceptance{relay: relay}
		if d.part == bunker.PartFinal {
			a.no = b.takeNumber(d.id)
		}
		b.delivered[d] = a
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
		b.lazyWork.used = map[bunker.TenantID]map[bunker.ConnectionID]usage{}
	}
	of := b.lazyWork.used[e.Tenant]
	if of == nil {
		of = map[bunker.ConnectionID]usage{}
		b.lazyWork.used[e.Tenant] = of
	}
	u := of[e.Connection]
	u.n++
	u.last = max(u.last, now)
	u.key = e.Basis.Key
	of[e.Connection] = u
}

// count adds to a connection's row the uses that are not written yet.
func (b *lazyBox) count(c *bunker.Connection) {
	b.mu.Lock()
	defer b.mu.Unlock()
	u := b.lazyWork.used[c.Tenant][c.ID]
	c.Uses += u.n
	c.LastUsed = max(c.LastUsed, u.last)
}

// countKeys adds to each key's use what is not written yet of its connections.
func (b *lazyBox) countKeys(t bunker.TenantID, keys []KeyUse) {
	b.mu.Lock()
	defer b.mu.Unlock()
	at := make(map[bunker.KeyID]*KeyUse, len(keys))
	for i := range keys {
		at[keys[i].Key] = &keys[i]
	}
	for _, u := range b.lazyWork.used[t] {
		if k := at[u.key]; k != nil {
			k.Uses += u.n
			k.LastUsed = max(k.LastUsed, u.last)
		}
	}
}

// Delivered notes a relay's OK for a reply. It is written with the next group,
// or within about a second; losing it costs one more publish.
func (s *Store) Delivered(req nostr.ID, part bunker.Part, relay string) {
	s.lazy.deliver(delivery{req, part}, relay)
}

func compareDeliveries(a, b delivery) int {
	return cmp.Or(bytes.Compare(a.id[:], b.id[:]), cmp.Compare(a.part, b.part))
}

func (s *Store) writeLazy(w lazyWork) error {
	// Always in the same order, so that two instances that write the same rows wait for
	// each other one way only.
	for _, d := range slices.SortedFunc(maps.Keys(w.delivered), compareDeliveries) {
		a := w.delivered[d]
		var err error
		switch {
		case d.part != bunker.PartFinal:
			_, err = s.exec(stmtAccepted, a.relay, d.id[:])
		case a.no != 0:
			_, err = s.exec(stmtDeliveredNo, a.relay, a.no, d.id[:])
		default:
			_, err = s.exec(stmtDelivered, a.relay, d.id[:])
		}
		if err != nil {
			return err
		}
	}
	for _, tenant := range slices.Sorted(maps.Keys(w.used)) {
		of := w.used[tenant]
		for _, id := range slices.Sorted(maps.Keys(of)) {
			if _, err := s.exec(stmtUsed, of[id].n, of[id].last, string(tenant), string(id)); err != nil {
				return err
			}
		}
	}
	return nil
}
