package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/host"
	"nsecbunker/nostr"
)

const (
	// MaxWaitingOrders is how many orders may wait for their payment at once.
	MaxWaitingOrders = 10_000
	// MaxWaitingNew is how many of them may be for new bunkers: whoever fills the page with
	// orders keeps nobody from renewing.
	MaxWaitingNew = 9_000
	// keepOrders is how long an order is kept that was never paid, in ms.
	keepOrders = 30 * 24 * 60 * 60 * 1000
	// orderTries is how often a step is made anew whose order moved meanwhile.
	orderTries = 20
)

// house is the tenant whose chain records what is sold.
const house = bunker.SelfHosted

const orderColumns = `o.id, o.kind, o.state, o.bunker, o.admins, o.people, o.sats, o.created_at, o.changed_at, o.asked_at, o.tries, o.next_try,
o.trouble, o.making, o.version, o.mac`

type orderRow struct {
	host.Order
	mac []byte
}

func fillOrder(row scanner, o *orderRow) error {
	var admins []string
	err := row.Scan((*string)(&o.ID), (*string)(&o.Kind), (*string)(&o.State), (*string)(&o.Tenant), list{&admins}, &o.People, &o.Sats,
		&o.CreatedAt, &o.ChangedAt, &o.AskedAt, &o.Tries, &o.NextTry, &o.Trouble, &o.Making, &o.Version, &o.mac)
	for _, a := range admins {
		pub, parseErr := nostr.ParsePubKey(a)
		err = errors.Join(err, parseErr)
		o.Admins = append(o.Admins, pub)
	}
	return err
}

const paymentColumns = `p.hash, p.bolt11, p.sats, p.state, p.created_at, p.expires_at, p.settled_at, p.paid_msat, p.taken_msat, p.why,
p.refunded_at, p.refund, p.polls, p.next_poll`

func fillPayment(row scanner, p *host.Payment) error {
	return row.Scan(b32{&p.Hash}, &p.Bolt11, &p.Sats, (*string)(&p.State), &p.CreatedAt, &p.ExpiresAt, &p.SettledAt, &p.PaidMsat, &p.TakenMsat,
		(*string)(&p.Why), &p.RefundedAt, &p.Refund, &p.Polls, &p.NextPoll)
}

// orderLabel separates an order's MAC from others under the service key.
const orderLabel = "orders"

// orderMessage is what of an order carries authority: who will own the bunker, what was
// paid and what is owed. When something is tried next is no part of it.
func orderMessage(o *host.Order) []byte {
	c := *o
	c.Version, c.ChangedAt, c.AskedAt, c.Tries, c.NextTry, c.Trouble, c.Making = 0, 0, 0, 0, 0, "", 0
	c.Payments = make([]host.Payment, len(o.Payments))
	for i, p := range o.Payments {
		p.Polls, p.NextPoll = 0, 0
		c.Payments[i] = p
	}
	if len(c.Admins) == 0 {
		c.Admins = nil
	}
	b, err := json.Marshal(&c)
	if err != nil {
		panic(err) // numbers and texts always marshal
	}
	return b
}

func (s *Store) orderMAC(o *host.Order) ([]byte, error) {
	if s.flags == nil {
		return []byte{}, nil
	}
	mac, err := s.flags.TagService(house, orderLabel, orderMessage(o))
	return mac[:], err
}

// readOrder reads one order with its payments and verifies it.
func (s *Store) readOrder(ctx context.Context, q querier, id host.OrderID) (*host.Order, error) {
	var row orderRow
	if err := fillOrder(q.QueryRowContext(ctx, `SELECT `+orderColumns+` FROM orders o WHERE o.id = $1`, string(id)), &row); err != nil {
		return nil, orNotFound(err, "order", string(id))
	}
	return s.wholeOrder(ctx, q, &row)
}

func (s *Store) wholeOrder(ctx context.Context, q querier, row *orderRow) (o *host.Order, err error) {
	o = &row.Order
	o.Payments, err = scanAll(ctx, q, fillPayment, `SELECT `+paymentColumns+` FROM payment p WHERE p.order_id = $1
ORDER BY p.created_at, p.hash LIMIT $2`, string(o.ID), host.MaxInvoices)
	if err != nil || s.flags == nil {
		return o, err
	}
	if err := s.flags.VerifyService(house, orderLabel, orderMessage(o), row.mac); err != nil {
		return nil, fmt.Errorf("orders %s: %w", o.ID, err)
	}
	return o, nil
}

// Order returns an order with its payments.
func (s *Store) Order(ctx context.Context, id host.OrderID) (o *host.Order, err error) {
	err = s.snapshot(ctx, func(q querier) error {
		o, err = s.readOrder(ctx, q, id)
		return err
	})
	return o, s.explain("reading an order", err)
}

