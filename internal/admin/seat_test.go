package admin

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/host"
	"nsecbunker/internal/store"
)

// quota gives the bunker what a provider would.
func (f *fixture) quota(q bunker.Quota) {
	f.t.Helper()
	err := f.store.Change(context.Background(), bunker.SelfHosted, System(), func(tx *store.Tx) error {
		if err := tx.PutQuota(q); err != nil {
			return err
		}
		return tx.Audit(bunker.AuditRecord{Action: "test"})
	})
	if err != nil {
		f.t.Fatal(err)
	}
}

func TestNoKeyIsAddedBeyondTheQuota(t *testing.T) {
	f := setUp(t)
	have := len(get(f.do("key.list", nil), "keys").([]any))
	f.quota(bunker.Quota{People: 1, Keys: int64(have) + 1, Rate: 1})
	f.do("key.add", m{"name": "last"})
	f.refused(bunker.CodeRestricted, "ask the provider", "key.add", m{"name": "more"})
	f.refused(bunker.CodeRestricted, "ask the provider", "key.import", m{"name": "more", "secret": strings.Repeat("7", 64)})
	f.do("key.rename", m{"key": "last", "name": "renamed"})
	// One that can be brought back still has its place.
	f.do("key.delete", m{"key": "renamed"})
	f.refused(bunker.CodeRestricted, "of which 1 will be gone", "key.add", m{"name": "more"})
	f.do("key.restore", m{"key": "renamed"})
	f.quota(bunker.Quota{Unlimited: true})
	f.do("key.add", m{"name": "more"})
}

func TestWhoHoldsSeatsIsListed(t *testing.T) {
	f := setUp(t)
	if v := f.do("seat.list", nil); get(v, "quota") != nil || len(get(v, "seats").([]any)) != 0 {
		t.Errorf("a bunker of one's own: %v", v)
	}
	if get(f.do("status", nil), "quota") != nil {
		t.Error("status of a bunker of one's own has a quota")
	}
	f.quota(bunker.Quota{People: 2, Keys: 5, Rate: 9})
	f.do("key.add", m{"name": "ours"})
	day := host.Day(f.clock.Now().UnixMilli())
	for i := range host.ManyApps + 1 {
		f.seated("ours", "Ann", day, byte(i))
	}
	f.seated("ours", "", day-3, 200)
	f.seated("ours", "Bob", day-host.SeatDays-1, 201)
	v := f.do("seat.list", nil)
	if got := fmt.Sprint(get(v, "quota", "taken"), get(v, "quota", "people"), get(v, "quota", "keys"), get(v, "quota", "rate")); got != "2 2 5 9" {
		t.Errorf("the quota: %s", got)
	}
	seats := get(v, "seats").([]any)
	if len(seats) != 2 {
		t.Fatalf("%v", seats)
	}
	ann, app := seats[0].(m), seats[1].(m)
	if ann["person"] != "Ann" || ann["apps"] != float64(host.ManyApps+1) || ann["many"] != true {
		t.Errorf("%v", ann)
	}
	if app["person"] != nil || app["name"] != "app 200" || app["many"] != nil || !strings.HasPrefix(fmt.Sprint(app["npub"]), "npub1") {
		t.Errorf("%v", app)
	}
	s := f.do("status", nil)
	words := fmt.Sprint(get(s, "warnings"))
	if get(s, "quota", "taken") != 2.0 || !strings.Contains(words, "2 of 2 seats are taken") || !strings.Contains(words, "Ann uses 11 apps") {
		t.Errorf("%v: %s", get(s, "quota"), words)
	}
}

// seated makes a connection on which something was allowed last on a day.
func (f *fixture) seated(key, person string, day int64, client byte) {
	f.t.Helper()
	c := &bunker.Connection{
		Tenant: bunker.SelfHosted, ID: bunker.NewConnectionID(), Key: f.keyRow(key).ID, Signer: pubOf(250), Client: [32]byte{client, 1},
		State: bunker.ConnActive, Name: fmt.Sprintf("app %d", client), Person: person, CreatedAt: 1,
	}
	err := f.store.Change(context.Background(), bunker.SelfHosted, System(), func(tx *store.Tx) error {
		if err := tx.PutConnection(c); err != nil {
			return err
		}
		return tx.Audit(bunker.AuditRecord{Action: "test"})
	})
	if err != nil {
		f.t.Fatal(err)
	}
	f.tamper(fmt.Sprintf("UPDATE connection SET seat_day = %d WHERE id = '%s'", day, c.ID))
}
