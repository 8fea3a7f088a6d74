package host

import (
	"crypto/sha256"
	"encoding/hex"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr"
)

// Bounds of an order.
const (
	// MaxOrderAdmins is how many npubs an order may name.
	MaxOrderAdmins = 10
	// MaxSats is the largest invoice.
	MaxSats = 100_000_000
	// MaxInvoices is how many invoices are made for one order.
	MaxInvoices = 6
	// InvoiceFor is how long an invoice can be paid.
	InvoiceFor = time.Hour
	// LateFor is how long after an invoice's end a payment of it still buys what was
	// ordered; then it is a case.
	LateFor = 24 * time.Hour
	// PollFor is how long after an invoice's end the wallet is asked about it: until it has
	// answered once after that time.
	PollFor = 7 * 24 * time.Hour
	// PriceFor is how long an order's price holds: so long another invoice can be had.
	PriceFor = 24 * time.Hour
	// HeldFor is how long a payment that is a case puts off the end of the bunker that it was
	// for: its provider has to look at it in that time.
	HeldFor = 14 * 24 * time.Hour
	// pollAfter and pollEvery are the shortest and the longest time between two questions to
	// the wallet about one invoice.
	pollAfter = 4 * time.Second
	pollEvery = time.Hour
	// GiveUpAfter is how long an order waits for an invoice that the wallet does not make.
	GiveUpAfter = time.Hour
	// MakeLease is how long one instance has to make a bunker before another tries.
	MakeLease = 2 * time.Minute
	// StuckAfter is after how many tries in vain a paid order is a case for the provider.
	StuckAfter = 3
	// firstWait and longestWait are between tries.
	firstWait   = 2 * time.Second
	longestWait = 10 * time.Minute
)

// OrderID names an order. It is no secret: the order's secret leads to it, not back.
type OrderID string

// SecretLength is the length of an order's secret: 256 bits in hex digits.
const SecretLength = 64

// IDOf is the id of the order with a secret, which whoever orders makes up: an order
// that is sent twice is one order.
func IDOf(secret string) (OrderID, error) {
	if len(secret) != SecretLength {
		return "", badSecret()
	}
	b, err := hex.DecodeString(secret)
	if err != nil {
		return "", badSecret()
	}
	sum := sha256.Sum256(append([]byte("nsecbunker/order/id/1"), b...))
	return OrderID("o" + bunker.CodeText(sum[:20])), nil
}

func badSecret() error {
	return bunker.Errorf(bunker.CodeInvalid, "an order's secret is %d hex digits", SecretLength).In("secret")
}

// OrderKind says what is bought.
type OrderKind string

// The kinds of orders.
const (
	ForBunker OrderKind = "bunker" // a bunker for a year
	ForTrial  OrderKind = "trial"  // a bunker for an hour
	ForPlan   OrderKind = "plan"   // a bunker that there is: longer, or for another number of people
)

// OrderState is how far an order is. The zero value is none of them.
type OrderState string

// The states of an order.
const (
	OrderNew      OrderState = "new"      // it needs an invoice
	OrderInvoiced OrderState = "invoiced" // it waits for the payment
	OrderLapsed   OrderState = "lapsed"   // its invoice cannot be paid any more; another one may be asked for
	OrderPaid     OrderState = "paid"     // the bunker is being made
	OrderMade     OrderState = "made"     // done
	OrderHeld     OrderState = "held"     // what came does not buy it: a case for the provider
	OrderClosed   OrderState = "closed"   // everything that came was given back
)

// Order is one purchase with every invoice that was made for it.
type Order struct {
	ID     OrderID
	Kind   OrderKind
	State  OrderState
	Tenant bunker.TenantID // of a plan from the start on, else once it is made
	Admins []nostr.PubKey  // the first admins of a bunker to be
	People int64
	Sats   int64 // what it costs

	CreatedAt, ChangedAt, Version int64
	// AskedAt is when an invoice was asked for last.
	AskedAt int64
	// Tries and NextTry are of what is being tried; Trouble says why the last one failed.
	Tries   int64
	NextTry int64
	Trouble string
	// Making is until when an instance is at making the bunker.
	Making int64

	Payments []Payment
}

// PaymentState is how far an invoice is.
type PaymentState string

// The states of an invoice.
const (
	PaymentOpen    PaymentState = "open"
	PaymentLapsed  PaymentState = "lapsed" // it ended; a payment on its way may still come
	PaymentSettled PaymentState = "settled"
)

