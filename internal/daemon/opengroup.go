package daemon

import (
	"context"

	"nsecbunker/internal/admin"
	"nsecbunker/internal/bunker"
)

// openGroup opens guests that wait for it, in order of id, in one transaction. Those of which
// anything is not plain are opened one by one, as by the command.
func (d *Daemon) openGroup(ctx context.Context, ids []bunker.TenantID) {
	group := map[bunker.TenantID]*tenant{}
	waited := map[bunker.TenantID][]bunker.Slot{}
	var held []bunker.TenantID
	for _, id := range ids {
		t := d.tenants.tenant(id)
		if t == nil {
			d.shut.take(id)
			continue
		}
		if !t.openingNow.TryLock() {
			continue // whoever came for it opens it
		}
		if !t.memory.TryLock() { // a command is at its keys; the one that opens it waits for that
			t.openingNow.Unlock()
			defer t.openWithHouse(ctx)
			continue
		}
		t.opening.Store(true) // before it is taken out: whoever does not see it waiting waits for us
		d.shut.underWay.Add(1)
		defer d.shut.underWay.Add(-1)
		group[id], waited[id] = t, d.shut.take(id)
		held = append(held, id)
	}
	opened, err := d.openHeld(ctx, held, waited)
	if err != nil && ctx.Err() == nil {
		d.Log.Error("guests could not be opened together, or no checkpoint of their logs could be signed", "guests", len(held), "error", err)
	}
	for _, t := range group {
		if of := waited[t.id]; !opened[t.id] && len(of) > 0 && ctx.Err() == nil {
			d.shut.put(of)
			defer t.openWithHouse(ctx)
		}
	}
	for _, t := range group {
		t.memory.Unlock()
		t.opening.Store(false)
		t.openingNow.Unlock()
	}
}

// openHeld opens those of the guests that have slots for it. The caller holds openingNow and
// memory of all of them. done are those that nothing is left to do for.
func (d *Daemon) openHeld(ctx context.Context, held []bunker.TenantID, slots map[bunker.TenantID][]bunker.Slot) (done map[bunker.TenantID]bool, err error) {
	done = map[bunker.TenantID]bool{}
	var ids []bunker.TenantID
	for _, id := range held {
		if done[id] = d.vault.Unsealed(id) || len(slots[id]) == 0; !done[id] {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return done, nil
	}
	o := admin.Openings{House: d.home.id, Vault: d.vault, Rows: openingRows{d.store}}
	opened, err := o.Open(ctx, ids)
	for _, g := range opened {
		t := d.tenants.tenant(g.Tenant)
		done[g.Tenant] = true
		if g.Err != nil {
			d.Log.Warn(notWithHouse, "tenant", g.Tenant, "error", bunker.AsError(g.Err).Words)
			continue
		}
		for _, w := range g.Warnings {
			d.Log.Warn("a guest opened with the house, but not wholly", "tenant", g.Tenant, "why", w)
		}
		if t != nil {
			t.openedWithHouse(ctx, &g)
		}
	}
	if len(opened) > 0 {
		d.hear()
		d.wakeAll()
	}
	return done, err
}

// Guests implements [admin.TenantRows].
func (h house) Guests() (g admin.GuestCounts) {
	h.d.tenants.each(func(t *tenant) {
		if t.guest() {
			g.All++
			if !t.opening.Load() && h.d.opened(t.id) { // before its record there is nothing to be said
				g.Open++
			}
		}
	})
	g.Opening = min(h.d.shut.waiting(), g.All-g.Open)
	return g
}

// notWithHouse is told of a guest that stays sealed.
const notWithHouse = "a guest did not open with the house"

// openedWithHouse follows that the guest is open; what of the store is read for that has not
// changed.
func (t *tenant) openedWithHouse(ctx context.Context, g *admin.Opened) {
	t.reloading.Lock()
	defer t.reloading.Unlock()
	t.sayOpen()                   // before: where it is heard goes by it
	if g.NpubKeys || g.Channels { // its keys and its people's answers are heard from now on
		if err := t.reload(ctx); err != nil {
			t.Log.Error("what changed could not be read again", "tenant", t.id, "error", err)
		}
		t.meetPeople()
	} else {
		t.heard.note(t.id, t.ring.wants())
	}
	t.turnedTo(Unsealed)
	t.announceAt.Store(t.store.LedgerTime().UnixMilli()) // in its turn, with the others
}
