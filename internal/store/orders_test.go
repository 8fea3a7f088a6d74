package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/host"
	"nsecbunker/nostr"
)

var system = bunker.Principal{Name: "system", Role: bunker.Owner, Door: bunker.DoorSystem}

// newOrder stores an order for a bunker.
func (f *fixture) newOrder(n int) *host.Order {
	f.t.Helper()
	o, err := host.NewOrder(host.OrderID(fmt.Sprintf("o%d", n)), host.ForBunker, "", []nostr.PubKey{random32()}, 5, 35_000, f.clock.Now().UnixMilli())
	if err == nil {
		err = f.AddOrder(context.Background(), system, o)
	}
	if err != nil {
		f.t.Fatal(err)
	}
	return o
}

func (f *fixture) step(id host.OrderID, h host.Happening) host.Stepped {
	f.t.Helper()
	r, err := f.StepOrder(context.Background(), system, id, h, nil)
	if err != nil {
		f.t.Fatal(err)
	}
	return r
}

func (f *fixture) newInvoice() host.Payment {
	now := f.clock.Now()
	return host.Payment{Hash: random32(), Bolt11: "lnbc1", Sats: 35_000, CreatedAt: now.UnixMilli(), ExpiresAt: now.Add(host.InvoiceFor).UnixMilli()}
}

func orderKept(t *testing.T, f *fixture) {
	ctx := context.Background()
	o := f.newOrder(1)
	if err := f.AddOrder(ctx, system, o); err != nil {
		t.Errorf("the same order again: %v", err)
	}
	inv := f.newInvoice()
	f.step(o.ID, host.Invoiced{Payment: inv})
	r := f.step(o.ID, host.Settled{Hash: inv.Hash, Msat: 36_000_000, At: 7})
	got, err := f.Order(ctx, o.ID)
	if err != nil || got.State != host.OrderPaid || got.Admins[0] != o.Admins[0] || len(got.Payments) != 1 || got.Payments[0] != r.Order.Payments[0] ||
		got.Payments[0].TakenMsat != 35_000_000 || got.OwedMsat() != 1_000_000 {
		t.Errorf("%+v, %v", got, err)
	}
	id, ok, err := f.OrderOf(ctx, inv.Hash)
	if id != o.ID || !ok || err != nil {
		t.Errorf("%q %v %v", id, ok, err)
	}
	if _, ok, err := f.OrderOf(ctx, random32()); ok || err != nil {
		t.Errorf("a foreign payment: %v %v", ok, err)
	}
	if due, err := f.DueOrders(ctx, f.clock.Now().UnixMilli(), 10); err != nil || len(due) != 1 {
		t.Errorf("due: %v %v", due, err)
	}
	cases, err := f.Orders(ctx, OrderPage{Cases: true})
	if err != nil || len(cases) != 1 {
		t.Errorf("cases: %v %v", cases, err)
	}
	if made, err := f.Orders(ctx, OrderPage{State: host.OrderMade}); err != nil || len(made) != 0 {
		t.Errorf("made: %v %v", made, err)
	}
	recs, err := f.Records(ctx, bunker.SelfHosted, RecordFilter{Action: "order.paid"})
	if err != nil || len(recs) != 1 || recs[0].Object != string(o.ID) {
		t.Errorf("records: %+v %v", recs, err)
	}
}

