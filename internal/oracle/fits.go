package oracle

import (
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr"
)

// spent reports whether one of a rule's limits is reached.
func spent(c Case, p bunker.Policy, r bunker.Rule) bool {
	if r.Budget == nil {
		return false
	}
	for limit, n := range map[Limit]int64{Total: r.Budget.Total, Minute: r.Budget.PerMinute, Hour: r.Budget.PerHour, Day: r.Budget.PerDay} {
		for _, u := range c.Used {
			if n > 0 && u.Policy == p.ID && u.Rule == r.ID && u.Limit == limit && u.Count >= n {
				return true
			}
		}
	}
	return false
}

// fits reports whether every part of the matcher that is set fits.
func fits(c Case, p bunker.Policy, r bunker.Rule) bool {
	q := c.Request
	sign := q.Method == "sign_event"
	encrypt := q.Method == "nip04_encrypt" || q.Method == "nip44_encrypt"
	decrypt := q.Method == "nip04_decrypt" || q.Method == "nip44_decrypt"
	if !speaksOf(c, r) {
		return false
	}
	// A demand on something that the operation does not have cannot be met.
	if len(r.Kinds) > 0 && !(sign && slices.ContainsFunc(r.Kinds, func(k bunker.KindRange) bool { return k.From <= q.Kind && q.Kind <= k.To })) {
		return false
	}
	if len(r.Peers) > 0 && !((encrypt || decrypt) && slices.Contains(r.Peers, q.Peer)) {
		return false
	}
	if len(r.Results) > 0 && !(decrypt && slices.Contains(r.Results, q.Result)) {
		return false
	}
	if len(r.Tags) > 0 && !sign || r.Content != nil && !sign || r.MaxSkew > 0 && !sign {
		return false
	}
	for _, m := range r.Tags {
		if !tagFits(q.Tags, m) {
			return false
		}
	}
	if r.Content != nil && !contentFits(q.Content, *r.Content) {
		return false
	}
	if off := q.CreatedAt - c.Now/1000; r.MaxSkew > 0 && (off > r.MaxSkew || off < -r.MaxSkew) {
		return false
	}
	if len(r.Hours) > 0 && !inHours(c.Now, p.Zone, r.Hours) {
		return false
	}
	if len(r.Doors) > 0 && !slices.Contains(r.Doors, q.Door) {
		return false
	}
	return len(r.Relays) == 0 || slices.Contains(r.Relays, q.Relay)
}

// speaksOf reports whether the rule's methods and right sets hold the operation.
func speaksOf(c Case, r bunker.Rule) bool {
	if len(r.Methods) == 0 && len(r.Rights) == 0 {
		return true
	}
	if slices.Contains(r.Methods, c.Request.Method) {
		return true
	}
	return slices.ContainsFunc(r.Rights, func(set string) bool { return inSet(c, set) })
}

// inSet reports whether an operation is in a right set.
func inSet(c Case, set string) bool {
	q := c.Request
	sign := q.Method == "sign_event"
	one := func(kinds ...nostr.Kind) bool { return sign && slices.Contains(kinds, q.Kind) }
	switch set {
	case "everything":
		return true
	case "direct-messages":
		return q.Method == "nip04_encrypt" || q.Method == "nip44_encrypt" || one(4, 13) ||
			(q.Method == "nip04_decrypt" || q.Method == "nip44_decrypt") && (q.Result == bunker.ResultWrap || q.Result == bunker.ResultDM)
	case "private-data": // what the account encrypts to itself
		return q.Method == "nip04_encrypt" || q.Method == "nip44_encrypt" || one(30078, 31234) ||
			(q.Method == "nip04_decrypt" || q.Method == "nip44_decrypt") && q.Result == bunker.ResultSelf
	}
	return false
}

func tagFits(tags [][]string, m bunker.TagMatch) bool {
	n := 0
	for _, t := range tags {
		if len(t) == 0 || t[0] != m.Name {
			continue
		}
		n++
		if len(m.Values) == 0 {
			continue
		}
		value := ""
		if len(t) > 1 {
			value = t[1]
		}
		if !slices.ContainsFunc(m.Values, func(want string) bool {
			if head, wild := strings.CutSuffix(want, "*"); wild {
				return strings.HasPrefix(value, head)
			}
			return value == want
		}) {
			return false
		}
	}
	switch {
	case m.Absent:
		return n == 0
	case len(m.Values) > 0 && n == 0, len(m.Values) == 0 && m.Max == 0 && n == 0:
		return false // a demand that says nothing but the name is that there is one
	}
	return m.Max == 0 || n <= m.Max
}

func contentFits(s string, m bunker.ContentMatch) bool {
	n := utf8.RuneCountInString(s)
	if n < m.MinLength || m.MaxLength > 0 && n > m.MaxLength {
		return false
	}
	if len(m.Words) > 0 && !slices.ContainsFunc(m.Words, func(w string) bool { return hasWord(s, w) }) {
		return false
	}
	return m.Pattern == "" || regexp.MustCompile(m.Pattern).MatchString(s)
}

// hasWord reports whether a word stands in a text, whole and in any case.
func hasWord(s, word string) bool {
	part := func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) || r == '_' }
	text, w := []rune(strings.ToLower(s)), []rune(strings.ToLower(word))
	for i := 0; i+len(w) <= len(text); i++ {
		if !slices.Equal(text[i:i+len(w)], w) || i > 0 && part(text[i-1]) || i+len(w) < len(text) && part(text[i+len(w)]) {
			continue
		}
		return true
	}
	return false
}

// inHours reports whether a moment is in one of the windows, by the wall clock of
// the zone. A window that reaches past midnight belongs to the day it began on.
func inHours(ms int64, zone string, windows []bunker.Hours) bool {
	loc, err := time.LoadLocation(zone)
	if err != nil {
		return false
	}
	t := at(ms).In(loc)
	minute := t.Hour()*60 + t.Minute()
	today, yesterday := day(t.Weekday()), day((t.Weekday()+6)%7)
	on := func(h bunker.Hours, d bunker.Weekday) bool { return len(h.Days) == 0 || slices.Contains(h.Days, d) }
	for _, h := range windows {
		switch {
		case h.From == h.To:
			if on(h, today) {
				return true
			}
		case h.From < h.To:
			if on(h, today) && minute >= h.From && minute < h.To {
				return true
			}
		default:
			if on(h, today) && minute >= h.From || on(h, yesterday) && minute < h.To {
				return true
			}
		}
	}
	return false
}

func day(d time.Weekday) bunker.Weekday {
	return bunker.Weekday(strings.ToLower(d.String()[:3]))
}
