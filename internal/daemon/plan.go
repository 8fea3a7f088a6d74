package daemon

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"sync"
	"time"

	"nsecbunker/internal/admin"
	"nsecbunker/internal/bunker"
	"nsecbunker/internal/host"
	"nsecbunker/internal/orders"
)

const (
	// MaxRenewals is how many orders a bunker's people can begin here in RenewalsFor.
	MaxRenewals = 10
	RenewalsFor = 10 * time.Minute
)

// plan is what a guest is paid for, as its own commands see it.
type plan struct {
	*tenant
	mu    sync.Mutex
	begun []time.Time // of the last orders
}

// thePlan is what a guest is paid for, where bunkers are sold.
func (t *tenant) thePlan() admin.Plan {
	if !t.guest() || !t.sells() {
		return nil
	}
	return &plan{tenant: t}
}

// desk is there once the instance is open.
func (p *plan) desk() (*orders.Desk, error) {
	if p.sale == nil || p.sale.desk == nil {
		return nil, bunker.Errorf(bunker.CodeError, "the bunker is starting; try again in a moment")
	}
	return p.sale.desk, nil
}

// Bought implements [admin.Plan].
func (p *plan) Bought(ctx context.Context) (host.Bought, bool, error) {
	return p.store.Bought(ctx, p.id)
}

// Terms implements [admin.Plan].
func (p *plan) Terms() *host.Terms {
	t := p.Config.Sell.Terms()
	return &t
}

// Quote implements [admin.Plan].
func (p *plan) Quote(ctx context.Context, people int64, year bool) (host.Quote, error) {
	d, err := p.desk()
	if err != nil {
		return host.Quote{}, err
	}
	return d.Quote(ctx, p.id, people, year)
}

// Renew implements [admin.Plan].
func (p *plan) Renew(ctx context.Context, name string, people int64, year bool) (host.View, error) {
	d, err := p.desk()
	if err != nil {
		return host.View{}, err
	}
	if !p.paced(p.store.LedgerTime()) {
		return host.View{}, bunker.Errorf(bunker.CodeRateLimited, "%d orders were begun in the last %d minutes; pay one of them, or try again later", MaxRenewals, int(RenewalsFor/time.Minute))
	}
	return p.ours(d.RenewFor(ctx, p.id, p.secretOf(name), people, year))
}

// Fewer implements [admin.Plan].
func (p *plan) Fewer(ctx context.Context, people int64) error {
	d, err := p.desk()
	if err != nil {
		return err
	}
	return d.FewerFor(ctx, p.id, people)
}

// Look implements [admin.Plan].
func (p *plan) Look(ctx context.Context, name string) (host.View, error) {
	d, err := p.desk()
	if err != nil {
		return host.View{}, err
	}
	return p.ours(d.Look(ctx, p.secretOf(name), 0, 0))
}

// secretOf is what the ledger knows an order of this bunker by: no name leads to an
// order of another one.
func (p *plan) secretOf(name string) string {
	sum := sha256.Sum256([]byte("nsecbunker/order/plan/1\x00" + string(p.id) + "\x00" + name))
	return hex.EncodeToString(sum[:])
}

// ours is the second look at whose order it is.
func (p *plan) ours(v host.View, err error) (host.View, error) {
	if err != nil {
		return host.View{}, err
	}
	if v.Order.Kind != host.ForPlan || v.Order.Tenant != p.id {
		return host.View{}, bunker.Errorf(bunker.CodeNotFound, "there is no order of this name for this bunker")
	}
	return v, nil
}

// paced spends one of the orders that a bunker's people can begin.
func (p *plan) paced(now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.begun) > 0 && now.Sub(p.begun[0]) >= RenewalsFor {
		p.begun = p.begun[1:]
	}
	if len(p.begun) >= MaxRenewals {
		return false
	}
	p.begun = append(p.begun, now)
	return true
}