// orderMadeOnce: however many at once hear of a payment and make what was paid, one
// step does it.
func orderMadeOnce(t *testing.T, f *fixture) {
	o := f.newOrder(1)
	inv := f.newInvoice()
	f.step(o.ID, host.Invoiced{Payment: inv})
	var wg sync.WaitGroup
	var mu sync.Mutex
	paid, making, plans := 0, 0, 0
	for range 16 {
		wg.Go(func() {
			r, err := f.StepOrder(context.Background(), system, o.ID, host.Settled{Hash: inv.Hash, Msat: 35_000_000}, nil)
			r2, err2 := f.StepOrder(context.Background(), system, o.ID, host.Making{}, nil)
			r3, err3 := f.StepOrder(context.Background(), system, o.ID, host.Made{Tenant: "t1"}, func(old host.Plan, ok bool) host.Plan {
				return host.Plan{People: 5, Until: old.Until + 5}
			})
			if err := errors.Join(err, err2, err3); err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			paid, making, plans = paid+int(num(r.Changed)), making+int(num(r2.Changed)), plans+int(num(r3.Changed))
		})
	}
	wg.Wait()
	p, ok, err := f.Bought(context.Background(), "t1")
	if paid != 1 || making != 1 || plans != 1 || !ok || p.People != 5 || p.Until != 5 || p.Version != 1 || err != nil {
		t.Errorf("paid %d times, making %d times, made %d times; plan %+v %v", paid, making, plans, p, err)
	}
	f.expectWhole()
}

func orderTouched(t *testing.T, f *fixture) {
	ctx := context.Background()
	o, other := f.newOrder(1), f.newOrder(2)
	inv := f.newInvoice()
	f.step(o.ID, host.Invoiced{Payment: inv})
	for _, st := range []string{
		`UPDATE orders SET people = 500 WHERE id = 'o1'`,
		`UPDATE orders SET people = 5, admins = (SELECT admins FROM orders WHERE id = 'o2') WHERE id = 'o1'`,
		`UPDATE orders SET state = 'paid' WHERE id = 'o1'`,
		`UPDATE payment SET state = 'settled', paid_msat = 35000000`,
	} {
		f.tamper(st)
		if _, err := f.Order(ctx, o.ID); !errors.Is(err, bunker.ErrTampered) {
			t.Errorf("%s: %v", st, err)
		}
		if _, err := f.StepOrder(ctx, system, o.ID, host.Expired{Hash: inv.Hash}, nil); !errors.Is(err, bunker.ErrTampered) {
			t.Errorf("%s: a step: %v", st, err)
		}
	}
	list, err := f.Orders(ctx, OrderPage{})
	if !errors.Is(err, bunker.ErrTampered) || len(list) != 1 || list[0].ID != other.ID {
		t.Errorf("%v %v", list, err)
	}
}

func orderBounds(t *testing.T, f *fixture) {
	ctx := context.Background()
	o := f.newOrder(1)
	inv := f.newInvoice()
	f.step(o.ID, host.Invoiced{Payment: inv})
	two := f.newOrder(2)
	if _, err := f.StepOrder(ctx, system, two.ID, host.Invoiced{Payment: inv}, nil); bunker.AsError(err).Code != bunker.CodeInvalid {
		t.Errorf("one invoice for two orders: %v", err)
	}
	fill := func(name string, n int) {
		f.tamper(fmt.Sprintf(`INSERT INTO orders SELECT tenant, '%s' || n.i, kind, state, bunker, admins, people, sats, created_at, changed_at, asked_at, tries,
next_try, trouble, making, 0, is_case, version, mac FROM orders, (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) SELECT i FROM n) n
WHERE id = 'o2'`, name, n))
	}
	fill("a", MaxWaitingNew-1)
	three, _ := host.NewOrder("o3", host.ForTrial, "", []nostr.PubKey{random32()}, 1, 1000, 0)
	if err := f.AddOrder(ctx, system, three); bunker.AsError(err).Code != bunker.CodeRateLimited {
		t.Errorf("a new bunker: %v", err)
	}
	plan := func(id host.OrderID) error {
		o, err := host.NewOrder(id, host.ForPlan, "t1", nil, 1, 1000, 0)
		return errors.Join(err, f.AddOrder(ctx, system, o))
	}
	if err := plan("o4"); err != nil {
		t.Errorf("a bunker cannot be renewed while the page is full: %v", err)
	}
	fill("b", MaxWaitingOrders-MaxWaitingNew)
	if err := plan("o5"); bunker.AsError(err).Code != bunker.CodeRateLimited {
		t.Errorf("plans without end: %v", err)
	}
}

