package orders

import (
	"context"
	"sync"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/host"
)

// Buyers who wait for their order to move.

const (
	// MaxWaiters is how many buyers are told at once when their order moves; others ask
	// again.
	MaxWaiters = 2000
	// lookEvery is how often a waiting buyer's order is read: another instance may have
	// moved it.
	lookEvery = 3 * time.Second
	// MaxPeeks is how often a second the wallet is asked for buyers who wait, in all.
	MaxPeeks = 10
)

// Look shows an order to whoever has its secret. While its version is the one that was
// seen, it waits for another, until ctx ends or for a time.
func (d *Desk) Look(ctx context.Context, secret string, seen int64, wait time.Duration) (host.View, error) {
	o, err := d.find(ctx, secret)
	if err != nil {
		return host.View{}, err
	}
	if o.Version == seen && wait > 0 {
		if o, err = d.await(ctx, o, wait); err != nil {
			return host.View{}, err
		}
	}
	return d.view(ctx, o)
}

// await returns the order when it has moved, or as it is when the time is over.
func (d *Desk) await(ctx context.Context, o *host.Order, wait time.Duration) (*host.Order, error) {
	moved := make(chan struct{}, 1)
	if !d.join(o.ID, moved) {
		return o, nil
	}
	defer d.leave(o.ID, moved)
	over := time.NewTimer(wait)
	defer over.Stop()
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	state := shown(o)
	asked, done := context.WithCancel(ctx)
	asking := make(chan struct{}, 1)
	var asks sync.WaitGroup
	defer asks.Wait()
	defer done()
	for {
		select {
		case <-ctx.Done():
			return o, ctx.Err()
		case <-over.C:
			return o, nil
		case <-moved:
		case <-look.C:
		}
		now, err := d.Ledger.Order(ctx, o.ID)
		if err != nil {
			return o, err
		}
		if o = now; shown(o) != state {
			return o, nil
		}
		if p := o.Open(); p != nil && d.asks.Allow() {
			id, hash := o.ID, p.Hash
			select {
			case asking <- struct{}{}:
				asks.Go(func() {
					d.peek(asked, id, hash)
					<-asking
				})
			default: // the last answer is not here yet
			}
		}
	}
}

// peek asks the wallet about the invoice that a buyer looks at: not every wallet tells of
// payments, and nobody who has paid likes to wait. What it misses the desk finds in its turn.
func (d *Desk) peek(ctx context.Context, id host.OrderID, hash [32]byte) {
	ctx, cancel := context.WithTimeout(ctx, walletFor)
	defer cancel()
	inv, err := d.Wallet.Lookup(ctx, hash)
	if err == nil && inv.State == bunker.InvoiceSettled {
		err = d.heard(ctx, id, hash, inv)
	}
	if err != nil && ctx.Err() == nil {
		d.Log.Info("the wallet could not be asked for a buyer who waits", "order", id, "error", err)
	}
}

// shown is what of an order's moves a buyer sees.
func shown(o *host.Order) string {
	open := ""
	if p := o.Open(); p != nil {
		open = p.Bolt11
	}
	return string(o.State) + " " + o.Trouble + " " + open
}

func (d *Desk) join(id host.OrderID, c chan struct{}) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.waiting >= MaxWaiters {
		return false
	}
	d.waiting++
	if d.waiters[id] == nil {
		d.waiters[id] = map[chan struct{}]bool{}
	}
	d.waiters[id][c] = true
	return true
}

func (d *Desk) leave(id host.OrderID, c chan struct{}) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.waiting--
	delete(d.waiters[id], c)
	if len(d.waiters[id]) == 0 {
		delete(d.waiters, id)
	}
}
