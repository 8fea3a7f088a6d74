package lease

import (
	"context"
	"crypto/sha256"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr"
)

// What is open where. A key of a tenant is best heard where the tenant is unsealed: by the
// holder of its part, if it is one of those, else by one of those. Where it is open
// nowhere, the holder of its part hears the key and says that it is sealed.

// openings is what this instance knows of that. The Keeper's lock guards it.
type openings struct {
	// here is what is open on this instance, unsaid what the others were not told of it.
	here   map[bunker.TenantID]bool
	unsaid map[bunker.TenantID]bool
	said   int64 // the number of what they were told last
	// there is where else each tenant is open, on instances that live or did; seen up to
	// which change each of them is known.
	there map[bunker.TenantID]map[bunker.InstanceID]bool
	seen  map[bunker.InstanceID]int64
	// live are the instances that take leases, by the last beat.
	live map[bunker.InstanceID]bool
}

func newOpenings() openings {
	return openings{
		here: map[bunker.TenantID]bool{}, unsaid: map[bunker.TenantID]bool{}, there: map[bunker.TenantID]map[bunker.InstanceID]bool{},
		seen: map[bunker.InstanceID]int64{}, live: map[bunker.InstanceID]bool{},
	}
}

// Open says that a tenant is unsealed here now, or is not any more. The others are told
// with the next beat.
func (k *Keeper) Open(t bunker.TenantID, open bool) {
	k.mu.Lock()
	changed := k.open.here[t] != open
	if changed {
		k.open.unsaid[t] = true
		if open {
			k.open.here[t] = true
		} else {
			delete(k.open.here, t)
		}
	}
	k.mu.Unlock()
	if changed {
		k.Look()
	}
}

// Forget forgets a tenant that has ended.
func (k *Keeper) Forget(t bunker.TenantID) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.open.here, t)
	delete(k.open.unsaid, t)
	delete(k.open.there, t)
}

// OpenElsewhere reports that another instance that lives has a tenant open.
func (k *Keeper) OpenElsewhere(t bunker.TenantID) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	for i := range k.open.there[t] {
		if k.open.live[i] {
			return true
		}
	}
	return false
}

// CountOpen is how many tenants an instance has open.
func (k *Keeper) CountOpen(of bunker.InstanceID) (n int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if of == k.Me.ID {
		return len(k.open.here)
	}
	for _, at := range k.open.there {
		if at[of] {
			n++
		}
	}
	return n
}

// Hears reports whether this instance is the one that hears a key of a tenant on relays.
func (k *Keeper) Hears(t bunker.TenantID, p nostr.PubKey) bool {
	return k.mine(k.Name(Part(p, k.Parts)), t, p)
}

// DoesJobsOf reports whether this instance is the one that does what a timer asks for of
// a tenant: who has it open signs its checkpoints and lets its people answer.
func (k *Keeper) DoesJobsOf(t bunker.TenantID) bool {
	return k.mine(k.Jobs, t, nostr.PubKey{})
}

// mine reports whether what a lease is for, of one tenant, is this instance's. p spreads
// what its holder cannot do.
func (k *Keeper) mine(name string, t bunker.TenantID, p nostr.PubKey) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.state != together {
		return false
	}
	here, there := k.open.here[t] && !k.draining, k.open.there[t]
	if !here && len(there) == 0 || here && k.held[name] {
		return k.held[name]
	}
	of := k.standing.Leases[name]
	if there[of] && k.open.live[of] {
		return false // its holder has it open
	}
	best, some := k.Me.ID, here
	for i := range there {
		if k.open.live[i] && (!some || nearer(p, i, best)) {
			best, some = i, true
		}
	}
	if !some {
		return k.held[name]
	}
	return best == k.Me.ID
}

// nearer chooses between two instances for a key: all instances choose alike, and each
// gets its share of the keys.
func nearer(p nostr.PubKey, a, b bunker.InstanceID) bool {
	x, y := sha256.Sum256(append(p[:], a...)), sha256.Sum256(append(p[:], b...))
	return string(x[:]) < string(y[:])
}