// Case says why money that came is owed to whoever paid.
type Case string

// The cases.
const (
	NoCase    Case = ""
	CaseUnder Case = "too little"      // nothing was bought with it
	CaseOver  Case = "too much"        // the difference
	CaseLate  Case = "too late"        // the price did not hold any more
	CaseTwice Case = "paid twice"      // the order was paid with another invoice
	CaseGone  Case = "no such bunker"  // what it was for is not there any more
	CaseBack  Case = "not made"        // the provider gives it back instead of making the bunker
	CaseEnded Case = "order is closed" // it came after everything else was given back
)

// Payment is one invoice and what became of it. Hash is the payment's.
type Payment struct {
	Hash      [32]byte
	Bolt11    string
	Sats      int64
	State     PaymentState
	CreatedAt int64 // unix ms, as the others
	ExpiresAt int64
	SettledAt int64
	PaidMsat  int64 // what came
	TakenMsat int64 // what of it bought the order
	Why       Case
	// RefundedAt is when the provider noted that the rest was given back, with his words.
	RefundedAt int64
	Refund     string
	// Polls counts how often the wallet was asked, NextPoll is when it is asked next; 0: not
	// any more.
	Polls    int64
	NextPoll int64
}

// OwedMsat is what of a payment bought nothing and was not given back.
func (p *Payment) OwedMsat() int64 {
	if p.RefundedAt != 0 {
		return 0
	}
	return p.PaidMsat - p.TakenMsat
}

// Open is the invoice that can be paid now; nil if there is none.
func (o *Order) Open() *Payment {
	for i := range o.Payments {
		if o.Payments[i].State == PaymentOpen {
			return &o.Payments[i]
		}
	}
	return nil
}

// Payment finds an invoice by the payment's hash.
func (o *Order) Payment(hash [32]byte) *Payment {
	for i := range o.Payments {
		if o.Payments[i].Hash == hash {
			return &o.Payments[i]
		}
	}
	return nil
}

// OwedMsat is what of all payments bought nothing and was not given back.
func (o *Order) OwedMsat() (sum int64) {
	for i := range o.Payments {
		sum += o.Payments[i].OwedMsat()
	}
	return sum
}

// IsCase reports that the provider has to look: money is owed, or what was paid cannot
// be made.
func (o *Order) IsCase() bool {
	return o.OwedMsat() > 0 || o.State == OrderPaid && o.Tries >= StuckAfter
}

// NewOrder checks what somebody wants to buy. Admins are of a new bunker alone; tenant
// of a plan alone. The price is the caller's, by the terms.
func NewOrder(id OrderID, kind OrderKind, tenant bunker.TenantID, admins []nostr.PubKey, people, sats, now int64) (*Order, error) {
	bad := func(field, format string, args ...any) (*Order, error) {
		return nil, bunker.Errorf(bunker.CodeInvalid, format, args...).In(field)
	}
	switch kind {
	case ForBunker, ForTrial:
		if len(admins) == 0 {
			return bad("admins", "name at least one admin: without one nobody could open the bunker")
		}
		if tenant != "" {
			return bad("tenant", "a new bunker has no name yet")
		}
	case ForPlan:
		if tenant == "" || len(admins) != 0 {
			return bad("tenant", "an order for a plan names its bunker, and no admins")
		}
	default:
		return bad("kind", "there is nothing called %q to be bought; there are bunker, trial and plan", bunker.Display(string(kind), 20))
	}
	if len(admins) > MaxOrderAdmins {
		return bad("admins", "%d admins: an order names at most %d; the others are added in the bunker", len(admins), MaxOrderAdmins)
	}
	for i, a := range admins {
		for _, b := range admins[:i] {
			if a == b {
				return bad("admins", "the same npub is named twice")
			}
		}
	}
	if err := CheckPeople(people); err != nil {
		return nil, err
	}
	if sats > MaxSats {
		return bad("people", "this costs %d sats, and no invoice is over more than one bitcoin; ask the provider", sats)
	}
	if sats < 1 {
		return bad("people", "this costs nothing, so there is nothing to order")
	}
	return &Order{
		ID: id, Kind: kind, State: OrderNew, Tenant: tenant, Admins: admins, People: people, Sats: sats,
		CreatedAt: now, ChangedAt: now, AskedAt: now, NextTry: now,
	}, nil
}
