package policy

import (
	"fmt"
	"strings"

	"nsecbunker/internal/bunker"
)

// What a grant from an approval can answer, parts joined by commas
// ([bunker.Grant.Answers]).
const (
	AnswersDefault = "default"
	AnswersCare    = "care"
	AnswersGuard   = "guard"
	AnswersRule    = "rule "  // an ask rule, POLICY/RULE@VERSION
	answersSpent   = "spent " // a budget that is used up, likewise
)

// Answers reports whether a list of answered things holds one.
func Answers(list, one string) bool {
	for list != "" {
		var part string
		part, list, _ = strings.Cut(list, ",")
		if part == one {
			return true
		}
	}
	return false
}

func join(list, one string) string {
	switch {
	case list == "":
		return one
	case Answers(list, one):
		return list
	}
	return list + "," + one
}

// ask is something that a person must answer.
type ask struct {
	answer string // what a grant must name
	once   bool   // a grant for one time, for this very operation, only
	quorum int
	rule   string // for the log
	why    string // of the guard and of budgets
}

func (a *ask) reason(o *Operation) string {
	if a.answer == AnswersGuard {
		return fmt.Sprintf("signing %s takes the place of the version before, so a person is asked: %s", name(o), a.why)
	}
	if a.why != "" {
		return fmt.Sprintf("a person is asked about %s: %s", name(o), a.why)
	}
	return fmt.Sprintf("the policy of this app has a person asked about %s", name(o))
}

func (a *ask) needed(o *Operation) string {
	switch {
	case a.answer == AnswersGuard:
		return "a person's yes for this very event: the guard takes no other"
	case strings.HasPrefix(a.answer, answersSpent):
		return "a person's yes for this one time, or a larger budget in the rule " + strings.TrimPrefix(a.rule, "policy ")
	}
	return fmt.Sprintf("a person's yes that answers the rule %s, or that this rule does not speak of %s", strings.TrimPrefix(a.rule, "policy "), name(o))
}

// answering returns the live grant that answers an ask; one that is not counted is
// preferred, so that nothing is spent without need.
func (v *verdict) answering(a ask) *bunker.Grant {
	var counted *bunker.Grant
	for i := range v.live {
		g := &v.live[i]
		if g.Effect != bunker.Allow || !Answers(g.Answers, a.answer) || !matches(g, v.in) {
			continue
		}
		if a.once && (g.MaxUses != 1 || !once(g, v.in)) {
			continue
		}
		if g.MaxUses == 0 {
			return g
		}
		if counted == nil || once(g, v.in) && !once(counted, v.in) {
			counted = g
		}
	}
	return counted
}
