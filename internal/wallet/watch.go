package wallet

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"nsecbunker/internal/bunker"
)

// Watch calls on for invoices that are no longer open, one call at a time, until
// ctx ends. waiting lists the hashes that are waited for; it is asked at each round
// of polling, so that what was made before a restart is found, too. An invoice can
// be told of more than once, in any order, also one that nobody waits for (another
// use of the same wallet): take each as the state of the invoice now. An error of
// waiting or of the wallet is logged, noted in Health and tried again.
//
// A connection that could pay ends Watch with ErrCanPay.
func (w *Wallet) Watch(ctx context.Context, waiting func(context.Context) ([]bunker.PaymentHash, error), on func(context.Context, bunker.Invoice)) error {
	if err := w.ready(ctx); errors.Is(err, ErrCanPay) {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	var work sync.WaitGroup
	defer work.Wait()
	defer cancel()
	heard := make(chan bunker.PaymentHash, maxHeard)
	work.Go(func() { w.listen(ctx, heard) })
	r := round{w: w, waiting: waiting, on: on}
	work.Go(func() { r.hear(ctx, heard) }) // beside the poll, which a slow wallet holds up
	tick := time.NewTimer(0)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
			if err := w.ready(ctx); errors.Is(err, ErrCanPay) {
				return err // it was given more rights meanwhile
			}
			r.poll(ctx)
			tick.Reset(w.cfg.PollEvery)
		}
	}
}

// listen keeps the stream of notices open. What does not fit is dropped: the poll
// finds it.
func (w *Wallet) listen(ctx context.Context, heard chan<- bunker.PaymentHash) {
	pause := minListenPause
	for ctx.Err() == nil {
		began := time.Now()
		err := w.client.listen(ctx, func(h bunker.PaymentHash) {
			select {
			case heard <- h:
			default:
			}
		})
		if err == nil {
			// It sends none now; what it announces may change.
			pause = checkedFor
		} else if ctx.Err() == nil {
			w.log.Debug("the wallet's notices broke off", "wallet", w.where, "err", w.explain(err))
			if pause = min(2*pause, maxListenPause); time.Since(began) > maxListenPause {
				pause = minListenPause
			}
		}
		wait := time.NewTimer(pause)
		select {
		case <-ctx.Done():
		case <-wait.C:
		}
		wait.Stop()
	}
}

// round is the polling of what is waited for.
type round struct {
	w       *Wallet
	waiting func(context.Context) ([]bunker.PaymentHash, error)
	on      func(context.Context, bunker.Invoice)
	told    sync.Mutex // one call of on at a time
	from    int        // where the next round begins, when there are more than one can ask for
}

// hear looks up what the wallet gave notice of; what fails, the poll finds.
func (r *round) hear(ctx context.Context, heard <-chan bunker.PaymentHash) {
	for {
		select {
		case <-ctx.Done():
			return
		case h := <-heard:
			_ = r.look(ctx, h)
		}
	}
}

// look asks for one invoice and tells of it unless it is open.
func (r *round) look(ctx context.Context, h bunker.PaymentHash) error {
	inv, err := r.w.Lookup(ctx, h)
	if err != nil {
		if ctx.Err() == nil {
			r.w.log.Info("an invoice could not be looked up", "wallet", r.w.where, "hash", h.String(), "err", err)
		}
		return err
	}
	if inv.State == bunker.InvoiceOpen {
		return nil
	}
	r.told.Lock()
	defer r.told.Unlock()
	r.on(ctx, inv)
	return nil
}

// poll asks for what is waited for, a few at a time, and gives up for this round
// when the wallet fails again and again.
func (r *round) poll(ctx context.Context) {
	all, err := r.waiting(ctx)
	if err != nil {
		if ctx.Err() == nil {
			r.w.log.Warn("the open invoices could not be listed; trying again", "err", err)
		}
		return
	}
	todo := r.turn(all)
	var failures, next atomic.Int64
	var work sync.WaitGroup
	for range min(pollers, len(todo)) {
		work.Go(func() {
			for ctx.Err() == nil && failures.Load() < maxFailures {
				i := int(next.Add(1)) - 1
				if i >= len(todo) {
					return
				}
				if err := r.look(ctx, todo[i]); err != nil && bunker.AsError(err).Code != bunker.CodeNotFound {
					failures.Add(1)
				} else {
					failures.Store(0)
				}
			}
		})
	}
	work.Wait()
}

// turn picks MaxPerRound of the hashes, the next ones each time.
func (r *round) turn(all []bunker.PaymentHash) []bunker.PaymentHash {
	if len(all) <= MaxPerRound {
		r.from = 0
		return all
	}
	out := make([]bunker.PaymentHash, 0, MaxPerRound)
	for i := range MaxPerRound {
		out = append(out, all[(r.from+i)%len(all)])
	}
	r.from = (r.from + MaxPerRound) % len(all)
	return out
}
