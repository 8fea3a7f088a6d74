package orders

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/host"
	"nsecbunker/internal/store"
)

// every returns all orders.
func (s *shop) every() []host.Order {
	s.t.Helper()
	var all []host.Order
	page := store.OrderPage{}
	for {
		list, err := s.store.Orders(context.Background(), page)
		if err != nil {
			s.t.Fatal(err)
		}
		if all = append(all, list...); len(list) < store.MaxPage {
			return all
		}
		page.Until, page.After = list[len(list)-1].CreatedAt, list[len(list)-1].ID
	}
}

// buy orders a bunker for so many people, up to its invoice.
func (s *shop) buy(people int64) (string, host.View) {
	s.t.Helper()
	secret := newSecret()
	if _, err := s.Buy(context.Background(), host.Wanted{Secret: secret, Kind: host.ForBunker, Admins: []string{anNpub()}, People: people}); err != nil {
		s.t.Fatal(err)
	}
	return secret, s.until(secret, func(v host.View) bool { return v.Order.Open() != nil })
}

func (s *shop) pay(v host.View) bunker.Invoice {
	s.t.Helper()
	inv, err := s.wallet.pay(v.Order.Open().Bolt11, v.Order.Sats*1000)
	if err != nil {
		s.t.Fatal(err)
	}
	return inv
}

func TestBadOrdersAreRefusedInWords(t *testing.T) {
	s := newShop(t, "", &fast{from: time.Now(), times: 1})
	good := host.Wanted{Secret: newSecret(), Kind: host.ForBunker, Admins: []string{anNpub()}, People: 5}
	for name, spoil := range map[string]func(*host.Wanted){
		"secret: 64 hex digits": func(w *host.Wanted) { w.Secret = "abc" },
		"admins: no npub":       func(w *host.Wanted) { w.Admins = []string{"npub1nonsense"} },
		"admins: no npub ":      func(w *host.Wanted) { w.Admins = []string{strings.Replace(anNpub(), "npub1", "nsec1", 1)} },
		"admins: 63 characters": func(w *host.Wanted) { w.Admins = []string{strings.Repeat("x", 1000)} },
		"admins: at least one":  func(w *host.Wanted) { w.Admins = nil },
		"admins: twice":         func(w *host.Wanted) { w.Admins = append(w.Admins, w.Admins[0]) },
		"admins: at most 10":    func(w *host.Wanted) { w.Admins = make([]string, 11) },
		"people: 1 to 1000":     func(w *host.Wanted) { w.People = 1 << 60 },
		"people: 1 to 1000 ":    func(w *host.Wanted) { w.People = -3 },
		"kind: a trial":         func(w *host.Wanted) { w.Kind = "castle" },
		"kind: a trial ":        func(w *host.Wanted) { w.Kind = host.ForPlan },
	} {
		w := good
		spoil(&w)
		field, words, _ := strings.Cut(strings.TrimSpace(name), ": ")
		_, err := s.Buy(context.Background(), w)
		if e := bunker.AsError(err); e.Code != bunker.CodeInvalid || e.Field != field || !strings.Contains(e.Words, words) {
			t.Errorf("%s: %v in %q", name, err, e.Field)
		}
	}
	if n := len(s.every()); n != 0 {
		t.Errorf("%d orders were stored", n)
	}
	if _, err := s.Look(context.Background(), newSecret(), 0, 0); bunker.AsError(err).Code != bunker.CodeNotFound {
		t.Errorf("an order that there is not: %v", err)
	}
}

func TestATrialIsNotSoldWhereThereIsNone(t *testing.T) {
	s := newShop(t, "", &fast{from: time.Now(), times: 1})
	s.Terms.Trial = 0
	_, err := s.Buy(context.Background(), host.Wanted{Secret: newSecret(), Kind: host.ForTrial, Admins: []string{anNpub()}})
	if bunker.AsError(err).Code != bunker.CodeInvalid {
		t.Errorf("%v", err)
	}
}

// TestAWalletThatFailsLosesNoOrder: one that never answers, that answers wrongly, and
// that then comes back.
func TestAWalletThatFailsLosesNoOrder(t *testing.T) {
	s := newShop(t, "", &fast{from: time.Now(), times: 20})
	s.wallet.wrong = true
	s.run()
	secret := newSecret()
	if _, err := s.Buy(context.Background(), host.Wanted{Secret: secret, Kind: host.ForBunker, Admins: []string{anNpub()}, People: 5}); err != nil {
		t.Fatal(err)
	}
	v := s.until(secret, func(v host.View) bool { return v.Order.Trouble != "" })
	if v.Order.State != host.OrderNew || len(v.Order.Payments) != 0 {
		t.Errorf("a wrong invoice: %+v", v.Order)
	}
	s.clock.turn(host.GiveUpAfter)
	v = s.until(secret, in(host.OrderLapsed))
	if !v.Again || v.Order.Trouble == "" {
		t.Errorf("%+v", v)
	}
}

