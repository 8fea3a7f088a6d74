package text

import (
	"fmt"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/policy"
	"nsecbunker/nostr/nip46"
)

// ruleMethods are the methods that rules speak of.
func ruleMethods() []string {
	var out []string
	for _, m := range policy.Judged() {
		out = append(out, string(m))
	}
	return out
}

// rightNames are the right sets.
func rightNames() []string {
	var out []string
	for _, r := range policy.Rights() {
		out = append(out, r.Name)
	}
	return out
}

func (c *checker) methods(r *bunker.Rule) {
	items(c, "methods", r.Methods)
	for _, m := range r.Methods {
		switch {
		case nip46.Method(m).Known() && !nip46.Method(m).NeedsGrant():
			c.refuse("methods", "leave it out; suspend or revoke the connection to stop it", "%s is no method that rules are about: it comes with being connected", m)
		case m == string(nip46.All):
			c.refuse("methods", "leave methods out: a rule without them speaks of every method", "all is no method")
		case !nip46.Method(m).Known():
			c.refuse("methods", didYouMean(m, ruleMethods()), "there is no method %q", clip(m))
		}
	}
}

func (c *checker) rights(r *bunker.Rule) {
	items(c, "rights", r.Rights)
	for _, name := range r.Rights {
		if !contains(rightNames(), name) {
			c.refuse("rights", didYouMean(name, rightNames()), "there is no right set %q", clip(name))
		}
	}
}

func (c *checker) kinds(r *bunker.Rule) {
	items(c, "kinds", r.Kinds)
	for _, k := range r.Kinds {
		if k.From > k.To {
			c.refuse("kinds", fmt.Sprintf("write %d-%d", k.To, k.From), "%d-%d begins after it ends", k.From, k.To)
		}
	}
}

func (c *checker) peers(r *bunker.Rule) {
	items(c, "peers", r.Peers)
	for i, p := range r.Peers {
		if !p.Valid() {
			c.refuse("peers", "copy the person's npub anew", "entry %d is no public key", i+1)
		}
	}
}

// results are the four of the vocabulary.
func results() []string {
	return []string{string(bunker.ResultWrap), string(bunker.ResultDM), string(bunker.ResultSelf), string(bunker.ResultOther)}
}

func (c *checker) results(r *bunker.Rule) {
	items(c, "results", r.Results)
	for _, d := range r.Results {
		if !slices.Contains(results(), string(d)) {
			c.refuse("results", didYouMean(string(d), results()), "there is no result %q of a decryption", clip(string(d)))
		}
	}
}

func (c *checker) tags(r *bunker.Rule) {
	items(c, "tags", r.Tags)
	seen := map[string]bool{}
	for _, t := range r.Tags {
		field := "tags." + clip(t.Name)
		switch {
		case t.Name == "" || len(t.Name) > MaxTagName || bunker.Display(t.Name, MaxTagName) != t.Name:
			c.refuse("tags", "write the tag's name as apps do: p, e, relay, …", "%q is no name of a tag", clip(t.Name))
			continue
		case seen[t.Name]:
			c.refuse(field, "put its values into one list", "the tag is named twice")
		case t.Absent && len(t.Values) > 0:
			c.refuse(field, "decide for one of the two", "the tag must not be there, and must have one of %d values: no event is both", len(t.Values))
		case t.Absent && t.Max != 0:
			c.refuse(field, "leave max out", "the tag must not be there, so there is nothing to count")
		case t.Max < 0 || t.Max > MaxTagCount:
			c.refuse(field, "write a number from 1 to "+strconv.Itoa(MaxTagCount), "%d is no number of tags", t.Max)
		}
		seen[t.Name] = true
		items(c, field, t.Values)
		for _, v := range t.Values {
			if len(v) > MaxValue || v != "" && bunker.Display(v, MaxValue) != v {
				c.refuse(field, "copy it anew", "the value %q is longer than %d bytes, or has characters that cannot be shown", clip(v), MaxValue)
			}
		}
	}
}

