package policy

import (
	"errors"
	"fmt"
	"regexp"

	"nsecbunker/internal/bunker"
)

// Bounds of a policy.
const (
	// MaxRules is how many rules one policy has at most.
	MaxRules = 1000
	// MaxPattern is the longest regular expression, in bytes.
	MaxPattern = 256
	// MaxPatterns is how many rules of a policy may have one: each reads the whole
	// content, of an event that the app chooses.
	MaxPatterns = 32
	// MaxBudgets is how many rules of a policy may have a budget: each is spent by
	// statements of its own.
	MaxBudgets = 64
	// MaxPolicies is how many policies a connection can be under at once.
	MaxPolicies = 8
)

// Check refuses rules that cannot be compiled: their errors name the rule.
func Check(rules []bunker.Rule) error {
	if len(rules) > MaxRules {
		return bunker.Errorf(bunker.CodeInvalid, "a policy has at most %d rules", MaxRules).In("rules")
	}
	seen := map[string]bool{}
	patterns, budgets, sets := 0, 0, rightSets()
	for i := range rules {
		r := &rules[i]
		switch {
		case !ruleID(r.ID):
			return bunker.Errorf(bunker.CodeInvalid, "rule %d: its id is 1 to 64 lower-case letters, digits and hyphens, such as notes", i+1).In("rules")
		case seen[r.ID]:
			return bunker.Errorf(bunker.CodeInvalid, "two rules are named %s", r.ID).In("rules")
		}
		seen[r.ID] = true
		if r.Content != nil && r.Content.Pattern != "" {
			patterns++
		}
		if r.Budget != nil {
			budgets++
		}
		if _, err := compileRule(r, sets); err != nil {
			return bunker.Errorf(bunker.CodeInvalid, "rule %s: %s", r.ID, err).In("rules")
		}
	}
	if patterns > MaxPatterns || budgets > MaxBudgets {
		return bunker.Errorf(bunker.CodeInvalid, "a policy has at most %d regular expressions and %d budgets", MaxPatterns, MaxBudgets).In("rules")
	}
	return nil
}

func ruleID(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}

// pattern compiles a regular expression of RE2, whose time is linear in the text.
func pattern(s string) (*regexp.Regexp, error) {
	if len(s) > MaxPattern {
		return nil, fmt.Errorf("its pattern is longer than %d bytes", MaxPattern)
	}
	re, err := regexp.Compile(s)
	if err != nil {
		return nil, errors.New("its pattern is no regular expression (RE2): " + bunker.Display(err.Error(), 200))
	}
	return re, nil
}
