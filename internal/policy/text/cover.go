package text

import (
	"slices"
	"strings"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/policy"
)

// ready is a rule with what comparing it needs again and again.
type ready struct {
	*bunker.Rule
	span span
	week *week // nil: always
}

// readied prepares the rules that are not over at now (unix ms): an expired rule is
// as if it were not there.
func readied(rules []bunker.Rule, now int64) []ready {
	var out []ready
	for i := range rules {
		r := &rules[i]
		if r.ExpiresAt != 0 && r.ExpiresAt <= now {
			continue
		}
		p := ready{Rule: r, span: spanOf(r)}
		if len(r.Hours) > 0 {
			p.week = weekOf(r.Hours)
		}
		out = append(out, p)
	}
	return out
}

// covers reports whether a fits every operation that b fits, at every time, the
// effects and budgets aside. What it is not certain of it denies.
func (a *ready) covers(b *ready) bool {
	return a.span.holds(&b.span) && a.demandsLess(b) && laterSkew(a, b)
}

func laterSkew(a, b *ready) bool { return a.MaxSkew == 0 || b.MaxSkew != 0 && b.MaxSkew <= a.MaxSkew }

// allowsAll is covers for two rules that allow. They fit less than rules that deny:
// what needs special care they must name, and an event of another date than now's
// needs a skew.
func (a *ready) allowsAll(b *ready) bool {
	switch {
	case !a.span.holds(&b.span), !a.span.names(&b.span), !a.demandsLess(b):
		return false
	case len(b.Peers) > 0 && len(a.Peers) == 0 && b.span.texts&decrypts04 != 0:
		return false // a key with npub login decrypts NIP-04 for named peers only
	}
	return reach(a) >= reach(b)
}

// reach is how far created_at may be from now for a rule that allows, in seconds.
func reach(r *ready) int64 {
	if r.MaxSkew == 0 {
		return policy.Skew
	}
	return r.MaxSkew
}

// demandsLess reports whether b meets every demand of a but what both speak of and
// the date of events.
func (a *ready) demandsLess(b *ready) bool {
	switch {
	case !within(b.Peers, a.Peers), !within(b.Doors, a.Doors), !within(b.Relays, a.Relays):
		return false
	case a.week != nil && (b.week == nil || !a.week.holds(b.week)):
		return false
	case a.ExpiresAt != 0 && (b.ExpiresAt == 0 || b.ExpiresAt > a.ExpiresAt):
		return false
	case a.For != 0 && (b.For == 0 || b.For > a.For):
		return false
	}
	for i := range a.Tags {
		if !slices.ContainsFunc(b.Tags, func(t bunker.TagMatch) bool { return tagImplies(&t, &a.Tags[i]) }) {
			return false
		}
	}
	return a.Content == nil || b.Content != nil && contentImplies(b.Content, a.Content)
}

// within reports whether a list that may be any narrows another one.
func within[T comparable](list, in []T) bool {
	if len(in) == 0 {
		return true
	}
	return len(list) > 0 && !slices.ContainsFunc(list, func(v T) bool { return !contains(in, v) })
}

// tagImplies reports whether what meets t meets want.
func tagImplies(t, want *bunker.TagMatch) bool {
	if t.Name != want.Name {
		return false
	}
	none := t.Absent
	some := !t.Absent && (len(t.Values) > 0 || t.Max == 0)
	switch {
	case want.Absent:
		return none
	case len(want.Values) == 0 && want.Max == 0:
		return some
	case want.Max > 0 && !none && (t.Max == 0 || t.Max > want.Max):
		return false
	case len(want.Values) == 0:
		return true
	}
	return some && len(t.Values) > 0 && !slices.ContainsFunc(t.Values, func(v string) bool { return !valueIn(v, want.Values) })
}

// valueIn reports whether one of the wanted values fits whatever v fits.
func valueIn(v string, want []string) bool {
	return slices.ContainsFunc(want, func(w string) bool {
		if begin, open := strings.CutSuffix(w, "*"); open {
			return strings.HasPrefix(strings.TrimSuffix(v, "*"), begin)
		}
		return v == w
	})
}

func contentImplies(c, want *bunker.ContentMatch) bool {
	switch {
	case c.MinLength < want.MinLength:
		return false
	case want.MaxLength != 0 && (c.MaxLength == 0 || c.MaxLength > want.MaxLength):
		return false
	case want.Pattern != "" && c.Pattern != want.Pattern:
		return false
	}
	return len(want.Words) == 0 || len(c.Words) > 0 && !slices.ContainsFunc(c.Words, func(w string) bool {
		return !slices.ContainsFunc(want.Words, func(v string) bool { return strings.EqualFold(v, w) })
	})
}
