package daemon

import (
	"cmp"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/inbox"
	"nsecbunker/internal/relay"
	"nsecbunker/nostr"
)

// directory is who is here: the tenants, and whose each pubkey is. It is asked on
// every event.
type directory struct {
	mu   sync.RWMutex
	byID map[bunker.TenantID]*tenant
	keys map[nostr.PubKey]*tenant // that receive envelopes or messages, or are the bunker's own otherwise
}

func newDirectory() *directory {
	return &directory{byID: map[bunker.TenantID]*tenant{}, keys: map[nostr.PubKey]*tenant{}}
}

func (x *directory) add(t *tenant) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.byID[t.id] = t
}

// remove forgets a tenant and its keys.
func (x *directory) remove(t *tenant) {
	x.mu.Lock()
	defer x.mu.Unlock()
	delete(x.byID, t.id)
	for p, of := range x.keys {
		if of == t {
			delete(x.keys, p)
		}
	}
}

// tenant is the one of an id; nil: there is none.
func (x *directory) tenant(id bunker.TenantID) *tenant {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.byID[id]
}

// of is whose a pubkey is; nil: nobody's here.
func (x *directory) of(p nostr.PubKey) *tenant {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.keys[p]
}

// all are the tenants in order of id.
func (x *directory) all() []*tenant {
	x.mu.RLock()
	defer x.mu.RUnlock()
	out := make([]*tenant, 0, len(x.byID))
	for _, t := range x.byID {
		out = append(out, t)
	}
	slices.SortFunc(out, func(a, b *tenant) int { return strings.Compare(string(a.id), string(b.id)) })
	return out
}

// each calls f with every tenant, in no order. f returns at once, and asks nothing of x.
func (x *directory) each(f func(*tenant)) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	for _, t := range x.byID {
		f(t)
	}
}

// put says which keys are the tenant's now, in place of those that were.
func (x *directory) put(t *tenant, was, now iter.Seq[nostr.PubKey]) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for p := range was {
		if x.keys[p] == t {
			delete(x.keys, p)
		}
	}
	for p := range now {
		x.keys[p] = t
	}
}

// routes is the directory as the inbox asks it.
type routes struct{ d *Daemon }

// Of implements [inbox.Tenants].
func (r routes) Of(signer nostr.PubKey) *inbox.Tenant {
	t := r.d.tenants.of(signer)
	if t == nil || !t.ring.envelopes(signer) {
		return nil
	}
	return r.worked(t)
}

// Tenant implements [inbox.Tenants].
func (r routes) Tenant(id bunker.TenantID) *inbox.Tenant {
	if t := r.d.tenants.tenant(id); t != nil {
		return r.worked(t)
	}
	return nil
}

func (r routes) worked(t *tenant) *inbox.Tenant {
	in, err := t.theRequests()
	if err != nil {
		r.d.Log.Error("a tenant's requests cannot be worked on", "tenant", t.id, "error", err)
		return nil
	}
	return in
}

// Door implements [inbox.Tenants].
func (r routes) Door(key nostr.PubKey) inbox.Door {
	if t := r.d.tenants.of(key); t != nil && t.adminKey == key {
		return doors{t}
	}
	return nil
}

// wanted is what each tenant wants to hear, and where: of all of them together one
// list goes to a relay manager, of as many relays as that takes.
type wanted struct {
	mu   sync.Mutex
	of   map[bunker.TenantID]map[string][]nostr.PubKey
	left int // relays that were left out last
}

// put notes what a tenant wants, and returns what all want.
func (w *wanted) put(t bunker.TenantID, want map[string][]nostr.PubKey) map[string][]nostr.PubKey {
	w.note(t, want)
	return w.all()
}

// note notes what a tenant wants.
func (w *wanted) note(t bunker.TenantID, want map[string][]nostr.PubKey) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.of == nil {
		w.of = map[bunker.TenantID]map[string][]nostr.PubKey{}
	}
	if len(want) == 0 {
		delete(w.of, t)
	} else {
		w.of[t] = want
	}
}

// all is what all tenants want together, on at most [relay.MaxRelays] relays.
func (w *wanted) all() map[string][]nostr.PubKey {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := map[string][]nostr.PubKey{}
	for _, m := range w.of {
		if len(w.of) == 1 && len(m) <= relay.MaxRelays {
			all = m
			break
		}
		for u, keys := range m {
			all[u] = append(all[u], keys...)
		}
	}
	if w.left = max(0, len(all)-relay.MaxRelays); w.left > 0 {
		w.fair(all)
	}
	return all
}

// fair leaves out relays, since more are wanted than can be heard. Tenants take turns: what
// each of them wants to hear most of its keys on comes before the second of anybody, however
// many one of them names; the house's come first. Of equal ones those go first that many want.
func (w *wanted) fair(all map[string][]nostr.PubKey) {
	turn, count := make(map[string]int, len(all)), make(map[string]int, len(all))
	for id, m := range w.of {
		urls := slices.SortedFunc(maps.Keys(m), func(a, b string) int { return cmp.Or(len(m[b])-len(m[a]), strings.Compare(a, b)) })
		for i, u := range urls {
			if id == bunker.SelfHosted {
				i = -1
			}
			if count[u] == 0 || i < turn[u] {
				turn[u] = i
			}
			count[u]++
		}
	}
	order := slices.SortedFunc(maps.Keys(all), func(a, b string) int { return cmp.Or(turn[a]-turn[b], count[b]-count[a], strings.Compare(a, b)) })
	for _, u := range order[relay.MaxRelays:] {
		delete(all, u)
	}
}

// leftOut is how many relays are not heard, since there are too many.
func (w *wanted) leftOut() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.left
}

// on are the keys that are heard on a relay, at most so many.
func (w *wanted) on(url string, limit int) (keys []nostr.PubKey) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, m := range w.of {
		keys = append(keys, m[url]...)
		if len(keys) >= limit {
			return keys[:limit]
		}
	}
	return keys
}
