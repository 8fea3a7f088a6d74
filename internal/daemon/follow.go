package daemon

import (
	"context"
	"errors"
	"time"

	"nsecbunker/internal/admin"
	"nsecbunker/internal/bunker"
	"nsecbunker/internal/store"
)

// How an instance follows what another one changed.

// order has every instance follow, and returns the names of those that have not when
// the time for it is over. Where there are no others it does nothing.
func (t *together) order(id bunker.TenantID, what bunker.OrderKind) (behind []string) {
	if t == nil {
		return nil
	}
	d := t.d
	t.keeper.Say(d.life)
	no, err := d.store.OrderAll(d.life, id, what)
	if err != nil {
		d.Log.Error("the other instances could not be told of a change", "error", err)
		return []string{"(none could be told: " + bunker.AsError(err).Words + ")"}
	}
	if t.keeper.Alone() {
		return nil
	}
	ctx, cancel := context.WithTimeout(d.life, followWait)
	defer cancel()
	t.tell(ctx, bunker.Hint{Kind: bunker.HintOrder})
	return t.keeper.Followed(ctx, no)
}

// joined tells the others of a new app, without waiting for them.
func (t *together) joined(id bunker.TenantID) {
	if t == nil {
		return
	}
	d := t.d
	if _, err := d.store.OrderAll(d.life, id, bunker.OrderChanged); err != nil {
		d.Log.Error("the other instances could not be told of a new app", "error", err)
		return
	}
	t.tell(d.life, bunker.Hint{Kind: bunker.HintOrder})
}

// follow does what another instance ordered.
func (t *together) follow(ctx context.Context, o bunker.InstanceOrder) {
	of := t.d.tenants.tenant(o.Tenant)
	if of == nil { // made a moment ago; what is read of it now is as it is now
		t.guests(ctx, []bunker.TenantID{o.Tenant})
		return
	}
	switch {
	case t.ended(ctx, of):
	case o.What == bunker.OrderSealed:
		of.keepShut(ctx)
		of.read()
	default:
		of.catchUp(ctx)
	}
}

// catchUp brings the tenant's memory in line with the store.
func (t *tenant) catchUp(ctx context.Context) {
	if err := t.store.FollowClock(ctx); err != nil {
		t.Log.Error("the ledger's time could not be read again", "error", err)
	}
	if err := t.loadServiceKeys(ctx); err != nil {
		t.Log.Error("new keys of the bunker's own could not be taken into memory", "tenant", t.id, "error", err)
	}
	switch err := t.followKeys(ctx); {
	case errors.Is(err, admin.ErrBusy):
		t.together.mu.Lock()
		t.together.again[t.id] = struct{}{}
		t.together.mu.Unlock()
	case err != nil && !store.Sealed(err):
		t.Log.Error("keys could not be brought in line with what another instance changed", "tenant", t.id, "error", err)
	}
	t.read()
	t.meetPeople()
	if t.guest() && !t.vault.Unsealed(t.id) {
		t.lookForShut() // its owner may have agreed to it on another instance
	}
}

// followKeys takes in and wipes user keys as their rows say now.
func (t *tenant) followKeys(ctx context.Context) error {
	if !t.vault.Unsealed(t.id) {
		return nil
	}
	k, err := t.theDesk()
	if err != nil {
		return err
	}
	return k.commands.Follow(ctx)
}

// keyMargin is how much older than the newest key one may be whose row comes later.
const keyMargin = 10 * time.Minute

// loadServiceKeys takes in keys of the bunker's own that another instance made.
func (t *tenant) loadServiceKeys(ctx context.Context) error {
	t.together.mu.Lock()
	newest := t.together.newest[t.id]
	t.together.mu.Unlock()
	keys, err := t.store.ServiceKeysSince(ctx, t.id, newest-keyMargin.Milliseconds())
	if err != nil {
		return err
	}
	for _, k := range keys {
		if k.Role == bunker.RoleAudit && !t.vault.Unsealed(t.id) {
			continue
		}
		if err := t.vault.LoadServiceKey(k); err != nil {
			return err
		}
		if k.Role == bunker.RoleNotifier {
			t.letters.key.Store(&k.PubKey)
		}
		newest = max(newest, k.CreatedAt)
	}
	t.together.mu.Lock()
	t.together.newest[t.id] = newest
	t.together.mu.Unlock()
	return nil
}

// followSeal wipes the root key and user keys here.
func (t *tenant) followSeal() {
	if !t.vault.Unsealed(t.id) {
		return
	}
	if err := errors.Join(t.vault.LockAll(t.id), t.vault.Seal(t.id)); err != nil {
		t.Log.Error("keys could not be wiped from memory", "tenant", t.id, "error", err)
	}
}

// followAgain takes in keys that could not be.
func (t *together) followAgain(ctx context.Context) {
	t.mu.Lock()
	again := t.again
	t.again = map[bunker.TenantID]struct{}{}
	t.mu.Unlock()
	for id := range again {
		if of := t.d.tenants.tenant(id); of != nil {
			of.catchUp(ctx)
		}
	}
}
