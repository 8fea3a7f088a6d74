package store

import (
	"context"
	"crypto/rand"
	"fmt"
	"testing"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/host"
	"nsecbunker/nostr"
)

func (f *fixture) quota(people int64) {
	f.t.Helper()
	f.change(func(tx *Tx) error { return tx.PutQuota(bunker.Quota{People: people, Keys: 5, Rate: 100}) })
}

// addPerson makes a connection that is for a person; "": for nobody in particular.
func (f *fixture) addPerson(k *bunker.UserKey, person string) *bunker.Connection {
	f.t.Helper()
	c := f.addConnection(k)
	if person == "" {
		return c
	}
	f.change(func(tx *Tx) error {
		c.Person = person
		return tx.PutConnection(c)
	})
	return c
}

// seated is an allowed request that needs a seat.
func (f *fixture) seated(c *bunker.Connection) *bunker.Entry {
	f.t.Helper()
	e := f.entry(c)
	e.Seat = true
	return e
}

func (f *fixture) expectSeats(c *bunker.Connection, want host.Seating) {
	f.t.Helper()
	got, err := f.Seating(context.Background(), c.Tenant, c.Person, c.Client)
	if err != nil || got != want {
		f.t.Errorf("the seats as seen by %q: %+v, %v, not %+v", c.Person, got, err, want)
	}
}

func lastSeat(t *testing.T, f *fixture) {
	k := f.addKey("herald")
	f.quota(3)
	for _, person := range []string{"Ann", ""} {
		f.mustCommit(f.seated(f.addPerson(k, person)))
	}
	var conns []*bunker.Connection
	for i := range 64 {
		person := ""
		if i%2 == 0 {
			person = fmt.Sprintf("P%d", i)
		}
		conns = append(conns, f.addPerson(k, person))
	}
	before := f.count("request")
	outcomes := f.commitAll(len(conns), func(i int) *bunker.Entry { return f.seated(conns[i]) })
	if outcomes[bunker.Committed] != 1 || outcomes[bunker.Moved] != 63 {
		t.Errorf("for one seat: %v", outcomes)
	}
	f.expectRows("request", before+1)
	list, err := f.Seated(context.Background(), bunker.SelfHosted, Page{})
	if err != nil || len(list) != 3 || len(host.Holders(list)) != 3 {
		t.Errorf("%d hold seats, %v", len(list), err)
	}
	f.expectWhole()
}

func seatOfPerson(t *testing.T, f *fixture) {
	k := f.addKey("herald")
	f.quota(1)
	phone, desk, other := f.addPerson(k, "Ann"), f.addPerson(k, "Ann"), f.addPerson(k, "")
	f.mustCommit(f.seated(phone))
	if got, want := f.view(phone).Connection.SeatDay, host.Day(f.clock.Now().UnixMilli()); got != want {
		t.Errorf("the view says day %d, not %d", got, want)
	}
	f.mustCommit(f.seated(phone)) // once more on the same day
	f.mustCommit(f.seated(desk))
	f.expectSeats(desk, host.Seating{Held: true, Taken: 1})
	f.expectSeats(other, host.Seating{Taken: 1})
	if r := f.commit(f.seated(other)); r.Outcome != bunker.Moved {
		t.Errorf("a second one on one seat: outcome %d, %v", r.Outcome, r.Err)
	}
	// Whom a connection is for is read as it is now.
	f.change(func(tx *Tx) error {
		other = f.view(other).Connection
		other.Person = "Ann"
		return tx.PutConnection(other)
	})
	f.mustCommit(f.seated(other))
	f.expectSeats(other, host.Seating{Held: true, Taken: 1})
}

func seatDays(t *testing.T, f *fixture) {
	k := f.addKey("herald")
	f.quota(1)
	ann, bob := f.addPerson(k, "Ann"), f.addPerson(k, "Bob")
	f.mustCommit(f.seated(ann))
	f.clock.add(host.SeatDays * 24 * time.Hour)
	if r := f.commit(f.seated(bob)); r.Outcome != bunker.Moved {
		t.Errorf("on the last of its days: outcome %d, %v", r.Outcome, r.Err)
	}
	f.clock.add(24 * time.Hour)
	f.mustCommit(f.seated(bob))
	f.expectSeats(bob, host.Seating{Held: true, Taken: 1})
	if r := f.commit(f.seated(ann)); r.Outcome != bunker.Moved {
		t.Errorf("one whose seat went: outcome %d, %v", r.Outcome, r.Err)
	}
}

