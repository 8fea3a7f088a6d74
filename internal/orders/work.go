package orders

import (
	"context"
	"errors"
	"fmt"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/host"
)

// actsAtOnce is how many rounds of acts one turn at an order does.
const actsAtOnce = 8

// work does what an order needs done, until it needs nothing now.
func (d *Desk) work(ctx context.Context, id host.OrderID) {
	for range actsAtOnce {
		o, err := d.Ledger.Order(ctx, id)
		if err != nil {
			d.trouble(ctx, "an order could not be read", id, err)
			return
		}
		acts := host.Acts(o, d.now())
		if len(acts) == 0 {
			return
		}
		for _, a := range acts {
			if err := d.act(ctx, o, a); err != nil {
				d.trouble(ctx, "an order could not be gone on with", id, err)
				return // it stays due, and is tried again at the next look
			}
		}
	}
}

func (d *Desk) trouble(ctx context.Context, words string, id host.OrderID, err error) {
	d.troubled.Store(true)
	if ctx.Err() == nil {
		d.Log.Error(words, "order", id, "error", err)
	}
}

// act does one act and tells the order what came of it. An error is the ledger's.
func (d *Desk) act(ctx context.Context, o *host.Order, a host.Act) error {
	switch a := a.(type) {
	case host.MakeInvoice:
		return d.invoice(ctx, o, a)
	case host.Ask:
		return d.ask(ctx, o.ID, a.Hash)
	case host.End:
		_, err := d.step(ctx, o.ID, host.Expired(a))
		return err
	case host.Make:
		return d.make(ctx, o)
	}
	return fmt.Errorf("orders: an unknown act %T", a)
}

func (d *Desk) invoice(ctx context.Context, o *host.Order, a host.MakeInvoice) error {
	call, cancel := context.WithTimeout(ctx, walletFor)
	inv, err := d.Wallet.Make(call, a.Sats*1000, memo(o), host.InvoiceFor)
	cancel()
	if ctx.Err() != nil {
		return ctx.Err() // the invoice is shown to nobody
	}
	if err == nil && inv.AmountMsat != a.Sats*1000 {
		err = errors.New("the wallet made an invoice over another amount")
	}
	if err != nil {
		_, err = d.step(ctx, o.ID, host.NotInvoiced{Words: bunker.AsError(err).Words})
		return err
	}
	_, err = d.step(ctx, o.ID, host.Invoiced{Payment: host.Payment{
		Hash: inv.Hash, Bolt11: inv.Bolt11, Sats: a.Sats, CreatedAt: d.now(), ExpiresAt: inv.ExpiresAt,
	}})
	if bunker.AsError(err).Code == bunker.CodeInvalid { // the wallet gave one twice
		_, err = d.step(ctx, o.ID, host.NotInvoiced{Words: bunker.AsError(err).Words})
	}
	return err
}

// memo is what the payer's wallet shows.
func memo(o *host.Order) string {
	switch o.Kind {
	case host.ForTrial:
		return "nsecBunker: a bunker to try"
	case host.ForPlan:
		return fmt.Sprintf("nsecBunker: your bunker for %d people", o.People)
	}
	return fmt.Sprintf("nsecBunker: a bunker for %d people, one year", o.People)
}

// ask asks the wallet about an invoice.
func (d *Desk) ask(ctx context.Context, id host.OrderID, hash [32]byte) error {
	call, cancel := context.WithTimeout(ctx, walletFor)
	inv, err := d.Wallet.Lookup(call, hash)
	cancel()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		d.Log.Info("the wallet could not be asked about an invoice", "order", id, "error", err)
		// A wallet that does not know it has answered.
		_, err = d.step(ctx, id, host.Asked{Hash: hash, Silent: bunker.AsError(err).Code != bunker.CodeNotFound})
		return err
	}
	if inv.State != bunker.InvoiceSettled {
		if _, err := d.step(ctx, id, host.Asked{Hash: hash}); err != nil {
			return err
		}
	}
	return d.heard(ctx, id, hash, inv)
}

// heard tells an order what the wallet says of an invoice now.
func (d *Desk) heard(ctx context.Context, id host.OrderID, hash [32]byte, inv bunker.Invoice) error {
	var h host.Happening
	switch inv.State {
	case bunker.InvoiceSettled:
		h = host.Settled{Hash: hash, Msat: inv.PaidMsat, At: inv.SettledAt}
	case bunker.InvoiceExpired, bunker.InvoiceCancelled:
		h = host.Expired{Hash: hash}
	default:
		return nil
	}
	r, err := d.step(ctx, id, h)
	if err == nil && r.Changed && len(r.Acts) > 0 {
		d.Wake()
	}
	return err
}

