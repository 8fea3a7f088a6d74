package daemon

import (
	"context"
	"crypto/rand"
	"fmt"

	"nsecbunker/internal/admin"
	"nsecbunker/internal/bunker"
	"nsecbunker/internal/host"
	"nsecbunker/internal/store"
)

// house is the instance as its provider's commands see it.
type house struct{ d *Daemon }

// theHouse is what the provider's commands work on; nil in a bunker that is no
// provider's.
func (t *tenant) theHouse() admin.House {
	if t.guest() || !t.Config.Hosted {
		return nil
	}
	return house{t.Daemon}
}

// storeTx is the store's own transaction behind one of the commands'.
func storeTx(x admin.Tx) (*store.Tx, error) {
	if of, ok := x.(tx); ok {
		return of.Tx, nil
	}
	return nil, fmt.Errorf("daemon: a provider's command in a transaction of %T", x)
}

// Tenants implements [admin.TenantRows].
func (h house) Tenants(ctx context.Context, after bunker.TenantID) ([]host.Tenant, error) {
	return h.d.store.HostedTenants(ctx, after)
}

// Tenant implements [admin.TenantRows].
func (h house) Tenant(ctx context.Context, id bunker.TenantID) (*host.Tenant, error) {
	return h.d.store.HostedTenant(ctx, id)
}

// Reach implements [admin.TenantRows].
func (h house) Reach(id bunker.TenantID) (connectionString string, open bool) {
	t := h.d.tenants.tenant(id)
	if t == nil {
		return "", false
	}
	return t.ConnectionString(), h.d.opened(id)
}

// Make implements [admin.TenantChanges].
func (h house) Make(ctx context.Context, s host.Spec, change func(func(admin.Tx) error) error) (host.Bunker, error) {
	return h.d.make(ctx, s, func(f func(*store.Tx) error) error {
		return change(func(x admin.Tx) error {
			of, err := storeTx(x)
			if err != nil {
				return err
			}
			return f(of)
		})
	})
}

// Stand implements [admin.TenantChanges].
func (h house) Stand(x admin.Tx, id bunker.TenantID, s bunker.TenantStanding, why string) (*host.Tenant, error) {
	of, err := storeTx(x)
	if err != nil {
		return nil, err
	}
	return stand(of, id, s, why)
}

// stand says how a tenant stands from now on.
func stand(of *store.Tx, id bunker.TenantID, s bunker.TenantStanding, why string) (*host.Tenant, error) {
	row, err := of.HostedTenant(id)
	if err != nil {
		return nil, err
	}
	if row.EndedAt != 0 {
		return nil, bunker.Errorf(bunker.CodeConflict, "the bunker %s has ended", id)
	}
	switch {
	case s == bunker.StandingWorks:
		row.HeldAt = 0
	case row.HeldAt == 0:
		row.HeldAt = of.Now()
	}
	row.Why, row.Standing = why, s
	if err := of.PutHosted(row); err != nil {
		return nil, err
	}
	return row, of.SetStanding(id, s, why)
}

// SetQuota implements [admin.TenantChanges].
func (h house) SetQuota(x admin.Tx, id bunker.TenantID, q bunker.Quota) (*host.Tenant, error) {
	return h.setQuota(x, id, func(p host.Bought, bought bool) (bunker.Quota, error) {
		if bought {
			q.BoughtFor = p.People
		}
		return q, nil
	})
}

// QuotaAsBought implements [admin.TenantChanges].
func (h house) QuotaAsBought(x admin.Tx, id bunker.TenantID) (*host.Tenant, error) {
	return h.setQuota(x, id, func(p host.Bought, bought bool) (bunker.Quota, error) {
		if !bought {
			return bunker.Quota{}, bunker.Errorf(bunker.CodeConflict, "the bunker %s was not bought; say how many people, keys and requests it may have", id)
		}
		return p.Quota(), nil
	})
}

func (h house) setQuota(x admin.Tx, id bunker.TenantID, quota func(p host.Bought, bought bool) (bunker.Quota, error)) (*host.Tenant, error) {
	of, err := storeTx(x)
	if err != nil {
		return nil, err
	}
	row, err := of.HostedTenant(id)
	if err != nil {
		return nil, err
	}
	if row.EndedAt != 0 {
		return nil, bunker.Errorf(bunker.CodeConflict, "the bunker %s has ended", id)
	}
	p, bought, err := of.Bought(id)
	if err != nil {
		return nil, err
	}
	if row.Quota, err = quota(p, bought); err != nil {
		return nil, err
	}
	return row, of.SetQuota(id, row.Quota)
}