func TestAWalletThatNeverAnswersIsGivenUpInTime(t *testing.T) {
	s := newShop(t, "", &fast{from: time.Now(), times: 1})
	s.wallet.hang = true
	secret := newSecret()
	v, err := s.Buy(context.Background(), host.Wanted{Secret: secret, Kind: host.ForBunker, Admins: []string{anNpub()}, People: 5})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	// What the instance's end cuts off is as though it had not begun.
	if err := s.act(ctx, v.Order, host.MakeInvoice{Sats: v.Order.Sats}); err == nil {
		t.Error("no error of a call that was cut off")
	}
	if o := s.every()[0]; o.State != host.OrderNew || o.Tries != 0 {
		t.Errorf("%+v", o)
	}
}

func TestALatePaymentIsABunkerAndAMuchTooLateOneACase(t *testing.T) {
	s := newShop(t, "", &fast{from: time.Now(), times: 1})
	s.run()
	a, va := s.buy(5)
	b, vb := s.buy(5)
	s.clock.turn(host.InvoiceFor + time.Minute)
	s.until(a, in(host.OrderLapsed))
	s.until(b, in(host.OrderLapsed))
	inv, _ := s.wallet.pay(va.Order.Payments[0].Bolt11, 35_000_000)
	s.wallet.notices <- inv
	if v := s.until(a, in(host.OrderMade)); v.Order.IsCase() {
		t.Errorf("%+v", v.Order)
	}
	s.clock.turn(host.LateFor)
	inv, _ = s.wallet.pay(vb.Order.Payments[0].Bolt11, 35_000_000)
	s.wallet.notices <- inv
	v := s.until(b, in(host.OrderHeld))
	if v.Order.Payments[0].Why != host.CaseLate || !v.Order.IsCase() {
		t.Errorf("%+v", v.Order)
	}
	if s.made() != 1 {
		t.Errorf("%d bunkers", s.made())
	}
}

func TestAnotherInvoiceIsHadAfterTheFirstEnded(t *testing.T) {
	s := newShop(t, "", &fast{from: time.Now(), times: 1})
	s.run()
	secret, first := s.buy(5)
	s.clock.turn(host.InvoiceFor + time.Minute)
	s.until(secret, in(host.OrderLapsed))
	if _, err := s.Again(context.Background(), secret); err != nil {
		t.Fatal(err)
	}
	v := s.until(secret, func(v host.View) bool { return v.Order.Open() != nil })
	s.wallet.notices <- s.pay(v)
	s.until(secret, in(host.OrderMade))
	// The first one is paid as well, by somebody who had it open.
	inv, _ := s.wallet.pay(first.Order.Payments[0].Bolt11, 35_000_000)
	s.wallet.notices <- inv
	v = s.until(secret, func(v host.View) bool { return v.Order.IsCase() })
	if v.Order.Payments[0].Why != host.CaseTwice || v.Order.State != host.OrderMade || s.made() != 1 {
		t.Errorf("%+v", v.Order)
	}
}

func TestAPlanIsRenewedWithTheOrdersSecret(t *testing.T) {
	s := newShop(t, "", &fast{from: time.Now(), times: 1})
	s.run()
	ctx := context.Background()
	secret, v := s.buy(5)
	if _, err := s.Renew(ctx, secret, newSecret(), 5, true); bunker.AsError(err).Code != bunker.CodeConflict {
		t.Errorf("of an order that is not made: %v", err)
	}
	s.wallet.notices <- s.pay(v)
	before := s.until(secret, in(host.OrderMade))
	for _, c := range []struct {
		people int64
		year   bool
		sats   int64
	}{{5, true, 35_000}, {12, false, 98_000}} {
		again := newSecret()
		v, err := s.Renew(ctx, secret, again, c.people, c.year)
		if err != nil {
			t.Fatal(err)
		}
		if diff := v.Order.Sats - c.sats; diff < -10 || diff > 10 {
			t.Errorf("%+v costs %d", c, v.Order.Sats)
		}
		v = s.until(again, func(v host.View) bool { return v.Order.Open() != nil })
		s.wallet.notices <- s.pay(v)
		s.until(again, in(host.OrderMade))
	}
	after, err := s.Look(ctx, secret, 0, 0)
	if err != nil || after.Plan.People != 12 || after.Plan.Until-before.Plan.Until < host.Year.Milliseconds()-60_000 ||
		after.Plan.Until-before.Plan.Until > host.Year.Milliseconds()+60_000 {
		t.Errorf("%+v became %+v, %v", before.Plan, after.Plan, err)
	}
	if _, err := s.Renew(ctx, secret, newSecret(), 3, false); bunker.AsError(err).Field != "people" {
		t.Errorf("fewer people were ordered: %v", err)
	}
	if q, err := s.QuoteOf(ctx, secret, 6, false); err != nil || q.Sats != 0 || q.Until < after.Plan.Until {
		t.Errorf("fewer people: %+v %v", q, err)
	}
	if same, err := s.Fewer(ctx, secret, 12); err != nil || *same.Plan != *after.Plan {
		t.Errorf("as many people: %+v %v", same.Plan, err)
	}
	if _, err := s.Fewer(ctx, secret, 13); bunker.AsError(err).Field != "people" {
		t.Errorf("more people for nothing: %v", err)
	}
	if _, err := s.Fewer(ctx, newSecret(), 1); bunker.AsError(err).Code != bunker.CodeNotFound {
		t.Errorf("without the order's secret: %v", err)
	}
	if s.made() != 1 {
		t.Errorf("%d bunkers", s.made())
	}
}

