package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/config"
	"nsecbunker/internal/host"
	"nsecbunker/internal/orders"
	"nsecbunker/internal/store"
	"nsecbunker/internal/wallet/wallettest"
	"nsecbunker/nostr"
)

// selling is a hosted instance that is open and not running, with a wallet.
func selling(t *testing.T, change func(*config.Config)) (*Daemon, error) {
	t.Helper()
	return sellingBy(t, wallettest.New(time.Now), change)
}

func sellingBy(t *testing.T, node *wallettest.Node, change func(*config.Config)) (*Daemon, error) {
	t.Helper()
	door := node.Phoenixd(t)
	secret := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(secret, []byte(door.Secret), 0o600); err != nil {
		t.Fatal(err)
	}
	c := config.Default()
	c.Listen, c.Hosted, c.AllowSwap = "127.0.0.1:0", true, true
	c.Allow = []string{strings.TrimPrefix(door.URL, "http://")}
	c.Wallet = config.Wallet{Kind: "phoenixd", URL: door.URL, Secret: secret, Network: "mainnet"}
	change(&c)
	d, err := Open(context.Background(), Options{Dir: t.TempDir(), Config: c, Log: slog.New(slog.DiscardHandler), Version: "test"})
	if err == nil {
		t.Cleanup(func() {
			if err := d.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	return d, err
}

func TestABoughtBunkerStandsAsItIsPaid(t *testing.T) {
	d, err := selling(t, func(*config.Config) {})
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	b := bunkers{d}
	plan := host.Plan{People: 12, Until: time.Now().Add(host.Year).UnixMilli()}
	spec := orders.Spec{Order: "o1", Admins: []nostr.PubKey{{1}}, Plan: plan}
	id, err := b.Make(ctx, spec)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := b.Make(ctx, spec); err != nil || again != id {
		t.Errorf("the same order made %q, then %q, %v", id, again, err)
	}
	ready, err := b.Show(ctx, id)
	if err != nil || !strings.HasPrefix(ready.Connection, "bunker-admin://") || ready.SetupCode == "" {
		t.Errorf("%+v %v", ready, err)
	}
	stands := func(s host.Stage, want bunker.TenantStanding) {
		t.Helper()
		if err := b.Stand(ctx, id, plan, s, false); err != nil {
			t.Fatal(err)
		}
		row, err := d.store.HostedTenant(ctx, id)
		if err != nil || row.Standing != want {
			t.Errorf("%s: it stands %q, %v; want %q", s, row.Standing, err, want)
		}
	}
	quota := func() bunker.Quota {
		st, _, err := d.store.Tenant(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		return st.Quota
	}
	stands(host.StagePaid, bunker.StandingWorks)
	if q := quota(); q != plan.Quota() || q.People != 12 {
		t.Errorf("its quota is %+v", q)
	}
	plan.People = 20
	stands(host.StageGrace, bunker.StandingWorks)
	if q := quota(); q.People != 20 {
		t.Errorf("its quota is %+v", q)
	}
	stands(host.StageReadOnly, bunker.StandingReadOnly)
	stands(host.StageNotice, bunker.StandingReadOnly)
	stands(host.StagePaid, bunker.StandingWorks) // it was renewed
	if err := d.StandTenant(ctx, System(), id, bunker.StandingReadOnly, "by hand"); err != nil {
		t.Fatal(err)
	}
	for _, s := range []host.Stage{host.StagePaid, host.StageReadOnly, host.StagePaid} {
		stands(s, bunker.StandingReadOnly) // a look at what is paid, or fewer people, end nothing
	}
	if err := b.Stand(ctx, id, plan, host.StagePaid, true); err != nil {
		t.Fatal(err)
	}
	stands(host.StagePaid, bunker.StandingWorks) // it was paid for again
	if err := d.StandTenant(ctx, System(), id, bunker.StandingSuspended, "by hand"); err != nil {
		t.Fatal(err)
	}
	for _, s := range []host.Stage{host.StagePaid, host.StageReadOnly, host.StagePaid} {
		stands(s, bunker.StandingSuspended) // what the provider did stays
	}
	if err := b.Stand(ctx, id, plan, host.StageDelete, false); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Show(ctx, id); bunker.AsError(err).Code != bunker.CodeNotFound {
		t.Errorf("a deleted bunker is shown: %v", err)
	}
	if err := b.Stand(ctx, id, plan, host.StagePaid, false); err != nil {
		t.Errorf("a plan of a bunker that is no more: %v", err)
	}
}

// TestWhoPaysInTheLastMomentKeepsHisBunker: its end was decided on a plan, and then it is
// renewed, or about to be.
func TestWhoPaysInTheLastMomentKeepsHisBunker(t *testing.T) {
	d, err := selling(t, func(*config.Config) {})
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	b := bunkers{d}
	over := host.Plan{People: 1, Until: 1_700_000_000_000}
	id, err := b.Make(ctx, orders.Spec{Order: "o1", Admins: []nostr.PubKey{{1}}, Plan: over})
	if err != nil {
		t.Fatal(err)
	}
	change := func(f func(*store.Tx) error) {
		t.Helper()
		if err := d.store.Change(ctx, bunker.SelfHosted, System(), func(tx *store.Tx) error {
			return errors.Join(f(tx), tx.Audit(bunker.AuditRecord{Action: "test"}))
		}); err != nil {
			t.Fatal(err)
		}
	}
	there := func(want bool, when string) {
		t.Helper()
		if err := b.Stand(ctx, id, over, host.StageDelete, false); err != nil {
			t.Fatal(err)
		}
		if _, err := b.Show(ctx, id); (err == nil) != want {
			t.Errorf("%s: %v", when, err)
		}
	}
	plan := host.Bought{Tenant: id, Plan: host.Plan{People: 1, Until: time.Now().Add(host.Year).UnixMilli()}}
	change(func(tx *store.Tx) error { return tx.PutPlan(&plan, 0) })
	there(true, "renewed")
	plan.Plan = over
	change(func(tx *store.Tx) error { return tx.PutPlan(&plan, 0) })
	o, err := host.NewOrder("o2", host.ForPlan, id, nil, 1, 7000, 1)
	if err != nil {
		t.Fatal(err)
	}
	o.State = host.OrderPaid
	change(func(tx *store.Tx) error { return tx.AddOrder(o) })
	there(true, "paid, and not made yet")
	change(func(tx *store.Tx) error {
		_, err := tx.StepOrder("o2", host.Made{Tenant: id})
		return err
	})
	there(false, "over")
}

// TestAGuestLearnsNotWhereTheStoreLies: from an error of it, which tells those who run the
// machine all about that.
func TestAGuestLearnsNotWhereTheStoreLies(t *testing.T) {
	d, err := selling(t, func(*config.Config) {})
	if err != nil {
		t.Fatal(err)
	}
	made, err := d.MakeTenant(t.Context(), System(), host.Spec{})
	if err != nil {
		t.Fatal(err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	by := bunker.Principal{Name: "somebody", Role: bunker.Owner, Door: bunker.DoorSocket}
	_, ofGuest := d.DispatchTo(gone, made.Tenant, by, "key.list", nil)
	_, ofHouse := d.Dispatch(gone, by, "key.list", nil)
	if !errors.Is(ofHouse, bunker.ErrStore) {
		t.Fatalf("the test breaks nothing: %v", ofHouse)
	}
	if e := bunker.AsError(ofGuest); !strings.HasPrefix(e.Words, "your provider's database") || e.Hint != "" {
		t.Errorf("a guest reads %q %q", e.Words, e.Hint)
	}
	g := d.tenants.tenant(made.Tenant)
	full := bunker.Errorf(bunker.CodeError, "the disk that holds %s is full", d.Dir).WithHint("df -h %s", d.Dir).WithCause(bunker.ErrStore)
	for _, err := range []error{full, fmt.Errorf("more: %w", full)} {
		if e := bunker.AsError(g.forGuest(err)); strings.Contains(e.Words+e.Hint, d.Dir) {
			t.Errorf("a guest reads %q %q", e.Words, e.Hint)
		}
		if d.home.forGuest(err) != err {
			t.Error("the house is told less, too")
		}
	}
	other := bunker.Errorf(bunker.CodeRestricted, "no")
	if g.forGuest(other) != error(other) || g.forGuest(nil) != nil {
		t.Error("what is no error of the store is told otherwise")
	}
}

func TestNothingIsSoldWithoutAWalletOrAHost(t *testing.T) {
	for name, change := range map[string]func(*config.Config){
		"no host":   func(c *config.Config) { c.Hosted = false },
		"no wallet": func(c *config.Config) { c.Wallet = config.Wallet{} },
	} {
		d, err := selling(t, change)
		if err != nil || d.sale != nil {
			t.Errorf("%s: %v, sells %v", name, err, d.sale != nil)
		}
	}
	if _, err := selling(t, func(c *config.Config) { c.Wallet.Secret = "/nowhere/password" }); err == nil {
		t.Error("a wallet without its secret was opened")
	}
}

// TestAnInvoicePutsTheEndOffOnce: whoever asks for another one each hour does not keep an unpaid
// bunker for ever, and neither does who pays a part of one.
func TestAnInvoicePutsTheEndOffOnce(t *testing.T) {
	d, err := selling(t, func(*config.Config) {})
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	b := bunkers{d}
	life, now := host.DefaultLife(), d.store.LedgerTime().UnixMilli()
	over := host.Plan{People: 1, Until: now - 2*host.Year.Milliseconds()}
	told := host.Told{host.TellNotice: over.Until}
	ends := life.Stand(over, told, now).DeleteAt
	hour := time.Hour.Milliseconds()
	for i, c := range []struct {
		when             string
		created, expires int64
		paid             int64 // when a part of it was; 0: nothing came
		stays            bool
	}{
		{"made before its end, and it can be paid", ends - 1, now + hour, 0, true},
		{"made before its end, and too old", ends - 1, now - 1, 0, false},
		{"made when its time was over", ends, now + hour, 0, false},
		{"made before its end, and paid in part", ends - 1, now - 1, now - host.HeldFor.Milliseconds() + hour, true},
		{"made before its end, and paid in part long ago", ends - 1, now - 1, now - host.HeldFor.Milliseconds() - 1, false},
		{"made when its time was over, and paid in part", ends, now + hour, now, false},
	} {
		id, err := b.Make(ctx, orders.Spec{Order: host.OrderID(fmt.Sprint("made", i)), Admins: []nostr.PubKey{{1}}, Plan: over})
		if err != nil {
			t.Fatal(err)
		}
		order := host.OrderID(fmt.Sprint("renewed", i))
		o, err := host.NewOrder(order, host.ForPlan, id, nil, 1, 7000, ends-2)
		if err != nil {
			t.Fatal(err)
		}
		err = d.store.Change(ctx, bunker.SelfHosted, System(), func(tx *store.Tx) error {
			plan := host.Bought{Tenant: id, Plan: over, Told: told}
			if err := errors.Join(tx.PutPlan(&plan, 0), tx.AddOrder(o)); err != nil {
				return err
			}
			hash := [32]byte{byte(i + 1)}
			_, err := tx.StepOrder(order, host.Invoiced{Payment: host.Payment{Hash: hash, Sats: 7000, CreatedAt: c.created, ExpiresAt: c.expires}})
			if err != nil || c.paid == 0 {
				return err
			}
			r, err := tx.StepOrder(order, host.Settled{Hash: hash, Msat: 1000, At: c.paid})
			if err == nil && r.Order.State != host.OrderHeld {
				err = fmt.Errorf("it is %s", r.Order.State)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Stand(ctx, id, over, host.StageDelete, false); err != nil {
			t.Fatal(err)
		}
		if _, err := b.Show(ctx, id); (err == nil) != c.stays {
			t.Errorf("an invoice %s: the bunker is shown with %v; it should stay: %t", c.when, err, c.stays)
		}
	}
}