func (c *checker) content(r *bunker.Rule) {
	m := r.Content
	if m == nil {
		return
	}
	switch {
	case m.MinLength == 0 && m.MaxLength == 0 && len(m.Words) == 0 && m.Pattern == "":
		c.refuse("content", "leave it out", "it says nothing about the content")
	case m.MinLength < 0 || m.MinLength > MaxLength:
		c.refuse("content.min", "write a number of characters, up to "+strconv.Itoa(MaxLength), "%d is no length", m.MinLength)
	case m.MaxLength < 0 || m.MaxLength > MaxLength:
		c.refuse("content.max", "write a number of characters, up to "+strconv.Itoa(MaxLength), "%d is no length", m.MaxLength)
	case m.MaxLength != 0 && m.MinLength > m.MaxLength:
		c.refuse("content.min", "swap the two", "no content has at least %d and at most %d characters", m.MinLength, m.MaxLength)
	}
	items(c, "content.words", m.Words)
	fits := len(m.Words) == 0
	for _, w := range m.Words {
		if w == "" {
			c.refuse("content.words", "leave it out", "a word is empty")
		}
		c.words("content.words", w, MaxWord)
		fits = fits || m.MaxLength == 0 || utf8.RuneCountInString(w) <= m.MaxLength
	}
	if !fits {
		c.refuse("content.words", "raise content.max, or leave it out", "every word is longer than the content may be")
	}
	c.pattern(m.Pattern)
}

// pattern takes RE2 only, which needs time in proportion to expression and text,
// and bounds the expression: by length, and by what it compiles to.
func (c *checker) pattern(s string) {
	if s == "" {
		return
	}
	if len(s) > MaxPattern {
		c.refuse("content.pattern", "use words, or several rules", "the expression is longer than %d bytes", MaxPattern)
		return
	}
	re, err := syntax.Parse(s, syntax.Perl)
	if err != nil {
		c.refuse("content.pattern", "only RE2 is understood (https://github.com/google/re2/wiki/Syntax): no look-around, no back-references",
			"it is no regular expression: %s", bunker.Display(strings.TrimPrefix(err.Error(), "error parsing regexp: "), 200))
		return
	}
	prog, err := syntax.Compile(re.Simplify())
	if err != nil || len(prog.Inst) > MaxPatternSize {
		c.refuse("content.pattern", "make its repetitions smaller", "the expression is too large once its repetitions are written out")
	}
}

func (c *checker) hours(r *bunker.Rule) {
	items(c, "hours", r.Hours)
	if len(r.Hours) > MaxItems {
		return
	}
	var w week
	for i, h := range r.Hours {
		if len(h.Days) > len(weekdays) || h.Days != nil && len(h.Days) == 0 {
			c.refuse("hours", "name each day once", "window %d has %d days", i+1, len(h.Days))
			return
		}
		for _, d := range h.Days {
			if weekdayAt(d) < 0 {
				c.refuse("hours", "write mon, tue, wed, thu, fri, sat or sun", "%q is no day of the week", clip(string(d)))
				return
			}
		}
		switch {
		case h.From < 0 || h.From >= minutesADay || h.To < 0 || h.To > minutesADay:
			c.refuse("hours", "write hours and minutes, 00:00 to 24:00", "window %d is outside of the day", i+1)
			return
		case h.From == h.To && h.From != 0:
			c.refuse("hours", "for the whole day name the day alone", "%s begins when it ends: the window is empty", printHours(h))
			return
		case w.add(h):
			c.refuse("hours", "join the two, or let one begin where the other ends", "%s overlaps a window before it, or itself", printHours(h))
		}
	}
}

func (c *checker) doors(r *bunker.Rule) {
	items(c, "doors", r.Doors)
	for _, d := range r.Doors {
		if !slices.Contains(ruleDoors(), string(d)) {
			c.refuse("doors", didYouMean(string(d), ruleDoors()), "apps have no door %q", clip(string(d)))
		}
	}
}

// ruleDoors are the doors that requests of apps come in by.
func ruleDoors() []string { return []string{string(bunker.DoorRelay), string(bunker.DoorHTTP)} }

func (c *checker) relays(r *bunker.Rule) {
	items(c, "relays", r.Relays)
	for _, u := range r.Relays {
		if u == policy.Embedded {
			continue
		}
		n, err := nip46.NormalizeRelayURL(u)
		switch {
		case err != nil:
			c.refuse("relays", "write for example wss://relay.example.com", "%s", err)
		case n != u:
			c.refuse("relays", "write "+n, "%q is not the usual spelling of the address, and would never match", clip(u))
		}
	}
}

