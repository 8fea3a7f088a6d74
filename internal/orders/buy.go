package orders

import (
	"context"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/host"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip19"
)

// MaxNpub is the longest text that is read as an npub.
const MaxNpub = 100

// Buy takes an order for a new bunker. The same secret is the same order.
func (d *Desk) Buy(ctx context.Context, w host.Wanted) (host.View, error) {
	id, err := host.IDOf(w.Secret)
	if err != nil {
		return host.View{}, err
	}
	if o, err := d.Ledger.Order(ctx, id); err == nil {
		return d.view(ctx, o)
	} else if bunker.AsError(err).Code != bunker.CodeNotFound {
		return host.View{}, err
	}
	admins, err := npubs(w.Admins)
	if err != nil {
		return host.View{}, err
	}
	var q host.Quote
	switch w.Kind {
	case host.ForTrial:
		q, err = d.Terms.NewTrial(d.now())
	case host.ForBunker:
		if err = host.CheckPeople(w.People); err == nil {
			q = d.Terms.NewBunker(w.People, d.now())
		}
	default:
		err = bunker.Errorf(bunker.CodeInvalid, "there is a bunker to be bought here, and a trial of one").In("kind")
	}
	if err != nil {
		return host.View{}, err
	}
	return d.add(ctx, id, w.Kind, "", admins, q)
}

// Renew takes an order for a bunker that there is, from whoever has the secret of the
// order that it was made by: one year more, or another number of people.
func (d *Desk) Renew(ctx context.Context, of, secret string, people int64, year bool) (host.View, error) {
	first, err := d.made(ctx, of)
	if err != nil {
		return host.View{}, err
	}
	return d.RenewFor(ctx, first.Tenant, secret, people, year)
}

// RenewFor is Renew for an owner of the bunker.
func (d *Desk) RenewFor(ctx context.Context, t bunker.TenantID, secret string, people int64, year bool) (host.View, error) {
	id, err := host.IDOf(secret)
	if err != nil {
		return host.View{}, err
	}
	if o, err := d.Ledger.Order(ctx, id); err == nil {
		return d.view(ctx, o)
	}
	q, err := d.Quote(ctx, t, people, year)
	if err != nil {
		return host.View{}, err
	}
	if q.Sats == 0 {
		return host.View{}, bunker.Errorf(bunker.CodeInvalid, "fewer people cost nothing, so there is nothing to order").In("people")
	}
	return d.add(ctx, id, host.ForPlan, t, nil, q)
}

// Fewer lowers the number of people of a bunker, for whoever has the secret of the order
// that it was made by: at once, and for nothing.
func (d *Desk) Fewer(ctx context.Context, of string, people int64) (host.View, error) {
	first, err := d.made(ctx, of)
	if err != nil {
		return host.View{}, err
	}
	if err := d.FewerFor(ctx, first.Tenant, people); err != nil {
		return host.View{}, err
	}
	return d.view(ctx, first)
}

// FewerFor is Fewer for an owner of the bunker. Asked for again, it changes nothing.
func (d *Desk) FewerFor(ctx context.Context, t bunker.TenantID, people int64) error {
	p, err := d.bought(ctx, t, people)
	if err != nil || p.People == people {
		return err
	}
	err = d.Plans.LowerPlan(ctx, d.By, t, func(now host.Plan) (host.Plan, error) { return d.Terms.Fewer(now, people, d.now()) })
	if err != nil {
		return err
	}
	if err := d.stand(ctx, t, false); err != nil { // at the next look at its plan, then
		d.trouble(ctx, "a bunker could not be told what it is paid for", "", err)
	}
	return nil
}

// QuoteOf is Quote for whoever has the secret of the order that made the bunker.
func (d *Desk) QuoteOf(ctx context.Context, of string, people int64, year bool) (host.Quote, error) {
	first, err := d.made(ctx, of)
	if err != nil {
		return host.Quote{}, err
	}
	return d.Quote(ctx, first.Tenant, people, year)
}

// Quote is what a change of a bunker's plan costs now: nothing, for fewer people and no year
// more, which is not ordered but done ([Desk.FewerFor]).
func (d *Desk) Quote(ctx context.Context, t bunker.TenantID, people int64, year bool) (q host.Quote, err error) {
	p, err := d.bought(ctx, t, people)
	if err != nil {
		return q, err
	}
	if people < p.People {
		taken, err := d.Plans.SeatsTaken(ctx, t)
		if err == nil {
			err = host.CheckSeats(people, taken)
		}
		if err != nil {
			return q, err
		}
	}
	if year {
		return d.Terms.Renew(p.Plan, people, d.now())
	}
	return d.Terms.Change(p.Plan, people, d.now())
}

