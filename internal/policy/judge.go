package policy

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr/nip46"
)

// said is a rule that fits, and its policy.
type said struct {
	policy *Compiled
	rule   *rule
}

// name is how records name a rule.
func (s said) name() string { return ruleName(s.policy.head, s.rule.ID) }

func ruleName(p *bunker.PolicyHead, id string) string {
	return fmt.Sprintf("%s/%s@%d", p.Name, id, p.Version)
}

// ParseRuleName reads what records call the rule that decided,
// "policy newsroom/notes@3".
func ParseRuleName(s string) (policy, rule string, version int64, ok bool) {
	s, ok = strings.CutPrefix(s, "policy ")
	if !ok {
		return "", "", 0, false
	}
	at := strings.LastIndexByte(s, '@')
	if at < 0 {
		return "", "", 0, false
	}
	version, err := strconv.ParseInt(s[at+1:], 10, 64)
	policy, rule, ok = strings.Cut(s[:at], "/")
	return policy, rule, version, ok && err == nil && version > 0
}

// ref is how grants name it: by ids, which never change.
func (s said) ref() string {
	return fmt.Sprintf("%s/%s@%d", s.policy.head.ID, s.rule.ID, s.policy.head.Version)
}

// verdict is everything that speaks of an operation.
type verdict struct {
	in   *Input
	live []bunker.Grant
	held []held
	care Care
	why  string

	missing   bunker.PolicyID // a live grant's policy that is not there, or cannot be read
	denyGrant *bunker.Grant
	deny      said
	spent     said // its budget is used up, and so it denies
	spentOf   bunker.Charge
	asks      []ask
	allow     said
	charges   []bunker.Charge

	// unknown: rules hang on what a decryption brings to light, and nobody looked.
	unknown bool
	// budgets are the windows that the decision hangs on.
	budgets []bunker.Window
}

// held is a policy that the connection is under.
type held struct {
	policy *Compiled
	since  int64 // unix ms, of the youngest grant
}

// judge collects what speaks of the operation. in is not changed.
func judge(in *Input) *verdict {
	v := &verdict{in: in, live: liveGrants(in)}
	v.care, v.why = careOf(in.Operation, in.Key, in.Now)
	for i := range v.live {
		g := &v.live[i]
		switch {
		case g.Policy != "":
			v.hold(g)
		case g.Effect == bunker.Deny && v.denyGrant == nil && matches(g, in):
			v.denyGrant = g
		}
	}
	slices.SortFunc(v.held, func(a, b held) int { return strings.Compare(string(a.policy.head.ID), string(b.policy.head.ID)) })
	f := look(in)
	for _, h := range v.held {
		f.under(h.policy, h.since)
		if !h.policy.each(in.Operation, func(r *rule) { v.hear(said{h.policy, r}, &f) }) {
			v.miss(h.policy.head.ID)
		}
	}
	// What nothing allows, and the default refuses, needs no guard.
	if in.Guard != "" && (len(v.asks) > 0 || in.Key.Default == bunker.Ask || v.allows()) {
		v.asks = append(v.asks, ask{answer: AnswersGuard, once: true, rule: "guard: " + in.Guard, why: in.Guard})
	}
	return v
}

// hold notes the policy of a live grant.
func (v *verdict) hold(g *bunker.Grant) {
	for i := range v.held {
		if v.held[i].policy.head.ID == g.Policy {
			v.held[i].since = max(v.held[i].since, g.CreatedAt)
			return
		}
	}
	for _, c := range v.in.Policies {
		if c == nil || c.head.ID != g.Policy {
			continue
		}
		if !c.head.Ended { // the grants of a deleted one grant nothing
			v.held = append(v.held, held{c, g.CreatedAt})
		}
		return
	}
	v.miss(g.Policy)
}

// miss takes down a policy that is not there, or cannot be read.
func (v *verdict) miss(id bunker.PolicyID) {
	if v.missing == "" || id < v.missing {
		v.missing = id
	}
}

