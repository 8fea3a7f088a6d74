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
	if of == nil {
		// Made a moment ago. A command may be taking it in right now, with what it read before
		// this was ordered, so it is read again below.
		t.guests(ctx, []bunker.TenantID{o.Tenant})
		if of = t.d.tenants.tenant(o.Tenant); of == nil {
			return
		}
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
	t.catching.Lock()
	defer t.catching.Unlock()
	t.bringInLine(ctx)
}

// bringInLine is catchUp for who holds t.catching.
func (t *tenant) bringInLine(ctx context.Context) {
	if err := t.store.FollowClock(ctx); err != nil {
		t.Log.Error("the ledger's time could not be read again", "error", err)
	}
	if err := t.loadServiceKeys(ctx); err != nil {
		t.Log.Error("new keys of the bunker's own could not be taken into memory", "tenant", t.id, "error", err)
		t.together.later(t.id)
	}
	switch err := t.followKeys(ctx); {
	case errors.Is(err, admin.ErrBusy):
		t.together.later(t.id)
	case err != nil && !store.Sealed(err):
		t.Log.Error("keys could not be brought in line with what another instance changed", "tenant", t.id, "error", err)
	}
	t.read()
	t.meetPeople()
	if t.guest() && !t.vault.Unsealed(t.id) {
		t.lookForShut() // its owner may have agreed to it on another instance
	}
}

// later has a tenant's memory brought in line before its next request, or in a moment: now it
// could not be. What is decided is read from the store each time; until then new apps may not
// be heard here.
func (t *together) later(id bunker.TenantID) {
	if t != nil {
		t.behind.put(id)
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

// followAgain brings in line what could not be.
func (t *together) followAgain(ctx context.Context) {
	for _, id := range t.behind.all() {
		if of := t.d.tenants.tenant(id); of != nil {
			of.catchUpNow(ctx)
			continue
		}
		_, done := t.behind.take(id)
		done()
	}
}
