package lease

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr"
)

// Each instance that lives has its share; what one held that died, or hangs, is taken
// over within ten seconds, and given back when it returns.
func TestLeasesAreSharedOutAndTakenOverWithinTenSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop()
		a, b, c := join(t, s, "a"), join(t, s, "b"), join(t, s, "c")
		time.Sleep(5 * time.Second)
		for _, m := range []*member{a, b, c} {
			if n := m.count(); n < 5 || n > 6 {
				t.Errorf("%d of %d parts", n, parts+1)
			}
		}
		c.end() // without a word, as a kill is
		<-c.ended
		s.cutOff("b", true)
		time.Sleep(10 * time.Second)
		if n := a.count(); n != parts+1 || !a.DoesJobs() {
			t.Errorf("after ten seconds the one that is left has %d of %d", n, parts+1)
		}
		var p nostr.PubKey
		if !a.Hears("self", p) || b.Hears("self", p) || b.DoesJobs() {
			t.Error("who is cut off hears on")
		}
		s.cutOff("b", false)
		time.Sleep(5 * time.Second)
		if x, y := a.count(), b.count(); x+y != parts+1 || x-y > 1 || y-x > 1 {
			t.Errorf("%d and %d", x, y)
		}
		a.end()
		b.end()
	})
}

// Cut off from the store, an instance stops signing within two seconds of the last beat
// and wipes after ten; it takes up again when the store is back.
func TestAnInstanceThatIsCutOffStopsAndThenWipes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop()
		m := join(t, s, "a")
		defer m.end()
		time.Sleep(3*time.Second + 500*time.Millisecond)
		if why := m.Working(); why != "" {
			t.Fatal(why)
		}
		s.cutOff("a", true)
		time.Sleep(2 * time.Second)
		if m.Working() == "" {
			t.Error("it signs two seconds after it was cut off")
		}
		time.Sleep(7 * time.Second)
		if m.says("wipe") != 0 {
			t.Error("wiped too early")
		}
		time.Sleep(2 * time.Second)
		if m.says("wipe") != 1 {
			t.Errorf("eleven seconds after the cut: wiped %d times", m.says("wipe"))
		}
		s.cutOff("a", false)
		time.Sleep(3 * time.Second)
		if why := m.Working(); why != "" || m.says("back") != 1 || m.count() != parts+1 {
			t.Errorf("%q, back %d times, %d leases", why, m.says("back"), m.count())
		}
	})
}

// What is stored is a sign of life: while commits succeed, a beat that is late is no cut;
// but the others take it for dead then, and do not wait for it any more, so it stops.
func TestACommitIsASignOfLifeUntilTheOthersTakeItForDead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop()
		m := join(t, s, "a")
		defer m.end()
		if m.Working() == "" {
			t.Error("it signs before it has heard of the others")
		}
		time.Sleep(10 * time.Millisecond)
		m.Keeper.mu.Lock()
		m.Reached = time.Now
		m.Keeper.mu.Unlock()
		s.cutOff("a", true)
		time.Sleep(4 * time.Second)
		if why := m.Working(); why != "" {
			t.Errorf("after four seconds: %s", why)
		}
		time.Sleep(16 * time.Second)
		if m.Working() == "" || m.says("wipe") != 0 {
			t.Errorf("it signs though nobody waits for it; wiped %d times", m.says("wipe"))
		}
	})
}

// An instance that was taken for dead signs nothing before it has followed what was
// ordered meanwhile: nobody waited for it, and a key may have been sealed.
func TestWhoComesBackFollowsBeforeItSigns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop()
		m := join(t, s, "a")
		defer m.end()
		m.slow = 2 * time.Second
		time.Sleep(3*time.Second + 500*time.Millisecond)
		s.cutOff("a", true)
		time.Sleep(7 * time.Second)
		for range 2 * told {
			s.orderOf("b", bunker.TenantID(fmt.Sprint(rand.Uint64()))) // none is like another
		}
		s.cutOff("a", false)
		for range 100 {
			time.Sleep(200 * time.Millisecond)
			synctest.Wait()
			m.mu.Lock()
			n := len(m.followed)
			m.mu.Unlock()
			if signs := m.Working() == ""; signs != (n == 2*told) {
				t.Fatalf("it signs: %t, having followed %d of %d", signs, n, 2*told)
			}
		}
	})
}

