package policy

import (
	"fmt"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr/nip46"
)

// NotYet is what an app hears of a question that nobody has answered in time.
const NotYet = "not yet approved; if approved later, try again"

// Decide is the one place that says yes. Any deny → deny; else a matching ask that
// no live grant answers → ask; else an allow, or an answering grant → allow; else
// the key's default, which is ask or deny, never allow (security.md section 2).
func Decide(in Input) Decision {
	if d, done := standing(&in); done {
		return d
	}
	v := judge(&in)
	if d, done := v.denied(); done {
		return d
	}
	if len(v.asks) > 0 {
		return v.asked()
	}
	if d, done := v.allowed(); done {
		return d
	}
	return v.unanswered()
}

// standing settles what does not depend on the operation: is this connection
// allowed anything at all, now. What a person refused stays refused, whatever has
// begun to allow it since.
func standing(in *Input) (Decision, bool) {
	k, c, t := in.Key, in.Connection, in.Tenant
	refuse := func(rule, needed, reason string) (Decision, bool) {
		d := deny(rule, "%s", reason)
		d.Needed = needed
		return d, true
	}
	switch {
	case t == nil || c == nil || k == nil || in.Operation == nil:
		return refuse("none", "a connection", "there is no such connection")
	case t.Standing != bunker.StandingWorks:
		return refuse("standing", "that the provider ends it, or the bunker is renewed", t.Standing.Words())
	case t.Stopped:
		return refuse("stopped", "that an owner ends the stop", "this bunker was stopped by its administrator; ask them to start it again")
	case !t.Reviewed:
		return refuse("restored", "that an owner ends the review after the restore", "this bunker was restored from a backup and its connections are not reviewed yet; ask its administrator")
	case k.State != bunker.KeyActive:
		return refuse("key", "that the key is brought back", "this key is being deleted; ask the bunker's administrator")
	case c.State == bunker.ConnExpired || (c.ExpiresAt != 0 && in.Now >= c.ExpiresAt):
		return refuse("expired", "a new link", "this connection has expired; ask the bunker's administrator for a new one")
	case c.StateAt(in.Now) == bunker.ConnSuspended:
		return refuse("suspended", "that the connection is resumed", SuspendedWords(c))
	case c.State == bunker.ConnRevoked:
		return refuse("revoked", "a new link", "this connection was revoked; ask the bunker's administrator")
	case c.State == bunker.ConnEnded:
		return refuse("ended", "a new link", "this app logged out; connect it again with a new bunker:// string")
	case c.StateAt(in.Now) != bunker.ConnActive:
		return refuse("pending", "that a person lets the app in", "this connection is not approved yet")
	case k.PausedAt(in.Now):
		return refuse("paused", "that the key is resumed", PausedWords(k))
	case k.Locked:
		return refuse("locked", "that the key is unlocked", "the key is locked; ask the bunker's administrator to unlock it")
	case in.Approval != nil && (in.Approval.State == bunker.ApprovalDenied || in.Approval.State == bunker.ApprovalWithdrawn):
		d, done := resolved(in.Approval, in.Now)
		d.Needed = "another answer to a new question"
		return d, done
	}
	return Decision{}, false
}

// denied is the decision where anything denies.
func (v *verdict) denied() (Decision, bool) {
	o := v.in.Operation
	switch {
	case v.missing != "":
		d := deny("policy "+string(v.missing), "the policy of this connection cannot be read; ask the bunker's administrator")
		d.Needed = "the policy " + string(v.missing) + " as it was stored: find out who writes to the data folder"
		return d, true
	case v.denyGrant != nil:
		d := deny("grant "+string(v.denyGrant.ID), "an administrator refused %s for this app", name(o))
		d.Needed = "that the refusal " + string(v.denyGrant.ID) + " ends: a deny holds whatever else allows"
		return d, true
	case v.deny.rule != nil:
		d := deny("policy "+v.deny.name(), "the policy of this app refuses %s", name(o))
		d.Needed = "that the rule " + v.deny.name() + " does not speak of it: a deny holds whatever else allows"
		return d, true
	case v.spent.rule != nil:
		words := budgetWords(&v.spentOf, v.spent.policy.zone)
		d := deny("policy "+v.spent.name(), "%s", words)
		d.Code = bunker.CodeRateLimited
		d.Needed = "a larger budget in the rule " + v.spent.name() + ", or when_spent = \"ask\" there"
		return d, true
	}
	return Decision{}, false
}

