package orders

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	mathrand "math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/host"
	"nsecbunker/internal/pgtest"
	"nsecbunker/internal/store"
	"nsecbunker/internal/store/storetest"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip19"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv("ORDERS_CHILD"); dir != "" {
		sellUntilKilled(dir)
		return
	}
	code := m.Run()
	if err := pgtest.StopShared(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// macs are the vault's part: the service key's MACs. The tenant is never set up, so the
// root key has none.
type macs struct{}

func (macs) Tag(bunker.Authority) ([32]byte, error) {
	return [32]byte{}, bunker.Errorf(bunker.CodeSealed, "sealed")
}
func (m macs) Verify(a bunker.Authority, _ []byte) error { _, err := m.Tag(a); return err }

func (macs) TagService(t bunker.TenantID, label string, data []byte) ([32]byte, error) {
	h := hmac.New(sha256.New, []byte("test "+string(t)+label))
	h.Write(data)
	return [32]byte(h.Sum(nil)), nil
}

func (m macs) VerifyService(t bunker.TenantID, label string, data, stored []byte) error {
	if want, _ := m.TagService(t, label, data); !hmac.Equal(want[:], stored) {
		return bunker.ErrTampered
	}
	return nil
}

// fast is a clock that runs so many times faster than the wall's, and can be turned.
type fast struct {
	from  time.Time
	times int64
	mu    sync.Mutex
	more  time.Duration
}

func (c *fast) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.from.Add(time.Duration(c.times)*time.Since(c.from) + c.more)
}

func (c *fast) turn(d time.Duration) {
	c.mu.Lock()
	c.more += d
	c.mu.Unlock()
}

// openStore opens a store in a folder with its committer running.
func openStore(t testing.TB, dir, database string, now func() time.Time) *store.Store {
	path := filepath.Join(dir, "bunker.db")
	if _, err := os.Stat(path); err != nil && database == "" {
		storetest.Fresh(t, path)
	}
	s, err := store.Open(context.Background(), store.Config{
		Path: path, Database: database, Auth: macs{}, Flags: macs{}, Now: now, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := errors.Join(<-ended, s.Close()); err != nil {
			t.Error(err)
		}
	})
	return s
}

// engines runs a test on both.
func engines(t *testing.T, test func(t *testing.T, database string)) {
	t.Run("SQLite", func(t *testing.T) { test(t, "") })
	t.Run("PostgreSQL", func(t *testing.T) { test(t, pgtest.Shared(t).Database(t)) })
}

// faultyWallet keeps its invoices in files, so that they live longer than a process, and
// fails as it is told. What it says of them is true.
type faultyWallet struct {
	dir     string
	now     func() time.Time
	refuse  int // of a hundred calls
	notices chan bunker.Invoice
	hang    bool // never answers
	wrong   bool // makes invoices over another amount
}

func (w *faultyWallet) path(h bunker.PaymentHash) string { return filepath.Join(w.dir, h.String()) }

func (w *faultyWallet) fails(ctx context.Context) error {
	if w.hang {
		<-ctx.Done()
		return bunker.Errorf(bunker.CodeError, "the wallet did not answer")
	}
	if mathrand.IntN(100) < w.refuse {
		return bunker.Errorf(bunker.CodeError, "the wallet has hiccups")
	}
	return nil
}

func (w *faultyWallet) Make(ctx context.Context, msat int64, _ string, expiry time.Duration) (bunker.Invoice, error) {
	if err := w.fails(ctx); err != nil {
		return bunker.Invoice{}, err
	}
	var h bunker.PaymentHash
	rand.Read(h[:])
	now := w.now()
	inv := bunker.Invoice{
		Hash: h, Bolt11: "lnbc" + h.String(), AmountMsat: msat, CreatedAt: now.UnixMilli(), ExpiresAt: now.Add(expiry).UnixMilli(), State: bunker.InvoiceOpen,
	}
	if w.wrong {
		inv.AmountMsat++
	}
	return inv, os.WriteFile(w.path(h), []byte("0"), 0o600)
}

func (w *faultyWallet) Lookup(ctx context.Context, h bunker.PaymentHash) (bunker.Invoice, error) {
	inv := bunker.Invoice{Hash: h, State: bunker.InvoiceOpen}
	if err := w.fails(ctx); err != nil {
		return inv, err
	}
	b, err := os.ReadFile(w.path(h))
	if err != nil {
		return inv, bunker.Errorf(bunker.CodeNotFound, "there is no such invoice")
	}
	if _, err := fmt.Sscan(string(b), &inv.PaidMsat); err != nil {
		return inv, err
	}
	if inv.PaidMsat > 0 {
		inv.State, inv.SettledAt = bunker.InvoiceSettled, w.now().UnixMilli()
	}
	return inv, nil
}

// pay has an invoice paid; a notice of it is the caller's affair.
func (w *faultyWallet) pay(bolt11 string, msat int64) (bunker.Invoice, error) {
	h, err := bunker.ParsePaymentHash(bolt11[len("lnbc"):])
	if err == nil {
		tmp := w.path(h) + ".new"
		err = os.WriteFile(tmp, fmt.Append(nil, msat), 0o600)
		err = errors.Join(err, os.Rename(tmp, w.path(h)))
	}
	return bunker.Invoice{Hash: h, State: bunker.InvoiceSettled, PaidMsat: msat, SettledAt: w.now().UnixMilli()}, err
}