func ordersPruned(t *testing.T, f *fixture) {
	ctx := context.Background()
	paid, unpaid := f.newOrder(1), f.newOrder(2)
	a, b := f.newInvoice(), f.newInvoice()
	f.step(paid.ID, host.Invoiced{Payment: a})
	f.step(paid.ID, host.Settled{Hash: a.Hash, Msat: 1})
	f.step(unpaid.ID, host.Invoiced{Payment: b})
	f.step(unpaid.ID, host.Expired{Hash: b.Hash})
	f.clock.add(29 * 24 * time.Hour)
	f.step(unpaid.ID, host.Asked{Hash: b.Hash}) // nothing came, says the wallet
	young := f.newOrder(3)
	for _, want := range []int{3, 2} {
		if err := f.PruneOrders(ctx); err != nil {
			t.Fatal(err)
		}
		if list, err := f.Orders(ctx, OrderPage{}); err != nil || len(list) != want || list[0].ID != young.ID {
			t.Errorf("%d orders, %v; want %d", len(list), err, want)
		}
		f.clock.add(2 * 24 * time.Hour)
		f.change(func(tx *Tx) error { return tx.PutSetting("tick", "x") }) // ledger time goes on
	}
}

func plansGuarded(t *testing.T, f *fixture) {
	ctx := context.Background()
	p := host.Bought{Tenant: "t1", Plan: host.Plan{People: 5, Until: 100, Trial: true}, Told: host.Told{"grace": 7}}
	f.change(func(tx *Tx) error { return tx.PutPlan(&p, 50) })
	got, ok, err := f.Bought(ctx, "t1")
	if err != nil || !ok || got.Plan != p.Plan || got.Told["grace"] != 7 || got.Version != 1 {
		t.Errorf("%+v %v %v", got, ok, err)
	}
	old := got
	got.People = 9
	f.change(func(tx *Tx) error { return tx.PutPlan(&got, 60) })
	if err := f.tryChange(func(tx *Tx) error { return tx.PutPlan(&old, 60) }); bunker.AsError(err).Code != bunker.CodeConflict {
		t.Errorf("an old version was stored: %v", err)
	}
	if at, err := f.NextPlan(ctx); err != nil || at != 60 {
		t.Errorf("the next plan is due at %d: %v", at, err)
	}
	for at, want := range map[int64]int{59: 0, 60: 1} {
		if due, err := f.DuePlans(ctx, at, ""); err != nil || len(due) != want {
			t.Errorf("due at %d: %v %v", at, due, err)
		}
	}
	if due, err := f.DuePlans(ctx, 60, "t1"); err != nil || len(due) != 0 {
		t.Errorf("due after the last one: %v %v", due, err)
	}
	if err := f.LookedAtPlan(ctx, system, &got, "read-only", 70); err != nil || got.Told["read-only"] == 0 || got.Told["grace"] == 0 {
		t.Errorf("%+v %v", got, err)
	}
	if err := f.LookedAtPlan(ctx, system, &got, "", 80); err != nil || got.Version != 4 {
		t.Errorf("%+v %v", got, err)
	}
	f.tamper(`UPDATE plan SET until = 999999`)
	if _, _, err := f.Bought(ctx, "t1"); !errors.Is(err, bunker.ErrTampered) {
		t.Errorf("a touched plan: %v", err)
	}
	f.change(func(tx *Tx) error { return tx.DeletePlan("t1") })
	if _, ok, err := f.Bought(ctx, "t1"); ok || err != nil {
		t.Errorf("%v %v", ok, err)
	}
	if at, err := f.NextPlan(ctx); err != nil || at != 0 {
		t.Errorf("no plan is due at %d: %v", at, err)
	}
}