// asked is the decision where asks are matched: whether grants answer all of them.
func (v *verdict) asked() Decision {
	var open []ask
	var spend []bunker.GrantID
	var by *bunker.Grant
	for _, a := range v.asks {
		g := v.answering(a)
		if g == nil {
			open = append(open, a)
			continue
		}
		if by == nil || v.covers(g) && !v.covers(by) {
			by = g
		}
		if g.MaxUses > 0 {
			spend = appendOnce(spend, g.ID)
		}
	}
	if len(open) == 0 {
		if v.covers(by) {
			d := v.granted(by)
			d.Charges = v.charges
			return spending(d, spend)
		}
		if d, done := v.allowed(); done {
			if d.Spend != "" {
				spend = appendOnce(spend, d.Spend)
			}
			return spending(d, spend)
		}
		return v.unanswered()
	}
	if a := v.in.Approval; a != nil {
		if d, done := resolved(a, v.in.Now); done {
			d.Needed = open[0].needed(v.in.Operation)
			return d
		}
	}
	d := Decision{Effect: bunker.Ask, Code: bunker.CodeRestricted, Rule: open[0].rule, Reason: open[0].reason(v.in.Operation), Needed: open[0].needed(v.in.Operation)}
	for _, a := range open {
		d.Answers = join(d.Answers, a.answer)
		d.OnceOnly = d.OnceOnly || a.once
		d.Quorum = max(d.Quorum, a.quorum)
	}
	if v.care != Plain && !v.allows() {
		d.Answers, d.OnceOnly = join(d.Answers, AnswersCare), d.OnceOnly || v.care == MustAsk
		d.Reason += ": " + v.why
	}
	return d
}

// allowed is the decision where something allows and nothing asks.
func (v *verdict) allowed() (Decision, bool) {
	g := v.allowing()
	switch {
	case v.allow.rule != nil:
		return Decision{
			Effect: bunker.Allow, Rule: "policy " + v.allow.name(), Reason: "the policy " + v.allow.policy.head.Name + " allows it", Charges: v.charges,
		}, true
	case g != nil:
		d := v.granted(g)
		d.Charges = v.charges
		if g.MaxUses > 0 {
			d.Spend = g.ID
		}
		return d, true
	}
	return Decision{}, false
}

func (v *verdict) granted(g *bunker.Grant) Decision {
	return Decision{Effect: bunker.Allow, Rule: "grant " + string(g.ID), Reason: "granted by " + g.GivenBy}
}

func spending(d Decision, ids []bunker.GrantID) Decision {
	if len(ids) > 0 {
		d.Spend, d.SpendAlso = ids[0], ids[1:]
	}
	return d
}

func appendOnce(ids []bunker.GrantID, id bunker.GrantID) []bunker.GrantID {
	for _, have := range ids {
		if have == id {
			return ids
		}
	}
	return append(ids, id)
}

// unanswered is the decision when nothing settles the operation.
func (v *verdict) unanswered() Decision {
	if a := v.in.Approval; a != nil {
		if d, done := resolved(a, v.in.Now); done {
			d.Needed = v.needed()
			return d
		}
	}
	d := Decision{Effect: v.in.Key.Default, Code: bunker.CodeRestricted, Rule: AnswersDefault, Answers: AnswersDefault, Needed: v.needed()}
	if v.care != Plain {
		d.Rule, d.Answers, d.OnceOnly = "care: "+v.why, AnswersCare, v.care == MustAsk
	}
	if d.Effect != bunker.Ask { // the default of a key is never allow
		d.Effect = bunker.Deny
		d.Reason = fmt.Sprintf("this app has no permission for %s; ask the bunker's administrator", name(v.in.Operation))
		return d
	}
	d.Reason = fmt.Sprintf("no permission covers %s, so a person is asked", name(v.in.Operation))
	if v.why != "" {
		d.Reason += ": " + v.why
	}
	return d
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
		return deny(rule, NotYet), true
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
