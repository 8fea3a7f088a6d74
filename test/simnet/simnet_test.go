// Package simnet settles real Lightning payments: two lnd nodes on a btcd simnet,
// a channel between them, invoices made through internal/wallet.
package simnet

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net/http"
	"sync"
	"syscall"
	"testing"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/secret"
	"nsecbunker/internal/wallet"
)

// stage is the network of all tests: alice pays, bob is the shop.
type stage struct {
	chain      *chain
	alice, bob *node
	t          *testing.T // of the whole, which nodes run as long as
}

func newStage(t *testing.T) *stage {
	begin := time.Now()
	c := newChain(t)
	s := &stage{chain: c, alice: newNode(t, c, "alice"), bob: newNode(t, c, "bob"), t: t}
	var a struct{ Address string }
	if err := s.alice.api.call(http.MethodGet, "/v1/newaddress?type=WITNESS_PUBKEY_HASH", nil, &a); err != nil {
		t.Fatal(err)
	}
	// btcd takes the miner's address at its start only. lnd ends when its chain does.
	for _, n := range []*node{s.alice, s.bob} {
		n.proc.end(syscall.SIGTERM)
	}
	c.proc.end(syscall.SIGTERM)
	c.start(t, a.Address)
	c.mine(t, 400) // 100 until the first reward can be spent, 300 until simnet knows segregated witness
	s.alice.start(t)
	s.bob.start(t)
	s.alice.open(t, c, s.bob, 1_000_000)
	t.Logf("from nothing to a channel: %v", time.Since(begin).Round(100*time.Millisecond))
	return s
}

