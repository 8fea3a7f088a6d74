package text

import (
	"cmp"
	"math"
	"slices"
	"sync"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/policy"
	"nsecbunker/nostr"
)

// kindSet is a set of kinds: ranges in order that neither overlap nor touch.
type kindSet []bunker.KindRange

// everyKindSet holds all.
func everyKindSet() kindSet { return kindSet{{From: 0, To: math.MaxUint16}} }

// setOf makes a set of ranges in any order.
func setOf(ranges []bunker.KindRange) kindSet {
	s := slices.Clone(ranges)
	slices.SortFunc(s, func(a, b bunker.KindRange) int { return cmp.Compare(a.From, b.From) })
	var out kindSet
	for _, r := range s {
		if r.From > r.To {
			continue
		}
		if n := len(out); n > 0 && int(r.From) <= int(out[n-1].To)+1 {
			out[n-1].To = max(out[n-1].To, r.To)
			continue
		}
		out = append(out, r)
	}
	return out
}

func (s kindSet) union(o kindSet) kindSet { return setOf(slices.Concat(s, o)) }

func (s kindSet) intersect(o kindSet) kindSet {
	var out kindSet
	for i, j := 0, 0; i < len(s) && j < len(o); {
		from, to := max(s[i].From, o[j].From), min(s[i].To, o[j].To)
		if from <= to {
			out = append(out, bunker.KindRange{From: from, To: to})
		}
		if s[i].To < o[j].To {
			i++
		} else {
			j++
		}
	}
	return out
}

// holds reports whether every kind of o is in s.
func (s kindSet) holds(o kindSet) bool {
	i := 0
	for _, r := range o {
		for i < len(s) && s[i].To < r.From {
			i++
		}
		if i == len(s) || s[i].From > r.From || s[i].To < r.To {
			return false
		}
	}
	return true
}

// careRow is kinds that follow each other and need the same care for the same
// reason.
type careRow struct {
	bunker.KindRange
	care policy.Care
	why  string
}

// careRows are the kinds that need special care, in order.
var careRows = sync.OnceValue(func() []careRow {
	var out []careRow
	for k := 0; k <= math.MaxUint16; k++ {
		care, why := policy.CareOfKind(nostr.Kind(k))
		if care == policy.Plain {
			continue
		}
		if n := len(out); n > 0 && int(out[n-1].To) == k-1 && out[n-1].care == care && out[n-1].why == why {
			out[n-1].To = nostr.Kind(k)
			continue
		}
		out = append(out, careRow{bunker.KindRange{From: nostr.Kind(k), To: nostr.Kind(k)}, care, why})
	}
	return out
})

// careSet are the kinds that need special care.
var careSet = sync.OnceValue(func() kindSet {
	var all []bunker.KindRange
	for _, row := range careRows() {
		all = append(all, row.KindRange)
	}
	return setOf(all)
})

// namedIn are the kinds with special care that ranges name: one by itself, or by a
// range within one row. A wider range was not written with them in mind, and the
// engine does not take it for a name.
func namedIn(ranges []bunker.KindRange) kindSet {
	var out []bunker.KindRange
	for _, r := range ranges {
		single := r.From == r.To
		if single || slices.ContainsFunc(careRows(), func(row careRow) bool { return r.From >= row.From && r.To <= row.To }) {
			out = append(out, r)
		}
	}
	return setOf(out).intersect(careSet())
}
