package policy

import (
	"slices"

	"nsecbunker/internal/bunker"
)

// Widens reports whether what is under a policy may get more by an edit of it. It is
// careful: only what takes allows away, adds asks and denies, or changes words, is
// certain to widen nothing.
func Widens(old, next *bunker.Policy) bool {
	if old.Zone != next.Zone {
		return true // its hours and days are others
	}
	bare := func(r bunker.Rule) string {
		r.Note = ""
		return string((&bunker.Policy{Rules: []bunker.Rule{r}}).RulesText())
	}
	before, after := map[string]bool{}, map[string]bool{}
	for _, r := range old.Rules {
		before[bare(r)] = true
	}
	for _, r := range next.Rules {
		after[bare(r)] = true
	}
	more := slices.ContainsFunc(next.Rules, func(r bunker.Rule) bool { return r.Effect == bunker.Allow && !before[bare(r)] })
	less := slices.ContainsFunc(old.Rules, func(r bunker.Rule) bool { return !after[bare(r)] && (r.Effect != bunker.Allow || r.Budget != nil) })
	return more || less
}
