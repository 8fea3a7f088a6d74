// Package orders sells bunkers: it does what orders need done, as host decides. It
// asks the wallet for invoices and about them, makes what was paid, and tells owners
// when their time runs out. Everything that counts is in the ledger, so that any
// instance goes on where another one stopped.
package orders

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/host"
	"nsecbunker/nostr"
)

const (
	// MaxAtOnce is how many orders are worked on at once.
	MaxAtOnce = 16
	// batch is how many due orders are looked for at a time.
	batch = 200
	// walletFor bounds one exchange with the wallet, whatever it does itself.
	walletFor = 30 * time.Second
	// makeFor bounds the making of one bunker: well below host.MakeLease, so that no other
	// instance begins meanwhile.
	makeFor = host.MakeLease / 2
	// idle is the longest time between two looks for what is due: another instance may
	// have taken an order.
	idle = 10 * time.Second
	// afterTrouble is the pause after an order could not be gone on with, because of the
	// ledger: it stays due, and would be tried again at once.
	afterTrouble = 5 * time.Second
	// watchAgain is the pause before the wallet's notices are asked for anew.
	watchAgain = 30 * time.Second
)

// Ledger is the orders, as they are stored.
type Ledger interface {
	Order(ctx context.Context, id host.OrderID) (*host.Order, error)
	// AddOrder stores a new order; one that is there already stays as it is.
	AddOrder(ctx context.Context, by bunker.Principal, o *host.Order) error
	// StepOrder tells an order what happened. Where that made a bunker, plan says what its plan
	// becomes, in the same transaction; ok is false for a bunker that has none yet.
	StepOrder(ctx context.Context, by bunker.Principal, id host.OrderID, h host.Happening, plan func(old host.Plan, ok bool) host.Plan) (host.Stepped, error)
	// OrderOf is the order that an invoice was made for.
	OrderOf(ctx context.Context, hash [32]byte) (id host.OrderID, ok bool, err error)
	// DueOrders need something at a time (unix ms); NextOrder is when one does.
	DueOrders(ctx context.Context, now int64, limit int) ([]host.OrderID, error)
	NextOrder(ctx context.Context) (int64, error)
	// OrdersInMaking are those that an instance is, or was, making now (unix ms).
	OrdersInMaking(ctx context.Context, now int64, limit int) ([]host.OrderID, error)
	PruneOrders(ctx context.Context) error
}

// Plans are what bunkers are paid for, as it is stored.
type Plans interface {
	Bought(ctx context.Context, t bunker.TenantID) (p host.Bought, ok bool, err error)
	// DuePlans are some that are to be looked at at a time (unix ms), in order of id after one;
	// none: there are no more. NextPlan is when one is, 0 if there is none.
	DuePlans(ctx context.Context, now int64, after bunker.TenantID) ([]bunker.TenantID, error)
	NextPlan(ctx context.Context) (int64, error)
	// LowerPlan gives a bunker the plan that lower makes of its own, for fewer people and
	// nothing, with the quota that belongs to it; it refuses one for fewer people than hold seats.
	LowerPlan(ctx context.Context, by bunker.Principal, t bunker.TenantID, lower func(host.Plan) (host.Plan, error)) error
	// SeatsTaken are how many of a bunker's seats are taken now.
	SeatsTaken(ctx context.Context, t bunker.TenantID) (int64, error)
	// LookedAtPlan notes when a plan is looked at next, and what its owners were told; it
	// fails with CodeConflict when the plan has changed since it was read.
	LookedAtPlan(ctx context.Context, by bunker.Principal, p *host.Bought, told string, nextAt int64) error
}

// Wallet makes invoices and knows what became of them. It cannot pay.
type Wallet interface {
	Make(ctx context.Context, msat int64, memo string, expiry time.Duration) (bunker.Invoice, error)
	Lookup(ctx context.Context, hash bunker.PaymentHash) (bunker.Invoice, error)
	Watch(ctx context.Context, waiting func(context.Context) ([]bunker.PaymentHash, error), on func(context.Context, bunker.Invoice)) error
}

// Spec is a bunker to be made.
type Spec struct {
	Order  host.OrderID
	Admins []nostr.PubKey
	Plan   host.Plan
}

// Bunkers makes bunkers and ends them.
type Bunkers interface {
	// Make makes the bunker of an order: one, however often it is asked for.
	Make(ctx context.Context, s Spec) (bunker.TenantID, error)
	// Show is for whoever proved to have ordered it.
	Show(ctx context.Context, t bunker.TenantID) (host.Ready, error)
	// Stand tells a bunker what it is paid for and how far it is on its way; renewed: it has
	// just been paid for.
	Stand(ctx context.Context, t bunker.TenantID, p host.Plan, s host.Stage, renewed bool) error
}

// Owners are told by direct message.
type Owners interface {
	// Tell sends a text to the owners of a bunker, and fails unless it reached one.
	Tell(ctx context.Context, t bunker.TenantID, text string) error
}

