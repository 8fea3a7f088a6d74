package host

import (
	"slices"
	"time"

	"nsecbunker/internal/bunker"
)

// Happening is what an order is told. Each may come late, twice, in another order, or
// not at all.
type Happening interface{ happening() }

// The happenings.
type (
	// Invoiced: the wallet made an invoice for the order.
	Invoiced struct{ Payment Payment }
	// NotInvoiced: the wallet made none; Words say why.
	NotInvoiced struct{ Words string }
	// Asked: the wallet was asked about an invoice, and there was nothing new; Silent: it gave
	// no answer.
	Asked struct {
		Hash   [32]byte
		Silent bool
	}
	// Settled: the wallet says that an invoice was paid.
	Settled struct {
		Hash [32]byte
		Msat int64
		At   int64 // unix ms, by the wallet
	}
	// Expired: the wallet says that an invoice cannot be paid any more, or its time is over.
	Expired struct{ Hash [32]byte }
	// Again: whoever orders wants another invoice.
	Again struct{}
	// Making: this instance begins to make what was paid.
	Making struct{}
	// Left: who was at making it has gone, and nobody else can be at it.
	Left struct{}
	// Made: the bunker is there, or has its new plan.
	Made struct{ Tenant bunker.TenantID }
	// NotMade: it is not, and is tried again; Gone: it never will be, for what the order is for
	// is not there.
	NotMade struct {
		Words string
		Gone  bool
	}
	// Retry: the provider has it tried now, and takes what came late or in part as
	// though it were right.
	Retry struct{}
	// Refunded: the provider has given back what was owed of a payment. Of a paid order
	// that was not made, he gives back all of it instead of making it.
	Refunded struct {
		Hash [32]byte
		Note string
	}
)

func (Invoiced) happening()    {}
func (NotInvoiced) happening() {}
func (Asked) happening()       {}
func (Settled) happening()     {}
func (Expired) happening()     {}
func (Again) happening()       {}
func (Making) happening()      {}
func (Left) happening()        {}
func (Made) happening()        {}
func (NotMade) happening()     {}
func (Retry) happening()       {}
func (Refunded) happening()    {}

// Act is one thing that an order needs done now.
type Act interface{ act() }

// The acts.
type (
	// MakeInvoice asks the wallet for an invoice of Sats.
	MakeInvoice struct{ Sats int64 }
	// Ask asks the wallet about an invoice.
	Ask struct{ Hash [32]byte }
	// End marks an invoice whose time is over.
	End struct{ Hash [32]byte }
	// Make makes the bunker, or gives it its new plan: once for the order's id, however
	// often it is done.
	Make struct{}
)

func (MakeInvoice) act() {}
func (Ask) act()         {}
func (End) act()         {}
func (Make) act()        {}

// Acts are what an order needs done now. They follow from the order alone, so a crash
// loses none of them.
func Acts(o *Order, now int64) (acts []Act) {
	switch {
	case o.State == OrderNew && o.NextTry <= now:
		acts = append(acts, MakeInvoice{o.Sats})
	case o.State == OrderPaid && o.NextTry <= now && o.Making <= now:
		acts = append(acts, Make{})
	}
	for i := range o.Payments {
		switch p := &o.Payments[i]; {
		case p.State == PaymentSettled:
		case p.NextPoll != 0 && p.NextPoll <= now:
			acts = append(acts, Ask{p.Hash})
		case p.State == PaymentOpen && p.ExpiresAt <= now:
			acts = append(acts, End{p.Hash})
		}
	}
	return acts
}

// NextAct is when an order needs something next (unix ms); 0: not before something
// happens.
func NextAct(o *Order) (at int64) {
	sooner := func(t int64) {
		if at == 0 || t < at {
			at = t
		}
	}
	switch o.State {
	case OrderNew:
		sooner(o.NextTry)
	case OrderPaid:
		sooner(max(o.NextTry, o.Making))
	}
	for i := range o.Payments {
		p := &o.Payments[i]
		if p.State == PaymentSettled {
			continue
		}
		if p.NextPoll != 0 {
			sooner(p.NextPoll)
		}
		if p.State == PaymentOpen {
			sooner(p.ExpiresAt)
		}
	}
	return at
}

