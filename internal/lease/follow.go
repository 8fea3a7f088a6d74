package lease

import (
	"context"

	"nsecbunker/internal/bunker"
)

// How this instance does what others ordered, and waits until they did what it ordered.

// work does what beats bring, one after another.
func (k *Keeper) work(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-k.todo:
		}
		k.wiping.Lock() // what is under way is wiped before anything is opened again
		k.mu.Lock()
		back, moved, orders, arrived := k.back, k.moved, k.orders, k.arrived
		k.back, k.moved, k.orders, k.arrived = false, false, nil, nil
		shifted := make([]bunker.TenantID, 0, len(k.shifted))
		for t := range k.shifted {
			shifted = append(shifted, t)
		}
		clear(k.shifted)
		for len(orders) > 0 && orders[0].No <= k.done { // a beat told it again while it was done
			orders = orders[1:]
		}
		for len(arrived) > 0 && arrived[0].At <= k.guests { // likewise
			arrived = arrived[1:]
		}
		k.mu.Unlock()
		k.wiping.Unlock()
		if back {
			k.Back()
			k.mu.Lock()
			k.returning = k.back // it was lost again meanwhile
			k.mu.Unlock()
		}
		k.meet(ctx, arrived)
		if len(shifted) > 0 {
			k.Shifted(shifted)
		}
		if moved {
			k.Moved()
		}
		k.follow(ctx, orders)
	}
}

// meet takes in the tenants that changed.
func (k *Keeper) meet(ctx context.Context, arrived []bunker.TenantMoved) {
	if len(arrived) == 0 {
		return
	}
	ids := make([]bunker.TenantID, len(arrived))
	for i, m := range arrived {
		ids[i] = m.Tenant
	}
	k.Guests(ctx, ids)
	k.mu.Lock()
	k.guests = arrived[len(arrived)-1].At
	k.mu.Unlock()
}

// follow does what others ordered, and says that it is done.
func (k *Keeper) follow(ctx context.Context, orders []bunker.InstanceOrder) {
	if len(orders) == 0 {
		return
	}
	last := map[bunker.TenantID]map[bunker.OrderKind]int{} // of the same, once is enough
	for i, o := range orders {
		if last[o.Tenant] == nil {
			last[o.Tenant] = map[bunker.OrderKind]int{}
		}
		last[o.Tenant][o.What] = i
	}
	theirs := false
	for i, o := range orders {
		if o.Instance == k.Me.ID {
			continue // done before it was ordered
		}
		theirs = true
		if last[o.Tenant][o.What] == i {
			k.Follow(ctx, o)
		}
	}
	k.mu.Lock()
	k.done = max(k.done, orders[len(orders)-1].No)
	k.mu.Unlock()
	if !theirs {
		return
	}
	if _, err := k.Rows.Beat(ctx, k.me()); err == nil { // who waits for it need not wait for the next beat
		k.Tell(ctx, bunker.HintFollowed)
	}
}

// Followed waits until every instance that lives has followed an order, and returns the
// names of those that have not when ctx ends. An instance that dies meanwhile is not
// waited for: it has no memory any more, or none that it may use.
func (k *Keeper) Followed(ctx context.Context, no int64) (missing []string) {
	for {
		k.mu.Lock()
		st, turn := k.standing, k.turn
		k.mu.Unlock()
		missing = missing[:0]
		for _, i := range live(&st, k.Dead, true) {
			if i.ID != k.Me.ID && i.Done < no {
				missing = append(missing, i.Name)
			}
		}
		if len(missing) == 0 {
			return nil
		}
		select {
		case <-turn:
		case <-ctx.Done():
			return missing
		}
	}
}