// make makes what was paid. Who makes it has noted so before, so that two instances are
// not at it at once; that there is one bunker in the end does not rest on that.
func (d *Desk) make(ctx context.Context, o *host.Order) error {
	r, err := d.step(ctx, o.ID, host.Making{})
	if err != nil || !r.Changed {
		return err
	}
	call, cancel := context.WithTimeout(ctx, makeFor)
	defer cancel()
	var t bunker.TenantID
	if o.Kind == host.ForPlan {
		t, err = d.renewable(call, o)
	} else {
		t, err = d.Bunkers.Make(call, Spec{Order: o.ID, Admins: o.Admins, Plan: d.first(o)})
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		d.Log.Error("what was paid could not be made; it is tried again", "order", o.ID, "error", err)
		gone := o.Kind == host.ForPlan && bunker.AsError(err).Code == bunker.CodeNotFound
		_, err = d.step(ctx, o.ID, host.NotMade{Words: bunker.AsError(err).Words, Gone: gone})
		return err
	}
	r, err = d.Ledger.StepOrder(ctx, d.By, o.ID, host.Made{Tenant: t}, func(old host.Plan, ok bool) host.Plan { return d.paid(o, old, ok) })
	if err != nil {
		return err
	}
	if !r.Changed {
		d.Log.Error("a bunker was made for an order that was ended meanwhile", "order", o.ID, "bunker", t)
		return nil
	}
	if err := d.stand(ctx, t, o.Kind == host.ForPlan); err != nil { // what is not told now is at the next look at its plan
		d.trouble(ctx, "a bunker could not be told what it is paid for", o.ID, err)
	}
	d.tell(o.ID)
	return nil
}

// takeOver notes that nobody is at any order: this instance is alone, and has not begun.
func (d *Desk) takeOver(ctx context.Context) {
	for {
		left, err := d.Ledger.OrdersInMaking(ctx, d.now(), batch)
		for _, id := range left {
			if err == nil {
				_, err = d.step(ctx, id, host.Left{})
			}
		}
		if err != nil { // they are gone on with when their time is over
			d.trouble(ctx, "orders that were being made could not be taken over", "", err)
		}
		if err != nil || len(left) < batch {
			return
		}
	}
}

// renewable is the bunker of an order for a plan, while there is one.
func (d *Desk) renewable(ctx context.Context, o *host.Order) (bunker.TenantID, error) {
	_, err := d.Bunkers.Show(ctx, o.Tenant)
	return o.Tenant, err
}

// first is the plan of a new bunker, which begins when it is made.
func (d *Desk) first(o *host.Order) host.Plan {
	if o.Kind == host.ForTrial {
		return host.Plan{People: o.People, Until: d.now() + d.Terms.TrialFor.Milliseconds(), Trial: true}
	}
	return host.Plan{People: o.People, Until: d.now() + host.Year.Milliseconds()}
}

// paid is the plan that an order makes of the one before.
func (d *Desk) paid(o *host.Order, old host.Plan, ok bool) host.Plan {
	if o.Kind != host.ForPlan || !ok {
		return d.first(o)
	}
	return d.Terms.Apply(old, o.People, o.Sats*1000, d.now())
}

// watch hears of payments as they come. It is a short cut: what it misses is found by
// asking.
func (d *Desk) watch(ctx context.Context) {
	none := func(context.Context) ([]bunker.PaymentHash, error) { return nil, nil }
	for ctx.Err() == nil {
		err := d.Wallet.Watch(ctx, none, func(ctx context.Context, inv bunker.Invoice) {
			id, ok, err := d.Ledger.OrderOf(ctx, inv.Hash)
			if err == nil && ok {
				err = d.heard(ctx, id, inv.Hash, inv)
			}
			if err != nil {
				d.trouble(ctx, "a payment could not be noted; the wallet is asked again", id, err)
			}
		})
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			d.Log.Warn("the wallet tells of no payments now; it is asked", "error", err)
		}
		timer := time.NewTimer(watchAgain)
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		timer.Stop()
	}
}