func TestAPlanIsLookedAtWhenItEnds(t *testing.T) {
	s := newShop(t, "", &fast{from: time.Now(), times: 1})
	s.run()
	ctx := context.Background()
	if got := s.untilPlan(ctx); got != livesEvery {
		t.Errorf("without a plan: %s", got)
	}
	secret, v := s.buy(5)
	s.wallet.notices <- s.pay(v)
	s.until(secret, in(host.OrderMade))
	s.Lives(ctx) // a new plan is looked at at once
	first, err := s.store.NextPlan(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if got := s.untilPlan(ctx); got != livesEvery {
		t.Errorf("long before it is due: %s", got)
	}
	s.clock.turn(time.UnixMilli(first).Add(-10 * time.Second).Sub(s.clock.Now()))
	if got := s.untilPlan(ctx); got > 10*time.Second || got < livesPause {
		t.Errorf("ten seconds before: %s", got)
	}
	s.clock.turn(time.Minute)
	if got := s.untilPlan(ctx); got != livesEvery {
		t.Errorf("what is due still waits %s", got)
	}
	s.Lives(ctx)
	if next, err := s.store.NextPlan(ctx); err != nil || next <= first {
		t.Errorf("looked at, and due again at %d: %v", next, err)
	}
}

// TestPlansThatStayDueKeepNoOtherFromBeingLookedAt: more than are read at a time, whose end is
// put off.
func TestPlansThatStayDueKeepNoOtherFromBeingLookedAt(t *testing.T) {
	s := newShop(t, "", &fast{from: time.Now(), times: 1})
	ctx := context.Background()
	now := s.store.LedgerTime().UnixMilli()
	over := host.Plan{People: 1, Until: now - 2*host.Year.Milliseconds()}
	err := s.store.Change(ctx, bunker.SelfHosted, s.By, func(tx *store.Tx) error {
		for i := range store.MaxPage {
			p := host.Bought{Tenant: bunker.TenantID(fmt.Sprintf("a%04d", i)), Plan: over, Told: host.Told{host.TellNotice: over.Until}}
			if err := tx.PutPlan(&p, 0); err != nil {
				return err
			}
		}
		last := host.Bought{Tenant: "last", Plan: host.Plan{People: 1, Until: now - 1}}
		return errors.Join(tx.PutPlan(&last, 1), tx.Audit(bunker.AuditRecord{Action: "test"}))
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Lives(ctx)
	if got := s.bunkers.stage("a0000"); got != host.StageDelete {
		t.Errorf("the first is %q", got)
	}
	if got := s.bunkers.stage("last"); got != host.StageGrace {
		t.Errorf("the last, whose time is over, is %q", got)
	}
}

func TestOwnersAreToldBeforeTheirTimeIsOver(t *testing.T) {
	s := newShop(t, "", &fast{from: time.Now(), times: 1})
	s.run()
	secret, v := s.buy(5)
	s.wallet.notices <- s.pay(v)
	v = s.until(secret, in(host.OrderMade))
	ctx := context.Background()
	at := func(d time.Duration) {
		t.Helper()
		end := time.UnixMilli(v.Plan.Until).Add(d)
		s.clock.turn(end.Sub(s.clock.Now()))
		s.Lives(ctx)
	}
	at(-31 * 24 * time.Hour)
	if n := len(s.bunkers.letters()); n != 0 {
		t.Errorf("%d letters a month too early", n)
	}
	s.bunkers.silence(true)
	at(-30 * 24 * time.Hour)
	s.bunkers.silence(false)
	s.Lives(ctx) // not again at once
	if n := len(s.bunkers.letters()); n != 0 {
		t.Errorf("%d letters", n)
	}
	at(-30*24*time.Hour + tellAgain + time.Minute)
	s.Lives(ctx)
	at(-7 * 24 * time.Hour)
	at(-24 * time.Hour)
	at(time.Minute)
	at(15 * 24 * time.Hour)
	if got := s.bunkers.stage(v.Order.Tenant); got != host.StageReadOnly {
		t.Errorf("it is %s", got)
	}
	at(50 * 24 * time.Hour)
	at(74*24*time.Hour + time.Minute)
	if got := s.bunkers.stage(v.Order.Tenant); got != host.StageNotice {
		t.Errorf("it is %s, told 24 days before", got)
	}
	at(80*24*time.Hour + 2*time.Minute)
	if got := s.bunkers.stage(v.Order.Tenant); got != host.StageDelete {
		t.Errorf("it is %s", got)
	}
	want := []string{"is paid until", "is paid until", "is paid until", "Everything works until", "is read-only now", "will be deleted on"}
	if len(s.bunkers.letters()) != len(want) {
		t.Fatalf("%d letters: %q", len(s.bunkers.letters()), s.bunkers.letters())
	}
	for i, w := range want {
		if !strings.Contains(s.bunkers.letters()[i], w) || !strings.Contains(s.bunkers.letters()[i], "https://sell.example/buy/") {
			t.Errorf("letter %d: %s", i, s.bunkers.letters()[i])
		}
	}
}

func TestALedgerThatTakesNothingIsNotAskedAllTheTime(t *testing.T) {
	s := newShop(t, "", &fast{from: time.Now(), times: 1})
	ctx := context.Background()
	if _, err := s.Buy(ctx, host.Wanted{Secret: newSecret(), Kind: host.ForTrial, Admins: []string{anNpub()}}); err != nil {
		t.Fatal(err)
	}
	full := bunker.Errorf(bunker.CodeError, "the disk is full")
	if got := s.pause(ctx, 0); got >= afterTrouble {
		t.Errorf("an order is due, and the desk rests for %s", got)
	}
	s.trouble(ctx, "an order could not be gone on with", "o1", full)
	if got := s.pause(ctx, batch); got != afterTrouble {
		t.Errorf("after trouble it rests for %s", got)
	}
	if got := s.pause(ctx, 0); got >= afterTrouble {
		t.Errorf("then it rests for %s", got)
	}
}

func TestWhoWaitsIsToldAndWaitersAreBounded(t *testing.T) {
	s := newShop(t, "", &fast{from: time.Now(), times: 1})
	secret := newSecret()
	v, err := s.Buy(context.Background(), host.Wanted{Secret: secret, Kind: host.ForTrial, Admins: []string{anNpub()}})
	if err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	s.waiting = MaxWaiters
	s.mu.Unlock()
	// Without a place the answer comes at once, whatever wait is asked for.
	if got, err := s.Look(context.Background(), secret, v.Order.Version, time.Hour); err != nil || got.Order.State != host.OrderNew {
		t.Errorf("%+v %v", got, err)
	}
	s.mu.Lock()
	s.waiting = 0
	s.mu.Unlock()
	s.run()
	if got, err := s.Look(context.Background(), secret, v.Order.Version, time.Hour); err != nil || got.Order.State != host.OrderInvoiced {
		t.Errorf("%+v %v", got, err)
	}
}

// Whose wallet tells of no payments is not kept waiting until it is asked in its turn.
func TestTheWalletIsAskedForWhoWaits(t *testing.T) {
	s := newShop(t, "", &fast{from: time.Now(), times: 1})
	s.run()
	secret := newSecret()
	if _, err := s.Buy(context.Background(), host.Wanted{Secret: secret, Kind: host.ForTrial, Admins: []string{anNpub()}}); err != nil {
		t.Fatal(err)
	}
	v := s.until(secret, in(host.OrderInvoiced))
	s.clock.turn(host.InvoiceFor * 2 / 3)
	s.Wake()
	// Asked by now, the desk asks again after a quarter of that.
	s.until(secret, func(v host.View) bool { return v.Order.Open().NextPoll > s.Now().Add(time.Minute).UnixMilli() })
	if _, err := s.wallet.pay(v.Order.Open().Bolt11, v.Order.Sats*1000); err != nil {
		t.Fatal(err)
	}
	v, err := s.Look(context.Background(), secret, s.every()[0].Version, time.Minute)
	if err != nil || v.Order.Open() != nil {
		t.Errorf("%+v %v", v.Order, err)
	}
	s.until(secret, in(host.OrderMade))
}
