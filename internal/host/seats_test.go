package host

import (
	"testing"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr"
)

func TestASeatIsHeldForItsDaysAndNoLonger(t *testing.T) {
	at := time.Date(2026, 3, 1, 23, 59, 0, 0, time.UTC)
	day := Day(at.UnixMilli())
	for after, held := range map[time.Duration]bool{
		0: true, SeatDays * 24 * time.Hour: true, (SeatDays + 1) * 24 * time.Hour: false, SeatDays*24*time.Hour + 2*time.Minute: false,
		SeatDays*24*time.Hour - time.Minute: true,
	} {
		if got := day >= SeatsSince(at.Add(after).UnixMilli()); got != held {
			t.Errorf("%v after an allow the seat is held: %t", after, got)
		}
	}
	if SeatsSince(0) < 1 {
		t.Error("day 0 stands for no allow at all")
	}
}

func TestWhoHoldsASeatKeepsItWhateverTheQuota(t *testing.T) {
	for _, c := range []struct {
		s    Seating
		q    bunker.Quota
		room bool
	}{
		{Seating{}, bunker.Quota{}, false},
		{Seating{}, bunker.Quota{People: 1}, true},
		{Seating{Taken: 1}, bunker.Quota{People: 1}, false},
		{Seating{Taken: 7, Held: true}, bunker.Quota{People: 1}, true},
		{Seating{Taken: 7}, bunker.Quota{Unlimited: true}, true},
	} {
		if got := c.s.Room(&c.q); got != c.room {
			t.Errorf("%+v of %+v: room %t", c.s, c.q, got)
		}
	}
}

func TestHoldersArePersonsAndAppsOfNobody(t *testing.T) {
	var conns []bunker.Connection
	add := func(person string, client byte, day int64) {
		conns = append(conns, bunker.Connection{Person: person, Client: nostr.PubKey{client}, Name: "app", SeatDay: day})
	}
	for i := range byte(ManyApps + 1) {
		add("Bob", i+1, int64(100+i))
	}
	add("Ann", 1, 50)
	add("Ann", 1, 60) // at another key
	add("", 70, 61)
	add("", 70, 62)
	add("", 71, 63)
	got := Holders(conns)
	if len(got) != 4 {
		t.Fatalf("%+v", got)
	}
	if ann := got[0]; ann.Person != "Ann" || ann.Apps != 1 || ann.Day != 60 || ann.Many() {
		t.Errorf("%+v", ann)
	}
	if bob := got[1]; bob.Person != "Bob" || bob.Apps != ManyApps+1 || bob.Day != 110 || !bob.Many() {
		t.Errorf("%+v", bob)
	}
	if a, b := got[2], got[3]; a.Client[0] != 71 || b.Client[0] != 70 || b.Apps != 1 || b.Day != 62 || a.Name != "app" || a.Person != "" {
		t.Errorf("%+v, %+v", a, b)
	}
}

func TestWhoIsRefusedHearsHowManySeatsThereAre(t *testing.T) {
	for people, want := range map[int64]string{
		0:  "this bunker has no seats; ask its owner",
		1:  "this bunker has one seat and it is taken; ask its owner",
		12: "this bunker has 12 seats and all are taken; ask its owner",
	} {
		if got := FullWords(people); got != want {
			t.Errorf("%d: %q", people, got)
		}
	}
}
