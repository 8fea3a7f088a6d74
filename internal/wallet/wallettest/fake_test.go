package wallettest_test

import (
	"context"
	"testing"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/wallet"
	"nsecbunker/internal/wallet/bolt11"
	"nsecbunker/internal/wallet/wallettest"
)

// four is what uses a wallet wants of it: the real one and the fake are that.
type four interface {
	Make(ctx context.Context, msat int64, memo string, expiry time.Duration) (bunker.Invoice, error)
	Lookup(ctx context.Context, hash bunker.PaymentHash) (bunker.Invoice, error)
	Watch(ctx context.Context, waiting func(context.Context) ([]bunker.PaymentHash, error), on func(context.Context, bunker.Invoice)) error
	Info(ctx context.Context) (wallet.Info, error)
}

var _, _ four = (*wallet.Wallet)(nil), (*wallettest.Fake)(nil)

func TestFakeTellsOfAPaymentByNoticeAndByPolling(t *testing.T) {
	f := wallettest.NewFake(time.Now)
	var all []bunker.PaymentHash
	for range 3 {
		inv, err := f.Make(t.Context(), 21_000, "tea", time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		read, err := bolt11.Parse(inv.Bolt11)
		if err != nil || bunker.PaymentHash(read.Hash) != inv.Hash || read.AmountMsat != 21_000 || read.Payee != f.Payee() || read.Description != "tea" {
			t.Fatalf("the invoice reads %+v: %v", read, err)
		}
		all = append(all, inv.Hash)
	}
	f.Settle(all[0]) // before anybody watches
	told := make(chan bunker.Invoice, 16)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- f.Watch(ctx, func(context.Context) ([]bunker.PaymentHash, error) { return all, nil },
			func(_ context.Context, i bunker.Invoice) { told <- i })
	}()
	if i := <-told; i.Hash != all[0] || i.State != bunker.InvoiceSettled || i.PaidMsat != 21_000 {
		t.Errorf("polling told of %+v", i)
	}
	f.SettleWith(all[1], 30_000)
	if i := <-told; i.Hash != all[1] || i.PaidMsat != 30_000 {
		t.Errorf("the notice told of %+v", i)
	}
	f.Behave(wallettest.Manners{LoseNotices: true})
	f.Settle(all[2])
	f.Poll()
	for i := range told {
		if i.Hash == all[2] {
			break
		}
	}
	cancel()
	if err := <-ended; err != context.Canceled {
		t.Errorf("Watch ended with %v", err)
	}
}
