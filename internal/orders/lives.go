package orders

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/host"
)

const (
	// livesEvery is the longest time between two looks for plans that are due.
	livesEvery = time.Minute
	// livesPause is the shortest time between them.
	livesPause = time.Second
	// tellAgain is the pause after owners could not be told.
	tellAgain = time.Hour
	// tellFor bounds telling the owners of one bunker: those of the others are told after them.
	tellFor = time.Minute
)

// lives leads bunkers that are not paid any more through grace and read-only to their
// end, and tells their owners before.
func (d *Desk) lives(ctx context.Context) {
	for ctx.Err() == nil {
		d.Lives(ctx)
		timer := time.NewTimer(d.untilPlan(ctx))
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		timer.Stop()
	}
}

// untilPlan is how long no plan is due: one that ends is looked at when it ends. A plan that
// is due still, because it could not be looked at, has to wait the longest time.
func (d *Desk) untilPlan(ctx context.Context) time.Duration {
	next, err := d.Plans.NextPlan(ctx)
	left := time.Duration(next-d.now()) * time.Millisecond
	if err != nil || left <= 0 {
		return livesEvery
	}
	return min(max(left, livesPause), livesEvery)
}

// Lives looks at the plans that are due, once. While the clock is suspect it does not: one
// that was set a year ahead would make every bunker read-only.
func (d *Desk) Lives(ctx context.Context) {
	if d.Suspect() {
		return
	}
	if err := d.Ledger.PruneOrders(ctx); err != nil && ctx.Err() == nil {
		d.Log.Error("old orders could not be forgotten", "error", err)
	}
	// All of them: some stay due, as those whose end is put off, and must not keep the others
	// from being looked at.
	now, after := d.now(), bunker.TenantID("")
	for ctx.Err() == nil {
		due, err := d.Plans.DuePlans(ctx, now, after)
		if err != nil && ctx.Err() == nil {
			d.Log.Error("plans that are due could not be read", "error", err)
		}
		if err != nil || len(due) == 0 {
			return
		}
		for _, t := range due {
			if err := d.stand(ctx, t, false); err != nil && ctx.Err() == nil {
				d.Log.Error("a bunker's plan could not be looked at", "bunker", t, "error", err)
			}
		}
		after = due[len(due)-1]
	}
}

// stand does what a bunker's plan asks for now: tells the bunker how far it is on its way,
// and its owners what they have to know. Of several instances one tells them: who has
// noted first that it looks.
func (d *Desk) stand(ctx context.Context, t bunker.TenantID, renewed bool) error {
	p, ok, err := d.Plans.Bought(ctx, t)
	if err != nil || !ok {
		return err
	}
	now := d.now()
	due := d.Terms.Life.Stand(p.Plan, p.Told, now)
	if err := d.Bunkers.Stand(ctx, t, p.Plan, due.Stage, renewed); err != nil {
		return err
	}
	if due.Stage == host.StageDelete {
		return nil // it has no plan any more
	}
	next := due.Next
	if due.Tell != "" {
		next = min(next, now+tellAgain.Milliseconds())
	}
	if err := d.Plans.LookedAtPlan(ctx, d.By, &p, "", next); err != nil || due.Tell == "" {
		return unlessConflict(err)
	}
	telling, cancel := context.WithTimeout(ctx, tellFor)
	err = d.Owners.Tell(telling, t, d.letter(due, p.Plan))
	cancel()
	if err != nil {
		d.Log.Warn("the owners of a bunker could not be told; it is tried again", "bunker", t, "what", due.Tell, "error", err)
		return nil
	}
	told := host.Told{due.Tell: now}
	maps.Copy(told, p.Told)
	return unlessConflict(d.Plans.LookedAtPlan(ctx, d.By, &p, due.Tell, d.Terms.Life.Stand(p.Plan, told, now).Next))
}

// unlessConflict: whoever changed the plan has it looked at again.
func unlessConflict(err error) error {
	if bunker.AsError(err).Code == bunker.CodeConflict {
		return nil
	}
	return err
}

// letter is what owners are told. It names no key, no app and no secret.
func (d *Desk) letter(due host.Due, p host.Plan) string {
	on := func(at int64) string { return time.UnixMilli(at).UTC().Format("2 January 2006, 15:04 UTC") }
	var s string
	switch {
	case strings.HasPrefix(due.Tell, host.TellReminder):
		s = fmt.Sprintf("Your bunker is paid until %s.", on(p.Until))
	case due.Tell == host.TellGrace:
		s = fmt.Sprintf("Your bunker was paid until %s. Everything works until %s; then it is read-only.", on(p.Until), on(due.Next))
	case due.Tell == host.TellReadOnly:
		s = fmt.Sprintf("Your bunker was paid until %s and is read-only now: it signs nothing, and you can still export everything.", on(p.Until))
	default:
		s = fmt.Sprintf("Your bunker will be deleted on %s, with its keys, unless it is renewed before. Export what you want to keep.", on(due.DeleteAt))
	}
	if page := d.Page(); page != "" {
		return s + " Renew it in its settings, or with your order at " + page + "."
	}
	return s + " Renew it in its settings, or with your order, on the page where you bought it."
}
