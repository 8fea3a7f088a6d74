package orders

import (
	"context"
	"errors"
	mathrand "math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/host"
)

// many is how many orders there are at once; a tenth with -short. Under the race
// detector, which makes each ten times as slow, a fifth shows the same.
func many() int {
	switch {
	case testing.Short():
		return 100
	case raceDetector:
		return 200
	}
	return 1000
}

// TestEveryPaidOrderIsOneBunker: a thousand orders at once, of a wallet and a store that
// have hiccups; notices of payments are doubled, come in any order, and some never.
func TestEveryPaidOrderIsOneBunker(t *testing.T) {
	engines(t, func(t *testing.T, database string) {
		s := newShop(t, database, &fast{from: time.Now(), times: 4})
		s.wallet.refuse, s.bunkers.refuse = 5, 5
		s.run()
		n := many()
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
		defer cancel()
		type buyer struct {
			secret string
			pays   int64 // msat for each sat that is asked for; 0: does not
			lost   bool  // its notice
		}
		buyers := make([]buyer, n)
		notices := make(chan bunker.Invoice, 3*n)
		var wg sync.WaitGroup
		errs := make([]error, n)
		for i := range buyers {
			b := &buyers[i]
			*b = buyer{newSecret(), []int64{0, 1000, 1000, 1000, 1000, 1000, 1000, 1000, 1100, 900}[i%10], i%3 == 0}
			wg.Go(func() {
				errs[i] = func() error {
					w := host.Wanted{Secret: b.secret, Kind: host.ForBunker, Admins: []string{anNpub()}, People: int64(1 + i%20)}
					for range 2 { // the first answer is lost: sent again
						if _, err := s.Buy(ctx, w); err != nil {
							return err
						}
					}
					v, err := s.Look(ctx, b.secret, 0, 0)
					for err == nil && v.Order.Open() == nil {
						v, err = s.Look(ctx, b.secret, v.Order.Version, time.Second)
					}
					if err != nil || b.pays == 0 {
						return err
					}
					inv, err := s.wallet.pay(v.Order.Open().Bolt11, v.Order.Sats*b.pays)
					for range 1 + i%3 {
						if !b.lost {
							notices <- inv
						}
					}
					return err
				}()
			})
		}
		wg.Wait()
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
		close(notices)
		var all []bunker.Invoice
		for inv := range notices {
			all = append(all, inv)
		}
		mathrand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		for _, inv := range all {
			s.wallet.notices <- inv
		}
		want := 0
		for _, b := range buyers {
			state, owed := host.OrderMade, int64(0)
			switch b.pays {
			case 0:
				state = host.OrderInvoiced
			case 900:
				state = host.OrderHeld
			}
			v := s.until(b.secret, in(state))
			if b.pays == 900 || b.pays == 1100 {
				owed = v.Order.Sats * (b.pays % 1000)
				if b.pays == 900 {
					owed = v.Order.Sats * 900
				}
			}
			if v.Order.OwedMsat() != owed || v.Order.IsCase() != (owed > 0) {
				t.Errorf("an order of which %d msat a sat came: %+v", b.pays, v.Order)
			}
			_, err := os.Stat(filepath.Join(s.sold, "t"+string(v.Order.ID)))
			if made := err == nil; made != (state == host.OrderMade) {
				t.Errorf("an order that is %s: its bunker is there: %v", state, made)
			}
			if state == host.OrderMade {
				want++
				if v.Order.Tenant == "" || v.Ready == nil || v.Plan == nil || v.Plan.People != v.Order.People {
					t.Errorf("a made order: %+v", v)
				}
			}
		}
		if got := s.made(); got != want {
			t.Errorf("%d bunkers for %d paid orders", got, want)
		}
		t.Logf("%d orders, %d paid in full, %d bunkers", n, want, s.made())
	})
}

// TestTwoDesksMakeOneBunker: two instances on one store, both with everything to do.
func TestTwoDesksMakeOneBunker(t *testing.T) {
	s := newShop(t, "", &fast{from: time.Now(), times: 4})
	s.run()
	other, err := New(s.Desk.Config)
	if err != nil {
		t.Fatal(err)
	}
	two := &shop{t: t, Desk: other}
	two.run()
	for range 6 {
		secret := newSecret()
		if _, err := s.Buy(context.Background(), host.Wanted{Secret: secret, Kind: host.ForTrial, Admins: []string{anNpub()}}); err != nil {
			t.Fatal(err)
		}
		v := two.until(secret, func(v host.View) bool { return v.Order.Open() != nil })
		if len(v.Order.Payments) != 1 {
			t.Errorf("%d invoices", len(v.Order.Payments))
		}
		inv, err := s.wallet.pay(v.Order.Open().Bolt11, 1_000_000)
		if err != nil {
			t.Fatal(err)
		}
		s.wallet.notices <- inv // either of them hears it
		s.until(secret, in(host.OrderMade))
	}
	if s.made() != 6 {
		t.Errorf("%d bunkers", s.made())
	}
}