func seatsLowered(t *testing.T, f *fixture) {
	k := f.addKey("herald")
	f.quota(2)
	ann, bob, eve := f.addPerson(k, "Ann"), f.addPerson(k, "Bob"), f.addPerson(k, "Eve")
	f.mustCommit(f.seated(ann))
	f.mustCommit(f.seated(bob))
	f.quota(1)
	f.clock.add(24 * time.Hour)
	f.mustCommit(f.seated(ann))
	f.mustCommit(f.seated(bob))
	if r := f.commit(f.seated(eve)); r.Outcome != bunker.Moved {
		t.Errorf("a third one: outcome %d, %v", r.Outcome, r.Err)
	}
	// The provider's word needs no root key.
	f.auth.sealed.Store(true)
	f.quota(3)
	f.auth.sealed.Store(false)
	f.mustCommit(f.seated(eve))
	if q := f.view(eve).Tenant.Quota; q != (bunker.Quota{People: 3, Keys: 5, Rate: 100}) {
		t.Errorf("the quota is %+v", q)
	}
	f.expectWhole()
}

func seatsUnlimited(t *testing.T, f *fixture) {
	c := f.addPerson(f.addKey("herald"), "Ann")
	if q := f.view(c).Tenant.Quota; q != (bunker.Quota{Unlimited: true}) {
		t.Errorf("a bunker of one's own has the quota %+v", q)
	}
	f.mustCommit(f.seated(c))
	f.expectSeats(c, host.Seating{})
	// Another tenant that nobody gave anything has nothing.
	if err := f.createTenant(context.Background(), "other"); err != nil {
		t.Fatal(err)
	}
	if st, _, err := f.Tenant(context.Background(), "other"); err != nil || st.Quota != (bunker.Quota{}) {
		t.Errorf("%+v, %v", st.Quota, err)
	}
}

// BenchmarkSeatAmongMany is what the first request of a day costs, of a bunker with
// many seats taken.
func BenchmarkSeatAmongMany(b *testing.B) {
	f := newFixture(b)
	k := f.addKey("herald")
	f.quota(10_000)
	for range 1000 {
		f.mustCommit(f.seated(f.addConnection(k)))
	}
	c := f.addConnection(k)
	b.Run("seating", func(b *testing.B) {
		for b.Loop() {
			if _, err := f.Seating(context.Background(), c.Tenant, c.Person, c.Client); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("with a seat", func(b *testing.B) {
		for b.Loop() {
			f.mustCommit(f.seated(c))
		}
	})
	b.Run("without", func(b *testing.B) {
		for b.Loop() {
			f.mustCommit(f.entry(c))
		}
	})
}

// A tenant makes as many links as its people may need, and no more: their keys are in memory
// and on relays that all tenants share. The house is not held to it.
func TestLinksAreBoundedByTheQuota(t *testing.T) {
	f := newFixture(t)
	most := host.MostLinks(&bunker.Quota{People: 1})
	add := func(n int64) error {
		return f.tryChange(func(tx *Tx) error {
			for range n {
				var pub nostr.PubKey
				rand.Read(pub[:])
				if err := tx.AddServiceKey(&bunker.ServiceKey{Tenant: bunker.SelfHosted, PubKey: pub, Role: bunker.RoleSigner, Ciphertext: []byte("x")}); err != nil {
					return err
				}
			}
			return nil
		})
	}
	f.change(func(tx *Tx) error { return tx.PutQuota(bunker.Quota{People: 1, Keys: 5, Rate: 100}) })
	if err := add(most); err != nil {
		t.Fatal(err)
	}
	if err := add(1); bunker.AsError(err).Code != bunker.CodeRestricted {
		t.Errorf("one link more: %v", err)
	}
	f.change(func(tx *Tx) error { return tx.PutQuota(bunker.Quota{People: 2, Keys: 5, Rate: 100}) })
	if err := add(1); err != nil {
		t.Errorf("for one person more: %v", err)
	}
	f.change(func(tx *Tx) error { return tx.PutQuota(bunker.Quota{Unlimited: true}) })
	if err := add(most); err != nil {
		t.Errorf("without a quota: %v", err)
	}
}
