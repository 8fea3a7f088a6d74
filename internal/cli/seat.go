package cli

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"nsecbunker/internal/host"
)

type quotaView struct {
	People int64 `json:"people"`
	Taken  int64 `json:"taken"`
	Keys   int64 `json:"keys"`
	Rate   int64 `json:"rate"`
}

func (q *quotaView) words() string {
	return fmt.Sprintf("%d of %s taken; at most %s and %s a second", q.Taken, count(int(q.People), "seat"), count(int(q.Keys), "key"), count(int(q.Rate), "request"))
}

type seatsView struct {
	Quota *quotaView `json:"quota"`
	Seats []struct {
		Person string `json:"person"`
		Npub   string `json:"npub"`
		Name   string `json:"name"`
		Apps   int    `json:"apps"`
		Last   stamp  `json:"last"`
		Many   bool   `json:"many"`
	} `json:"seats"`
	More bool `json:"more"`
}

func (a *app) seatCmd() *cobra.Command {
	c := &cobra.Command{Use: "seat", Short: "see who holds the seats of a hosted bunker"}
	c.AddCommand(&cobra.Command{
		Use: "list", Short: "list who holds seats", Args: args(),
		Long: fmt.Sprintf(`Lists who holds a seat: each person that connections are for, and each app that is for nobody in particular, with something
allowed in the last %d days. When all are taken, whoever comes new is refused; those who hold one go on. A bunker of your own has no seats.`, host.SeatDays),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.seats(cmd.Context())
		},
	})
	return c
}

// seats lists who holds seats; how many there are is in JSON by `nsecbunker status`.
func (a *app) seats(ctx context.Context) error {
	var raw json.RawMessage
	if err := a.call(ctx, "seat.list", nil, &raw); err != nil {
		return err
	}
	if !a.asJSON {
		return showRaw(a, raw, a.printSeats)
	}
	var r struct {
		Seats []json.RawMessage `json:"seats"`
		More  bool              `json:"more"`
	}
	if err := json.Unmarshal(raw, &r); err != nil {
		return unreadable(err)
	}
	if r.More {
		a.say("%s", moreSeats)
	}
	return a.rows(r.Seats)
}

const moreSeats = "There are more than are listed."

func (a *app) printSeats(v seatsView) error {
	if v.Quota == nil {
		a.say("This bunker has no quota: nobody is counted.")
		return nil
	}
	var rows [][]string
	for _, s := range v.Seats {
		who, apps := s.Person, count(s.Apps, "app")
		if s.Person == "" {
			who = s.Name + " (" + short(s.Npub) + ")"
			apps = ""
		}
		if s.Many {
			apps += ": are several people named alike?"
		}
		rows = append(rows, []string{shown(who, 80), apps, s.Last.UTC().Format("2006-01-02")})
	}
	a.say("%s", v.Quota.words())
	if len(v.Seats) == 0 {
		a.say("Nobody holds a seat: an app takes one with the first thing that is allowed to it.")
		return nil
	}
	if v.More {
		a.say("%s", moreSeats)
	}
	return a.table([]string{"SEAT OF", "APPS", "LAST USED ON"}, rows)
}