// Stepped is an order after a step that was stored.
type Stepped struct {
	Order   *Order
	Acts    []Act
	Changed bool // by this step
}

// Step is an order after a happening, and what it then needs done. changed is false for
// what changes nothing: it was known, or does not concern the order. The order that was
// given stays as it is.
func Step(before *Order, h Happening, now int64) (after *Order, acts []Act, changed bool) {
	o := *before
	o.Payments = slices.Clone(before.Payments)
	switch h := h.(type) {
	case Invoiced:
		changed = o.invoiced(h.Payment, now)
	case NotInvoiced:
		changed = o.notInvoiced(h.Words, now)
	case Asked:
		changed = o.asked(h, now)
	case Settled:
		changed = o.settled(h, now)
	case Expired:
		changed = o.expired(h.Hash)
	case Again:
		changed = o.again(now)
	case Making:
		if changed = o.State == OrderPaid && o.Making <= now; changed {
			o.Making = now + MakeLease.Milliseconds()
		}
	case Left:
		if changed = o.State == OrderPaid && o.Making > now; changed {
			o.Making = 0
		}
	case Made:
		if changed = o.State == OrderPaid; changed {
			o.State, o.Tenant, o.Making, o.Trouble = OrderMade, h.Tenant, 0, ""
		}
	case NotMade:
		changed = o.notMade(h, now)
	case Retry:
		changed = o.retry(now)
	case Refunded:
		changed = o.refunded(h, now)
	}
	if !changed {
		return before, Acts(before, now), false
	}
	o.ChangedAt = now
	return &o, Acts(&o, now), true
}

func (o *Order) invoiced(p Payment, now int64) bool {
	if o.State != OrderNew || p.Sats != o.Sats || len(o.Payments) >= MaxInvoices || o.Payment(p.Hash) != nil {
		return false
	}
	o.Payments = append(o.Payments, Payment{
		Hash: p.Hash, Bolt11: p.Bolt11, Sats: p.Sats, State: PaymentOpen, CreatedAt: p.CreatedAt, ExpiresAt: p.ExpiresAt,
		NextPoll: now + pollAfter.Milliseconds(),
	})
	o.State, o.Tries, o.NextTry, o.Trouble = OrderInvoiced, 0, 0, ""
	return true
}

func (o *Order) notInvoiced(words string, now int64) bool {
	if o.State != OrderNew {
		return false
	}
	o.fail(words, now)
	if now-o.AskedAt >= GiveUpAfter.Milliseconds() {
		o.State, o.Tries, o.NextTry = OrderLapsed, 0, 0
	}
	return true
}

// fail notes a try in vain: the next one is later each time.
func (o *Order) fail(words string, now int64) {
	o.Tries++
	o.NextTry, o.Trouble = now+wait(o.Tries).Milliseconds(), bunker.Display(words, 200)
}

// wait is how long after so many tries the next one is made.
func wait(tries int64) time.Duration {
	if tries > 9 {
		return longestWait
	}
	return min(firstWait<<(tries-1), longestWait)
}

func (o *Order) asked(h Asked, now int64) bool {
	p := o.Payment(h.Hash)
	if p == nil || p.State == PaymentSettled {
		return false
	}
	p.Polls++
	// The wallet's notices are faster where there are any; without them a payment is seen
	// after a quarter of the time that the invoice has waited, or at once by a buyer who looks.
	age := time.Duration(now-p.CreatedAt) * time.Millisecond
	p.NextPoll = now + min(max(age/4, pollAfter), pollEvery).Milliseconds()
	if !h.Silent && now >= p.ExpiresAt+PollFor.Milliseconds() {
		p.NextPoll = 0
	}
	return true
}

