package bunkertest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/config"
	"nsecbunker/internal/host"
	"nsecbunker/internal/wallet/wallettest"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip17"
	"nsecbunker/nostr/nip59"
)

// seller is a hosted instance that sells, with its wallet and the relay that its owners
// take direct messages on.
type seller struct {
	*Bunker
	node  *wallettest.Node
	relay *Relay
	clock atomic.Pointer[Clock]
	// refused are events that the relay saw and did not take.
	refused map[nostr.ID]bool
}

func newSeller(t *testing.T) *seller {
	t.Helper()
	return newSellerIn(t, "", "")
}

// newSellerIn is newSeller with a folder and a database; "": as always.
func newSellerIn(t *testing.T, dir, database string) *seller {
	t.Helper()
	s := &seller{relay: NewRelay(t), refused: map[nostr.ID]bool{}}
	s.node = wallettest.New(func() time.Time {
		if c := s.clock.Load(); c != nil {
			return c.Now()
		}
		return time.Now()
	})
	sells := Selling(t, s.node.Phoenixd(t))
	s.Bunker = Start(t, Options{Dir: dir, Relays: []string{s.relay.URL}, Config: func(c *config.Config) {
		allow(s.relay)(c)
		sells(c)
		c.Database = database
	}})
	s.clock.Store(s.Bunker.Clock)
	return s
}

// client is somebody who bought a bunker and set it up, with a key and an app there.
type client struct {
	*Guest
	*Buyer
	app   *App
	until time.Time // that it is paid
}

// pay pays the open invoice of an order, and waits until it is made.
func (s *seller) pay(b *Buyer) Bought {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	o, err := b.Until(ctx, func(o Bought) bool { return o.Invoice != nil })
	if err != nil {
		s.t.Fatal(err)
	}
	for _, inv := range s.node.Invoices() {
		if inv.Bolt11 == o.Invoice.Bolt11 {
			s.node.Settle(inv.Hash)
		}
	}
	if o, err = b.Until(ctx, func(o Bought) bool { return o.State == "made" }); err != nil {
		s.t.Fatal(err)
	}
	return o
}

// order sends one request of the page that must succeed.
func (s *seller) order(b *Buyer, call string, body map[string]any) Bought {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	o, err := b.Try(ctx, call, body)
	if err != nil {
		s.t.Fatalf("%s: %v", call, err)
	}
	return o
}

func (s *seller) sell(people int) *client {
	s.t.Helper()
	c := &client{Buyer: NewBuyer(s.config.Listen)}
	owner := s.Somebody()
	list := nip17.RelayList([]string{s.relay.URL}, time.Now())
	if err := owner.Key.Sign(list); err != nil {
		s.t.Fatal(err)
	}
	s.relay.Hand(list)
	s.order(c.Buyer, "order", map[string]any{"secret": c.Secret, "kind": "bunker", "admins": []string{owner.Npub()}, "people": people})
	o := s.pay(c.Buyer)
	c.until = time.UnixMilli(o.Plan.Until)
	c.Guest = &Guest{ID: s.Admin("order.show", Params{"id": o.ID}).Text("order.bunker"), Owner: owner, Where: o.Ready.Connection, Code: o.Ready.SetupCode}
	c.Session = owner.At(c.Where)
	c.Do("setup", Params{"passphrase": Passphrase, "code": c.Code})
	c.Do("key.add", Params{"name": "herald"})
	c.app = s.Connected(c.Link("herald", "sign_event:1"))
	c.app.Sign(1, "bought")
	return c
}

// letters are the texts that a person got on the relay, opened with his key. All come from
// one key, which is the house's.
func (s *seller) letters(to *Person) (texts []string) {
	s.t.Helper()
	var all []nip17.Message
	for _, e := range s.relay.Seen() {
		if e.Kind != nip59.KindWrap || s.refused[e.ID] || e.Tags.Find("p").Value() != to.Key.PubKey().String() {
			continue
		}
		m, err := nip17.Open(to.Key, e)
		if err != nil {
			s.t.Fatalf("a letter does not open: %v", err)
		}
		if all = append(all, m); m.From != all[0].From {
			s.t.Fatalf("letters come from %s and %s", m.From, all[0].From)
		}
	}
	slices.SortFunc(all, func(a, b nip17.Message) int { return a.At.Compare(b.At) })
	for _, m := range all {
		texts = append(texts, m.Text)
	}
	return texts
}