// wallet connects to the shop's node with one of its macaroons.
func (s *stage) wallet(t *testing.T, macaroon string, change func(*wallet.Config)) *wallet.Wallet {
	t.Helper()
	arena, err := secret.NewArena(1<<16, secret.Options{AllowSwap: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(arena.Close)
	cfg := wallet.Config{
		Kind: wallet.LND, URL: "https://" + s.bob.rest, Secret: s.bob.read(t, s.bob.macaroon(macaroon)), Cert: s.bob.read(t, s.bob.cert()),
		Network: "simnet", Arena: arena, Now: time.Now, PollEvery: time.Second,
	}
	if change != nil {
		change(&cfg)
	}
	w, err := wallet.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	return w
}

// watched collects what Watch tells, until the test ends.
func watched(t *testing.T, w *wallet.Wallet, waiting ...bunker.PaymentHash) <-chan bunker.Invoice {
	told := make(chan bunker.Invoice, 1<<10)
	ctx, cancel := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() {
		_ = w.Watch(ctx, func(context.Context) ([]bunker.PaymentHash, error) { return waiting, nil },
			func(_ context.Context, i bunker.Invoice) { told <- i })
	})
	t.Cleanup(func() { cancel(); done.Wait() })
	return told
}

func next(t *testing.T, told <-chan bunker.Invoice, h bunker.PaymentHash) bunker.Invoice {
	t.Helper()
	for {
		select {
		case i := <-told:
			if i.Hash == h {
				return i
			}
		case <-time.After(patience):
			t.Fatal("nothing was told of the payment")
		}
	}
}

func TestRealPayments(t *testing.T) {
	s := newStage(t)
	t.Run("AnInvoiceIsMadePaidAndToldOf", s.paid)
	t.Run("APaymentWhileNobodyWatchedIsFound", s.missed)
	t.Run("TheNodeIsKilledAndComesBack", s.killed)
	t.Run("AnInvoiceThatWasTakenBackIsTold", s.cancelled)
	t.Run("MacaroonsAreJudgedAsLndWritesThem", s.macaroons)
	t.Run("AnotherNetworkIsRefused", s.network)
}

func (s *stage) make(t *testing.T, w *wallet.Wallet) bunker.Invoice {
	t.Helper()
	inv, err := w.Make(t.Context(), 21_000_000, "a bunker for 5 people", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return inv
}

func (s *stage) paid(t *testing.T) {
	w := s.wallet(t, "invoice", nil)
	inv := s.make(t, w)
	if got, err := w.Lookup(t.Context(), inv.Hash); err != nil || got.State != bunker.InvoiceOpen || got.AmountMsat != 21_000_000 || got.Memo != inv.Memo || got.ExpiresAt != inv.ExpiresAt {
		t.Errorf("before: %+v %v", got, err)
	}
	told := watched(t, w, inv.Hash)
	begin := time.Now()
	preimage, err := s.alice.pay(inv.Bolt11)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("paid after %v", time.Since(begin).Round(time.Millisecond))
	got := next(t, told, inv.Hash)
	t.Logf("told of after %v", time.Since(begin).Round(time.Millisecond))
	if got.State != bunker.InvoiceSettled || got.PaidMsat != 21_000_000 || got.SettledAt == 0 {
		t.Errorf("told %+v", got)
	}
	b, err := hex.DecodeString(preimage)
	if err != nil || sha256.Sum256(b) != inv.Hash {
		t.Errorf("the preimage %s is not the invoice's: %v", preimage, err)
	}
	if _, err := s.alice.pay(inv.Bolt11); err == nil {
		t.Error("the invoice was paid twice")
	}
	if _, err := w.Lookup(t.Context(), bunker.PaymentHash{1}); bunker.AsError(err).Code != bunker.CodeNotFound {
		t.Errorf("an unknown invoice: %v", err)
	}
}

func (s *stage) missed(t *testing.T) {
	inv := s.make(t, s.wallet(t, "invoice", nil))
	if _, err := s.alice.pay(inv.Bolt11); err != nil {
		t.Fatal(err)
	}
	if got := next(t, watched(t, s.wallet(t, "invoice", nil), inv.Hash), inv.Hash); got.State != bunker.InvoiceSettled || got.PaidMsat != 21_000_000 {
		t.Errorf("told %+v", got)
	}
}

func (s *stage) killed(t *testing.T) {
	w := s.wallet(t, "invoice", nil)
	inv := s.make(t, w)
	told := watched(t, w, inv.Hash)
	s.bob.proc.end(syscall.SIGKILL)
	if _, err := w.Lookup(t.Context(), inv.Hash); !errors.Is(err, wallet.ErrUnavailable) {
		t.Errorf("a node that was killed: %v", err)
	}
	s.bob.start(s.t)
	await(t, "paying after the restart", func() error { _, err := s.alice.pay(inv.Bolt11); return err })
	if got := next(t, told, inv.Hash); got.State != bunker.InvoiceSettled {
		t.Errorf("told %+v", got)
	}
}

func (s *stage) cancelled(t *testing.T) {
	w := s.wallet(t, "invoice", nil)
	inv := s.make(t, w)
	if err := s.bob.api.call(http.MethodPost, "/v2/invoices/cancel", map[string]string{"payment_hash": base64.StdEncoding.EncodeToString(inv.Hash[:])}, nil); err != nil {
		t.Fatal(err)
	}
	if got := next(t, watched(t, w, inv.Hash), inv.Hash); got.State != bunker.InvoiceCancelled || got.PaidMsat != 0 {
		t.Errorf("told %+v", got)
	}
	if _, err := s.alice.pay(inv.Bolt11); err == nil {
		t.Error("an invoice that was taken back was paid")
	}
}

func (s *stage) macaroons(t *testing.T) {
	for name, want := range map[string]wallet.Paying{"invoice": wallet.CannotPay, "readonly": wallet.CannotPay, "admin": wallet.CanPay} {
		w := s.wallet(t, name, nil)
		info, err := w.Info(t.Context())
		if err != nil || info.Paying != want {
			t.Errorf("%s.macaroon: %+v %v", name, info, err)
		}
		_, err = w.Make(t.Context(), 21_000, "tea", time.Hour)
		if (err == nil) != (name == "invoice") || errors.Is(err, wallet.ErrCanPay) != (name == "admin") {
			t.Errorf("%s.macaroon: Make says %v", name, err)
		}
		if name == "readonly" && !errors.Is(err, wallet.ErrWrong) {
			t.Errorf("%s.macaroon: %v", name, err)
		}
		t.Logf("%s.macaroon: %s (%s); Make: %v", name, info.Paying, info.Why, err)
	}
}

func (s *stage) network(t *testing.T) {
	_, err := s.wallet(t, "invoice", func(c *wallet.Config) { c.Network = "" }).Make(t.Context(), 21_000, "tea", time.Hour)
	if !errors.Is(err, wallet.ErrWrong) {
		t.Errorf("an invoice of simnet was taken for mainnet's: %v", err)
	}
}
