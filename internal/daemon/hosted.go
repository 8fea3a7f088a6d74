package daemon

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/host"
	"nsecbunker/internal/secret"
	"nsecbunker/internal/store"
	"nsecbunker/internal/vault"
	"nsecbunker/nostr"
)

// guest reports a tenant that is not of those who run this machine.
func (t *tenant) guest() bool { return t != t.home }

// openHosted opens the tenants of a hosted instance, beside the house. One that cannot
// be opened is told and left out; the others are served.
func (d *Daemon) openHosted(ctx context.Context) error {
	if !d.Config.Hosted {
		some, err := d.store.HostedTenants(ctx, "")
		if err == nil && len(some) > 0 {
			err = bunker.Errorf(bunker.CodeConflict, "the store has bunkers of a hosted instance, which would not be served").
				WithHint("nsecbunker start --hosted, or hosted = true in config.toml")
		}
		return err
	}
	if err := errors.Join(d.dropParcels(), d.store.DropLogs(ctx)); err != nil {
		return err
	}
	opened := map[bunker.TenantID]*tenant{}
	err := d.store.EachHosted(ctx, func(h *host.Tenant, bad error) error {
		if bad == nil {
			bad = d.vault.OpenTenantService(d.home.id, h.ID, h.Service)
		}
		if bad != nil {
			d.Log.Error("a tenant cannot be served: its row was changed from outside; restore it from a backup", "tenant", h.ID, "error", bad)
			return nil
		}
		opened[h.ID] = d.guestOf(h)
		return nil
	})
	if err != nil {
		return err
	}
	if err := d.openGuestKeys(ctx, opened); err != nil {
		return err
	}
	for _, t := range opened {
		d.tenants.add(t)
	}
	return d.readRings(ctx, opened)
}

// guestOf is a tenant out of the provider's row.
func (d *Daemon) guestOf(h *host.Tenant) *tenant {
	t := newTenant(d, h.ID)
	t.adminKey, t.first = h.AdminKey, h.Admins
	return t
}

// openGuestKeys takes the tenants' keys of their own into memory. A tenant of which one
// does not open is taken out.
func (d *Daemon) openGuestKeys(ctx context.Context, opened map[bunker.TenantID]*tenant) error {
	return d.store.EachServiceKey(ctx, func(k bunker.ServiceKey) {
		t := opened[k.Tenant]
		if t == nil || k.Role == bunker.RoleAudit {
			return
		}
		if err := d.vault.LoadServiceKey(k); err != nil {
			d.Log.Error("a tenant cannot be served: one of its keys does not open", "tenant", k.Tenant, "key", k.PubKey, "error", err)
			d.vault.Forget(k.Tenant)
			delete(opened, k.Tenant)
			return
		}
		if k.Role == bunker.RoleNotifier {
			t.letters.key.Store(&k.PubKey)
		}
	})
}

// readRings reads the rings of many tenants at once.
func (d *Daemon) readRings(ctx context.Context, opened map[bunker.TenantID]*tenant) error {
	all := make(map[bunker.TenantID]*known, len(opened))
	for id := range opened {
		all[id] = &known{ours: map[nostr.PubKey]bunker.ServiceRole{}}
	}
	err := d.store.EachServiceKey(ctx, func(k bunker.ServiceKey) {
		if of := all[k.Tenant]; of != nil {
			of.ours[k.PubKey] = k.Role
		}
	})
	err = errors.Join(err, d.store.EachListener(ctx, func(t bunker.TenantID, l store.Listener) {
		if of := all[t]; of != nil {
			of.listeners = append(of.listeners, l)
		}
	}))
	err = errors.Join(err, d.store.EachNpubLogin(ctx, func(t bunker.TenantID, n store.NpubLogin) {
		if of := all[t]; of != nil {
			of.npubs = append(of.npubs, n)
		}
	}))
	err = errors.Join(err, d.store.EachRelay(ctx, func(t bunker.TenantID, r store.Relay) {
		if of := all[t]; of != nil {
			of.relays = append(of.relays, r)
		}
	}))
	if err != nil {
		return err
	}
	for id, t := range opened {
		t.take(all[id])
		d.heard.note(id, t.ring.wants())
	}
	tells, err := d.store.TenantsWithChannels(ctx)
	if err != nil {
		return err
	}
	for _, id := range tells {
		t := opened[id]
		if t == nil {
			continue
		}
		t.letters.reload(ctx)
		if _, err := t.theNotifier(); err != nil {
			return err
		}
		d.untold.add(id)
	}
	d.hear()
	return nil
}

// errMade ends a change that would make what is made already.
var errMade = errors.New("it was made before")

// MakeTenant makes a bunker, by whom it is asked, in one transaction: a crash leaves
// none, or the whole one. For one order there is one bunker: asked for again, it is
// returned as it is.
func (d *Daemon) MakeTenant(ctx context.Context, by bunker.Principal, s host.Spec) (host.Bunker, error) {
	return d.make(ctx, s, func(f func(*store.Tx) error) error {
		return d.store.Change(ctx, d.home.id, by, func(tx *store.Tx) error {
			if err := f(tx); err != nil {
				return err
			}
			return tx.Audit(bunker.AuditRecord{Action: "tenant.add", Step: "admin", Effect: bunker.Allow.String(), Object: s.Order})
		})
	})
}