// NewCode implements [admin.TenantChanges].
func (h house) NewCode(x admin.Tx, id bunker.TenantID) (string, error) {
	of, err := storeTx(x)
	if err != nil {
		return "", err
	}
	row, err := of.HostedTenant(id)
	switch {
	case err != nil:
		return "", err
	case row.EndedAt != 0:
		return "", bunker.Errorf(bunker.CodeConflict, "the bunker %s has ended", id)
	case row.SetUp:
		return "", bunker.Errorf(bunker.CodeConflict, "the bunker %s is set up; its own people name admins from now on", id)
	}
	code := rand.Text()
	if row.Setup, err = h.d.vault.CloseSetupCode(h.d.home.id, id, []byte(code)); err != nil {
		return "", err
	}
	return code, of.PutHosted(row)
}

// End implements [admin.TenantChanges].
func (h house) End(x admin.Tx, id bunker.TenantID) error {
	of, err := storeTx(x)
	if err != nil {
		return err
	}
	row, err := of.HostedTenant(id)
	if err != nil {
		return err
	}
	return h.d.erase(of, row)
}

// erase removes a tenant whose people had their time. What the clock says of that counts
// only while it can be believed.
func (d *Daemon) erase(of *store.Tx, row *host.Tenant) error {
	if d.store.Clock().Suspect {
		return bunker.Errorf(bunker.CodeConflict, "the machine's clock cannot be believed, so nothing is erased").WithHint("nsecbunker clock accept")
	}
	if err := row.MayEnd(of.Now()); err != nil {
		return err
	}
	return of.EraseTenant(row)
}

// Ended implements [admin.TenantChanges].
func (h house) Ended(id bunker.TenantID) (behind []string) {
	h.d.forget(id)
	return h.d.together.order(id, bunker.OrderChanged)
}

// StandTenant says how a tenant stands, outside of a command: its time is over, or it
// was renewed.
func (d *Daemon) StandTenant(ctx context.Context, by bunker.Principal, id bunker.TenantID, s bunker.TenantStanding, why string) error {
	return d.store.Change(ctx, d.home.id, by, func(of *store.Tx) error {
		row, err := of.HostedTenant(id)
		if err != nil || row.EndedAt == 0 && row.Standing == s && row.Why == why {
			return err // it stands so already
		}
		if _, err := stand(of, id, s, why); err != nil {
			return err
		}
		return of.Audit(bunker.AuditRecord{Action: "tenant.stand", Object: string(id), Reason: string(s) + " " + why})
	})
}

// EndTenant erases a tenant whose plan's time was over and whose people were told; one that
// has ended is left as it is. Whoever pays in the last moment keeps his keys: with another
// plan, or an order that is not settled, it is a conflict.
func (d *Daemon) EndTenant(ctx context.Context, by bunker.Principal, id bunker.TenantID, over host.Plan) error {
	err := d.store.Change(ctx, d.home.id, by, func(of *store.Tx) error {
		row, err := of.HostedTenant(id)
		if err != nil || row.EndedAt != 0 {
			return err
		}
		if err := d.isOver(of, id, over); err != nil {
			return err
		}
		if err := d.erase(of, row); err != nil {
			return err
		}
		return of.Audit(bunker.AuditRecord{Action: "tenant.end", Object: string(id), Reason: "its time was over; erased with everything"})
	})
	if err != nil {
		return err
	}
	if behind := (house{d}).Ended(id); len(behind) > 0 {
		d.Log.Warn("a bunker has ended, and not every instance has confirmed that it wiped it", "tenant", id, "instances", behind)
	}
	return nil
}

// isOver refuses the end of a bunker that was paid for meanwhile, or is being. An invoice puts
// the end off once, and for as long as it can be paid.
func (d *Daemon) isOver(of *store.Tx, id bunker.TenantID, over host.Plan) error {
	p, ok, err := of.Bought(id)
	if err != nil {
		return err
	}
	if ok && p.Plan != over {
		return bunker.Errorf(bunker.CodeConflict, "the bunker %s was renewed meanwhile", id)
	}
	terms := d.Config.Sell.Terms()
	n, err := of.UnsettledOrders(id, terms.Life.Stand(over, p.Told, of.Now()).DeleteAt)
	if err == nil && n > 0 {
		err = bunker.Errorf(bunker.CodeConflict, "an order for the bunker %s is not settled yet", id)
	}
	return err
}

// DispatchTo runs a command of one tenant's in this process.
func (d *Daemon) DispatchTo(ctx context.Context, id bunker.TenantID, p bunker.Principal, name string, params []byte) (any, error) {
	t := d.tenants.tenant(id)
	if t == nil {
		return nil, bunker.Errorf(bunker.CodeNotFound, "there is no bunker %q here", id)
	}
	return t.Dispatch(ctx, p, name, params)
}

// RowsOf counts the rows that are left of a tenant, by table.
func (d *Daemon) RowsOf(ctx context.Context, id bunker.TenantID) (map[string]int64, error) {
	return d.store.RowsOf(ctx, id)
}
