package policy

import (
	"fmt"
	"strings"
	"time"

	"nsecbunker/internal/bunker"
)

// Explanation is a decision with what everything said to it.
type Explanation struct {
	Decision Decision
	Rules    []Said
	Grants   []Said
	Budgets  []BudgetState
	// Care is what is special about the operation, in words; "" for nothing.
	Care string
	// Unknown: rules hang on what the decryption brings to light, and it was not said.
	Unknown bool
}

// Said is one rule or grant, and whether it speaks of the operation.
type Said struct {
	Name   string // "newsroom/notes@3", or a grant's id
	Effect bunker.Effect
	Fits   bool
	Why    string // one part of a sentence: why it does not fit, or what it does
}

// BudgetState is a window of a rule that allows the operation.
type BudgetState struct {
	Rule   string
	Charge bunker.Charge
	Used   int64
}

// Explain decides as Decide does and says why. It is for people who ask; nothing is
// done by it.
func Explain(in Input) Explanation {
	x := Explanation{Decision: Decide(in)}
	if in.Operation == nil || in.Key == nil || in.Connection == nil || in.Tenant == nil {
		return x
	}
	v := judge(&in)
	x.Care, x.Unknown = v.why, v.unknown
	f := look(&in)
	for _, h := range v.held {
		f.under(h.policy, h.since)
		rules := h.policy.whole()
		for i := range rules {
			r := &rules[i]
			s := said{h.policy, r}
			m := r.misfit(&f)
			x.Rules = append(x.Rules, Said{Name: s.name(), Effect: r.Effect, Fits: m == fits, Why: s.why(m, v)})
			if m == fits && r.Effect == bunker.Allow {
				for _, c := range h.policy.charges(r, &in) {
					x.Budgets = append(x.Budgets, BudgetState{s.name(), c, in.Used[c.Window]})
				}
			}
		}
	}
	for i := range in.Grants {
		if g := &in.Grants[i]; g.Connection == in.Connection.ID {
			x.Grants = append(x.Grants, v.grantSaid(g))
		}
	}
	return x
}

// why is what a rule makes of the operation.
func (s said) why(m misfit, v *verdict) string {
	r, o := s.rule, v.in.Operation
	switch m {
	case fits:
		return s.does(v)
	case unknown:
		return "it hangs on what the decryption brings to light; say which of wrap, dm, self, other it is"
	case expired:
		if r.ExpiresAt != 0 && v.in.Now >= r.ExpiresAt {
			return "it has expired, on " + clock(r.ExpiresAt, s.policy.zone)
		}
		return fmt.Sprintf("it held for %s after the policy was given", time.Duration(r.For)*time.Millisecond)
	case wrongMethod:
		return "it does not speak of " + string(o.Method)
	case wrongKind:
		return fmt.Sprintf("it does not speak of kind %d", o.Kind())
	case wrongPeer:
		return "it speaks of other peers"
	case wrongResult:
		return fmt.Sprintf("it does not speak of decrypting what is %s", o.Result)
	case wrongTag:
		return "the tags are not as it demands"
	case wrongDate:
		return fmt.Sprintf("created_at is more than %d s from now", r.MaxSkew)
	case wrongHour:
		return "it holds at other hours; in its zone it is " + clock(v.in.Now, s.policy.zone)
	case wrongDoor:
		return "it speaks of other doors"
	case wrongRelay:
		return "it speaks of requests by other relays"
	case wrongContent:
		return "the content is not as it demands"
	case unnamed:
		return "it fits, but does not name what needs special care: " + v.why
	}
	return "it does not fit"
}

// does is what a rule that fits does.
func (s said) does(v *verdict) string {
	switch s.rule.Effect {
	case bunker.Ask:
		for _, a := range v.asks {
			if a.answer == AnswersRule+s.ref() {
				if g := v.answering(a); g != nil {
					return "it asks, and the grant " + string(g.ID) + " answers it"
				}
			}
		}
		return "it asks, and no grant answers it"
	case bunker.Allow:
		for _, c := range s.policy.charges(s.rule, v.in) {
			if !left(&c, v.in) {
				return "it would allow, but " + budgetWords(&c, s.policy.zone)
			}
		}
		return "it allows"
	}
	return "it denies"
}

// grantSaid is what a grant makes of the operation.
func (v *verdict) grantSaid(g *bunker.Grant) Said {
	x := Said{Name: string(g.ID), Effect: g.Effect}
	switch {
	case !g.Live(v.in.Now):
		x.Why = "it is over: ended, expired or used up"
	case g.Policy != "":
		x.Why = "it puts the connection under the policy " + string(g.Policy)
		for _, h := range v.held {
			if h.policy.head.ID == g.Policy {
				x.Why = "it puts the connection under the policy " + h.policy.head.Name
			}
		}
		x.Fits = true
	case !matches(g, v.in):
		x.Why = "it does not speak of it"
	case g.Effect == bunker.Deny:
		x.Fits, x.Why = true, "it denies"
	case !v.covers(g):
		x.Why = "it does not name what needs special care: " + v.why
	default:
		x.Fits, x.Why = true, "it allows"
		if g.Answers != "" {
			x.Why += ", and answers: " + strings.ReplaceAll(g.Answers, ",", ", ")
		}
	}
	return x
}

// clock is a time as a person reads it.
func clock(ms int64, zone *time.Location) string {
	return time.UnixMilli(ms).In(zone).Format("Mon 2006-01-02 15:04 MST")
}
