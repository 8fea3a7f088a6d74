package signerrelay

import (
	"bytes"
	"cmp"
	"container/list"
	"slices"
	"sync"
	"time"

	"nsecbunker/nostr"
)

// kept holds the bunker's replies of the last seconds, in memory only. Ephemeral kinds are not stored (NIP-01), but an
// app that loses its connection between request and reply would miss the one reply that it gets; when it comes back
// and asks with a `since` that is older than the reply, it gets it. So does one that sends its request before its REQ on
// one connection and is answered in between, whatever it says of stored events (go-nostr asks for none of them). Bounded by age, and by number and bytes for each
// client and for all; the oldest leave first.
type kept struct {
	lim *Limits

	mu    sync.Mutex
	order *list.List // of *reply, oldest first
	byID  map[nostr.ID]*list.Element
	byP   map[nostr.PubKey]*shelf
	bytes int
}

// reply is one kept event.
type reply struct {
	ev  nostr.Event // what filters ask for of it: id, author, kind and time
	raw []byte
	p   []nostr.PubKey
	at  time.Time // when it was published here
}

// shelf is what is kept for one client, oldest first.
type shelf struct {
	items []*list.Element
	bytes int
}

func newKept(lim *Limits) *kept {
	return &kept{lim: lim, order: list.New(), byID: make(map[nostr.ID]*list.Element), byP: make(map[nostr.PubKey]*shelf)}
}

// add keeps an event, once, however often it is published again.
func (k *kept) add(ev *nostr.Event, raw []byte, ps []nostr.PubKey, now time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.expire(now)
	_, again := k.byID[ev.ID]
	if again || k.lim.KeepFor < 0 || len(raw) > min(k.lim.MaxKeptBytesPerKey, k.lim.MaxKeptBytes) {
		return
	}
	for k.order.Len() > 0 && (k.order.Len() >= k.lim.MaxKept || k.bytes+len(raw) > k.lim.MaxKeptBytes) {
		k.drop(k.order.Front())
	}
	for _, p := range ps {
		for s := k.byP[p]; s != nil && len(s.items) > 0 &&
			(len(s.items) >= k.lim.MaxKeptPerKey || s.bytes+len(raw) > k.lim.MaxKeptBytesPerKey); {
			k.drop(s.items[0])
		}
	}
	el := k.order.PushBack(&reply{ev: nostr.Event{ID: ev.ID, PubKey: ev.PubKey, Kind: ev.Kind, CreatedAt: ev.CreatedAt}, raw: raw, p: ps, at: now})
	k.byID[ev.ID] = el
	k.bytes += len(raw)
	for _, p := range ps {
		s := k.byP[p]
		if s == nil {
			s = &shelf{}
			k.byP[p] = s
		}
		s.items = append(s.items, el)
		s.bytes += len(raw)
	}
}

func (k *kept) drop(el *list.Element) {
	r := k.order.Remove(el).(*reply)
	delete(k.byID, r.ev.ID)
	k.bytes -= len(r.raw)
	for _, p := range r.p {
		s := k.byP[p]
		if i := slices.Index(s.items, el); i >= 0 { // 0 but for events with several p
			s.items = slices.Delete(s.items, i, i+1)
			s.bytes -= len(r.raw)
		}
		if len(s.items) == 0 {
			delete(k.byP, p)
		}
	}
}

// expire drops what is older than KeepFor. A clock that jumped back does not keep replies longer: what is from the
// future is dropped too.
func (k *kept) expire(now time.Time) {
	for el := k.order.Front(); el != nil; el = k.order.Front() {
		if age := now.Sub(el.Value.(*reply).at); 0 <= age && age < k.lim.KeepFor {
			return
		}
		k.drop(el)
	}
}

func (k *kept) sweep(now time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.expire(now)
}

// find returns what the filters of s ask for: newest first, the lower id first among equals, each once, and at most
// limit for each filter (NIP-01), which does not count what came between the client's request and this REQ.
func (k *kept) find(s *sub, now time.Time) []*reply {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.expire(now)
	var out []*reply
	chosen := make(map[nostr.ID]struct{})
	for i := range s.filters {
		f := &s.filters[i]
		var hits []*reply
		for p := range f.p {
			if shelf := k.byP[p]; shelf != nil {
				for _, el := range shelf.items {
					switch r := el.Value.(*reply); {
					case s.c != nil && f.matchLive(&r.ev, r.p) && s.c.missed(r):
						if !has(chosen, r.ev.ID) {
							chosen[r.ev.ID] = struct{}{}
							out = append(out, r)
						}
					case f.matchKept(&r.ev, r.p):
						hits = append(hits, r)
					}
				}
			}
		}
		slices.SortFunc(hits, newestFirst)
		hits = slices.Compact(hits) // an event with two p of the filter
		if f.limit > 0 && len(hits) > f.limit {
			hits = hits[:f.limit]
		}
		for _, r := range hits {
			if !has(chosen, r.ev.ID) {
				chosen[r.ev.ID] = struct{}{}
				out = append(out, r)
			}
		}
	}
	slices.SortFunc(out, newestFirst)
	return out
}

func newestFirst(a, b *reply) int {
	return cmp.Or(cmp.Compare(b.ev.CreatedAt, a.ev.CreatedAt), bytes.Compare(a.ev.ID[:], b.ev.ID[:]))
}

// size returns how many replies of how many bytes are kept.
func (k *kept) size() (n, bytes int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.order.Len(), k.bytes
}
