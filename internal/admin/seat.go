package admin

import (
	"context"
	"fmt"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/host"
	"nsecbunker/nostr/nip19"
)

func seatCommands(t *Table) {
	add(t, Command{
		Name: "seat.list", Summary: "Lists who holds the bunker's seats: persons, and apps of nobody in particular, with something allowed in the last 30 days.",
		Role: bunker.Viewer, Doors: local(),
	}, t.seatList)
}

// quotaView is what the provider lets a bunker use.
type quotaView struct {
	People int64 `json:"people" doc:"seats"`
	Taken  int64 `json:"taken" doc:"seats that somebody holds"`
	Keys   int64 `json:"keys" doc:"the most keys there can be"`
	Rate   int64 `json:"rate" doc:"requests a second"`
}

// viewQuota is nil for a bunker without a quota.
func viewQuota(q *bunker.Quota, taken int64) *quotaView {
	if q.Unlimited {
		return nil
	}
	return &quotaView{People: q.People, Taken: taken, Keys: q.Keys, Rate: q.Rate}
}

type seatView struct {
	Person string `json:"person,omitempty"`
	Npub   string `json:"npub,omitempty" doc:"the app's own key, of an app that is for nobody in particular"`
	Name   string `json:"name,omitempty" doc:"of such an app"`
	Apps   int    `json:"apps" doc:"that the person used"`
	Last   Time   `json:"last" doc:"the day on which something was allowed last"`
	Many   bool   `json:"many,omitempty" doc:"more than 10 apps: are several people named alike?"`
}

type seatListResult struct {
	Quota *quotaView `json:"quota,omitempty" doc:"none: as many as you like, and nobody is counted"`
	Seats []seatView `json:"seats"`
	More  bool       `json:"more,omitempty" doc:"there are more than are listed"`
}

// MaxSeatsListed is how many connections are read to list who holds seats.
const MaxSeatsListed = 2000

const dayMs = 24 * 60 * 60 * 1000

func (t *Table) seatList(ctx context.Context, _ *Call, _ Empty) (seatListResult, error) {
	res := seatListResult{Seats: []seatView{}}
	st, _, err := t.Rows.Tenant(ctx, t.Tenant)
	if err != nil || st.Quota.Unlimited {
		return res, err
	}
	holders, more, err := t.holders(ctx)
	if err != nil {
		return res, err
	}
	res.More = more
	for i := range holders {
		h := &holders[i]
		v := seatView{Person: bunker.Display(h.Person, MaxName), Apps: h.Apps, Last: Time(h.Day * dayMs), Many: h.Many()}
		if h.Person == "" {
			v.Npub, v.Name = nip19.EncodeNpub(h.Client), bunker.Display(h.Name, MaxName)
		}
		res.Seats = append(res.Seats, v)
	}
	n, err := t.Rows.Counts(ctx, t.Tenant)
	res.Quota = viewQuota(&st.Quota, n.Seats)
	return res, err
}

// holders reads who holds seats; more: there are more than were read.
func (t *Table) holders(ctx context.Context) (list []host.Holder, more bool, err error) {
	var conns []bunker.Connection
	for p := (Page{Limit: MaxPage}); ; {
		rows, err := t.Rows.Seated(ctx, t.Tenant, p)
		if err != nil {
			return nil, false, err
		}
		conns = append(conns, rows...)
		p.After = next(rows, p, func(c *bunker.Connection) string { return string(c.ID) })
		if p.After == "" || len(conns) >= MaxSeatsListed {
			return host.Holders(conns), p.After != "", nil
		}
	}
}

// statusSeats says how full the bunker is.
func (t *Table) statusSeats(ctx context.Context, q *bunker.Quota, res *statusResult) error {
	if q.Unlimited {
		return nil
	}
	if left := q.People - res.Quota.Taken; left <= 0 {
		res.Warnings = append(res.Warnings, fmt.Sprintf("%d of %d seats are taken: whoever comes new is refused. A seat is free 30 days after its holder's last request; see: nsecbunker seat list", res.Quota.Taken, q.People))
	}
	if over := int64(res.Keys.All) - q.Keys; over > 0 {
		res.Warnings = append(res.Warnings, fmt.Sprintf("there are %d keys more than the %d that this bunker may have: no other can be added", over, q.Keys))
	}
	holders, _, err := t.holders(ctx)
	if err != nil {
		return err
	}
	for i := range holders {
		if h := &holders[i]; h.Many() {
			res.Warnings = append(res.Warnings, fmt.Sprintf("%s uses %d apps: if several people are named so, name them apart, for a seat is for one person", bunker.Display(h.Person, MaxName), h.Apps))
		}
	}
	return nil
}

// roomForKey refuses one key more than the bunker may have.
func roomForKey(tx Tx) error {
	q := tx.Tenant().Quota
	if q.Unlimited {
		return nil
	}
	var all, deleting int64
	err := eachKeyIn(tx, func(k *bunker.UserKey) error {
		all++
		if k.State == bunker.KeyDeleting {
			deleting++
		}
		return nil
	})
	if err != nil || all < q.Keys {
		return err
	}
	words := fmt.Sprintf("this bunker may have %d keys and has %d", q.Keys, all)
	if q.Keys == 1 {
		words = fmt.Sprintf("this bunker may have one key and has %d", all)
	}
	if deleting > 0 {
		words += fmt.Sprintf(", of which %d will be gone when the time to bring them back is over", deleting)
	}
	return bunker.Errorf(bunker.CodeRestricted, "%s; delete one that is not needed, or ask the provider for more", words).WithHint("nsecbunker key list")
}

// roomForNew is freeKey for a key that is not here yet.
func roomForNew(tx Tx, k *bunker.UserKey) error {
	if err := freeKey(tx, k); err != nil {
		return err
	}
	return roomForKey(tx)
}
