package inbox

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/signer"
)

// movedWords is what a client is told whose ground moved too often.
const movedWords = "the bunker is being changed right now; send it again"

// judge decides, commits and publishes. noted reports that the event needs no
// second look: it has a row, or never will.
func (in *Inbox) judge(ctx context.Context, t *Tenant, a signer.Arrival) (v Verdict, noted bool) {
	for try := 0; ; try++ {
		if why := in.away(); why != "" {
			return refused("error: " + why + "; send it again"), false
		}
		a.Now, a.Halted = in.Now(), in.Halted()
		if try > in.Limits.Retries && a.Halted == "" {
			a.Halted = movedWords // ledger.md step 5: then an error, as a reply of its own
		}
		var j signer.Judgement
		var err error
		begin := time.Now()
		in.crew.run(t.ID, func() { j, err = in.safely(ctx, t, a) })
		if in.Decided != nil {
			in.Decided(time.Since(begin))
		}
		if err != nil {
			return in.failed("judging", err), false
		}
		if j.Entry == nil {
			return in.withoutRow(ctx, t, a, j)
		}
		// What is parked already has its row, and must leave it.
		if e := j.Entry; a.Parked == nil && try == 0 && e.Audit.Effect != bunker.Allow.String() && !in.refusals.admit(t.ID, pair{e.Signer, e.Client}, a.Now) {
			return refused("rate-limited: too many requests of this app that are not allowed; slow down"), false
		}
		res, err := in.Ledger.Commit(ctx, j.Entry)
		if err != nil {
			return in.failed("committing", err), false
		}
		switch res.Outcome {
		case bunker.Committed:
			in.committed(ctx, t, j.Entry, res)
			return accepted, true
		case bunker.Taken:
			in.resend(j.Entry.EventID, res.Replies)
			return accepted, true
		case bunker.Stale:
			return refused("invalid: created_at is too far from now; check the clock"), true
		case bunker.Moved:
			if try <= 2*in.Limits.Retries {
				continue
			}
			in.Log.Warn("a request's ground moved too often", "event", j.Entry.EventID, "tries", try+1)
			return refused("error: " + movedWords), false
		}
		return in.failed("committing", res.Err), false
	}
}

// safely judges, and takes a panic for an event that cannot be worked on: it is a
// bug of ours, and must not let whoever found it end the bunker at will. Judging
// has stored nothing and sent nothing.
func (in *Inbox) safely(ctx context.Context, t *Tenant, a signer.Arrival) (j signer.Judgement, err error) {
	defer func() {
		if r := recover(); r != nil {
			in.Log.Error("a bug was hit while judging a request; please report it", "event", a.Event.ID, "panic", fmt.Sprintf("%T", r), "where", where())
			j, err = signer.Judgement{Drop: "a bug of the bunker"}, nil
		}
	}()
	return t.Signer.Judge(ctx, a)
}

// where names the functions that a panic came through: names only, since
// arguments could be secrets.
func where() string {
	pcs := make([]uintptr, 16)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(4, pcs)])
	var names []string
	for {
		f, more := frames.Next()
		names = append(names, fmt.Sprintf("%s:%d", f.Function, f.Line))
		if !more {
			return strings.Join(names, " < ")
		}
	}
}

func (in *Inbox) committed(ctx context.Context, t *Tenant, e *bunker.Entry, res bunker.Result) {
	if e.NewConnection != nil {
		t.Joined(e.Client)
	}
	in.publish(res.Replies)
	if e.Audit.Rule == bunker.SeatsRule {
		in.noSeat(ctx, t, e.Audit.Reason)
	}
	if e.NewConnection == nil && e.UpdateConnection == nil {
		return
	}
	who := pair{e.Signer, e.Client}
	in.known.add(who)
	if h, ok := in.held.take(who, in.Now()); ok {
		in.judge(ctx, t, h)
	}
}

