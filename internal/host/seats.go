package host

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr"
)

// SeatDays is for how many days something that was allowed holds a seat.
const SeatDays = 30

// ManyApps is how many apps one person may use before it is said to the owner, who
// may have named several people alike. Nothing is refused for it.
const ManyApps = 10

// MaxLinksPerPerson is how many links and connections may be made in a bunker for each
// person of its quota, ended ones with them: each has a signer key that stays.
const MaxLinksPerPerson = 2000

// MostLinks is how many a tenant may make in all.
func MostLinks(q *bunker.Quota) int64 { return min(max(q.People, 1), 1<<20) * MaxLinksPerPerson }

const dayMs = 24 * 60 * 60 * 1000

// Day is the number of the day (UTC) of a time (unix ms): seats are counted in days,
// so that of many requests a day one writes.
func Day(ms int64) int64 { return ms / dayMs }

// SeatsSince is the first day whose allows hold a seat at a time (unix ms): never less
// than SeatDays before it.
func SeatsSince(ms int64) int64 { return max(1, Day(ms)-SeatDays) }

// HasSeat reports whether nothing has to be looked up for a request of a connection:
// there is no quota, or it was counted today.
func HasSeat(q *bunker.Quota, c *bunker.Connection, now int64) bool {
	return q.Unlimited || c.SeatDay >= Day(now)
}

// Seating is how the seats of a tenant are taken, as seen by one who needs one.
type Seating struct {
	Held  bool  // by the one who asks
	Taken int64 // in all
}

// Room reports whether the one who asks may sit.
func (s Seating) Room(q *bunker.Quota) bool { return q.Unlimited || s.Held || s.Taken < q.People }

// FullWords is what is said to whom there is no seat for.
func FullWords(people int64) string {
	switch {
	case people <= 0:
		return "this bunker has no seats; ask its owner"
	case people == 1:
		return "this bunker has one seat and it is taken; ask its owner"
	}
	return "this bunker has " + strconv.FormatInt(people, 10) + " seats and all are taken; ask its owner"
}

// Holder is who holds a seat.
type Holder struct {
	Person string       // "": an app that is for nobody in particular
	Client nostr.PubKey // of such an app
	Name   string       // of such an app, as its owner or it itself calls it
	Apps   int          // how many hold the seat with it
	Day    int64        // the last on which something was allowed
}

// Many reports whether the owner is to be told that one person uses many apps.
func (h *Holder) Many() bool { return h.Person != "" && h.Apps > ManyApps }

// Holders sums up the connections that hold seats (their SeatDay is not before
// SeatsSince): persons in order of name, then apps, the latest first.
func Holders(conns []bunker.Connection) []Holder {
	type who struct {
		person string
		client nostr.PubKey
	}
	type app struct {
		of     who
		client nostr.PubKey
	}
	at, seen := map[who]int{}, map[app]bool{}
	var out []Holder
	for i := range conns {
		c := &conns[i]
		w := who{person: c.Person}
		if c.Person == "" {
			w.client = c.Client
		}
		n, ok := at[w]
		if !ok {
			n = len(out)
			at[w] = n
			out = append(out, Holder{Person: w.person, Client: w.client})
		}
		h := &out[n]
		if c.Person == "" && h.Name == "" {
			h.Name = cmp.Or(c.Name, c.Metadata.Name)
		}
		if a := (app{w, c.Client}); !seen[a] {
			seen[a] = true
			h.Apps++
		}
		h.Day = max(h.Day, c.SeatDay)
	}
	slices.SortStableFunc(out, func(a, b Holder) int {
		if (a.Person == "") != (b.Person == "") {
			return cmp.Compare(b.Person, a.Person) // persons first
		}
		return cmp.Or(strings.Compare(a.Person, b.Person), cmp.Compare(b.Day, a.Day), strings.Compare(a.Client.String(), b.Client.String()))
	})
	return out
}