func (o *Order) settled(h Settled, now int64) bool {
	p := o.Payment(h.Hash)
	if p == nil || p.State == PaymentSettled || h.Msat < 1 {
		return false
	}
	p.State, p.PaidMsat, p.SettledAt = PaymentSettled, h.Msat, h.At
	if h.At < p.CreatedAt || h.At > now {
		p.SettledAt = now // the wallet does not say when, or cannot know
	}
	switch {
	case o.State == OrderPaid || o.State == OrderMade:
		p.Why = CaseTwice
	case o.State == OrderClosed:
		p.Why = CaseEnded
	case p.PaidMsat < p.Sats*msat:
		p.Why, o.State = CaseUnder, OrderHeld
	case p.SettledAt > p.ExpiresAt+LateFor.Milliseconds():
		p.Why, o.State = CaseLate, OrderHeld
	default:
		o.take(p, now)
	}
	return true
}

// take buys the order with a payment. What is more than its price is owed.
func (o *Order) take(p *Payment, now int64) {
	p.TakenMsat, p.Why = min(p.PaidMsat, p.Sats*msat), NoCase
	if p.PaidMsat > p.TakenMsat {
		p.Why = CaseOver
	}
	o.State, o.Tries, o.NextTry, o.Trouble, o.Making = OrderPaid, 0, now, "", 0
}

func (o *Order) expired(hash [32]byte) bool {
	p := o.Payment(hash)
	if p == nil || p.State != PaymentOpen {
		return false
	}
	p.State = PaymentLapsed
	if o.State == OrderInvoiced && o.Open() == nil {
		o.State = OrderLapsed
	}
	return true
}

// MayAgain reports whether another invoice can be had at the order's price.
func (o *Order) MayAgain(now int64) bool {
	return o.State == OrderLapsed && len(o.Payments) < MaxInvoices && now-o.CreatedAt < PriceFor.Milliseconds()
}

func (o *Order) again(now int64) bool {
	if !o.MayAgain(now) {
		return false
	}
	o.State, o.Tries, o.NextTry, o.Trouble, o.AskedAt = OrderNew, 0, now, "", now
	return true
}

func (o *Order) notMade(h NotMade, now int64) bool {
	if o.State != OrderPaid {
		return false
	}
	o.Making = 0
	o.fail(h.Words, now)
	if h.Gone {
		o.untake(CaseGone)
	}
	return true
}

// untake makes what bought the order owed again.
func (o *Order) untake(why Case) {
	for i := range o.Payments {
		if p := &o.Payments[i]; p.TakenMsat > 0 {
			p.TakenMsat, p.Why = 0, why
		}
	}
	o.State, o.NextTry = OrderHeld, 0
}

func (o *Order) retry(now int64) bool {
	switch o.State {
	case OrderNew, OrderPaid:
		o.NextTry, o.Tries = now, 0
		return true
	case OrderLapsed:
		return o.again(now)
	case OrderHeld:
		for i := range o.Payments {
			if p := &o.Payments[i]; p.OwedMsat() > 0 && p.Why != CaseTwice && p.Why != CaseOver {
				o.take(p, now)
				return true
			}
		}
	}
	return false
}

func (o *Order) refunded(h Refunded, now int64) bool {
	p := o.Payment(h.Hash)
	if p == nil || p.State != PaymentSettled || p.RefundedAt != 0 {
		return false
	}
	if o.State == OrderPaid && p.TakenMsat > 0 {
		if o.Making > now {
			return false // it is being made this moment
		}
		o.untake(CaseBack)
	}
	if p.OwedMsat() == 0 {
		return false
	}
	p.RefundedAt, p.Refund = now, bunker.Display(h.Note, 200)
	if o.State == OrderHeld && o.OwedMsat() == 0 {
		o.State = OrderClosed
	}
	return true
}