func (c *checker) budget(r *bunker.Rule) {
	b := r.Budget
	if b == nil {
		return
	}
	if r.Effect != bunker.Allow {
		c.refuse("budget", "leave it out, or let the rule allow", "only a rule that allows has uses to count; this one says %s", r.Effect)
	}
	if b.PerMinute == 0 && b.PerHour == 0 && b.PerDay == 0 && b.Total == 0 {
		c.refuse("budget", "write minute, hour, day or total", "it has no limit")
	}
	limits := []struct {
		name string
		n    int64
	}{{"minute", b.PerMinute}, {"hour", b.PerHour}, {"day", b.PerDay}, {"total", b.Total}}
	for i, l := range limits {
		if l.n < 0 || l.n > MaxUses {
			c.refuse("budget."+l.name, fmt.Sprintf("write a number from 1 to %d", MaxUses), "%d is no number of uses", l.n)
			return
		}
		for _, bigger := range limits[i+1:] {
			if l.n != 0 && bigger.n != 0 && bigger.n < l.n {
				c.refuse("budget."+bigger.name, fmt.Sprintf("leave %s out, or make it %d at most", l.name, bigger.n),
					"%d for %s is less than %d for %s, which then can never be reached", bigger.n, bigger.name, l.n, l.name)
				return
			}
		}
	}
	if !slices.Contains(scopes(), string(b.Per)) && b.Per != "" {
		c.refuse("budget.per", didYouMean(string(b.Per), scopes()), "uses cannot be counted per %q", clip(string(b.Per)))
	}
	if b.WhenSpent >= bunker.Allow {
		c.refuse("budget.when_spent", "write deny or ask", "a budget that allows when it is spent limits nothing")
	}
}

func scopes() []string {
	return []string{string(bunker.PerConnection), string(bunker.PerKey), string(bunker.PerPolicy)}
}

// ends looks at created_at and at when the rule ends.
func (c *checker) ends(r *bunker.Rule) {
	if r.MaxSkew < 0 || r.MaxSkew > MaxPeriod {
		c.refuse("skew", "write a length of time up to ten years", "%d seconds are no such time", r.MaxSkew)
	}
	switch {
	case r.For < 0 || r.For > MaxPeriod*1000:
		c.refuse("for", "write a length of time up to ten years", "%d ms are no such time", r.For)
	case r.For%1000 != 0:
		c.refuse("for", "round it", "%d ms are no whole seconds", r.For)
	}
	last := time.Date(MaxYear+1, 1, 1, 0, 0, 0, 0, c.zone).UnixMilli()
	switch {
	case r.ExpiresAt == 0:
	case r.ExpiresAt >= last || r.ExpiresAt < 0:
		c.refuse("expires", "leave it out if the rule does not end", "the date is out of reach")
	case r.ExpiresAt <= c.now:
		c.refuse("expires", "remove the rule, or give it a later date", "the rule ended on %s", printDay(r.ExpiresAt, c.zone))
	case len(r.Hours) > 0 && !c.within(r):
		c.refuse("hours", "make expires later, or change the hours", "none of its hours comes before it expires on %s", printDay(r.ExpiresAt, c.zone))
	}
}

// within reports whether a minute of the rule's hours comes before it expires.
func (c *checker) within(r *bunker.Rule) bool {
	const aWeek = int64(minutesAWeek+2*60) * 60_000 // and a change of the clocks
	if r.ExpiresAt-c.now >= aWeek {
		return true
	}
	w := weekOf(r.Hours)
	for ms := c.now; ms < r.ExpiresAt; ms += 60_000 {
		t := time.UnixMilli(ms).In(c.zone)
		day := (int(t.Weekday()) + 6) % 7
		if at := day*minutesADay + t.Hour()*60 + t.Minute(); w[at/64]&(1<<(at%64)) != 0 {
			return true
		}
	}
	return false
}

func (c *checker) quorum(r *bunker.Rule) {
	switch {
	case r.Quorum == 0:
	case r.Effect != bunker.Ask:
		c.refuse("quorum", "leave it out, or let the rule ask", "only a rule that asks has approvers to count; this one says %s", r.Effect)
	case r.Quorum < 0 || r.Quorum > MaxQuorum:
		c.refuse("quorum", fmt.Sprintf("write a number from 1 to %d", MaxQuorum), "%d is no number of approvers", r.Quorum)
	}
}
