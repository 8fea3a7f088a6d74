package oracle

import (
	"strconv"
	"strings"

	"nsecbunker/internal/bunker"
)

// said is what all that counts says of the operation.
type said struct {
	deny, ask, allow string
	// special is what a person is told where the default decides; "" for nothing.
	special string
}

// question is something that only a grant that names it answers.
type question struct {
	name string
	// once: no standing answer will do, only one to this very operation.
	once bool
}

// collect asks every grant and every rule.
func collect(c Case) (s said) {
	why, mustAsk := special(c)
	s.special = why
	var open []question
	for _, g := range c.Given {
		if !lives(c, g.Grant) {
			continue
		}
		if g.Policy == nil {
			s.grant(c, g.Grant, why, mustAsk)
			continue
		}
		if g.Policy.Ended {
			continue
		}
		for _, r := range g.Policy.Rules {
			if !ruleLives(c, g.Policy.ID, r) || !fits(c, *g.Policy, r) {
				continue
			}
			name := string(g.Policy.ID) + "/" + r.ID + "@" + strconv.FormatInt(g.Policy.Version, 10)
			switch {
			case r.Effect == bunker.Deny:
				s.deny = "rule " + name
			case r.Effect == bunker.Ask:
				open = append(open, question{"rule " + name, false})
			case !cares(c, r): // it allows, but does not name what needs care
			case spent(c, *g.Policy, r) && r.Budget.WhenSpent == bunker.Ask:
				open = append(open, question{"spent " + name, true})
			case spent(c, *g.Policy, r):
				s.deny = "spent " + name
			default:
				s.allow = "rule " + name
			}
		}
	}
	// The guard asks about what could otherwise be allowed, by a rule or by a person.
	if c.Guard != "" && (s.allow != "" || len(open) > 0 || c.Key.Default == bunker.Ask) {
		open = append(open, question{"guard", true})
	}
	for _, q := range open {
		if !answered(c, q) {
			s.ask = q.name
		}
	}
	return s
}

// grant is what a grant without a policy says: a refusal, or a permission.
func (s *said) grant(c Case, g bunker.Grant, why string, mustAsk bool) {
	byName, byAll := permitted(c, g.Permissions)
	once := answersOnce(c, g)
	switch {
	case g.Effect == bunker.Deny:
		if byName || byAll || once {
			s.deny = "refusal " + string(g.ID)
		}
	case g.Effect != bunker.Allow:
	case once && (!mustAsk || g.MaxUses == 1), mustAsk && once && g.MaxUses == 1,
		!mustAsk && byName, !mustAsk && why == "" && byAll:
		s.allow = "grant " + string(g.ID)
	}
}

// answered reports whether a live grant names the question, and speaks of the
// operation.
func answered(c Case, q question) bool {
	for _, g := range c.Given {
		if g.Policy != nil || !lives(c, g.Grant) || g.Grant.Effect != bunker.Allow || !names(g.Grant.Answers, q.name) {
			continue
		}
		byName, byAll := permitted(c, g.Grant.Permissions)
		once := answersOnce(c, g.Grant)
		if once && g.Grant.MaxUses == 1 || !q.once && (byName || byAll || once) {
			return true
		}
	}
	return false
}

// names reports whether a grant's list of what it answers has a word.
func names(answers, what string) bool {
	for _, a := range strings.Split(answers, ",") {
		if a == what {
			return true
		}
	}
	return false
}

// answersOnce reports whether a grant is for exactly this operation.
func answersOnce(c Case, g bunker.Grant) bool {
	return g.OpDigest != [32]byte{} && g.OpDigest == c.Request.Once
}

// permitted looks into a permission string. "all" and a bare sign_event name no
// kind.
func permitted(c Case, perms string) (byName, byAll bool) {
	for _, p := range strings.Split(perms, ",") {
		p = strings.TrimSpace(p)
		method, kind, bound := strings.Cut(p, ":")
		switch {
		case p == "all":
			byAll = true
		case method != c.Request.Method:
		case method != "sign_event":
			byName = byName || !bound
		case !bound:
			byAll = true
		case kind == strconv.Itoa(int(c.Request.Kind)):
			byName = true
		}
	}
	return byName, byAll
}