// Whatever stood still, the process or its machine: after it the first beat that is taken
// wipes first, if it comes ten seconds late or if orders have been forgotten meanwhile.
func TestWhoStoodStillWipesBeforeItGoesOn(t *testing.T) {
	for name, late := range map[string]time.Duration{"fifteen seconds": 15 * time.Second, "orders forgotten": 0} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newShop()
				var k *Keeper
				wiped := 0
				k, err := New(Config{
					Rows: s, Me: bunker.Instance{ID: "a"}, Parts: parts, Name: part, Jobs: "jobs", Dead: dead,
					Follow: func(context.Context, bunker.InstanceOrder) {}, Guests: func(context.Context, []bunker.TenantID) {},
					Moved: func() {}, Shifted: func([]bunker.TenantID) {}, Back: func() {},
					Wipe: func() {
						if wiped++; k.Working() == "" {
							t.Error("it signs while it wipes")
						}
					},
					Schema: func(int64) error { return nil }, Tell: func(context.Context, bunker.HintKind) {}, Log: slog.New(slog.DiscardHandler),
				})
				if err != nil {
					t.Fatal(err)
				}
				if err := k.beat(t.Context()); err != nil {
					t.Fatal(err)
				}
				if late == 0 {
					s.order("b")
					s.order("b")
					s.orders = s.orders[1:]
				}
				time.Sleep(late) // nobody watches
				if err := k.beat(t.Context()); err != nil || wiped != 1 {
					t.Errorf("wiped %d times, %v", wiped, err)
				}
				if err := k.beat(t.Context()); err != nil || late == 0 && wiped == 0 {
					t.Errorf("wiped %d times, %v", wiped, err)
				}
			})
		})
	}
}

func TestAnOrderIsFollowedByAllWhoLiveOrTheyAreNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop()
		a, b := join(t, s, "a"), join(t, s, "b")
		defer a.end()
		defer b.end()
		time.Sleep(3 * time.Second)
		within := func(d time.Duration, no int64) []string {
			ctx, cancel := context.WithTimeout(t.Context(), d)
			defer cancel()
			return a.Followed(ctx, no)
		}
		if missing := within(8*time.Second, s.order("a")); missing != nil {
			t.Errorf("missing: %v", missing)
		}
		for range 3 {
			s.order("b")
		}
		last := s.order("a")
		if missing := within(8*time.Second, last); missing != nil {
			t.Errorf("missing: %v", missing)
		}
		synctest.Wait()
		if want := []int64{1, 5}; !slices.Equal(b.followed, want) { // its own are done; of several alike the last is enough
			t.Errorf("followed %v, want %v", b.followed, want)
		}
		b.slow = 5 * time.Second
		no := s.order("a")
		if missing := within(2*time.Second, no); !slices.Equal(missing, []string{"instance b"}) {
			t.Errorf("missing: %v", missing)
		}
		if missing := within(8*time.Second, no); missing != nil {
			t.Errorf("missing: %v", missing)
		}
		s.cutOff("b", true)
		began := time.Now()
		if missing := within(8*time.Second, s.order("a")); missing != nil {
			t.Errorf("the dead are waited for: %v", missing)
		}
		if waited := time.Since(began); waited > dead+time.Second {
			t.Errorf("waited %s", waited)
		}
	})
}

func TestADrainedInstanceHoldsNothingAndMayTakeItsShareAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop()
		a, b := join(t, s, "a"), join(t, s, "b")
		defer a.end()
		defer b.end()
		time.Sleep(5 * time.Second)
		if a.Alone() || !a.Taken() {
			t.Error("alone, or something is nobody's")
		}
		if err := a.Drain(t.Context(), true); err != nil {
			t.Fatal(err)
		}
		if a.count() != 0 || !a.Draining() || a.Working() != "" {
			t.Errorf("%d held, %q", a.count(), a.Working())
		}
		time.Sleep(4 * time.Second)
		if b.count() != parts+1 || !a.Taken() {
			t.Errorf("the other one has %d", b.count())
		}
		if err := a.Drain(t.Context(), false); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * time.Second)
		if a.count() < parts/2 {
			t.Errorf("%d taken again", a.count())
		}
	})
}

func TestASchemaThatAsksForANewerProgramEndsTheInstance(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop()
		m := join(t, s, "a")
		time.Sleep(2 * time.Second)
		s.mu.Lock()
		s.minimum = 101
		s.mu.Unlock()
		if err := <-m.ended; err == nil {
			t.Error("it goes on")
		}
	})
}

// Whatever the standing, nobody takes more than there is or more than a share, and
// nobody gives what would leave him with less.
func TestPlansLeadToEqualShares(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 110))
	for range 2000 {
		st := bunker.Standing{Now: 1_000_000, Leases: map[string]bunker.InstanceID{}}
		n := 1 + rng.IntN(6)
		alive := map[bunker.InstanceID]bool{"i0": true}
		for i := range n {
			in := bunker.Instance{ID: bunker.InstanceID(fmt.Sprint("i", i)), Beat: st.Now - int64(rng.IntN(12_000)), Draining: rng.IntN(5) == 0}
			if i == 0 {
				in.Beat, in.Draining = st.Now, false
			}
			if st.Now-in.Beat < dead.Milliseconds() && !in.Draining {
				alive[in.ID] = true
			}
			st.Instances = append(st.Instances, in)
		}
		mine, free := 0, 0
		for l := range parts {
			of := bunker.InstanceID(fmt.Sprint("i", rng.IntN(n+1)))
			st.Leases[part(l)] = of
			if of == "i0" {
				mine++
			} else if !alive[of] {
				free++
			}
		}
		share := (parts + len(alive) - 1) / len(alive)
		p := plan(&st, "i0", dead, false)
		if p.All || p.Take < 0 || p.Give < 0 || p.Take > free || p.Take > 0 && mine+p.Take > share || p.Give > 0 && mine-p.Give < share ||
			p.Take == 0 && p.Give == 0 && mine > share {
			t.Fatalf("%+v with %d of %d, %d free, share %d", p, mine, parts, free, share)
		}
	}
	if !plan(&bunker.Standing{}, "i0", dead, true).All {
		t.Error("who drains keeps something")
	}
}

