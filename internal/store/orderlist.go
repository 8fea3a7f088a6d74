package store

import (
	"context"

	"nsecbunker/internal/host"
)

// OrderPage is a place in the list of orders, the newest first.
type OrderPage struct {
	State host.OrderState // "": all
	Cases bool            // those alone that the provider has to look at
	Until int64           // made at that time (unix ms) or before; 0: from the newest on
	After host.OrderID    // of that time, those after it
	Limit int
}

// Orders returns orders, the newest first. A row that was touched is left out and named in
// the error, which is bunker.ErrTampered.
func (s *Store) Orders(ctx context.Context, p OrderPage) (out []host.Order, err error) {
	if p.Until == 0 {
		p.Until = 1<<62 - 1
	}
	var bad error
	err = s.snapshot(ctx, func(q querier) error {
		rows, err := scanAll(ctx, q, fillOrder, `SELECT `+orderColumns+` FROM orders o
WHERE ($1 = '' OR o.state = $1) AND ($2 = 0 OR o.is_case = 1) AND (o.created_at < $3 OR o.created_at = $3 AND ($4 = '' OR o.id > $4))
ORDER BY o.created_at DESC, o.id LIMIT $5`, string(p.State), num(p.Cases), p.Until, string(p.After), Page{Limit: p.Limit}.limit())
		for i := range rows {
			o, orderErr := s.wholeOrder(ctx, q, &rows[i])
			if orderErr != nil {
				bad = orderErr
				continue
			}
			out = append(out, *o)
		}
		return err
	})
	if err == nil {
		err = bad
	}
	return out, s.explain("listing orders", err)
}

// DueOrders returns ids of orders that need something done at a time (unix ms), those
// that have waited longest first.
func (s *Store) DueOrders(ctx context.Context, now int64, limit int) ([]host.OrderID, error) {
	out, err := scanAll(ctx, s.read, func(row scanner, id *host.OrderID) error { return row.Scan((*string)(id)) },
		`SELECT id FROM orders WHERE next_act > 0 AND next_act <= $1 ORDER BY next_act, id LIMIT $2`, now, limit)
	return out, s.explain("looking for orders", err)
}

// NextOrder is when an order needs something next (unix ms); 0: none does.
func (s *Store) NextOrder(ctx context.Context) (at int64, err error) {
	err = s.read.QueryRowContext(ctx, `SELECT coalesce(min(next_act), 0) FROM orders WHERE next_act > 0`).Scan(&at)
	return at, s.explain("looking for orders", err)
}

// OrdersInMaking returns ids of paid orders that an instance is making, or was when it
// died: its time is not over at a time (unix ms).
func (s *Store) OrdersInMaking(ctx context.Context, now int64, limit int) ([]host.OrderID, error) {
	out, err := scanAll(ctx, s.read, func(row scanner, id *host.OrderID) error { return row.Scan((*string)(id)) },
		`SELECT id FROM orders WHERE state = 'paid' AND making > $1 ORDER BY id LIMIT $2`, now, limit)
	return out, s.explain("looking for orders", err)
}

// OrderCount is how many orders are in a state.
type OrderCount struct {
	State host.OrderState
	Cases bool
	N     int64
}

// CountOrders counts orders by state, cases apart.
func (s *Store) CountOrders(ctx context.Context) ([]OrderCount, error) {
	out, err := scanAll(ctx, s.read, func(row scanner, c *OrderCount) error { return row.Scan((*string)(&c.State), yesno{&c.Cases}, &c.N) },
		`SELECT state, is_case, count(*) FROM orders GROUP BY state, is_case ORDER BY state, is_case`)
	return out, s.explain("counting orders", err)
}

// PruneOrders forgets old orders for which nothing ever came, and about which the wallet
// need not be asked any more.
func (s *Store) PruneOrders(ctx context.Context) error {
	if s.Clock().Suspect {
		return nil
	}
	before := s.clock.ledger() - keepOrders
	return s.explain("pruning orders", s.update(ctx, func() error {
		_, err := s.write.ExecContext(ctx, `DELETE FROM orders WHERE id IN (SELECT o.id FROM orders o WHERE o.state = 'lapsed' AND o.created_at < $1 AND o.next_act = 0
AND NOT EXISTS (SELECT 1 FROM payment p WHERE p.order_id = o.id AND p.paid_msat > 0) LIMIT $2)`, before, pruneBatch)
		return err
	}))
}
