package host

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr"
)

func testOrder(t testing.TB) *Order {
	t.Helper()
	o, err := NewOrder("o1", ForBunker, "", []nostr.PubKey{{1}}, 5, 35_000, testNow)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func invoice(n byte, now int64) Payment {
	return Payment{Hash: [32]byte{n}, Bolt11: fmt.Sprintf("lnbc%d", n), Sats: 35_000, CreatedAt: now, ExpiresAt: now + InvoiceFor.Milliseconds()}
}

// after takes happenings one by one.
func after(o *Order, now int64, hs ...Happening) *Order {
	for _, h := range hs {
		o, _, _ = Step(o, h, now)
	}
	return o
}

func TestAnOrderGoesFromInvoiceToBunker(t *testing.T) {
	o := testOrder(t)
	if acts := Acts(o, testNow); len(acts) != 1 || acts[0] != (MakeInvoice{35_000}) {
		t.Fatalf("a new order needs %v", acts)
	}
	o = after(o, testNow, Invoiced{invoice(1, testNow)})
	if o.State != OrderInvoiced || o.Open() == nil {
		t.Fatalf("%+v", o)
	}
	o = after(o, testNow+1, Settled{Hash: [32]byte{1}, Msat: 35_000_000})
	if acts := Acts(o, testNow+1); o.State != OrderPaid || len(acts) != 1 || acts[0] != (Make{}) {
		t.Fatalf("%+v needs %v", o, acts)
	}
	o = after(o, testNow+2, Making{}, Made{"t1"})
	if o.State != OrderMade || o.Tenant != "t1" || o.IsCase() || len(Acts(o, testNow+2)) != 0 || NextAct(o) != 0 {
		t.Fatalf("%+v", o)
	}
}

func TestOddPaymentsAreABunkerOrACase(t *testing.T) {
	h := [32]byte{1}
	expires := testNow + InvoiceFor.Milliseconds()
	for name, c := range map[string]struct {
		do    func(o *Order) *Order
		state OrderState
		why   Case
		owed  int64
	}{
		"twice told": {func(o *Order) *Order {
			return after(o, testNow, Settled{h, 35_000_000, 1}, Settled{h, 35_000_000, 1}, Making{}, Made{"t"}, Settled{h, 35_000_000, 1})
		}, OrderMade, NoCase, 0},
		"too little": {func(o *Order) *Order { return after(o, testNow, Settled{h, 34_999_999, 1}) }, OrderHeld, CaseUnder, 34_999_999},
		"too much":   {func(o *Order) *Order { return after(o, testNow, Settled{h, 36_000_000, 1}) }, OrderPaid, CaseOver, 1_000_000},
		"late":       {func(o *Order) *Order { return after(o, expires+1, Expired{h}, Settled{h, 35_000_000, 1}) }, OrderPaid, NoCase, 0},
		"much too late": {func(o *Order) *Order {
			return after(o, expires+LateFor.Milliseconds()+1, Expired{h}, Settled{h, 35_000_000, 1})
		}, OrderHeld, CaseLate, 35_000_000},
		"both invoices": {func(o *Order) *Order {
			o = after(o, expires, Expired{h}, Again{}, Invoiced{invoice(2, expires)}, Settled{[32]byte{2}, 35_000_000, 1}, Making{}, Made{"t"})
			return after(o, expires+1, Settled{h, 35_000_000, 1})
		}, OrderMade, CaseTwice, 35_000_000},
		"nothing to renew": {func(o *Order) *Order {
			return after(o, testNow, Settled{h, 35_000_000, 1}, Making{}, NotMade{"it is gone", true})
		}, OrderHeld, CaseGone, 35_000_000},
		"given back instead": {func(o *Order) *Order {
			return after(o, testNow, Settled{h, 35_000_000, 1}, NotMade{"no", false}, Refunded{h, "by hand"})
		}, OrderClosed, CaseBack, 0},
	} {
		o := c.do(after(testOrder(t), testNow, Invoiced{invoice(1, testNow)}))
		if p := o.Payment(h); o.State != c.state || p.Why != c.why || o.OwedMsat() != c.owed || o.IsCase() != (c.owed > 0) {
			t.Errorf("%s: %s, %q, owed %d; want %s, %q, %d", name, o.State, p.Why, o.OwedMsat(), c.state, c.why, c.owed)
		}
	}
}

// TestAPaymentInTimeIsOneHoweverLateItIsHeardOf: the instance was down, or the wallet was
// not reached. A time before there was the invoice says nothing.
func TestAPaymentInTimeIsOneHoweverLateItIsHeardOf(t *testing.T) {
	h := [32]byte{1}
	expires := testNow + InvoiceFor.Milliseconds()
	heard := expires + LateFor.Milliseconds() + 1
	for at, want := range map[int64]OrderState{testNow: OrderPaid, expires: OrderPaid, heard: OrderHeld, heard + 1: OrderHeld, testNow - 1: OrderHeld, 0: OrderHeld} {
		o := after(testOrder(t), testNow, Invoiced{invoice(1, testNow)})
		if o = after(o, heard, Settled{h, 35_000_000, at}); o.State != want {
			t.Errorf("paid %d ms after the invoice: %s, want %s", at-testNow, o.State, want)
		}
	}
}

// TestNobodyForgetsToAsk: an invoice is asked for until the wallet has answered after the
// time for it, though nobody was there meanwhile; then no more, and there is nothing to do.
func TestNobodyForgetsToAsk(t *testing.T) {
	o := after(testOrder(t), testNow, Invoiced{invoice(1, testNow)})
	now := testNow + 100*day.Milliseconds()
	asks := func() bool {
		for _, a := range Acts(o, now) {
			if _, ask := a.(Ask); ask {
				return true
			}
		}
		return false
	}
	for range 3 {
		if !asks() {
			t.Fatal("what was paid while nobody was there is never heard of")
		}
		o = after(o, now, Expired{[32]byte{1}}, Asked{Hash: [32]byte{1}, Silent: true})
		if next := NextAct(o); next <= now || next > now+pollEvery.Milliseconds() {
			t.Fatalf("after a silent wallet the next act is in %d ms", next-now)
		}
		now += pollEvery.Milliseconds()
	}
	if o = after(o, now, Asked{Hash: [32]byte{1}}); asks() || NextAct(o) != 0 {
		t.Errorf("it is asked on, next at %d", NextAct(o))
	}
}

func TestTheProviderMayTakeWhatCameLateOrInPart(t *testing.T) {
	o := after(testOrder(t), testNow, Invoiced{invoice(1, testNow)}, Settled{[32]byte{1}, 30_000_000, 1}, Retry{})
	if o.State != OrderPaid || o.OwedMsat() != 0 || o.Payments[0].TakenMsat != 30_000_000 {
		t.Errorf("%+v", o)
	}
	again, _, changed := Step(o, Refunded{[32]byte{9}, ""}, testNow)
	if changed || again != o {
		t.Error("a payment was given back that there is not")
	}
}

func TestWhatIsBeingMadeIsNotGivenBack(t *testing.T) {
	h := [32]byte{1}
	o := after(testOrder(t), testNow, Invoiced{invoice(1, testNow)}, Settled{h, 35_000_000, 1}, Making{})
	if _, _, changed := Step(o, Refunded{h, ""}, testNow); changed {
		t.Error("it was given back while an instance makes the bunker")
	}
	if _, _, changed := Step(o, Making{}, testNow+1); changed {
		t.Error("a second instance began to make it")
	}
	if _, _, changed := Step(o, Making{}, testNow+MakeLease.Milliseconds()); !changed {
		t.Error("nobody takes it over from an instance that died")
	}
	left := after(o, testNow+1, Left{})
	if _, _, changed := Step(left, Making{}, testNow+1); !changed || NextAct(left) > testNow+1 {
		t.Error("who is alone waits for an instance that died")
	}
	if _, _, changed := Step(after(left, testNow+1, Making{}, Made{"t"}), Left{}, testNow+1); changed {
		t.Error("what is made was left")
	}
}

func TestTriesComeLaterEachTime(t *testing.T) {
	o := after(testOrder(t), testNow, Invoiced{invoice(1, testNow)}, Settled{[32]byte{1}, 35_000_000, 1})
	now, last := testNow, int64(0)
	for i := range 20 {
		o = after(o, now, Making{}, NotMade{"full", false})
		gap := o.NextTry - now
		if gap < last || gap > longestWait.Milliseconds() {
			t.Fatalf("try %d: waits %d ms after %d", i, gap, last)
		}
		if o.IsCase() != (i+1 >= StuckAfter) {
			t.Fatalf("after %d tries in vain: a case is %v", i+1, o.IsCase())
		}
		last, now = gap, o.NextTry
	}
}

func TestAWalletThatMakesNoInvoiceIsGivenUp(t *testing.T) {
	o := testOrder(t)
	for now := testNow; o.State == OrderNew; now = o.NextTry {
		if now > testNow+2*GiveUpAfter.Milliseconds() {
			t.Fatal("it is asked for ever")
		}
		o = after(o, now, NotInvoiced{"no answer"})
	}
	if o.State != OrderLapsed || o.Trouble == "" || !o.MayAgain(testNow+GiveUpAfter.Milliseconds()) {
		t.Errorf("%+v", o)
	}
	if o.MayAgain(testNow + PriceFor.Milliseconds()) {
		t.Error("the price holds for ever")
	}
}

func TestOrdersAreBounded(t *testing.T) {
	many := make([]nostr.PubKey, MaxOrderAdmins+1)
	for i := range many {
		many[i][0] = byte(i)
	}
	for name, try := range map[string]func() (*Order, error){
		"no admin":    func() (*Order, error) { return NewOrder("o", ForBunker, "", nil, 1, 1, 0) },
		"many admins": func() (*Order, error) { return NewOrder("o", ForBunker, "", many, 1, 1, 0) },
		"twice":       func() (*Order, error) { return NewOrder("o", ForBunker, "", []nostr.PubKey{{1}, {1}}, 1, 1, 0) },
		"people":      func() (*Order, error) { return NewOrder("o", ForBunker, "", many[:1], MaxPeople+1, 1, 0) },
		"free":        func() (*Order, error) { return NewOrder("o", ForBunker, "", many[:1], 1, 0, 0) },
		"dear":        func() (*Order, error) { return NewOrder("o", ForBunker, "", many[:1], 1, MaxSats+1, 0) },
		"kind":        func() (*Order, error) { return NewOrder("o", "castle", "", many[:1], 1, 1, 0) },
		"no tenant":   func() (*Order, error) { return NewOrder("o", ForPlan, "", nil, 1, 1, 0) },
		"a tenant":    func() (*Order, error) { return NewOrder("o", ForTrial, "t", many[:1], 1, 1, 0) },
	} {
		if _, err := try(); bunker.AsError(err).Code != bunker.CodeInvalid || bunker.AsError(err).Field == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	o := testOrder(t)
	for i := range byte(MaxInvoices) {
		o = after(o, testNow, Invoiced{invoice(i+1, testNow)}, Expired{[32]byte{i + 1}}, Again{})
	}
	if o.State != OrderLapsed || len(o.Payments) != MaxInvoices {
		t.Errorf("%s with %d invoices", o.State, len(o.Payments))
	}
}

func TestAnOrdersIDComesFromItsSecret(t *testing.T) {
	secret := fmt.Sprintf("%064x", 1)
	a, err := IDOf(secret)
	b, _ := IDOf(secret)
	c, _ := IDOf(fmt.Sprintf("%064x", 2))
	if err != nil || a != b || a == c || len(a) != 33 {
		t.Errorf("%q, %q, %q, %v", a, b, c, err)
	}
	for _, bad := range []string{"", "ab", secret + "0", "zz" + secret[2:]} {
		if _, err := IDOf(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

// world is a wallet and the bunkers that there are: what an order's steps meet.
type world struct {
	t       *rapid.T
	now     int64
	o       *Order
	n       byte
	paid    map[[32]byte]int64 // what came, by the wallet
	bunkers map[OrderID]int
	queue   []Happening // notices on their way
}

// act does an act; a crash may come after it and before the order knows.
func (w *world) act(a Act, crash bool) {
	var h Happening
	switch a := a.(type) {
	case MakeInvoice:
		if w.n++; w.n > 100 || rapid.IntRange(0, 4).Draw(w.t, "wallet") == 0 {
			h = NotInvoiced{"no answer"}
			break
		}
		h = Invoiced{invoice(w.n, w.now)}
	case Ask:
		h = Asked{Hash: a.Hash, Silent: w.n < 100 && rapid.IntRange(0, 3).Draw(w.t, "silent") == 0}
		if m := w.paid[a.Hash]; m > 0 && !h.(Asked).Silent {
			h = Settled{a.Hash, m, w.now}
		}
	case End:
		h = Expired(a)
	case Make:
		before := w.o
		w.step(Making{})
		if w.o == before {
			return
		}
		if rapid.IntRange(0, 4).Draw(w.t, "store") == 0 {
			h = NotMade{"full", false}
			break
		}
		w.bunkers[w.o.ID] = 1 // once for an id
		h = Made{"t"}
	}
	if !crash {
		w.step(h)
	}
}

func (w *world) step(h Happening) {
	before := w.o
	o, _, changed := Step(w.o, h, w.now)
	if changed == (o == before) {
		w.t.Fatalf("%T: changed is %v", h, changed)
	}
	w.o = o
	taken := 0
	for i := range o.Payments {
		p := &o.Payments[i]
		if p.TakenMsat > 0 {
			taken++
		}
		if p.TakenMsat < 0 || p.TakenMsat > p.PaidMsat || p.PaidMsat != 0 && p.State != PaymentSettled {
			w.t.Fatalf("%T: %+v", h, p)
		}
		if was := before.Payment(p.Hash); was != nil && was.PaidMsat > 0 && was.PaidMsat != p.PaidMsat {
			w.t.Fatalf("%T: what was paid became %d from %d", h, p.PaidMsat, was.PaidMsat)
		}
	}
	if bought := o.State == OrderPaid || o.State == OrderMade; taken > 1 || (taken == 1) != bought {
		w.t.Fatalf("%T: %s with %d payments that bought it", h, o.State, taken)
	}
	if before.State == OrderMade && (o.State != OrderMade || o.Tenant != before.Tenant) {
		w.t.Fatalf("%T: a bunker that was made became %s", h, o.State)
	}
}

// TestNoPaymentIsLostWhateverHappens: with happenings that are lost, doubled, reordered, and
// crashes anywhere, in the end every payment has bought the one bunker of its order, or it
// is owed and shown, or given back; and there is a bunker only where one is paid.
func TestNoPaymentIsLostWhateverHappens(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := &world{t: t, now: testNow, o: testOrder(t2{}), paid: map[[32]byte]int64{}, bunkers: map[OrderID]int{}}
		for range rapid.IntRange(5, 60).Draw(t, "steps") {
			w.now += rapid.Int64Range(0, 2*time.Hour.Milliseconds()).Draw(t, "later")
			if rapid.IntRange(0, 30).Draw(t, "nobody is there") == 0 {
				w.now += 12 * day.Milliseconds()
			}
			switch rapid.IntRange(0, 7).Draw(t, "what") {
			case 0, 1, 2:
				if acts := Acts(w.o, w.now); len(acts) > 0 {
					w.act(acts[rapid.IntRange(0, len(acts)-1).Draw(t, "act")], rapid.IntRange(0, 3).Draw(t, "crash") == 0)
				}
			case 3, 4: // somebody pays, whatever the invoice's state by our account
				if len(w.o.Payments) > 0 {
					p := w.o.Payments[rapid.IntRange(0, len(w.o.Payments)-1).Draw(t, "invoice")]
					if w.paid[p.Hash] == 0 && w.now < p.ExpiresAt+LateFor.Milliseconds() {
						w.paid[p.Hash] = rapid.SampledFrom([]int64{35_000_000, 34_000_000, 40_000_000}).Draw(t, "msat")
						h := Settled{p.Hash, w.paid[p.Hash], w.now}
						w.queue = append(w.queue, h, h)
					}
				}
			case 5: // a notice comes, any of them, perhaps again
				if len(w.queue) > 0 {
					w.step(w.queue[rapid.IntRange(0, len(w.queue)-1).Draw(t, "notice")])
				}
			case 6:
				w.step(rapid.SampledFrom([]Happening{Again{}, Retry{}, Left{}, Made{"other"}, NotMade{"no", false}, Settled{[32]byte{200}, 5, 0}}).Draw(t, "any"))
				if w.o.State == OrderMade {
					w.bunkers[w.o.ID] = 1
				}
			case 7:
				for _, p := range w.o.Payments {
					if p.OwedMsat() > 0 {
						w.step(Refunded{p.Hash, "given back"})
						break
					}
				}
			}
		}
		w.settle()
	})
}

// settle lets everything be done that is still to be done, and then counts.
func (w *world) settle() {
	for range 2000 {
		acts := Acts(w.o, w.now)
		for _, a := range acts {
			w.act(a, false)
		}
		if len(acts) > 0 {
			continue
		}
		next := NextAct(w.o)
		if next == 0 {
			break
		}
		w.now = max(w.now, next)
	}
	if NextAct(w.o) != 0 {
		w.t.Fatalf("it never rests: %+v", w.o)
	}
	for hash, came := range w.paid {
		p := w.o.Payment(hash)
		if p == nil || p.PaidMsat != came {
			w.t.Fatalf("a payment of %d was not seen: %+v", came, p)
		}
		bought := w.o.State == OrderMade && p.TakenMsat > 0
		if !bought && p.OwedMsat() == 0 && p.RefundedAt == 0 {
			w.t.Fatalf("a payment is neither a bunker nor a case: %+v of %s", p, w.o.State)
		}
		if p.TakenMsat+p.OwedMsat() != came && p.RefundedAt == 0 {
			w.t.Fatalf("money is missing: %+v", p)
		}
	}
	if w.o.OwedMsat() > 0 && !w.o.IsCase() {
		w.t.Fatal("a debt is not shown")
	}
	if (w.o.State == OrderMade) != (w.bunkers[w.o.ID] == 1) && w.o.State != OrderClosed && w.o.State != OrderHeld {
		w.t.Fatalf("%s and %d bunkers", w.o.State, w.bunkers[w.o.ID])
	}
}

// t2 lets testOrder be used where there is no testing.TB; it makes no errors here.
type t2 struct{ testing.TB }

func (t2) Helper()           {}
func (t2) Fatal(args ...any) { panic(fmt.Sprint(args...)) }