// OrderOf returns the id of the order that an invoice was made for; ok is false for a
// payment of something else.
func (s *Store) OrderOf(ctx context.Context, hash [32]byte) (id host.OrderID, ok bool, err error) {
	err = s.read.QueryRowContext(ctx, `SELECT order_id FROM payment WHERE hash = $1`, hash[:]).Scan((*string)(&id))
	if isNone(err) {
		return "", false, nil
	}
	return id, err == nil, s.explain("looking for a payment", err)
}

// AddOrder stores a new order. One that is there already is left as it is, so that
// sending it twice does no harm; orders that wait for payment are bounded.
func (s *Store) AddOrder(ctx context.Context, by bunker.Principal, o *host.Order) error {
	return s.Change(ctx, house, by, func(tx *Tx) error { return tx.AddOrder(o) })
}

// AddOrder stores a new order, with its record.
func (tx *Tx) AddOrder(o *host.Order) error {
	if _, err := tx.s.readOrder(tx.ctx, tx.q, o.ID); bunker.AsError(err).Code != bunker.CodeNotFound {
		return err
	}
	var n int64
	if err := tx.q.QueryRowContext(tx.ctx, `SELECT count(*) FROM orders WHERE state IN ('new', 'invoiced')`).Scan(&n); err != nil {
		return err
	}
	most := int64(MaxWaitingOrders)
	if o.Kind != host.ForPlan {
		most = MaxWaitingNew
	}
	if n >= most {
		return bunker.Errorf(bunker.CodeRateLimited, "too many orders wait for their payment; try again in an hour")
	}
	o.Version = 1
	mac, err := tx.s.orderMAC(o)
	if err != nil {
		return err
	}
	admins := make([]string, len(o.Admins))
	for i, a := range o.Admins {
		admins[i] = a.String()
	}
	err = tx.exec(`INSERT INTO orders (id, kind, state, bunker, admins, people, sats, created_at, changed_at, asked_at, tries, next_try, trouble,
making, next_act, is_case, version, mac, tenant) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)`,
		string(o.ID), string(o.Kind), string(o.State), string(o.Tenant), listText(admins), o.People, o.Sats, o.CreatedAt, o.ChangedAt, o.AskedAt,
		o.Tries, o.NextTry, o.Trouble, o.Making, host.NextAct(o), num(o.IsCase()), o.Version, mac, string(house))
	if err != nil {
		return err
	}
	return tx.auditOrder(nil, o)
}

// auditOrder records what became of an order, in the house's chain.
func (tx *Tx) auditOrder(before, after *host.Order) error {
	action, reason := "order."+string(after.State), fmt.Sprintf("%s for %d people, %d sats", after.Kind, after.People, after.Sats)
	for i := range after.Payments {
		p := &after.Payments[i]
		var was host.Payment
		if before != nil {
			if q := before.Payment(p.Hash); q != nil {
				was = *q
			}
		}
		switch {
		case was.RefundedAt != p.RefundedAt:
			action, reason = "order.refunded", fmt.Sprintf("%d msat of payment %x: %s", p.PaidMsat-p.TakenMsat, p.Hash, p.Refund)
		case was.PaidMsat != p.PaidMsat || was.TakenMsat != p.TakenMsat:
			reason = fmt.Sprintf("%d msat came by payment %x, %d of them buy it", p.PaidMsat, p.Hash, p.TakenMsat)
			if p.Why != host.NoCase {
				reason += ": " + string(p.Why)
			}
		}
	}
	return tx.Audit(bunker.AuditRecord{Action: action, Object: string(after.ID), Reason: reason})
}

// StepOrder tells an order what happened, at ledger time. What changes who is owed what
// is one transaction with its record; where the step made a bunker, plan says in it what its
// plan becomes (ok is false for one that has none yet). What only says when something is
// tried next is written without one.
func (s *Store) StepOrder(ctx context.Context, by bunker.Principal, id host.OrderID, h host.Happening, plan func(old host.Plan, ok bool) host.Plan) (r host.Stepped, err error) {
	for range orderTries {
		var before *host.Order
		if before, err = s.Order(ctx, id); err != nil {
			return r, err
		}
		now := s.LedgerTime().UnixMilli()
		if r.Order, r.Acts, r.Changed = host.Step(before, h, now); !r.Changed {
			return r, nil
		}
		if string(orderMessage(before)) == string(orderMessage(r.Order)) {
			err = s.update(ctx, func() error { return putOrder(ctx, s, s.write, r.Order, before) })
		} else {
			err = s.Change(ctx, house, by, func(tx *Tx) error {
				var err error
				if r, err = tx.StepOrder(id, h); err != nil || !r.Changed || plan == nil || r.Order.State != host.OrderMade {
					return err
				}
				return tx.plan(r.Order, plan)
			})
		}
		if bunker.AsError(err).Code != bunker.CodeConflict {
			return r, s.explain("moving an order", err)
		}
	}
	return r, err
}

