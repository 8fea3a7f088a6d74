package daemon

import (
	"context"
	"errors"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/host"
)

// How instances that share a store host the same guests: one makes, holds or ends them,
// the others take them in. What counts is the provider's row of each; orders and hints
// only say when to look, and every beat does.

// guests takes in tenants that another instance made, and forgets those that it ended.
// How one stands, and what it may use, is read at each request.
func (t *together) guests(ctx context.Context, ids []bunker.TenantID) {
	for _, id := range ids {
		of, err := t.d.theGuest(ctx, id)
		switch {
		case err == nil:
			t.ended(ctx, of)
		case isNotFound(err) || ctx.Err() != nil:
		default:
			t.d.Log.Error("a bunker that another instance made cannot be served here", "tenant", id, "error", err)
		}
	}
}

// ended forgets a guest that has ended, and reports that it had.
func (t *together) ended(ctx context.Context, of *tenant) bool {
	if !of.guest() {
		return false
	}
	h, err := t.d.store.HostedTenant(ctx, of.id)
	if err != nil && ctx.Err() == nil {
		t.d.Log.Error("how a bunker stands could not be read", "tenant", of.id, "error", err)
	}
	if err != nil || h.EndedAt == 0 {
		return false
	}
	t.d.forget(of.id)
	return true
}

// theGuest is a guest as it is served here; one that another instance made is taken in.
// CodeNotFound for one that has ended, or never was.
func (d *Daemon) theGuest(ctx context.Context, id bunker.TenantID) (*tenant, error) {
	if t := d.tenants.tenant(id); t != nil {
		return t, nil
	}
	h, err := d.store.HostedTenant(ctx, id)
	if err != nil {
		return nil, err
	}
	gone := bunker.Errorf(bunker.CodeNotFound, "the bunker %s has ended, or cannot be opened", id).WithHint("nsecbunker tenant list")
	if h.EndedAt != 0 || d.together == nil { // alone, it would have been opened at the start
		return nil, gone
	}
	if !d.Config.Hosted {
		return nil, d.together.hostsNot()
	}
	d.making.Lock()
	defer d.making.Unlock()
	if t := d.tenants.tenant(id); t != nil {
		return t, nil
	}
	return d.adopt(ctx, h)
}

// hostsNot ends this instance: the others host bunkers, which it would not serve.
func (t *together) hostsNot() error {
	err := bunker.Errorf(bunker.CodeConflict, "another instance on this database hosts bunkers for others, which this one would not serve").
		WithHint("start every instance with --hosted, or hosted = true in config.toml")
	t.mu.Lock()
	t.unfit = err
	t.mu.Unlock()
	t.keeper.Look()
	return err
}

// adopt takes a tenant in that is not served here: as at the start, and alone. The caller
// holds d.making.
func (d *Daemon) adopt(ctx context.Context, h *host.Tenant) (*tenant, error) {
	if err := d.vault.OpenTenantService(d.home.id, h.ID, h.Service); err != nil {
		return nil, err
	}
	t := d.guestOf(h)
	if err := t.loadServiceKeys(ctx); err != nil {
		d.vault.Forget(h.ID)
		return nil, err
	}
	d.tenants.add(t)
	if err := t.firstReload(ctx); err != nil {
		d.forget(h.ID)
		return nil, err
	}
	t.meetPeople()
	t.lookForShut()
	return t, nil
}

// meetPeople has whoever is to be told of the tenant told, where that is this instance's
// to do.
func (t *tenant) meetPeople() {
	if t.letters.channels.Load() == 0 {
		return
	}
	if _, err := t.theNotifier(); err != nil {
		t.Log.Error("nobody can be told of anything", "tenant", t.id, "error", err)
		return
	}
	t.untold.add(t.id)
}

// shifted follows that tenants were opened or sealed on another instance: that one hears
// their keys, or this one does.
func (t *together) shifted(ids []bunker.TenantID) {
	d := t.d
	d.inbox.Doubt()
	for _, id := range ids {
		of := d.tenants.tenant(id)
		switch {
		case of == nil:
		case d.vault.Unsealed(id):
			d.heard.note(id, of.ring.wants())
		default:
			of.read()
		}
		if of != nil {
			of.tellAgain(d.working)
		}
	}
	d.hear()
}

// tellAgain looks at once at what people are to be told, and whether that is for this
// instance to do.
func (t *tenant) tellAgain(ctx context.Context) {
	n := t.notifier.peek()
	if n == nil || ctx.Err() != nil {
		return
	}
	t.letters.reload(ctx)
	n.Look()
	t.untold.add(t.id)
}

// elsewhere reports a tenant that is sealed here and open on another instance.
func (t *together) elsewhere(id bunker.TenantID) bool {
	return t != nil && !t.d.vault.Unsealed(id) && t.keeper.OpenElsewhere(id)
}

// open reports that a tenant is open, on whatever instance.
func (d *Daemon) opened(id bunker.TenantID) bool {
	return d.vault.Unsealed(id) || d.together.elsewhere(id)
}

// forgotten forgets what is kept of a tenant that has ended.
func (t *together) forgotten(id bunker.TenantID) {
	if t == nil {
		return
	}
	t.keeper.Forget(id)
	_, done := t.behind.take(id)
	done()
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.news, id)
	delete(t.newest, id)
}

// errMadeMeanwhile: another instance made the same key of the bunker's own at the same time.
var errMadeMeanwhile = errors.New("another instance made the key")