// withoutRow ends a request that writes nothing.
func (in *Inbox) withoutRow(ctx context.Context, t *Tenant, a signer.Arrival, j signer.Judgement) (Verdict, bool) {
	switch {
	case j.Hold:
		p, _ := signer.Recipient(a.Event)
		in.held.put(pair{p, a.Event.PubKey}, a, in.Now(), in.Limits)
		return accepted, false
	case j.Stranger != nil:
		in.strangers.refused.add(t.ID)
		if j.Spent != "" && in.strangers.mayAlarm(spentToken{t.ID, j.Spent}, in.Now()) {
			in.alarm(ctx, t, a, j.Spent)
		}
		if j.Full {
			in.noSeat(ctx, t, "an app that holds a good link was refused, for all seats are taken")
		}
		if in.strangers.mayReply(t.ID, a.Event.PubKey, in.Now()) {
			in.tellStranger(t, j.Stranger)
		}
		return accepted, true
	}
	if j.Counted {
		in.strangers.refused.add(t.ID)
	}
	in.Log.Debug("an event was ignored", "why", j.Drop, "event", a.Event.ID)
	return accepted, true
}

// alarm records that another key showed a token's spent secret.
func (in *Inbox) alarm(ctx context.Context, t *Tenant, a signer.Arrival, spent bunker.TokenID) {
	in.Log.Warn("the secret of a link that was used up was shown by another key; the link may have leaked", "token", spent, "client", a.Event.PubKey)
	err := t.Diary.Write(ctx, bunker.AuditRecord{
		Principal: "client " + a.Event.PubKey.String(), Door: string(bunker.DoorRelay), Action: "connect", Object: string(spent),
		Effect: bunker.Deny.String(), Rule: "token " + string(spent), Reason: bunker.SpentSecretReason,
	})
	if err != nil {
		in.Log.Error("a spent secret could not be recorded", "error", err)
	}
}

// diary records, as numbers, what was refused without a row since the last time.
func (in *Inbox) diary(ctx context.Context) {
	in.countedRecords(ctx, in.strangers.refused.take(), "strangers", "connect", "stranger", "unknown apps were refused")
	in.countedRecords(ctx, in.refusals.over.take(), "clients", "requests", "flood", "apps asked too often for what they are not allowed; these requests were not answered")
	in.countedRecords(ctx, in.over.take(), "clients", "requests", "quota", "more requests came than this bunker may have worked on a second, or at once; these were not answered")
}

func (in *Inbox) countedRecords(ctx context.Context, counts map[bunker.TenantID]int64, who, action, rule, why string) {
	for id, n := range counts {
		t := in.Tenants.Tenant(id)
		if t == nil {
			continue // it has gone meanwhile, and its log with it
		}
		err := t.Diary.Write(ctx, bunker.AuditRecord{
			Principal: who, Door: string(bunker.DoorRelay), Action: action, Effect: bunker.Deny.String(),
			Rule: rule, Reason: why, Count: n,
		})
		if err != nil {
			in.Log.Error("what was refused could not be recorded", "who", who, "tenant", id, "error", err)
		}
	}
}

// tellStranger sends the one generic error that leaves without a row; its type
// cannot carry a result.
func (in *Inbox) tellStranger(t *Tenant, e *signer.StrangerError) {
	ev, err := t.Signer.Envelope(e, in.Now())
	if err != nil {
		in.Log.Error("a stranger's refusal could not be closed", "error", err)
		return
	}
	in.Outlet.Send(t.ID, ev, ev.AppendJSON(nil), t.Relays(), func(string, bool, string) {})
}

// replay takes a parked request up again: its question was answered, or its
// time to reply has come. Arrival checks are not repeated; everything else is.
func (in *Inbox) replay(ctx context.Context, p bunker.Parked) {
	t := in.Tenants.Tenant(p.Tenant)
	if t == nil || in.elsewhere(p.Tenant) {
		return // its tenant has gone since it was read, or the instance that has it open does this
	}
	ev, err := parkedEvent(p)
	if err != nil {
		in.Log.Error("a parked request cannot be read", "event", p.EventID, "error", err)
		return
	}
	in.flights.do(ctx, p.EventID, func() Verdict {
		v, _ := in.judge(ctx, t, signer.Arrival{Event: ev, Raw: string(p.Envelope), Parked: &p})
		return v
	})
}
