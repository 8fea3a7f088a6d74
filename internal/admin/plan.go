package admin

import (
	"context"
	"fmt"
	"strings"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/host"
)

// Plan is what a bunker is paid for, where its people can renew it.
type Plan interface {
	// Bought is what it is paid for; ok is false for a bunker that was not bought.
	Bought(ctx context.Context) (p host.Bought, ok bool, err error)
	Terms() *host.Terms
	// Quote is what a year more, or another number of people, costs now.
	Quote(ctx context.Context, people int64, year bool) (host.Quote, error)
	// Renew orders it, under a name of the caller's: the same name is the same order.
	Renew(ctx context.Context, name string, people int64, year bool) (host.View, error)
	// Fewer is for fewer people from now on: at once, and for nothing.
	Fewer(ctx context.Context, people int64) error
	// Look shows an order of this bunker's.
	Look(ctx context.Context, name string) (host.View, error)
}

func planCommands(t *Table) {
	row := func(name, summary string, writes bool) Command {
		return Command{Name: name, Summary: summary, Role: bunker.Owner, Doors: local(), Writes: writes}
	}
	add(t, row("plan.show", "Shows what this hosted bunker is paid for: for how many people, until when, what comes then, and what a year costs.", false), t.planShow)
	add(t, row("plan.quote", "Says what a year more, or another number of people, costs now.", false), t.planQuote)
	add(t, row("plan.renew", "Orders a year more for this hosted bunker, or another number of people, and has an invoice made.", true), t.planRenew)
	add(t, row("plan.order", "Shows how far an order for this bunker is: its invoice, and whether it is paid.", false), t.planOrder)
}

// paidView is a bunker's own plan.
type paidView struct {
	People   int64  `json:"people" doc:"how many may sign"`
	Until    Time   `json:"until" doc:"it is paid until then"`
	Trial    bool   `json:"trial,omitempty"`
	Stage    string `json:"stage" doc:"paid, grace (everything works), read-only, or notice (read-only, and a day is named on which it is deleted)"`
	Next     Time   `json:"next,omitzero" doc:"when a bunker in grace becomes read-only, or one that is read-only is told of its deletion"`
	DeleteAt Time   `json:"delete_at,omitzero" doc:"when it is deleted at the earliest"`
	Soon     bool   `json:"soon,omitempty" doc:"the time for the first reminder has come"`
}

// paid is what the bunker is paid for; nil for one that was not bought.
func (t *Table) paid(ctx context.Context, now int64) (*paidView, error) {
	if t.Plan == nil {
		return nil, nil
	}
	b, ok, err := t.Plan.Bought(ctx)
	if err != nil || !ok {
		return nil, err
	}
	life := t.Plan.Terms().Life
	due := life.Stand(b.Plan, b.Told, now)
	v := &paidView{People: b.People, Until: Time(b.Until), Trial: b.Trial, Stage: string(due.Stage), DeleteAt: Time(due.DeleteAt)}
	if due.Stage == host.StageGrace || due.Stage == host.StageReadOnly {
		v.Next = Time(due.Next)
	}
	v.Soon = due.Stage != host.StagePaid || life.Reminds(b.Plan, now)
	return v, nil
}

func notBought() *bunker.Error {
	return bunker.Errorf(bunker.CodeNotFound, "this bunker was not bought here, so there is nothing to renew")
}

type planShowResult struct {
	Plan paidView `json:"plan"`
	// Years are told as far as an invoice goes.
	Years []int64 `json:"years" doc:"sats of a year for 1, 2, 3 … people"`
	Grace int64   `json:"grace_days" doc:"how long everything works after the end"`
	Reads int64   `json:"read_only_days" doc:"how long it can then be read and exported"`
}

func (t *Table) planShow(ctx context.Context, c *Call, _ Empty) (res planShowResult, err error) {
	p, err := t.paid(ctx, c.Now.UnixMilli())
	if err != nil {
		return res, err
	}
	if p == nil {
		return res, notBought()
	}
	terms := t.Plan.Terms()
	res.Plan, res.Years = *p, terms.Years()
	res.Grace, res.Reads = terms.Life.Days(p.Trial)
	return res, nil
}

type planWantedParams struct {
	People int64 `json:"people"`
	Year   bool  `json:"year,omitempty" doc:"a year more; else another number of people for the rest of the time"`
}