func TestPartsAreSpread(t *testing.T) {
	count := make([]int, parts)
	for i := range 16_000 {
		count[Part(nostr.PubKey{byte(i), byte(i >> 8)}, parts)]++
	}
	for p, n := range count {
		if n < 850 || n > 1150 {
			t.Errorf("part %d has %d of 16,000 keys", p, n)
		}
	}
}

// hearers are who hears a key of a tenant.
func hearers(p nostr.PubKey, t bunker.TenantID, all ...*member) (out []string) {
	for _, m := range all {
		if m.Hears(t, p) {
			out = append(out, string(m.Me.ID))
		}
	}
	return out
}

// A tenant's keys are heard where it is open: by one instance each, whoever holds their
// parts; where it is open nowhere, by those who hold them; and after the death of who had
// it open as before.
func TestKeysAreHeardWhereTheirTenantIsOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop()
		a, b, c := join(t, s, "a"), join(t, s, "b"), join(t, s, "c")
		all := []*member{a, b, c}
		time.Sleep(5 * time.Second)
		keys := make([]nostr.PubKey, 64)
		for i := range keys {
			keys[i][0] = byte(i)
		}
		per := func(tenant bunker.TenantID) map[string]int {
			n := map[string]int{}
			for _, p := range keys {
				h := hearers(p, tenant, all...)
				if len(h) != 1 {
					t.Fatalf("%v hear a key of %s", h, tenant)
				}
				n[h[0]]++
			}
			return n
		}
		if n := per("g"); len(n) != 3 {
			t.Errorf("open nowhere: %v", n)
		}
		for _, tenant := range []bunker.TenantID{"g", "h", "i", "j", "k"} { // more than are told at once
			b.Open(tenant, true)
		}
		time.Sleep(2 * time.Second)
		for _, tenant := range []bunker.TenantID{"g", "h", "k"} {
			if n := per(tenant); n["b"] != len(keys) || !a.OpenElsewhere(tenant) || b.OpenElsewhere(tenant) {
				t.Errorf("%s is open on b: %v", tenant, n)
			}
		}
		if a.DoesJobsOf("g") || !b.DoesJobsOf("g") || c.DoesJobsOf("g") {
			t.Error("b alone can do the jobs of g")
		}
		if a.says("shifted g") != 1 || b.says("shifted g") != 0 {
			t.Error("the others are not told once")
		}
		c.Open("g", true)
		time.Sleep(2 * time.Second)
		if n := per("g"); n["a"] != 0 || n["b"] == 0 || n["c"] == 0 {
			t.Errorf("open on b and c: %v", n)
		}
		b.Open("g", false)
		b.Open("h", false)
		b.Open("h", true) // before anybody could be told
		time.Sleep(2 * time.Second)
		if n := per("g"); n["c"] != len(keys) {
			t.Errorf("sealed on b: %v", n)
		}
		if n := per("h"); n["b"] != len(keys) {
			t.Errorf("sealed and opened: %v", n)
		}
		b.end()
		<-b.ended
		all = []*member{a, c}
		time.Sleep(10 * time.Second)
		if n := per("h"); len(n) != 2 || a.OpenElsewhere("h") {
			t.Errorf("b is dead, and h is open nowhere: %v", n)
		}
		s.forget("b")
		s.forget("c") // its rows only: it says everything anew
		time.Sleep(3 * time.Second)
		if n := per("g"); n["c"] != len(keys) {
			t.Errorf("what c had said was lost: %v", n)
		}
		if err := c.Drain(t.Context(), true); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Second)
		if n := per("g"); n["a"] != len(keys) {
			t.Errorf("c gives up what it hears: %v", n)
		}
		a.Forget("g")
		a.end()
		c.end()
	})
}

// Tenants that another instance made, held or ended are taken in once each, in order.
func TestTenantsThatChangedAreTakenInOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop()
		s.guests = []bunker.TenantMoved{{Tenant: "x", At: 7}}
		a := join(t, s, "a")
		time.Sleep(3 * time.Second)
		s.mu.Lock()
		s.guests = append(s.guests, bunker.TenantMoved{Tenant: "y", At: 9}, bunker.TenantMoved{Tenant: "x", At: 12})
		s.mu.Unlock()
		time.Sleep(3 * time.Second)
		a.mu.Lock()
		defer a.mu.Unlock()
		if fmt.Sprint(a.guests) != "[x y x]" {
			t.Errorf("%v", a.guests)
		}
		a.end()
	})
}
