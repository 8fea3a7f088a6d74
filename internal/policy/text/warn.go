package text

import (
	"fmt"
	"math"
	"slices"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/policy"
	"nsecbunker/nostr"
)

// warnings looks at a policy without refusals for what its author may not have
// meant.
func (c *checker) warnings(p *bunker.Policy) {
	if len(p.Rules) == 0 {
		c.warn("rule", "write a rule that allows something", "the policy has no rules: everything is asked, or refused if the key's default is deny")
		return
	}
	if p.Zone == "" && slices.ContainsFunc(p.Rules, func(r bunker.Rule) bool { return len(r.Hours) > 0 }) {
		c.warn("zone", `write for example zone = "Europe/Berlin"`, "no zone is named, so its hours are in UTC")
	}
	all := make([]ready, len(p.Rules))
	for i := range p.Rules {
		all[i] = readied(p.Rules[i:i+1], c.now)[0] // none is over: that is refused
	}
	for i := range all {
		r := &all[i]
		c.at(i, r.Rule)
		c.shadow(r, all)
		if r.Effect == bunker.Allow {
			c.care(r)
			c.everything(r)
		}
		c.unseen(r)
	}
	c.rule, c.path = "", ""
}

// shadow warns of a rule that never says anything, because others are heard first:
// deny before ask before allow.
func (c *checker) shadow(r *ready, all []ready) {
	for j := range all {
		o := &all[j]
		switch {
		case o.Effect == bunker.Deny && r.Effect == bunker.Ask && o.covers(r):
			c.warn("", "remove it, or narrow rule "+o.ID, "it never asks: rule %s denies everything that it is about", o.ID)
		case o.Effect == bunker.Deny && r.Effect == bunker.Allow && o.covers(r):
			c.warn("", "remove it, or narrow rule "+o.ID, "it allows nothing: rule %s denies everything that it is about", o.ID)
		case o.Effect == bunker.Ask && r.Effect == bunker.Allow && o.covers(r):
			c.warn("", "remove it, or narrow rule "+o.ID, "it settles nothing: rule %s asks about everything that it allows", o.ID)
		default:
			continue
		}
		return
	}
}

// care warns of what a rule allows although it needs special care.
func (c *checker) care(r *ready) {
	const most = 8 // kinds that are told one by one
	field := "kinds"
	if len(r.Kinds) == 0 {
		field = "rights"
	}
	n := 0
	named := r.span.named.intersect(r.span.sign) // a right set that leaves the danger out is as its name says
	for _, row := range careRows() {
		for _, k := range named.intersect(kindSet{row.KindRange}) {
			switch {
			case n == most:
				c.warn(field, "check each of them", "it allows more kinds that need special care")
				return
			case row.care == policy.MustAsk:
				c.warn(field, "leave it out", "kind %d is asked each time, whatever a rule allows: %s", k.From, row.why)
			default:
				c.warn(field, hintOfCare(k.From), "it allows %s unasked: %s", kindsWord(k), row.why)
			}
			n++
		}
	}
	if r.span.self {
		c.warn("results", "leave self out if the app need not read it", "it allows decrypting what the account keeps for itself: lists, drafts, money, app secrets")
	}
	for k, why := range map[nostr.Kind]string{24133: "it would speak for other apps, or for this bunker"} {
		if len(r.Kinds) > 0 && setOf(r.Kinds).holds(kindSet{{From: k, To: k}}) && r.span.named.holds(kindSet{{From: k, To: k}}) {
			c.warn("kinds", "leave it out", "kind %d is never signed, whatever a rule allows: %s", k, why)
		}
	}
}

// hintOfCare is how a kind that needs special care is bound to a place.
func hintOfCare(k nostr.Kind) string {
	switch k {
	case 22242:
		return `bind it to its relay: tags = {relay = ["wss://…"]}`
	case 27235:
		return `bind it to its website: tags = {u = ["https://…*"]}`
	case 24242:
		return `bind it to what it may do: tags = {t = ["upload"]}`
	}
	return "leave it out, and it is asked"
}

func kindsWord(k bunker.KindRange) string {
	if k.From == k.To {
		return k.From.Label()
	}
	return fmt.Sprintf("kinds %d to %d", k.From, k.To)
}

// everything warns of a rule that allows whatever an app may want.
func (c *checker) everything(r *ready) {
	all := span{sign: everyKindSet(), texts: math.MaxUint16 >> 6}
	if !r.span.holds(&all) {
		return
	}
	c.warn("", "name rights, or kinds", "it allows everything but what needs special care; the app can speak for the account in every way that others can see")
}

// unseen warns of demands on content that is encrypted when the rule sees it.
func (c *checker) unseen(r *ready) {
	if r.Content == nil || len(r.Content.Words) == 0 && r.Content.Pattern == "" || len(r.Kinds) == 0 {
		return
	}
	encrypted := setOf([]bunker.KindRange{{From: 4, To: 4}, {From: 13, To: 13}, {From: 1059, To: 1059}, {From: 21059, To: 21059}})
	if encrypted.holds(setOf(r.Kinds)) {
		c.warn("content", "leave words and pattern out", "the content of these kinds is encrypted: words and patterns find nothing in it")
	}
}