// make is MakeTenant in a transaction of the caller's. When it returns, the other
// instances know the bunker, or are behind by more than a while.
func (d *Daemon) make(ctx context.Context, s host.Spec, change func(func(*store.Tx) error) error) (host.Bunker, error) {
	if !d.Config.Hosted {
		return host.Bunker{}, notHosted()
	}
	if err := s.Check(); err != nil {
		return host.Bunker{}, err
	}
	made, err := d.makeHere(ctx, s, change)
	if err != nil {
		return made, err
	}
	if made.Again {
		return d.Ready(ctx, made.Tenant)
	}
	if behind := d.together.order(made.Tenant, bunker.OrderChanged); len(behind) > 0 {
		d.Log.Warn("a bunker was made, and not every instance knows it yet", "tenant", made.Tenant, "instances", behind)
	}
	return made, nil
}

// makeHere makes a bunker and serves it on this instance. Of one that was made before
// only the id is returned.
func (d *Daemon) makeHere(ctx context.Context, s host.Spec, change func(func(*store.Tx) error) error) (host.Bunker, error) {
	// One after another: who finds that another one made it finds it served, too.
	d.making.Lock()
	defer d.making.Unlock()
	h := &host.Tenant{ID: bunker.NewTenantID(), Label: s.Label, Order: s.Order, Admins: s.Admins, CreatedAt: d.store.LedgerTime().UnixMilli()}
	admin, code, err := d.newGuest(h)
	if err != nil {
		d.vault.Forget(h.ID)
		return host.Bunker{}, err
	}
	var before *host.Tenant
	err = change(func(tx *store.Tx) (err error) {
		if before, err = tx.HostedOfOrder(s.Order); err != nil {
			return err
		}
		if before != nil {
			return errMade
		}
		return tx.AddTenant(h, &admin, s.Quota)
	})
	if before != nil {
		d.vault.Forget(h.ID)
		return host.Bunker{Tenant: before.ID, Again: true}, nil
	}
	if err != nil {
		d.vault.Forget(h.ID)
		return host.Bunker{}, err
	}
	if err := d.vault.LoadServiceKey(admin); err != nil {
		return host.Bunker{}, err
	}
	t := d.guestOf(h)
	d.tenants.add(t)
	if err := t.firstReload(ctx); err != nil {
		return host.Bunker{}, err
	}
	return host.Bunker{Tenant: h.ID, ConnectionString: t.ConnectionString(), SetupCode: code}, nil
}

// newGuest makes the keys and the code of a new tenant; nothing is stored.
func (d *Daemon) newGuest(h *host.Tenant) (admin bunker.ServiceKey, code string, err error) {
	if h.Service, err = d.vault.NewTenantService(d.home.id, h.ID); err != nil {
		return admin, "", err
	}
	pub, wrapped, err := d.vault.NewServiceKey(h.ID, bunker.RoleAdmin)
	if err != nil {
		return admin, "", err
	}
	code = rand.Text()
	if h.Setup, err = d.vault.CloseSetupCode(d.home.id, h.ID, []byte(code)); err != nil {
		return admin, "", err
	}
	h.AdminKey = pub
	return bunker.ServiceKey{Tenant: h.ID, PubKey: pub, Role: bunker.RoleAdmin, Ciphertext: wrapped, CreatedAt: h.CreatedAt}, code, nil
}

// Ready returns a bunker for whoever ordered it: where it is found, and the setup code
// as long as it is not set up. An error for one that has ended.
func (d *Daemon) Ready(ctx context.Context, id bunker.TenantID) (host.Bunker, error) {
	h, err := d.store.HostedTenant(ctx, id)
	if err != nil {
		return host.Bunker{}, err
	}
	t, err := d.theGuest(ctx, id)
	if err != nil {
		return host.Bunker{}, err
	}
	code, err := d.setupCodeOf(h)
	return host.Bunker{Tenant: id, ConnectionString: t.ConnectionString(), SetupCode: code, Again: true}, err
}

// setupCodeOf opens a tenant's setup code; "" once it is set up.
func (d *Daemon) setupCodeOf(h *host.Tenant) (string, error) {
	if h.SetUp || len(h.Setup) == 0 {
		return "", nil
	}
	code, err := d.vault.OpenSetupCode(d.home.id, h.ID, h.Setup)
	if err != nil {
		return "", err
	}
	defer secret.Wipe(code)
	return string(code), nil
}

// forget takes a tenant that has ended out of memory: what is under way is waited for.
func (d *Daemon) forget(id bunker.TenantID) {
	t := d.tenants.tenant(id)
	if t == nil {
		return
	}
	d.tenants.remove(t)
	t.close()
	d.vault.Forget(id)
	d.together.forgotten(id)
	d.heard.note(id, nil)
	d.hear()
	if err := d.wantPost(d.posted.put(id, nil)); err != nil {
		d.Log.Error("relays still hear for a tenant that has ended", "tenant", id, "error", err)
	}
}

func notHosted() error {
	return bunker.Errorf(bunker.CodeRestricted, "this instance hosts no bunkers for others").WithHint("nsecbunker start --hosted")
}

// withTenants opens the service keys of every tenant of a store that is not served, so
// that what is done to all of them can be marked.
func withTenants(v *vault.Vault) func(ctx context.Context, s *store.Store) error {
	return func(ctx context.Context, s *store.Store) error {
		return s.EachHosted(ctx, func(h *host.Tenant, bad error) error {
			if bad == nil {
				bad = v.OpenTenantService(bunker.SelfHosted, h.ID, h.Service)
			}
			if bad != nil && !errors.Is(bad, vault.ErrHeld) { // the other store of a move
				return fmt.Errorf("the bunker %s: %w", h.ID, bad)
			}
			return nil
		})
	}
}
