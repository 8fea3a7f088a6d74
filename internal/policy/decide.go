package policy

import (
	"fmt"
	"slices"
	"strings"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr/nip46"
)

// What a grant from an approval can answer.
const (
	AnswersDefault = "default"
	AnswersCare    = "care"
	AnswersGuard   = "guard"
)

// Decide is the one place that says yes. Deny beats an unanswered ask beats
// allow; nothing matched means the key's default, which is ask or deny, never
// allow.
func Decide(in Input) Decision {
	if d, done := standing(in); done {
		return d
	}
	live := liveGrants(in)
	for i := range live {
		g := &live[i]
		if g.Effect == bunker.Deny && matches(g, in) {
			return deny("grant "+string(g.ID), "an administrator refused %s for this app", name(in.Operation))
		}
	}
	care, why := careOf(in.Operation, in.Key, in.Now)
	g := allowing(live, in, care)
	if in.Guard != "" && (g != nil || in.Key.Default == bunker.Ask) {
		if g = answersGuard(live, in); g == nil {
			return guarded(in)
		}
	}
	if g != nil {
		d := Decision{Effect: bunker.Allow, Rule: "grant " + string(g.ID), Reason: "granted by " + g.GivenBy}
		if g.MaxUses > 0 {
			d.Spend = g.ID
		}
		return d
	}
	return unanswered(in, care, why)
}

// standing settles what does not depend on the operation: is this connection
// allowed anything at all, now.
func standing(in Input) (Decision, bool) {
	k, c, t := in.Key, in.Connection, in.Tenant
	switch {
	case t == nil || c == nil || k == nil || in.Operation == nil:
		return deny("none", "there is no such connection"), true
	case t.Stopped:
		return deny("stopped", "this bunker was stopped by its administrator; ask them to start it again"), true
	case !t.Reviewed:
		return deny("restored", "this bunker was restored from a backup and its connections are not reviewed yet; ask its administrator"), true
	case k.State != bunker.KeyActive:
		return deny("key", "this key is being deleted; ask the bunker's administrator"), true
	case c.State == bunker.ConnExpired || (c.ExpiresAt != 0 && in.Now >= c.ExpiresAt):
		return deny("expired", "this connection has expired; ask the bunker's administrator for a new one"), true
	case c.State == bunker.ConnSuspended:
		return deny("suspended", "this connection is suspended; ask the bunker's administrator"), true
	case c.State == bunker.ConnRevoked:
		return deny("revoked", "this connection was revoked; ask the bunker's administrator"), true
	case c.State == bunker.ConnEnded:
		return deny("ended", "this app logged out; connect it again with a new bunker:// string"), true
	case c.State != bunker.ConnActive:
		return deny("pending", "this connection is not approved yet"), true
	case k.Locked:
		return deny("locked", "the key is locked; ask the bunker's administrator to unlock it"), true
	}
	return Decision{}, false
}

// unanswered is the decision when no grant settles the operation.
func unanswered(in Input, care Care, why string) Decision {
	if a := in.Approval; a != nil {
		if d, done := resolved(a, in.Now); done {
			return d
		}
	}
	d := Decision{Effect: in.Key.Default, Code: bunker.CodeRestricted, Rule: AnswersDefault, Answers: AnswersDefault}
	if care != Plain {
		d.Rule, d.Answers, d.OnceOnly = "care: "+why, AnswersCare, care == MustAsk
	}
	if d.Effect != bunker.Ask { // the default of a key is never allow
		d.Effect = bunker.Deny
		d.Reason = fmt.Sprintf("this app has no permission for %s; ask the bunker's administrator", name(in.Operation))
		return d
	}
	d.Reason = fmt.Sprintf("no permission covers %s, so a person is asked", name(in.Operation))
	if why != "" {
		d.Reason += ": " + why
	}
	return d
}

// answersGuard returns the grant by which a person allowed this very event, once,
// having seen what it would lose.
func answersGuard(live []bunker.Grant, in Input) *bunker.Grant {
	for i := range live {
		g := &live[i]
		if g.Effect == bunker.Allow && once(g, in) && g.MaxUses == 1 && slices.Contains(strings.Split(g.Answers, ","), AnswersGuard) {
			return g
		}
	}
	return nil
}

// guarded asks before a replaceable event loses entries, whatever is granted.
func guarded(in Input) Decision {
	if a := in.Approval; a != nil {
		if d, done := resolved(a, in.Now); done {
			return d
		}
	}
	return Decision{
		Effect: bunker.Ask, Code: bunker.CodeRestricted, Rule: "guard: " + in.Guard, Answers: AnswersGuard, OnceOnly: true,
		Reason: "signing " + name(in.Operation) + " takes the place of the version before, so a person is asked: " + in.Guard,
	}
}

// resolved turns a question that did not end in a grant into a refusal.
func resolved(a *bunker.Approval, now int64) (Decision, bool) {
	rule := "approval " + string(a.ID)
	switch a.State {
	case bunker.ApprovalDenied:
		return deny(rule, "an administrator refused this request"), true
	case bunker.ApprovalWithdrawn:
		return deny(rule, "the question about this request was withdrawn"), true
	case bunker.ApprovalExpired:
		return deny(rule, "nobody answered in time; try again"), true
	case bunker.ApprovalPending:
		if now < a.ReplyBy {
			return Decision{}, false
		}
		return deny(rule, "not yet approved; if approved later, try again"), true
	case bunker.ApprovalApproved:
		// Approved, and yet no grant covers it now: spent, ended or too late.
		return deny(rule, "it was approved, but the approval no longer covers this request; try again"), true
	}
	return deny(rule, "the question about this request is in no known state"), true
}

func deny(rule, format string, args ...any) Decision {
	return Decision{Effect: bunker.Deny, Rule: rule, Reason: fmt.Sprintf(format, args...), Code: bunker.CodeRestricted}
}

// name is the operation in a sentence.
func name(o *Operation) string {
	if o.Method == nip46.SignEvent {
		return fmt.Sprintf("sign_event of kind %d", o.Template.Kind)
	}
	return string(o.Method)
}
