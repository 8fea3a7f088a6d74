package admin

import (
	"context"
	"encoding/hex"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/host"
	"nsecbunker/nostr/nip19"
)

// MaxNote is the longest note to a refund, in characters.
const MaxNote = 200

// OrderPage is a place in the list of orders, the newest first.
type OrderPage struct {
	State host.OrderState
	Cases bool
	Until int64 // unix ms
	After host.OrderID
	Limit int
}

// Sales is what a provider sells, as the commands see it.
type Sales interface {
	Orders(ctx context.Context, p OrderPage) ([]host.Order, error)
	Order(ctx context.Context, id host.OrderID) (*host.Order, error)
	// StepOrder tells an order what happened, in the command's transaction; OrderMoved, after
	// it, has what follows done.
	StepOrder(tx Tx, id host.OrderID, h host.Happening) (host.Stepped, error)
	OrderMoved(id host.OrderID)
	// Plans are what bunkers are paid for, in order of id, some after one.
	Plans(ctx context.Context, after bunker.TenantID) ([]host.Bought, error)
	Life() host.Life
}

func salesCommands(t *Table) {
	row := func(name, summary string, writes bool) Command {
		return Command{Name: name, Summary: summary, Role: bunker.Owner, Doors: local(), House: true, Writes: writes}
	}
	add(t, row("order.list", "Lists orders, the newest first: what was bought, how far it is, and what is owed.", false), t.orderList)
	add(t, row("order.show", "Shows one order with every payment for it.", false), t.orderShow)
	add(t, row("order.refund", "Notes that you have given back what is owed of a payment. The bunker itself pays nothing. An order that was paid and not made yet is not made then.", true), t.orderRefund)
	add(t, row("order.retry", "Has an order tried again now. What came late or in part counts then as though it were right.", true), t.orderRetry)
	add(t, row("plan.list", "Lists what bunkers are paid for: for how many people, until when, and how far those are that were not renewed.", false), t.planList)
}

type orderView struct {
	ID        string        `json:"id"`
	Kind      string        `json:"kind" doc:"bunker, trial, or plan: a bunker that there was, renewed or changed"`
	State     string        `json:"state" doc:"new, invoiced, lapsed, paid, made, held (what came does not buy it) or closed (all was given back)"`
	Case      bool          `json:"case,omitempty" doc:"you have to look: money is owed, or what was paid cannot be made"`
	Bunker    string        `json:"bunker,omitempty" doc:"id of the bunker"`
	Admins    []string      `json:"admins,omitempty" doc:"npubs that were named"`
	People    int64         `json:"people"`
	Sats      int64         `json:"sats" doc:"what it costs"`
	OwedMsat  int64         `json:"owed_msat,omitempty" doc:"what came, bought nothing, and was not given back"`
	Trouble   string        `json:"trouble,omitempty" doc:"why the last try failed"`
	Tries     int64         `json:"tries,omitempty"`
	CreatedAt Time          `json:"created_at"`
	ChangedAt Time          `json:"changed_at"`
	Payments  []paymentView `json:"payments,omitempty"`
}

type paymentView struct {
	Hash       string `json:"hash"`
	State      string `json:"state" doc:"open, lapsed or settled"`
	Sats       int64  `json:"sats" doc:"what was asked for"`
	PaidMsat   int64  `json:"paid_msat,omitempty"`
	TakenMsat  int64  `json:"taken_msat,omitempty" doc:"what of it bought the order"`
	OwedMsat   int64  `json:"owed_msat,omitempty"`
	Why        string `json:"why,omitempty" doc:"why something is or was owed"`
	Refund     string `json:"refund,omitempty" doc:"your note to giving it back"`
	SettledAt  Time   `json:"settled_at,omitzero"`
	ExpiresAt  Time   `json:"expires_at"`
	RefundedAt Time   `json:"refunded_at,omitzero"`
}

func viewOrder(o *host.Order, whole bool) orderView {
	v := orderView{
		ID: string(o.ID), Kind: string(o.Kind), State: string(o.State), Case: o.IsCase(), Bunker: string(o.Tenant), People: o.People, Sats: o.Sats,
		OwedMsat: o.OwedMsat(), Trouble: bunker.Display(o.Trouble, MaxNote), Tries: o.Tries, CreatedAt: Time(o.CreatedAt), ChangedAt: Time(o.ChangedAt),
	}
	for _, a := range o.Admins {
		v.Admins = append(v.Admins, nip19.EncodeNpub(a))
	}
	if !whole {
		return v
	}
	for i := range o.Payments {
		p := &o.Payments[i]
		v.Payments = append(v.Payments, paymentView{
			Hash: hex.EncodeToString(p.Hash[:]), State: string(p.State), Sats: p.Sats, PaidMsat: p.PaidMsat, TakenMsat: p.TakenMsat,
			OwedMsat: p.OwedMsat(), Why: string(p.Why), Refund: bunker.Display(p.Refund, MaxNote), SettledAt: Time(p.SettledAt),
			ExpiresAt: Time(p.ExpiresAt), RefundedAt: Time(p.RefundedAt),
		})
	}
	return v
}

