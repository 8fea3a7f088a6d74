package wallettest

import (
	"context"
	"sync"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/wallet"
)

// Fake is a *wallet.Wallet without sockets: the same four methods over a Node, for
// tests of what uses wallets. Polling is asked for by Poll, so that no test waits.
type Fake struct {
	*Node
	// Fail, if it is set, is what Make and Lookup answer.
	Fail func() error

	mu    sync.Mutex
	polls []chan struct{}
}

// NewFake returns a wallet that only receives.
func NewFake(now func() time.Time) *Fake { return &Fake{Node: New(now)} }

// Make is wallet.Wallet's.
func (f *Fake) Make(ctx context.Context, msat int64, memo string, expiry time.Duration) (bunker.Invoice, error) {
	if err := f.trouble(ctx); err != nil {
		return bunker.Invoice{}, err
	}
	return f.create(msat, memo, expiry), nil
}

func (f *Fake) trouble(ctx context.Context) error {
	m, changed := f.behaviour()
	for m.Slow {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		}
		m, changed = f.behaviour()
	}
	if f.Fail != nil {
		return f.Fail()
	}
	return nil
}

// Lookup is wallet.Wallet's.
func (f *Fake) Lookup(ctx context.Context, hash bunker.PaymentHash) (bunker.Invoice, error) {
	if err := f.trouble(ctx); err != nil {
		return bunker.Invoice{}, err
	}
	inv, ok := f.find(hash)
	if !ok {
		return bunker.Invoice{}, bunker.Errorf(bunker.CodeNotFound, "the wallet does not know this invoice")
	}
	return inv, nil
}

// Info is wallet.Wallet's.
func (f *Fake) Info(ctx context.Context) (wallet.Info, error) {
	return wallet.Info{Kind: "fake", Paying: wallet.CannotPay, Why: "it is a fake", Notices: true}, f.trouble(ctx)
}

// Watch is wallet.Wallet's; it polls at once, and then when Poll is called.
func (f *Fake) Watch(ctx context.Context, waiting func(context.Context) ([]bunker.PaymentHash, error), on func(context.Context, bunker.Invoice)) error {
	heard, poll := make(chan bunker.PaymentHash, 1<<16), make(chan struct{}, 1)
	poll <- struct{}{}
	f.mu.Lock()
	f.polls = append(f.polls, poll)
	f.mu.Unlock()
	defer f.subscribe(func(i bunker.Invoice) {
		select {
		case heard <- i.Hash:
		default:
		}
	})()
	look := func(h bunker.PaymentHash) {
		if inv, err := f.Lookup(ctx, h); err == nil && inv.State != bunker.InvoiceOpen {
			on(ctx, inv)
		}
	}
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case h := <-heard:
			look(h)
		case <-poll:
			all, err := waiting(ctx)
			if err != nil {
				continue
			}
			for _, h := range all {
				look(h)
			}
		}
	}
}

// Poll lets everybody who watches ask for all that they wait for.
func (f *Fake) Poll() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.polls {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}