func (w *faultyWallet) Watch(ctx context.Context, _ func(context.Context) ([]bunker.PaymentHash, error), on func(context.Context, bunker.Invoice)) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case inv := <-w.notices:
			on(ctx, inv)
		}
	}
}

// folderOfBunkers keeps one file for each bunker that was made, by its order's id.
type folderOfBunkers struct {
	dir    string
	refuse int
	mu     sync.Mutex
	stages map[bunker.TenantID]host.Stage
	told   []string
	mute   bool // no letter arrives
}

func (b *folderOfBunkers) Make(_ context.Context, s Spec) (bunker.TenantID, error) {
	if mathrand.IntN(100) < b.refuse {
		return "", bunker.Errorf(bunker.CodeError, "the database is full")
	}
	t := bunker.TenantID("t" + s.Order)
	f, err := os.OpenFile(filepath.Join(b.dir, string(t)), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, os.ErrExist) {
		return t, nil
	}
	if err != nil {
		return "", err
	}
	return t, f.Close()
}

func (b *folderOfBunkers) Show(_ context.Context, t bunker.TenantID) (host.Ready, error) {
	if _, err := os.Stat(filepath.Join(b.dir, string(t))); err != nil {
		return host.Ready{}, bunker.Errorf(bunker.CodeNotFound, "there is no bunker %q", t)
	}
	return host.Ready{Connection: "bunker-admin://" + string(t), SetupCode: "abcd"}, nil
}

func (b *folderOfBunkers) Stand(_ context.Context, t bunker.TenantID, _ host.Plan, s host.Stage, _ bool) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.stages == nil {
		b.stages = map[bunker.TenantID]host.Stage{}
	}
	b.stages[t] = s
	return nil
}

func (b *folderOfBunkers) Tell(ctx context.Context, _ bunker.TenantID, text string) error {
	if _, bounded := ctx.Deadline(); !bounded {
		return errors.New("relays that say nothing would keep the other bunkers' owners from being told")
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.mute {
		return errors.New("no relay took it")
	}
	b.told = append(b.told, text)
	return nil
}

func (b *folderOfBunkers) letters() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.told)
}

func (b *folderOfBunkers) stage(t bunker.TenantID) host.Stage {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.stages[t]
}

func (b *folderOfBunkers) silence(mute bool) {
	b.mu.Lock()
	b.mute = mute
	b.mu.Unlock()
}

// shop is a desk over a real store.
type shop struct {
	*Desk
	t       testing.TB
	store   *store.Store
	wallet  *faultyWallet
	bunkers *folderOfBunkers
	clock   *fast
	sold    string
}

func newShop(t testing.TB, database string, clock *fast) *shop {
	t.Helper()
	return openShop(t, t.TempDir(), database, clock)
}

func openShop(t testing.TB, dir, database string, clock *fast) *shop {
	t.Helper()
	s := &shop{t: t, clock: clock, sold: filepath.Join(dir, "sold"), store: openStore(t, dir, database, clock.Now)}
	invoices := filepath.Join(dir, "invoices")
	if err := errors.Join(os.MkdirAll(s.sold, 0o700), os.MkdirAll(invoices, 0o700)); err != nil {
		t.Fatal(err)
	}
	s.wallet = &faultyWallet{dir: invoices, now: clock.Now, notices: make(chan bunker.Invoice, 10_000)}
	s.bunkers = &folderOfBunkers{dir: s.sold}
	var err error
	s.Desk, err = New(Config{
		Ledger: s.store, Plans: s.store, Wallet: s.wallet, Bunkers: s.bunkers, Owners: s.bunkers, Terms: host.DefaultTerms(),
		By: bunker.Principal{Name: "system", Role: bunker.Owner, Door: bunker.DoorSystem}, Page: func() string { return "https://sell.example/buy/" },
		Now: s.store.LedgerTime, Suspect: func() bool { return s.store.Clock().Suspect }, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// run has the desk work until the test ends. A clock that is turned moves only here, so
// it is woken all the time.
func (s *shop) run() {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := s.Run(ctx); err != nil {
			s.t.Error(err)
		}
	})
	wg.Go(func() {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for ctx.Err() == nil {
			select {
			case <-ctx.Done():
			case <-tick.C:
				s.Wake()
			}
		}
	})
	s.t.Cleanup(func() { cancel(); wg.Wait() })
}

// newSecret is an order's.
func newSecret() string {
	b := make([]byte, 32)
	rand.Read(b)
	return hex.EncodeToString(b)
}

func anNpub() string {
	var p nostr.PubKey
	rand.Read(p[:])
	return nip19.EncodeNpub(p)
}

// until waits for a state that an order comes to.
func (s *shop) until(secret string, is func(host.View) bool) host.View {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	v, err := s.Look(ctx, secret, 0, 0)
	for err == nil && !is(v) {
		v, err = s.Look(ctx, secret, v.Order.Version, time.Second)
	}
	if err != nil {
		s.t.Fatalf("waiting for an order: %v; it is %+v", err, v.Order)
	}
	return v
}

func in(state host.OrderState) func(host.View) bool {
	return func(v host.View) bool { return v.Order.State == state }
}

// made are the bunkers that there are.
func (s *shop) made() int {
	s.t.Helper()
	list, err := os.ReadDir(s.sold)
	if err != nil {
		s.t.Fatal(err)
	}
	return len(list)
}