// takeNoLetters has the relay refuse direct messages while f runs.
func (s *seller) takeNoLetters(f func()) {
	s.t.Helper()
	before := map[nostr.ID]bool{}
	for _, e := range s.relay.Seen() {
		before[e.ID] = true
	}
	s.relay.Behave(Manners{NoKind: nip59.KindWrap})
	f()
	s.relay.Behave(Manners{})
	for _, e := range s.relay.Seen() {
		s.refused[e.ID] = s.refused[e.ID] || !before[e.ID]
	}
	if len(s.refused) == 0 {
		s.t.Error("nobody tried to tell")
	}
}

// at turns the clock to a time after (or before) the end of what is paid, and has plans
// looked at.
func (s *seller) at(c *client, d time.Duration) {
	s.t.Helper()
	s.Clock.Pass(c.until.Add(d).Sub(s.Clock.Now()))
	s.LookAtPlans(s.t.Context())
}

func (s *seller) state(c *client) string {
	s.t.Helper()
	return s.Admin("tenant.show", Params{"id": c.ID}).Text("tenant.state")
}

func (s *seller) plan(c *client) Answer {
	s.t.Helper()
	for _, p := range s.Admin("plan.list", nil).Each("plans") {
		if p.Text("bunker") == c.ID {
			return p
		}
	}
	s.t.Fatal("there is no plan")
	return nil
}

const aDay = 24 * time.Hour

// TestABunkerThatIsNotRenewedEndsStepByStep: bought through the page, from a real wallet's
// protocol; each step at its time, and its owner gets each letter over a real relay. It is
// not deleted while the owner could not be told.
func TestABunkerThatIsNotRenewedEndsStepByStep(t *testing.T) {
	t.Parallel()
	s := newSeller(t)
	c := s.sell(3)
	var want []string
	letters := func(when string, parts ...string) {
		t.Helper()
		want = append(want, parts...)
		got := s.letters(c.Owner)
		if len(got) != len(want) {
			t.Fatalf("%s: %d letters, want %d: %q", when, len(got), len(want), got)
		}
		for i, part := range want {
			if !strings.Contains(got[i], part) {
				t.Errorf("%s: letter %d is %q, want %q in it", when, i+1, got[i], part)
			}
		}
	}
	on := func(at time.Time) string { return at.UTC().Format("2 January 2006, 15:04 UTC") }
	s.at(c, -31*aDay)
	letters("a month and a day before")
	for _, days := range []time.Duration{30, 7, 1} {
		s.at(c, -days*aDay-time.Minute)
		letters(fmt.Sprintf("a minute before %d days", days))
		s.at(c, -days*aDay)
		s.LookAtPlans(t.Context())
		letters(fmt.Sprintf("%d days before", days), "is paid until "+on(c.until))
	}
	s.at(c, time.Minute)
	letters("the minute after", "Everything works until "+on(c.until.Add(14*aDay)))
	s.at(c, 14*aDay-time.Minute)
	c.app = c.app.again()
	c.app.Sign(1, "in grace everything works")
	if got := s.state(c); got != "active" || s.plan(c).Text("stage") != "grace" {
		t.Errorf("in grace it is %s", got)
	}
	s.at(c, 14*aDay+time.Minute)
	letters("after grace", "is read-only now")
	c.app.AskSign(1, "no").Fails("restricted: ", "read-only until it is renewed")
	c.Again()
	if got := c.Do("key.export", Params{"key": "herald", "password": "another good password"}).Text("ncryptsec"); !strings.HasPrefix(got, "ncryptsec1") {
		t.Errorf("read-only, and the export is %q", got)
	}
	s.at(c, 44*aDay-time.Minute)
	letters("thirty days before the deletion, less a minute")
	s.takeNoLetters(func() {
		for _, days := range []time.Duration{44, 60, 74, 75, 300} {
			s.at(c, days*aDay+time.Minute)
			if p := s.plan(c); s.state(c) != "read-only" || !p.Is("untold") || p.Text("stage") != "notice" {
				t.Errorf("%d days after, of which its owner could not be told, it is %s: %v", days, s.state(c), p)
			}
		}
	})
	letters("untold")
	s.Clock.Hold() // the letter names the minute, which ends at any time
	s.at(c, 301*aDay)
	told := s.Clock.Now()
	letters("told at last", "will be deleted on "+on(told.Add(30*aDay)))
	if p := s.plan(c); p.Is("untold") {
		t.Errorf("told: %v", p)
	}
	s.at(c, 331*aDay-2*time.Minute)
	c.Again()
	c.Do("key.list", nil)
	// The clock is set ahead: nothing ends by it.
	s.Clock.Set(time.Hour)
	s.LookAtPlans(t.Context())
	if got := s.state(c); got != "read-only" {
		t.Errorf("by a clock that was set ahead it became %s", got)
	}
	s.Clock.Set(-time.Hour)
	s.Clock.Pass(5 * time.Minute)
	s.Until("the clock is believed, and it ends", func() bool {
		s.LookAtPlans(t.Context())
		return s.state(c) == "ended"
	})
	left, err := s.RowsOf(t.Context(), bunker.TenantID(c.ID))
	if err != nil || len(left) != 1 || left["tenant"] != 1 {
		t.Errorf("left are %v, %v", left, err)
	}
	letters("deleted")
	if o := s.order(c.Buyer, "look", map[string]any{"secret": c.Secret}); o.State != "made" || o.Ready != nil {
		t.Errorf("its order is shown as %+v", o)
	}
}

