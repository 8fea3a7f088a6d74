package wallet_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/bunkertest"
	"nsecbunker/internal/secret"
	"nsecbunker/internal/wallet"
	"nsecbunker/internal/wallet/bolt11"
	"nsecbunker/internal/wallet/wallettest"
	"nsecbunker/nostr/nip47"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// clock is a clock that a test turns.
type clock struct {
	mu sync.Mutex
	on time.Duration
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.on)
}

func (c *clock) turn(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.on += d
}

func arena(t testing.TB) *secret.Arena {
	t.Helper()
	a, err := secret.NewArena(1<<16, secret.Options{AllowSwap: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	return a
}

// kind is one way to reach a node.
type kind struct {
	name string
	// config serves the node, and says how to reach it: with what only receives, or
	// with what could pay.
	config func(t testing.TB, n *wallettest.Node, full bool) wallet.Config
}

func kinds() []kind {
	return []kind{
		{"lnbits", func(t testing.TB, n *wallettest.Node, full bool) wallet.Config {
			return door(wallet.LNbits, n.LNbits(t), full)
		}},
		{"phoenixd", func(t testing.TB, n *wallettest.Node, full bool) wallet.Config {
			return door(wallet.Phoenixd, n.Phoenixd(t), full)
		}},
		{"lnd", func(t testing.TB, n *wallettest.Node, full bool) wallet.Config {
			return door(wallet.LND, n.LND(t), full)
		}},
		{"nwc", func(t testing.TB, n *wallettest.Node, full bool) wallet.Config {
			return service(t, n, nip47.NIP44, full)
		}},
		{"nwc by NIP-04", func(t testing.TB, n *wallettest.Node, full bool) wallet.Config {
			return service(t, n, nip47.NIP04, full)
		}},
	}
}

func door(k wallet.Kind, d *wallettest.Door, full bool) wallet.Config {
	s := d.Secret
	if full {
		s = d.Full
	}
	return wallet.Config{Kind: k, URL: d.URL, Cert: d.Cert, Secret: []byte(s)}
}

func service(t testing.TB, n *wallettest.Node, how nip47.Encryption, full bool) wallet.Config {
	s := n.NWC(t, bunkertest.NewRelay(t).URL, how, func(s *wallettest.Service) {
		if full {
			s.Methods = append(s.Methods, "pay_invoice")
		}
	})
	return wallet.Config{Kind: wallet.NWC, Secret: []byte(s.Secret)}
}

func connect(t testing.TB, cfg wallet.Config, c *clock) *wallet.Wallet {
	t.Helper()
	cfg.Arena, cfg.Now = arena(t), c.now
	if cfg.PollEvery == 0 {
		cfg.PollEvery = 20 * time.Millisecond
	}
	w, err := wallet.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	return w
}

// watcher collects what Watch tells.
type watcher struct {
	mu      sync.Mutex
	waiting []bunker.PaymentHash
	told    chan bunker.Invoice
	ended   chan error
}

func watch(t testing.TB, w *wallet.Wallet) *watcher {
	v := &watcher{told: make(chan bunker.Invoice, 1<<16), ended: make(chan error, 1)}
	ctx, cancel := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() {
		v.ended <- w.Watch(ctx, func(context.Context) ([]bunker.PaymentHash, error) {
			v.mu.Lock()
			defer v.mu.Unlock()
			return append([]bunker.PaymentHash(nil), v.waiting...), nil
		}, func(_ context.Context, i bunker.Invoice) { v.told <- i })
	})
	t.Cleanup(func() { cancel(); done.Wait() })
	return v
}

func (v *watcher) waitFor(all ...bunker.PaymentHash) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.waiting = all
}

// of returns the next thing told of an invoice; others are passed over.
func (v *watcher) of(t testing.TB, h bunker.PaymentHash) bunker.Invoice {
	t.Helper()
	for {
		select {
		case i := <-v.told:
			if i.Hash == h {
				return i
			}
		case err := <-v.ended:
			t.Fatalf("Watch ended: %v", err)
		case <-time.After(time.Minute):
			t.Fatal("nothing was told of the invoice")
		}
	}
}