// plan gives a bunker what its plan becomes by an order. Its owners are told anew.
func (tx *Tx) plan(o *host.Order, plan func(host.Plan, bool) host.Plan) error {
	p, ok, err := tx.Bought(o.Tenant)
	if err != nil {
		return err
	}
	p.Tenant, p.Plan, p.Told = o.Tenant, plan(p.Plan, ok), nil
	return tx.PutPlan(&p, tx.now)
}

// StepOrder tells an order what happened, in the transaction, with its record.
func (tx *Tx) StepOrder(id host.OrderID, h host.Happening) (r host.Stepped, err error) {
	before, err := tx.s.readOrder(tx.ctx, tx.q, id)
	if err != nil {
		return r, err
	}
	if r.Order, r.Acts, r.Changed = host.Step(before, h, tx.now); !r.Changed {
		return r, nil
	}
	tx.wrote = true
	if err := putOrder(tx.ctx, tx.s, tx.q, r.Order, before); err != nil {
		return r, err
	}
	return r, tx.auditOrder(before, r.Order)
}

// putOrder stores what a step made of an order, if nothing else did meanwhile.
func putOrder(ctx context.Context, s *Store, q writer, o, before *host.Order) error {
	o.Version = before.Version + 1
	mac, err := s.orderMAC(o)
	if err != nil {
		return err
	}
	res, err := q.ExecContext(ctx, `UPDATE orders SET state = $1, bunker = $2, changed_at = $3, asked_at = $4, tries = $5, next_try = $6,
trouble = $7, making = $8, next_act = $9, is_case = $10, version = $11, mac = $12 WHERE id = $13 AND version = $14`,
		string(o.State), string(o.Tenant), o.ChangedAt, o.AskedAt, o.Tries, o.NextTry, o.Trouble, o.Making, host.NextAct(o), num(o.IsCase()),
		o.Version, mac, string(o.ID), before.Version)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return errors.Join(err, conflict("the order has changed since it was read; look again"))
	}
	for i := range o.Payments {
		p := &o.Payments[i]
		if was := before.Payment(p.Hash); was != nil && *was == *p {
			continue
		}
		res, err := q.ExecContext(ctx, `INSERT INTO payment (hash, order_id, bolt11, sats, state, created_at, expires_at, settled_at, paid_msat,
taken_msat, why, refunded_at, refund, polls, next_poll, tenant) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
ON CONFLICT (hash) DO UPDATE SET state = excluded.state, settled_at = excluded.settled_at, paid_msat = excluded.paid_msat,
taken_msat = excluded.taken_msat, why = excluded.why, refunded_at = excluded.refunded_at, refund = excluded.refund, polls = excluded.polls,
next_poll = excluded.next_poll WHERE payment.order_id = excluded.order_id`,
			p.Hash[:], string(o.ID), p.Bolt11, p.Sats, string(p.State), p.CreatedAt, p.ExpiresAt, p.SettledAt, p.PaidMsat, p.TakenMsat, string(p.Why),
			p.RefundedAt, p.Refund, p.Polls, p.NextPoll, string(house))
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, bunker.Errorf(bunker.CodeInvalid, "the wallet gave one invoice for two orders"))
		}
	}
	return nil
}

// Order returns an order with its payments, in the transaction.
func (tx *Tx) Order(id host.OrderID) (*host.Order, error) { return tx.s.readOrder(tx.ctx, tx.q, id) }

// UnsettledOrders counts the orders for a bunker that put its end off: a payment of one has come
// and bought nothing yet, is a case of the last days ([host.HeldFor]), or may come. Invoices count
// that were made before ends (unix ms): with later ones, whoever asks for one each hour, or pays a
// part of one now and then, would never come to the end.
func (tx *Tx) UnsettledOrders(t bunker.TenantID, ends int64) (n int64, err error) {
	err = tx.q.QueryRowContext(tx.ctx, `SELECT count(*) FROM orders o WHERE o.bunker = $1 AND (o.state = 'paid' OR EXISTS (
SELECT 1 FROM payment p WHERE p.order_id = o.id AND p.created_at < $2 AND (o.state = 'invoiced' AND p.state = 'open' AND p.expires_at > $3
OR o.state = 'held' AND p.state = 'settled' AND p.settled_at > $4)))`,
		string(t), ends, tx.now, tx.now-host.HeldFor.Milliseconds()).Scan(&n)
	return n, err
}
