package text

import (
	"fmt"
	"strings"

	"nsecbunker/internal/bunker"
)

// Problem is what is wrong with a policy (it is refused), or worth a second look
// (a warning): where, why, and what to do next.
type Problem struct {
	// Warning: the policy can be used all the same.
	Warning bool `json:"warning,omitempty"`
	// Rule is the rule's id, or "rule 3" where it has none; "" for the policy.
	Rule string `json:"rule,omitempty"`
	// Field is the text form's key: "kinds", "content.pattern"; "" for the rule.
	Field string `json:"field,omitempty"`
	Words string `json:"words"`
	Hint  string `json:"hint,omitempty"` // the next step
	Line  int    `json:"line,omitempty"` // in the text; 0: not from a text

	path string // of the key, for its line
}

// String is the problem in one line, the hint left out.
func (p Problem) String() string {
	var at []string
	if p.Line > 0 {
		at = append(at, fmt.Sprintf("line %d", p.Line))
	}
	if p.Rule != "" {
		at = append(at, "rule "+strings.TrimPrefix(p.Rule, "rule "))
	}
	if p.Field != "" {
		at = append(at, p.Field)
	}
	if len(at) == 0 {
		return p.Words
	}
	return strings.Join(at, ", ") + ": " + p.Words
}

// dotsToSlashes turns a field into the path of its key.
func dotsToSlashes(s string) string { return strings.ReplaceAll(s, ".", "/") }

// Split parts refusals from warnings.
func Split(all []Problem) (refusals, warnings []Problem) {
	for _, p := range all {
		if p.Warning {
			warnings = append(warnings, p)
		} else {
			refusals = append(refusals, p)
		}
	}
	return refusals, warnings
}

// Refusal is the error for whoever sent the policy: the first refusal, with how
// many more there are. Without a refusal it is nil.
func Refusal(all []Problem) error {
	refusals, _ := Split(all)
	if len(refusals) == 0 {
		return nil
	}
	first := refusals[0]
	words := first.String()
	if n := len(refusals) - 1; n > 0 {
		words += fmt.Sprintf(" (and %d more)", n)
	}
	field := first.Field
	if first.Rule != "" {
		field = strings.TrimSuffix("rules."+strings.ReplaceAll(first.Rule, " ", "-")+"."+field, ".")
	}
	return bunker.Errorf(bunker.CodeInvalid, "%s", words).In(field).WithHint("%s", first.Hint)
}

// nearest returns the word among known that word is most like, "" if none is.
func nearest(word string, known []string) string {
	const tooFar = 1 << 20
	best, at := "", tooFar
	for _, k := range known {
		if d := distance(strings.ToLower(word), k); d < at {
			best, at = k, d
		}
	}
	if at > max(2, len(word)/3) {
		return ""
	}
	return best
}

// maxDistance is the longest word that is compared letter by letter, in bytes.
const maxDistance = 64

// distance is how many letters must be put in, left out, changed or swapped with
// the next to make b out of a.
func distance(a, b string) int {
	if len(a) > maxDistance || len(b) > maxDistance {
		return max(len(a), len(b))
	}
	before := make([]int, len(b)+1)
	row := make([]int, len(b)+1)
	next := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		next[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			next[j] = min(row[j]+1, next[j-1]+1, row[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				next[j] = min(next[j], before[j-2]+1)
			}
		}
		before, row, next = row, next, before
	}
	return row[len(b)]
}

// didYouMean is a hint that offers the nearest known word, else the list.
func didYouMean(word string, known []string) string {
	if n := nearest(word, known); n != "" {
		return fmt.Sprintf("did you mean %q?", n)
	}
	return "write one of " + strings.Join(known, ", ")
}