// TestFewerPeopleHoldAtOnceAndNotBelowThoseWhoSit: who has paid for more people than there
// are gets a longer time; seats that are taken cannot be saved on.
func TestFewerPeopleHoldAtOnceAndNotBelowThoseWhoSit(t *testing.T) {
	t.Parallel()
	s := newSeller(t)
	c := s.sell(4)
	s.Connected(c.Link("herald", "sign_event:1")).Sign(1, "a second seat")
	ctx := t.Context()
	if _, err := c.Buyer.Try(ctx, "fewer", map[string]any{"of": c.Secret, "people": 1}); err == nil || !strings.Contains(err.Error(), "2 seats are taken") {
		t.Errorf("fewer people than sit: %v", err)
	}
	if _, err := c.Buyer.Try(ctx, "quote", map[string]any{"of": c.Secret, "people": 1, "year": true}); err == nil || !strings.Contains(err.Error(), "2 seats are taken") {
		t.Errorf("a year for fewer people than sit: %v", err)
	}
	o := s.order(c.Buyer, "fewer", map[string]any{"of": c.Secret, "people": 2})
	if o.Plan == nil || o.Plan.People != 2 || time.UnixMilli(o.Plan.Until).Sub(c.until.Add(365*aDay)).Abs() > time.Hour {
		t.Errorf("a year for four people became %+v for two", o.Plan)
	}
	s.App(c.Link("herald", "sign_event:1")).Connect().Fails("this bunker has 2 seats and all are taken")
	if again := s.order(c.Buyer, "fewer", map[string]any{"of": c.Secret, "people": 2}); *again.Plan != *o.Plan {
		t.Errorf("sent again, %+v became %+v", o.Plan, again.Plan)
	}
	if got := s.Admin("tenant.show", Params{"id": c.ID}); got.Number("tenant.people") != 2 || got.Number("tenant.keys") != 20 {
		t.Errorf("the quota is %v", got)
	}
	for log, where := range map[string]func(string, Params) Answer{"plan.fewer": s.Admin, "tenant.quota": c.Do} {
		if n := len(where("audit.list", Params{"action": log}).Each("records")); n == 0 {
			t.Errorf("no record %s", log)
		}
	}
	// What the provider made read-only is not ended by what costs nothing.
	s.Admin("tenant.suspend", Params{"id": c.ID, "why": "complaints", "read_only": true})
	s.Clock.Pass((host.SeatDays + 1) * aDay)
	if o := s.order(c.Buyer, "fewer", map[string]any{"of": c.Secret, "people": 1}); o.Plan.People != 1 {
		t.Errorf("after nobody asked for a month: %+v", o.Plan)
	}
	if got := s.state(c); got != "read-only" {
		t.Errorf("it is %s", got)
	}
}