// exchange tells the others what is open here, and learns what is open there. What fails is
// tried again with the next beat. It returns the tenants of which something changed.
// said is what they had been told before the store said how things stand.
func (k *Keeper) exchange(ctx context.Context, st *bunker.Standing, said int64) (shifted []bunker.TenantID) {
	k.say(ctx, instanceOf(st, k.Me.ID).Opened < said)
	for _, i := range st.Instances {
		k.mu.Lock()
		seen := k.open.seen[i.ID]
		k.mu.Unlock()
		if i.ID == k.Me.ID || i.Opened <= seen {
			continue
		}
		list, err := k.Rows.OpenSince(ctx, i.ID, seen)
		if err != nil {
			k.Log.Debug("what another instance has open could not be read", "error", err)
			continue
		}
		k.mu.Lock()
		for _, o := range list {
			k.open.learn(i.ID, o)
			seen = max(seen, o.No)
			shifted = append(shifted, o.Tenant)
		}
		k.open.seen[i.ID] = max(seen, i.Opened)
		k.mu.Unlock()
	}
	return shifted
}

func (o *openings) learn(of bunker.InstanceID, what bunker.Opening) {
	at := o.there[what.Tenant]
	switch {
	case what.Open && at == nil:
		o.there[what.Tenant] = map[bunker.InstanceID]bool{of: true}
	case what.Open:
		at[of] = true
	case len(at) == 1 && at[of]:
		delete(o.there, what.Tenant)
	default:
		delete(at, of)
	}
}

// Say tells the others now what is open here: who follows an order that is given
// afterwards knows it.
func (k *Keeper) Say(ctx context.Context) { k.say(ctx, false) }

// say tells the others what of this instance they were not told; lost: the store has not
// kept what they were.
func (k *Keeper) say(ctx context.Context, lost bool) {
	k.saying.Lock()
	defer k.saying.Unlock()
	told := false
	for {
		k.mu.Lock()
		if lost {
			lost = false
			for t := range k.open.here {
				k.open.unsaid[t] = true
			}
		}
		list := make([]bunker.Opening, 0, len(k.open.unsaid))
		for t := range k.open.unsaid {
			list = append(list, bunker.Opening{Tenant: t, Open: k.open.here[t]})
		}
		no := k.open.said + 1
		k.mu.Unlock()
		if len(list) == 0 {
			break
		}
		n, ok, err := k.Rows.SayOpen(ctx, k.Me.ID, no, list)
		if err != nil || !ok {
			k.Log.Debug("the other instances could not be told what is open here", "error", err)
			break
		}
		told = true
		k.mu.Lock()
		k.open.said = no
		for _, o := range list[:n] {
			if k.open.here[o.Tenant] == o.Open { // else it has changed meanwhile
				delete(k.open.unsaid, o.Tenant)
			}
		}
		k.mu.Unlock()
	}
	if told {
		k.Tell(ctx, bunker.HintLease)
	}
}

func instanceOf(st *bunker.Standing, id bunker.InstanceID) bunker.Instance {
	for _, i := range st.Instances {
		if i.ID == id {
			return i
		}
	}
	return bunker.Instance{}
}

// count takes over which instances live, and forgets what those had open that are listed
// no more. It reports whether others live than before. The caller holds the lock.
func (o *openings) count(st *bunker.Standing, alive []bunker.Instance) (changed bool) {
	was := o.live
	o.live = map[bunker.InstanceID]bool{}
	for _, i := range alive {
		o.live[i.ID] = true
		changed = changed || !was[i.ID]
	}
	changed = changed || len(was) != len(o.live)
	listed := map[bunker.InstanceID]bool{}
	for _, i := range st.Instances {
		listed[i.ID] = true
	}
	for id := range o.seen {
		if listed[id] {
			continue
		}
		delete(o.seen, id)
		for t, at := range o.there {
			if delete(at, id); len(at) == 0 {
				delete(o.there, t)
			}
		}
	}
	return changed
}
