package text

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/policy"
)

// Check says what is wrong with a policy, wherever its rules came from, at the
// time now (unix ms): refusals, each with the rule, the field, the reason and the
// next step; and, if there are none, warnings. A policy with a refusal is not to
// be stored.
func Check(p *bunker.Policy, now int64) []Problem {
	c := &checker{now: now, zone: time.UTC}
	c.policy(p)
	if len(c.problems) == 0 {
		c.warnings(p)
	}
	return c.problems
}

// Check is the function of this name, with the lines of the text.
func (t *Text) Check(now int64) []Problem {
	all := Check(&t.Policy, now)
	for i := range all {
		all[i].Line = t.places.line(all[i].path)
	}
	return all
}

// checker collects what is wrong with one policy.
type checker struct {
	now      int64
	zone     *time.Location
	problems []Problem
	// The rule that is being looked at.
	rule string
	path string
}

// refuse notes what is wrong with a field of the rule, or of the policy.
func (c *checker) refuse(field, hint, format string, args ...any) {
	c.note(Problem{Field: field, Hint: hint, Words: fmt.Sprintf(format, args...)})
}

// warn notes what is worth a second look.
func (c *checker) warn(field, hint, format string, args ...any) {
	c.note(Problem{Warning: true, Field: field, Hint: hint, Words: fmt.Sprintf(format, args...)})
}

func (c *checker) note(p Problem) {
	if len(c.problems) >= MaxProblems {
		return
	}
	p.Rule = c.rule
	p.path = under(c.path, dotsToSlashes(p.Field))
	c.problems = append(c.problems, p)
}

// at turns to a rule.
func (c *checker) at(i int, r *bunker.Rule) {
	c.path = pathOf("rule", strconv.Itoa(i))
	c.rule = r.ID
	if !validID(r.ID) {
		c.rule = "rule " + strconv.Itoa(i+1)
	}
}

func (c *checker) policy(p *bunker.Policy) {
	switch {
	case p.Name == "":
		c.refuse("name", `write name = "…"`, "the policy has no name")
	case !validName(p.Name):
		c.refuse("name", "write for example newsroom, or long-form.v2", "%q is no name: it is 1 to %d letters, digits, dots, hyphens and underscores", clip(p.Name), MaxName)
	}
	c.description(p.Description)
	zone, err := policy.Zone(p.Zone)
	switch {
	case err == nil:
		c.zone = zone
	case p.Zone == "Local":
		c.refuse("zone", "write for example Europe/Berlin, or UTC", "Local means another time zone on each machine")
	default:
		c.refuse("zone", "write for example Europe/Berlin, or UTC", "%q is the name of no time zone", clip(p.Zone))
	}
	if len(p.Rules) > MaxRules {
		c.refuse("rule", "split it into several policies", "the policy has %d rules; at most %d are allowed", len(p.Rules), MaxRules)
		return
	}
	c.counts(p.Rules)
	seen := map[string]int{}
	for i := range p.Rules {
		r := &p.Rules[i]
		c.at(i, r)
		if first, twice := seen[r.ID]; twice && r.ID != "" {
			c.refuse("id", "give one of them another id", "two rules are named %s: numbers %d and %d", r.ID, first+1, i+1)
		} else {
			seen[r.ID] = i
		}
		c.one(r)
	}
	c.rule, c.path = "", ""
}

// counts bounds what costs more than other rules.
func (c *checker) counts(rules []bunker.Rule) {
	patterns, budgets := 0, 0
	for i := range rules {
		if m := rules[i].Content; m != nil && m.Pattern != "" {
			patterns++
		}
		if rules[i].Budget != nil {
			budgets++
		}
	}
	if patterns > MaxPatterns {
		c.refuse("rule", "use content.words", "%d rules have a regular expression; at most %d may", patterns, MaxPatterns)
	}
	if budgets > MaxBudgets {
		c.refuse("rule", "let one rule count for several", "%d rules have a budget; at most %d may", budgets, MaxBudgets)
	}
}

// one looks at a rule by itself: first at each part, then whether the parts go
// together.
func (c *checker) one(r *bunker.Rule) {
	before := len(c.problems)
	if !validID(r.ID) {
		c.refuse("id", "write for example notes, or no-messages", "its id is %q, and must be 1 to %d lower-case letters, digits and single hyphens", clip(r.ID), MaxID)
	}
	c.words("note", r.Note, MaxNote)
	if r.Effect > bunker.Allow {
		c.refuse("effect", "write allow, ask or deny", "there is no such effect")
	}
	c.methods(r)
	c.rights(r)
	c.kinds(r)
	c.peers(r)
	c.results(r)
	c.tags(r)
	c.content(r)
	c.hours(r)
	c.doors(r)
	c.relays(r)
	c.budget(r)
	c.ends(r)
	c.quorum(r)
	if len(c.problems) == before {
		c.match(r)
	}
}

// validName reports whether a name is one that people can type.
func validName(s string) bool {
	return s != "" && len(s) <= MaxName && s[0] != '-' && s[0] != '.' && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '.' && r != '-' && r != '_'
	})
}

// description may have several lines.
func (c *checker) description(s string) {
	if n := utf8.RuneCountInString(s); n > MaxDescription {
		c.refuse("description", "shorten it", "it has %d characters; at most %d are allowed", n, MaxDescription)
	} else if s != "" && bunker.DisplayLines(s, MaxDescription) != s {
		c.refuse("description", "leave them out", "it has characters that cannot be shown, or spaces or line ends at its ends")
	}
}

// words refuses text that is too long, or that looks other than it is.
func (c *checker) words(field, s string, most int) {
	switch {
	case utf8.RuneCountInString(s) > most:
		c.refuse(field, "shorten it", "it has %d characters; at most %d are allowed", utf8.RuneCountInString(s), most)
	case s != "" && bunker.Display(s, most) != s:
		c.refuse(field, "leave them out", "it has characters that cannot be shown, line ends, or spaces at its ends")
	}
}

// items refuses a list that is empty (it would mean everything) or too long.
func items[T any](c *checker, field string, list []T) {
	switch {
	case list != nil && len(list) == 0:
		c.refuse(field, "leave it out if any will do", "the list is empty")
	case len(list) > MaxItems:
		c.refuse(field, "write a rule more for the rest", "the list has %d entries; at most %d are allowed", len(list), MaxItems)
	}
}