// Config is what New needs; all fields but Alone.
type Config struct {
	Ledger  Ledger
	Plans   Plans
	Wallet  Wallet
	Bunkers Bunkers
	Owners  Owners
	Terms   host.Terms
	// By is who acts: the instance itself.
	By bunker.Principal
	// Alone: no other instance serves this ledger, so that what one of before was making
	// when it was killed is gone on with at once, not after [host.MakeLease].
	Alone bool
	// Page is where bunkers are bought, for letters; "" if it has no public address.
	Page func() string
	Now  func() time.Time // ledger time
	// Suspect reports that the clock cannot be believed: no bunker comes nearer to its end then.
	Suspect func() bool
	Log     *slog.Logger
}

// Desk takes orders and sees them through.
type Desk struct {
	Config
	wake chan struct{}

	mu      sync.Mutex
	working map[host.OrderID]bool
	again   map[host.OrderID]bool // woken while it was worked on
	waiters map[host.OrderID]map[chan struct{}]bool
	waiting int
	asks    *rate.Limiter // of the wallet, for those who wait

	troubled atomic.Bool // since the last look for what is due
}

// New returns a desk; Run works.
func New(c Config) (*Desk, error) {
	if c.Ledger == nil || c.Plans == nil || c.Wallet == nil || c.Bunkers == nil || c.Owners == nil || c.Page == nil || c.Now == nil || c.Suspect == nil || c.Log == nil {
		return nil, errors.New("orders: the configuration is incomplete")
	}
	if err := c.Terms.Check(); err != nil {
		return nil, err
	}
	return &Desk{
		Config: c, wake: make(chan struct{}, 1), working: map[host.OrderID]bool{}, again: map[host.OrderID]bool{},
		waiters: map[host.OrderID]map[chan struct{}]bool{}, asks: rate.NewLimiter(MaxPeeks, MaxPeeks),
	}, nil
}

// Wake has the desk look for what is due.
func (d *Desk) Wake() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// Run works until ctx ends. What a crash leaves open is gone on with at the next start,
// or by another instance.
func (d *Desk) Run(ctx context.Context) error {
	if d.Alone {
		d.takeOver(ctx)
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { d.watch(ctx) })
	wg.Go(func() { d.lives(ctx) })
	places := make(chan struct{}, MaxAtOnce)
	for ctx.Err() == nil {
		timer := time.NewTimer(d.pause(ctx, d.begin(ctx, places, &wg)))
		select {
		case <-ctx.Done():
		case <-d.wake:
		case <-timer.C:
		}
		timer.Stop()
	}
	return nil
}

// begin works on what is due and not worked on yet, and says how many orders were.
func (d *Desk) begin(ctx context.Context, places chan struct{}, wg *sync.WaitGroup) int {
	due, err := d.Ledger.DueOrders(ctx, d.now(), batch)
	if err != nil {
		if ctx.Err() == nil {
			d.Log.Error("orders that are due could not be read", "error", err)
		}
		return 0
	}
	begun := 0
	for _, id := range due {
		if !d.take(id) {
			continue
		}
		select {
		case places <- struct{}{}:
		case <-ctx.Done():
			d.give(id)
			return begun
		}
		begun++
		wg.Go(func() {
			defer func() { <-places }()
			d.work(ctx, id)
			if d.give(id) {
				d.Wake()
			}
		})
	}
	return begun
}

// pause is how long there is nothing to be done, after so many orders were begun.
func (d *Desk) pause(ctx context.Context, begun int) time.Duration {
	switch {
	case d.troubled.Swap(false):
		return afterTrouble
	case begun == batch:
		return 0
	}
	next, err := d.Ledger.NextOrder(ctx)
	if err != nil || next == 0 {
		return idle
	}
	// What is due now and worked on wakes us when it is done.
	return min(max(time.Duration(next-d.now())*time.Millisecond, 200*time.Millisecond), idle)
}

func (d *Desk) now() int64 { return d.Now().UnixMilli() }

// take reports whether nobody here is at an order, and notes that we are.
func (d *Desk) take(id host.OrderID) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.working[id] {
		d.again[id] = true
		return false
	}
	d.working[id] = true
	return true
}

// give ends take, and reports whether somebody wanted the order meanwhile.
func (d *Desk) give(id host.OrderID) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	again := d.again[id]
	delete(d.working, id)
	delete(d.again, id)
	return again
}

// step tells an order what happened, and those who wait for it.
func (d *Desk) step(ctx context.Context, id host.OrderID, h host.Happening) (host.Stepped, error) {
	r, err := d.Ledger.StepOrder(ctx, d.By, id, h, nil)
	if err == nil && r.Changed {
		d.tell(id)
	}
	return r, err
}

// tell wakes who waits for an order.
func (d *Desk) tell(id host.OrderID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for c := range d.waiters[id] {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}