type planQuoteResult struct {
	Sats   int64 `json:"sats"`
	Until  Time  `json:"until" doc:"how far it is paid then"`
	Credit int64 `json:"credit,omitempty" doc:"sats of what was paid before that count for it"`
}

func (t *Table) planQuote(ctx context.Context, _ *Call, p planWantedParams) (res planQuoteResult, err error) {
	if t.Plan == nil {
		return res, notBought()
	}
	q, err := t.Plan.Quote(ctx, p.People, p.Year)
	if err != nil {
		return res, err
	}
	return planQuoteResult{q.Sats, Time(q.Until), q.Credit}, nil
}

type planRenewParams struct {
	Order string `json:"order" doc:"a name made up for it, of 16 to 64 letters and digits: the same is the same order"`
	planWantedParams
}

type planOrderParams struct {
	Order string `json:"order" doc:"its name"`
}

const (
	// MinOrderName and MaxOrderName bound the name that an order for a plan is given, in
	// bytes: long enough that two never have the same.
	MinOrderName = 16
	MaxOrderName = 64
)

func checkOrderName(s string) error {
	bad := func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') }
	if len(s) < MinOrderName || len(s) > MaxOrderName || strings.ContainsFunc(s, bad) {
		return bunker.Errorf(bunker.CodeInvalid, "an order's name is %d to %d letters and digits, made up for it", MinOrderName, MaxOrderName).In("order")
	}
	return nil
}

type planOrderView struct {
	ID      string `json:"id"`
	State   string `json:"state" doc:"new, invoiced, lapsed, paid, made, held (what came does not buy it) or closed (all was given back)"`
	People  int64  `json:"people"`
	Sats    int64  `json:"sats"`
	Owed    int64  `json:"owed_sats,omitempty" doc:"what came and bought nothing"`
	Trouble string `json:"trouble,omitempty" doc:"why the last try failed"`
	Invoice string `json:"invoice,omitempty" doc:"BOLT 11, while it can be paid"`
	Ends    Time   `json:"ends_at,omitzero" doc:"of the invoice"`
}

type planOrderResult struct {
	Order planOrderView `json:"order"`
}

func viewPlanOrder(v host.View, err error) (planOrderResult, error) {
	if err != nil {
		return planOrderResult{}, err
	}
	o := v.Order
	out := planOrderView{ID: string(o.ID), State: string(o.State), People: o.People, Sats: o.Sats, Owed: o.OwedMsat() / 1000, Trouble: bunker.Display(o.Trouble, MaxNote)}
	if p := o.Open(); p != nil && o.State == host.OrderInvoiced {
		out.Invoice, out.Ends = p.Bolt11, Time(p.ExpiresAt)
	}
	return planOrderResult{out}, nil
}

// planRenew records that it was ordered before it is: an order that then fails was asked
// for all the same, and nothing is paid for it.
func (t *Table) planRenew(ctx context.Context, c *Call, p planRenewParams) (planOrderResult, error) {
	if t.Plan == nil {
		return planOrderResult{}, notBought()
	}
	if err := checkOrderName(p.Order); err != nil {
		return planOrderResult{}, err
	}
	q, err := t.Plan.Quote(ctx, p.People, p.Year)
	if err != nil {
		return planOrderResult{}, err
	}
	what := "another number of people"
	if p.Year {
		what = "a year more"
	}
	rec := &bunker.AuditRecord{Reason: fmt.Sprintf("%s, for %d people, for %d sats", what, q.People, q.Sats)}
	if err := c.Commit(ctx, rec, func(Tx) error { return nil }); err != nil {
		return planOrderResult{}, err
	}
	if q.Sats == 0 {
		return planOrderResult{planOrderView{State: string(host.OrderMade), People: q.People}}, t.Plan.Fewer(ctx, p.People)
	}
	return viewPlanOrder(t.Plan.Renew(ctx, p.Order, p.People, p.Year))
}

func (t *Table) planOrder(ctx context.Context, _ *Call, p planOrderParams) (planOrderResult, error) {
	if t.Plan == nil {
		return planOrderResult{}, notBought()
	}
	if err := checkOrderName(p.Order); err != nil {
		return planOrderResult{}, err
	}
	return viewPlanOrder(t.Plan.Look(ctx, p.Order))
}
