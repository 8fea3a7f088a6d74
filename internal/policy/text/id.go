package text

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"nsecbunker/internal/bunker"
)

// RuleID is the id of a rule that was written without one: its effect and what it
// speaks of, such as "allow-post-react" or "deny-kind-4". The same rule gets the
// same id each time, whatever it says of hours, budgets and dates, so that an
// edit of those is an edit and not a new rule.
func RuleID(r *bunker.Rule) string {
	parts := []string{r.Effect.String()}
	parts = append(parts, r.Rights...)
	parts = append(parts, r.Methods...)
	if len(r.Kinds) > 0 {
		parts = append(parts, "kind")
	}
	for _, k := range r.Kinds {
		parts = append(parts, strings.Trim(printKinds(k), `"`))
	}
	for _, d := range r.Results {
		parts = append(parts, string(d))
	}
	for _, t := range r.Tags {
		parts = append(parts, t.Name)
	}
	if len(parts) == 1 {
		parts = append(parts, rest(r))
	}
	id := slug(strings.Join(parts, "-"))
	if len(id) > MaxID {
		sum := sha256.Sum256([]byte(id))
		tail := "-" + hex.EncodeToString(sum[:4])
		id = strings.TrimRight(id[:MaxID-len(tail)], "-") + tail
	}
	return id
}

// rest names what a rule without rights, methods, kinds, results and tags is about.
func rest(r *bunker.Rule) string {
	switch {
	case len(r.Peers) > 0:
		return "peers"
	case r.Content != nil:
		return "content"
	case len(r.Relays) > 0:
		return "relays"
	case len(r.Doors) > 0:
		return fmt.Sprintf("door-%s", r.Doors[0])
	}
	return "everything"
}

// slug keeps lower-case letters and digits; all else is one hyphen.
func slug(s string) string {
	return strings.Join(strings.FieldsFunc(strings.ToLower(s), func(c rune) bool { return !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9') }), "-")
}

// validID reports whether an id has the form of the vocabulary.
func validID(s string) bool { return s != "" && len(s) <= MaxID && slug(s) == s }