type orderListParams struct {
	State string `json:"state,omitempty"`
	Cases bool   `json:"cases,omitempty" doc:"those alone that you have to look at"`
	After string `json:"after,omitempty" doc:"next of the page before"`
}

type orderListResult struct {
	Orders []orderView `json:"orders"`
	Next   string      `json:"next,omitempty"`
}

// orderList has the order's id as its cursor: its time is read from its row.
func (t *Table) orderList(ctx context.Context, _ *Call, p orderListParams) (orderListResult, error) {
	res := orderListResult{Orders: []orderView{}}
	page := OrderPage{State: host.OrderState(p.State), Cases: p.Cases, Limit: MaxPage}
	if p.After != "" {
		last, err := t.House.Order(ctx, host.OrderID(p.After))
		if err != nil {
			return res, err
		}
		page.Until, page.After = last.CreatedAt, last.ID
	}
	list, err := t.House.Orders(ctx, page)
	for i := range list {
		res.Orders = append(res.Orders, viewOrder(&list[i], false))
	}
	if len(list) == MaxPage {
		res.Next = string(list[len(list)-1].ID)
	}
	return res, err
}

type orderParams struct {
	ID string `json:"id"`
}

type orderResult struct {
	Order orderView `json:"order"`
}

func (t *Table) orderShow(ctx context.Context, _ *Call, p orderParams) (orderResult, error) {
	o, err := t.House.Order(ctx, host.OrderID(p.ID))
	if err != nil {
		return orderResult{}, err
	}
	return orderResult{viewOrder(o, true)}, nil
}

type orderRefundParams struct {
	ID      string `json:"id"`
	Payment string `json:"payment" doc:"its hash"`
	Note    string `json:"note" doc:"how you gave it back: kept with the order"`
}

func (t *Table) orderRefund(ctx context.Context, c *Call, p orderRefundParams) (orderResult, error) {
	hash, err := bunker.ParsePaymentHash(p.Payment)
	if err != nil {
		return orderResult{}, bunker.Errorf(bunker.CodeInvalid, "%s", err).In("payment").WithHint("nsecbunker order show %s", clip(p.ID))
	}
	note, err := text("note", p.Note, true)
	if err != nil {
		return orderResult{}, err
	}
	return t.orderStep(ctx, c, p.ID, host.Refunded{Hash: hash, Note: note}, "nothing is owed of this payment now, or the bunker is being made this moment")
}

func (t *Table) orderRetry(ctx context.Context, c *Call, p orderParams) (orderResult, error) {
	return t.orderStep(ctx, c, p.ID, host.Retry{}, "there is nothing to try again: the order is made, closed, or waits for its payment")
}

// orderStep moves an order in the command's transaction.
func (t *Table) orderStep(ctx context.Context, c *Call, id string, h host.Happening, idle string) (res orderResult, err error) {
	rec := &bunker.AuditRecord{Object: clip(id)}
	err = c.Commit(ctx, rec, func(tx Tx) error {
		r, err := t.House.StepOrder(tx, host.OrderID(id), h)
		if err != nil {
			return err
		}
		if !r.Changed {
			return bunker.Errorf(bunker.CodeConflict, "%s", idle).WithHint("nsecbunker order show %s", clip(id))
		}
		rec.Reason = "it is " + string(r.Order.State)
		res.Order = viewOrder(r.Order, true)
		return nil
	})
	if err == nil {
		t.House.OrderMoved(host.OrderID(id))
	}
	return res, err
}

type planListParams struct {
	After string `json:"after,omitempty" doc:"id of the last bunker that was shown"`
}

type planView struct {
	Bunker   string `json:"bunker" doc:"id"`
	People   int64  `json:"people"`
	Until    Time   `json:"until"`
	Trial    bool   `json:"trial,omitempty"`
	Stage    string `json:"stage" doc:"paid, grace, read-only, notice or delete"`
	DeleteAt Time   `json:"delete_at,omitzero" doc:"when it is deleted at the earliest"`
	Untold   bool   `json:"untold,omitempty" doc:"its owners could not be told what they have to know"`
}

type planListResult struct {
	Plans []planView `json:"plans"`
	Next  string     `json:"next,omitempty"`
}

func (t *Table) planList(ctx context.Context, c *Call, p planListParams) (planListResult, error) {
	res := planListResult{Plans: []planView{}}
	list, err := t.House.Plans(ctx, bunker.TenantID(p.After))
	life := t.House.Life()
	for i := range list {
		b := &list[i]
		due := life.Stand(b.Plan, b.Told, c.Now.UnixMilli())
		res.Plans = append(res.Plans, planView{
			Bunker: string(b.Tenant), People: b.People, Until: Time(b.Until), Trial: b.Trial, Stage: string(due.Stage), DeleteAt: Time(due.DeleteAt), Untold: due.Tell != "",
		})
	}
	if len(list) == MaxPage {
		res.Next = string(list[len(list)-1].Tenant)
	}
	return res, err
}
