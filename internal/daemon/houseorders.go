package daemon

import (
	"context"

	"nsecbunker/internal/admin"
	"nsecbunker/internal/bunker"
	"nsecbunker/internal/host"
	"nsecbunker/internal/store"
)

// Orders implements [admin.Sales].
func (h house) Orders(ctx context.Context, p admin.OrderPage) ([]host.Order, error) {
	return h.d.store.Orders(ctx, store.OrderPage(p))
}

// Order implements [admin.Sales].
func (h house) Order(ctx context.Context, id host.OrderID) (*host.Order, error) {
	return h.d.store.Order(ctx, id)
}

// StepOrder implements [admin.Sales]. A bunker that is there is not paid back as though
// it were not.
func (h house) StepOrder(x admin.Tx, id host.OrderID, happened host.Happening) (host.Stepped, error) {
	of, err := storeTx(x)
	if err != nil {
		return host.Stepped{}, err
	}
	if _, back := happened.(host.Refunded); back {
		made, err := of.HostedOfOrder(string(id))
		if err != nil {
			return host.Stepped{}, err
		}
		o, err := of.Order(id)
		if err != nil {
			return host.Stepped{}, err
		}
		if made != nil && o.State == host.OrderPaid {
			return host.Stepped{}, bunker.Errorf(bunker.CodeConflict, "the bunker %s was made for this order already; it will show it in a moment", made.ID)
		}
	}
	return of.StepOrder(id, happened)
}

// OrderMoved implements [admin.Sales].
func (h house) OrderMoved(host.OrderID) {
	if h.d.sale != nil {
		h.d.sale.desk.Wake()
	}
}

// Plans implements [admin.Sales].
func (h house) Plans(ctx context.Context, after bunker.TenantID) ([]host.Bought, error) {
	return h.d.store.Plans(ctx, store.Page{After: string(after)})
}

// Life implements [admin.Sales].
func (h house) Life() host.Life {
	return h.d.Config.Sell.Terms().Life
}