func make21(t testing.TB, w *wallet.Wallet) bunker.Invoice {
	t.Helper()
	inv, err := w.Make(t.Context(), 21_000_000, "a bunker for 5 people", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return inv
}

func TestEveryWalletMakesInvoicesAndTellsWhatBecameOfThem(t *testing.T) {
	for _, k := range kinds() {
		t.Run(k.name, func(t *testing.T) {
			c := &clock{}
			n := wallettest.New(c.now)
			w := connect(t, k.config(t, n, false), c)
			info, err := w.Info(t.Context())
			if err != nil || info.Paying != wallet.CannotPay || info.Refusal() != nil {
				t.Fatalf("%+v: %v", info, err)
			}
			inv := make21(t, w)
			read, err := bolt11.Parse(inv.Bolt11)
			if err != nil || read.Payee != n.Payee() || read.AmountMsat != 21_000_000 || inv.State != bunker.InvoiceOpen || inv.AmountMsat != 21_000_000 || inv.Memo != "a bunker for 5 people" ||
				inv.ExpiresAt-inv.CreatedAt != time.Hour.Milliseconds() {
				t.Fatalf("made %+v: %v", inv, err)
			}
			got, err := w.Lookup(t.Context(), inv.Hash)
			if err != nil || got.State != bunker.InvoiceOpen || got.PaidMsat != 0 || got.Bolt11 != inv.Bolt11 || got.ExpiresAt != inv.ExpiresAt {
				t.Fatalf("looked up %+v: %v", got, err)
			}
			if _, err := w.Lookup(t.Context(), bunker.PaymentHash{1}); bunker.AsError(err).Code != bunker.CodeNotFound {
				t.Errorf("an unknown invoice: %v", err)
			}
			v := watch(t, w)
			v.waitFor(inv.Hash)
			n.Settle(inv.Hash)
			if got := v.of(t, inv.Hash); got.State != bunker.InvoiceSettled || got.PaidMsat != 21_000_000 || got.SettledAt == 0 {
				t.Errorf("told %+v", got)
			}
			becomes(t, k.name, c, n, w, v)
			if h := w.Health(); h.AnsweredAt == 0 {
				t.Errorf("health %+v", h)
			}
		})
	}
}

// becomes lets invoices be paid with more, expire, be paid late and be taken back.
func becomes(t *testing.T, kind string, c *clock, n *wallettest.Node, w *wallet.Wallet, v *watcher) {
	over := make21(t, w)
	v.waitFor(over.Hash)
	n.SettleWith(over.Hash, 22_000_000)
	if got := v.of(t, over.Hash); got.PaidMsat != 22_000_000 || got.AmountMsat != 21_000_000 {
		t.Errorf("overpaid: told %+v", got)
	}
	late := make21(t, w)
	v.waitFor(late.Hash)
	c.turn(2 * time.Hour)
	if got := v.of(t, late.Hash); got.State != bunker.InvoiceExpired || got.PaidMsat != 0 {
		t.Errorf("expired: told %+v", got)
	}
	n.Settle(late.Hash) // it was under way
	for v.of(t, late.Hash).State != bunker.InvoiceSettled {
		continue
	}
	if kind == "phoenixd" {
		return // it knows no taking back
	}
	gone := make21(t, w)
	v.waitFor(gone.Hash)
	n.Cancel(gone.Hash)
	if got := v.of(t, gone.Hash); got.State != bunker.InvoiceCancelled {
		t.Errorf("cancelled: told %+v", got)
	}
}

// noticed are the wallets that tell of payments by themselves.
func noticed() []kind { return kinds()[1:] }

func TestNoticesComeWithoutPollingDoubledAndInAnyOrder(t *testing.T) {
	for _, k := range noticed() {
		t.Run(k.name, func(t *testing.T) {
			c := &clock{}
			n := wallettest.New(c.now)
			cfg := k.config(t, n, false)
			cfg.PollEvery = time.Hour // only notices can tell
			w := connect(t, cfg, c)
			v := watch(t, w)
			n.AwaitListener(t) // an HTTP stream has no message that says "open"; a service of NIP-47 listens from the begin
			first, second, third := make21(t, w), make21(t, w), make21(t, w)
			n.Behave(wallettest.Manners{HoldNotices: true})
			n.Settle(first.Hash)
			n.Settle(second.Hash)
			n.Behave(wallettest.Manners{DoubleNotices: 3})
			n.Notice(third, 2) // a lie: it was not paid
			n.Release()
			seen := map[bunker.PaymentHash]bunker.InvoiceState{}
			for len(seen) < 2 {
				select {
				case i := <-v.told:
					seen[i.Hash] = i.State
				case <-time.After(time.Minute):
					t.Fatalf("only %v was told", seen)
				}
			}
			n.Settle(third.Hash)
			for v.of(t, third.Hash).State != bunker.InvoiceSettled {
				continue
			}
			if seen[first.Hash] != bunker.InvoiceSettled || seen[second.Hash] != bunker.InvoiceSettled || len(seen) != 2 {
				t.Errorf("told %v", seen)
			}
		})
	}
}

func TestALostNoticeIsFoundByPollingAlsoAfterARestart(t *testing.T) {
	for _, k := range kinds() {
		t.Run(k.name, func(t *testing.T) {
			c := &clock{}
			n := wallettest.New(c.now)
			n.Behave(wallettest.Manners{LoseNotices: true})
			cfg := k.config(t, n, false)
			again := cfg
			again.Secret = append([]byte(nil), cfg.Secret...)
			inv := make21(t, connect(t, cfg, c))
			n.Settle(inv.Hash)
			v := watch(t, connect(t, again, c))
			v.waitFor(inv.Hash)
			if got := v.of(t, inv.Hash); got.State != bunker.InvoiceSettled {
				t.Errorf("told %+v", got)
			}
		})
	}
}

func TestAConnectionThatCouldPayIsRefused(t *testing.T) {
	for _, k := range kinds() {
		t.Run(k.name, func(t *testing.T) {
			c := &clock{}
			n := wallettest.New(c.now)
			w := connect(t, k.config(t, n, true), c)
			_, err := w.Make(t.Context(), 21_000, "tea", time.Hour)
			if !errors.Is(err, wallet.ErrCanPay) || bunker.AsError(err).Hint == "" {
				t.Errorf("Make: %v", err)
			}
			err = w.Watch(t.Context(), nil, nil)
			if !errors.Is(err, wallet.ErrCanPay) {
				t.Errorf("Watch: %v", err)
			}
			info, err := w.Info(t.Context())
			if err != nil || info.Paying != wallet.CanPay {
				t.Errorf("Info: %+v %v", info, err)
			}
			if len(n.Invoices()) != 0 {
				t.Error("an invoice was made all the same")
			}
		})
	}
}

func TestAWalletThatDoesNotSayWhetherItCouldPayIsWarnedOf(t *testing.T) {
	c := &clock{}
	n := wallettest.New(c.now)
	s := n.NWC(t, bunkertest.NewRelay(t).URL, nip47.NIP44, func(s *wallettest.Service) {
		s.Methods, s.Announced = nil, "pay_invoice make_invoice lookup_invoice"
	})
	w := connect(t, wallet.Config{Kind: wallet.NWC, Secret: []byte(s.Secret)}, c)
	info, err := w.Info(t.Context())
	if err != nil || info.Paying != wallet.MayPay || info.Refusal() != nil || !strings.Contains(info.Why, "pay_invoice") {
		t.Errorf("%+v: %v", info, err)
	}
	make21(t, w)
}

func TestRightsThatGrowEndWatch(t *testing.T) {
	c := &clock{}
	n := wallettest.New(c.now)
	var s *wallettest.Service
	n.NWC(t, bunkertest.NewRelay(t).URL, nip47.NIP44, func(made *wallettest.Service) { s = made })
	w := connect(t, wallet.Config{Kind: wallet.NWC, Secret: []byte(s.Secret)}, c)
	v := watch(t, w)
	inv := make21(t, w)
	v.waitFor(inv.Hash)
	n.Settle(inv.Hash)
	v.of(t, inv.Hash)
	s.Allow("pay_invoice")
	c.turn(2 * time.Hour)
	if err := <-v.ended; !errors.Is(err, wallet.ErrCanPay) {
		t.Errorf("Watch ended with %v", err)
	}
}

func TestManyOpenInvoicesTakeTurns(t *testing.T) {
	c := &clock{}
	n := wallettest.New(c.now)
	w := connect(t, door(wallet.LNbits, n.LNbits(t), false), c)
	n.Behave(wallettest.Manners{LoseNotices: true})
	var all []bunker.PaymentHash
	for range wallet.MaxPerRound + 20 {
		all = append(all, make21(t, w).Hash)
	}
	last := all[len(all)-1]
	n.Settle(last)
	v := watch(t, w)
	v.waitFor(all...)
	if got := v.of(t, last); got.State != bunker.InvoiceSettled {
		t.Errorf("told %+v", got)
	}
}
