package web

import (
	"context"
	"time"

	"nsecbunker/internal/host"
)

// What the page for orders sends.
type (
	wantedBody struct {
		Secret string   `json:"secret"`
		Kind   string   `json:"kind"`
		Admins []string `json:"admins"`
		People int64    `json:"people"`
	}
	lookBody struct {
		Secret string `json:"secret"`
		Seen   int64  `json:"seen,omitempty"`
	}
	againBody struct {
		Secret string `json:"secret"`
	}
	renewBody struct {
		Of     string `json:"of"`
		Secret string `json:"secret"`
		People int64  `json:"people"`
		Year   bool   `json:"year,omitempty"`
	}
	quoteBody struct {
		Of     string `json:"of"`
		People int64  `json:"people"`
		Year   bool   `json:"year,omitempty"`
	}
	fewerBody struct {
		Of     string `json:"of"`
		People int64  `json:"people"`
	}
)

// quoteView is what a change costs, and how far the bunker is then paid (unix ms).
type quoteView struct {
	Sats  int64 `json:"sats"`
	Until int64 `json:"until"`
}

// orderView is an order, as the page gets it.
type orderView struct {
	ID      string       `json:"id"`
	Kind    string       `json:"kind"`
	State   string       `json:"state"`
	People  int64        `json:"people"`
	Sats    int64        `json:"sats"`
	Admins  int          `json:"admins"`
	Version int64        `json:"version"`
	Trouble string       `json:"trouble,omitempty"`
	Again   bool         `json:"again"`
	Owed    int64        `json:"owed_sats"`
	Invoice *invoiceView `json:"invoice,omitempty"`
	Plan    *planView    `json:"plan,omitempty"`
	Ready   *readyView   `json:"ready,omitempty"`
}

type invoiceView struct {
	Bolt11    string `json:"bolt11"`
	ExpiresAt int64  `json:"expires_at"`
}

type planView struct {
	People int64 `json:"people"`
	Until  int64 `json:"until"`
	Trial  bool  `json:"trial"`
}

type readyView struct {
	Connection string `json:"connection"`
	SetupCode  string `json:"setup_code,omitempty"`
}

func viewed(v host.View, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	o := v.Order
	out := orderView{
		ID: string(o.ID), Kind: string(o.Kind), State: string(o.State), People: o.People, Sats: o.Sats, Admins: len(o.Admins), Version: o.Version,
		Trouble: trouble(o), Again: v.Again, Owed: o.OwedMsat() / 1000,
	}
	if p := o.Open(); p != nil && o.State == host.OrderInvoiced {
		out.Invoice = &invoiceView{p.Bolt11, p.ExpiresAt}
	}
	if v.Plan != nil {
		out.Plan = &planView{v.Plan.People, v.Plan.Until, v.Plan.Trial}
	}
	if v.Ready != nil {
		out.Ready = &readyView{v.Ready.Connection, v.Ready.SetupCode}
	}
	return out, nil
}

// trouble says that something is tried again. Its cause names the provider's wallet and
// database: he finds it in the list of orders.
func trouble(o *host.Order) string {
	switch {
	case o.Trouble == "":
		return ""
	case o.State == host.OrderNew || o.State == host.OrderLapsed:
		return "it did not answer as it should"
	default:
		return "something went wrong at the provider's"
	}
}

// termsView is what is sold for what.
type termsView struct {
	// Years are the prices of a year in sats, of 1, 2, 3 … people, as far as an invoice goes.
	Years []int64    `json:"years"`
	Trial *trialView `json:"trial,omitempty"`
	// Days are how many days a bunker that is not renewed has.
	Grace      int64 `json:"grace_days"`
	ReadOnly   int64 `json:"read_only_days"`
	Notice     int64 `json:"notice_days"`
	MaxAdmins  int   `json:"max_admins"`
	Unattended bool  `json:"unattended"`
}

type trialView struct {
	Sats     int64 `json:"sats"`
	Minutes  int64 `json:"minutes"`
	ReadOnly int64 `json:"read_only_days"`
}

func (b *Buy) sayTerms(context.Context, []byte) (any, error) {
	t := &b.Terms
	days := func(d time.Duration) int64 { return int64(d / (24 * time.Hour)) }
	out := termsView{
		Grace: days(t.Life.Grace), ReadOnly: days(t.Life.ReadOnly), Notice: days(t.Life.Notice), MaxAdmins: host.MaxOrderAdmins,
		Unattended: b.Unattended(),
	}
	out.Years = t.Years()
	if t.Trial > 0 {
		out.Trial = &trialView{t.Trial, int64(t.TrialFor / time.Minute), days(t.Life.TrialReadOnly)}
	}
	return out, nil
}