// TestABunkerThatIsRenewedInTimeWorksAgain: read-only, and named to be deleted, until its
// owner pays with the order that he has.
func TestABunkerThatIsRenewedInTimeWorksAgain(t *testing.T) {
	t.Parallel()
	s := newSeller(t)
	c := s.sell(3)
	s.at(c, 73*aDay)
	c.app = c.app.again()
	c.app.AskSign(1, "no").Fails("read-only until it is renewed")
	again := NewBuyer(c.At)
	s.order(again, "renew", map[string]any{"of": c.Secret, "secret": again.Secret, "people": 3, "year": true})
	o := s.pay(again)
	c.app.Sign(1, "yes")
	// The days of grace were used, and count.
	want := s.Clock.Now().Add(365*aDay - 14*aDay)
	if until := time.UnixMilli(o.Plan.Until); until.Sub(want).Abs() > time.Hour {
		t.Errorf("it is paid until %s, want %s", until, want)
	}
	c.until = time.UnixMilli(o.Plan.Until)
	before := len(s.letters(c.Owner))
	s.at(c, -30*aDay)
	if got := s.letters(c.Owner); len(got) != before+1 || !strings.Contains(got[before], "is paid until") || s.state(c) != "active" {
		t.Errorf("a month before the new end it is %s: %q", s.state(c), got)
	}
}

// TestAQuotaSetByHandStandsUntilOtherPeopleAreBought: a renewal leaves it, a plan for another
// number of people replaces it, since that was paid for, and what was bought can be given back.
func TestAQuotaSetByHandStandsUntilOtherPeopleAreBought(t *testing.T) {
	t.Parallel()
	s := newSeller(t)
	c := s.sell(3)
	is := func(people, keys, rate int, byHand bool) {
		t.Helper()
		s.LookAtPlans(t.Context())
		got := s.Admin("tenant.show", Params{"id": c.ID})
		if got.Number("tenant.people") != people || got.Number("tenant.keys") != keys || got.Number("tenant.rate") != rate || got.Is("tenant.by_hand") != byHand {
			t.Errorf("it may use %v", got.At("tenant"))
		}
	}
	is(3, 30, 20, false)
	s.Admin("tenant.quota", Params{"id": c.ID, "people": 3, "keys": 99, "rate": 7})
	is(3, 99, 7, true)
	buys := func(what string, people int) {
		again := NewBuyer(c.At)
		s.order(again, "renew", map[string]any{"of": c.Secret, "secret": again.Secret, "people": people, what: true})
		s.pay(again)
	}
	buys("year", 3)
	is(3, 99, 7, true)
	s.at(c, 0) // into the days of grace, in which plans are looked at again
	is(3, 99, 7, true)
	buys("year", 4)
	is(4, 40, 20, false)

	s.Admin("tenant.quota", Params{"id": c.ID})
	if got := s.Admin("tenant.show", Params{"id": c.ID}); !got.Is("tenant.unlimited") {
		t.Errorf("without a bound it may use %v", got.At("tenant"))
	}
	s.Refused("tenant.quota", Params{"id": c.ID, "as_bought": true, "people": 5})
	s.Admin("tenant.quota", Params{"id": c.ID, "as_bought": true})
	is(4, 40, 20, false)
	gift := s.HostHere("gift")
	if err := s.Refused("tenant.quota", Params{"id": gift.ID, "as_bought": true}); !strings.Contains(err.Error(), "was not bought") {
		t.Error(err)
	}
}