// bought is the plan of a bunker that is to be for so many people.
func (d *Desk) bought(ctx context.Context, t bunker.TenantID, people int64) (host.Bought, error) {
	if err := host.CheckPeople(people); err != nil {
		return host.Bought{}, err
	}
	p, ok, err := d.Plans.Bought(ctx, t)
	if err == nil && !ok {
		err = bunker.Errorf(bunker.CodeNotFound, "this bunker was not bought here, so there is nothing to renew")
	}
	return p, err
}

// made is the order with a secret, which made a bunker.
func (d *Desk) made(ctx context.Context, secret string) (*host.Order, error) {
	o, err := d.find(ctx, secret)
	if err == nil && o.State != host.OrderMade {
		err = bunker.Errorf(bunker.CodeConflict, "the bunker of this order is not made yet")
	}
	return o, err
}

func (d *Desk) add(ctx context.Context, id host.OrderID, kind host.OrderKind, t bunker.TenantID, admins []nostr.PubKey, q host.Quote) (host.View, error) {
	o, err := host.NewOrder(id, kind, t, admins, q.People, q.Sats, d.now())
	if err != nil {
		return host.View{}, err
	}
	if err := d.Ledger.AddOrder(ctx, d.By, o); err != nil {
		return host.View{}, err
	}
	d.Wake()
	if o, err = d.Ledger.Order(ctx, id); err != nil {
		return host.View{}, err
	}
	return d.view(ctx, o)
}

// npubs reads admins as people type them, and says of the first bad one what is wrong.
func npubs(texts []string) ([]nostr.PubKey, error) {
	if len(texts) > host.MaxOrderAdmins {
		return nil, bunker.Errorf(bunker.CodeInvalid, "%d admins: an order names at most %d; the others are added in the bunker", len(texts), host.MaxOrderAdmins).In("admins")
	}
	out := make([]nostr.PubKey, 0, len(texts))
	for _, s := range texts {
		if len(s) > MaxNpub {
			return nil, bunker.Errorf(bunker.CodeInvalid, "an npub is 63 characters long").In("admins")
		}
		pub, err := nip19.DecodeNpub(s)
		if err != nil {
			return nil, bunker.Errorf(bunker.CodeInvalid, "%q is no npub: %s", bunker.Display(s, 70), bunker.Display(err.Error(), 120)).In("admins")
		}
		out = append(out, pub)
	}
	return out, nil
}

func (d *Desk) find(ctx context.Context, secret string) (*host.Order, error) {
	id, err := host.IDOf(secret)
	if err != nil {
		return nil, err
	}
	o, err := d.Ledger.Order(ctx, id)
	if bunker.AsError(err).Code == bunker.CodeNotFound {
		return nil, bunker.Errorf(bunker.CodeNotFound, "there is no order with this secret here; unpaid ones are forgotten after 30 days")
	}
	return o, err
}

// Again asks for another invoice of an order whose last one ended.
func (d *Desk) Again(ctx context.Context, secret string) (host.View, error) {
	o, err := d.find(ctx, secret)
	if err != nil {
		return host.View{}, err
	}
	r, err := d.step(ctx, o.ID, host.Again{})
	if err != nil {
		return host.View{}, err
	}
	if !r.Changed && o.State == host.OrderLapsed {
		return host.View{}, bunker.Errorf(bunker.CodeConflict, "this order is too old, or had %d invoices: begin a new one", host.MaxInvoices)
	}
	d.Wake()
	return d.view(ctx, r.Order)
}

func (d *Desk) view(ctx context.Context, o *host.Order) (host.View, error) {
	v := host.View{Order: o, Again: o.MayAgain(d.now())}
	if o.State != host.OrderMade {
		return v, nil
	}
	p, ok, err := d.Plans.Bought(ctx, o.Tenant)
	if err != nil {
		return v, err
	}
	if ok {
		v.Plan = &p.Plan
	}
	ready, err := d.Bunkers.Show(ctx, o.Tenant)
	if bunker.AsError(err).Code == bunker.CodeNotFound {
		return v, nil // it was deleted since
	}
	v.Ready = &ready
	return v, err
}