// hear takes down what one rule says.
func (v *verdict) hear(s said, f *facts) {
	switch s.rule.misfit(f) {
	case fits:
	case unknown:
		// Whoever decides without having looked is told no more than is certain: what
		// could forbid does, what could allow does not.
		v.unknown = true
		if s.rule.Effect == bunker.Allow {
			return
		}
	default:
		return
	}
	switch s.rule.Effect {
	case bunker.Ask:
		v.asks = append(v.asks, ask{answer: AnswersRule + s.ref(), quorum: s.rule.Quorum, rule: "policy " + s.name()})
	case bunker.Allow:
		v.spend(s)
	default:
		if v.deny.rule == nil {
			v.deny = s
		}
	}
}

// spend charges an allow rule's budget, or takes down that it is used up.
func (v *verdict) spend(s said) {
	charges := s.policy.charges(s.rule, v.in)
	for i := range charges {
		v.budgets = append(v.budgets, charges[i].Window)
	}
	for i := range charges {
		c := &charges[i]
		if left(c, v.in) {
			continue
		}
		if s.rule.Budget.WhenSpent == bunker.Ask {
			v.asks = append(v.asks, ask{
				answer: answersSpent + s.ref(), once: true, rule: "policy " + s.name(), why: budgetWords(c, s.policy.zone),
			})
		} else if v.spent.rule == nil {
			v.spent, v.spentOf = s, *c
		}
		return
	}
	v.charges = append(v.charges, charges...)
	if v.allow.rule == nil {
		v.allow = s
	}
}

// allows reports whether anything allows the operation, asks aside.
func (v *verdict) allows() bool { return v.allow.rule != nil || v.allowing() != nil }

// Need is what a decision hangs on besides its Input, so that nothing is looked up,
// and nothing decrypted, without need.
type Need struct {
	// Result: rules hang on what the decryption brings to light (Operation.Result).
	Result bool
	// Used are windows whose uses Input.Used must hold.
	Used []bunker.Window
}

// Needs tells what Decide needs to know. Where Result is needed, ask again with it.
func Needs(in Input) Need {
	if _, done := standing(&in); done {
		return Need{}
	}
	veiled := in.Operation.decrypts() && in.Operation.Result == ""
	if !slices.ContainsFunc(in.Policies, func(c *Compiled) bool { return c != nil && (c.budgets || veiled && c.results) }) {
		return Need{}
	}
	v := judge(&in)
	if v.missing != "" || v.denyGrant != nil || v.deny.rule != nil && !v.unknown {
		return Need{} // it is refused whatever comes to light
	}
	return Need{Result: v.unknown, Used: v.budgets}
}

// needed says what would have allowed the operation that nothing speaks of.
func (v *verdict) needed() string {
	o := v.in.Operation
	switch {
	case v.care == MustAsk:
		return fmt.Sprintf("a person's yes for this one time: no rule and no permission allows %s", name(o))
	case o.Method == nip46.SignEvent && OffDate(o.Template.CreatedAt, v.in.Now):
		return fmt.Sprintf("no rule allows kind %d of such a date; a rule with kinds = [%d] and a max_skew that reaches it, or the permission sign_event:%d, would be needed",
			o.Template.Kind, o.Template.Kind, o.Template.Kind)
	case o.Method == nip46.SignEvent:
		return fmt.Sprintf("no rule allows kind %d; a rule with kinds = [%d], or the permission sign_event:%d, would be needed", o.Template.Kind, o.Template.Kind, o.Template.Kind)
	case o.Peer == v.in.Key.PubKey && o.decrypts():
		return fmt.Sprintf("no rule allows it; a rule with methods = [\"%s\"] and results = [\"self\"], or the permission %s, would be needed", o.Method, o.Method)
	case v.care == Named:
		return fmt.Sprintf("no rule allows it; a rule with methods = [\"%s\"] that names its peers, or the permission %s, would be needed", o.Method, o.Method)
	case o.Result != "":
		return fmt.Sprintf("no rule allows it; a rule with methods = [\"%s\"] and results = [\"%s\"], or the permission %s, would be needed", o.Method, o.Result, o.Method)
	}
	return fmt.Sprintf("no rule allows it; a rule with methods = [\"%s\"], or the permission %s, would be needed", o.Method, o.Method)
}
