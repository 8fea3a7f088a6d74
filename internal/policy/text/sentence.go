package text

import (
	"fmt"
	"strings"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/policy"
	"nsecbunker/nostr/nip19"
)

const (
	// MaxSentence is the length of the longest sentence, in characters; what a rule
	// says beyond is left out and said to be.
	MaxSentence = 600
	// MaxSummary is the length of the longest summary of a policy, in characters.
	MaxSummary = 1500
)

// Sentence says in plain English what a rule means, as it stands behind the name of
// an app: "may post and react, at most 20 a day, weekdays 08:00–18:00
// (Europe/Berlin), until 1 March 2027". zone is the policy's. What is cut for its
// length ends in "…".
func Sentence(r *bunker.Rule, zone string) string {
	loc, err := policy.Zone(zone)
	if err != nil {
		loc = time.UTC
	}
	w := &sayer{zone: loc}
	w.what(r)
	w.operation(r)
	w.circumstances(r)
	w.limits(r)
	return bunker.Display(strings.Join(w.parts, ", "), MaxSentence)
}

// Summary says in one sentence what a policy means: what it allows, asks and
// denies, in this order, and what becomes of the rest.
func Summary(p *bunker.Policy) string {
	var parts []string
	for _, e := range []bunker.Effect{bunker.Allow, bunker.Ask, bunker.Deny} {
		for i := range p.Rules {
			if p.Rules[i].Effect == e {
				parts = append(parts, Sentence(&p.Rules[i], p.Zone))
			}
		}
	}
	const rest = "everything else is asked, or refused if the key's default is deny"
	if len(parts) == 0 {
		return "allows nothing by itself: everything is asked, or refused if the key's default is deny"
	}
	length := len(rest)
	for i, s := range parts {
		if length += len(s) + 2; length > MaxSummary && i > 0 {
			parts = append(parts[:i], fmt.Sprintf("and %d rules more", len(parts)-i))
			break
		}
	}
	return bunker.Display(strings.Join(append(parts, rest), "; "), MaxSummary)
}

// sayer collects the parts of a sentence.
type sayer struct {
	zone  *time.Location
	parts []string
}

func (w *sayer) say(format string, args ...any) {
	w.parts = append(w.parts, fmt.Sprintf(format, args...))
}

func (w *sayer) what(r *bunker.Rule) {
	what := whatOf(r)
	switch {
	case r.Effect == bunker.Allow:
		w.say("may %s", andList(what))
	case r.Effect == bunker.Deny:
		w.say("may not %s", orList(what))
	case r.Quorum > 1:
		w.say("may %s only if %d persons agree", andList(what), r.Quorum)
	default:
		w.say("may %s only if a person agrees", andList(what))
	}
}

// operation says what must be true of the event, or of the other party.
func (w *sayer) operation(r *bunker.Rule) {
	if len(r.Peers) > 0 {
		var names []string
		for _, p := range r.Peers {
			npub := nip19.EncodeNpub(p)
			names = append(names, npub[:10]+"…"+npub[len(npub)-4:])
		}
		w.say("with %s", orList(few(names)))
	}
	if len(r.Methods) == 0 && len(r.Results) > 0 && len(r.Rights) > 0 {
		w.say("of decryptions only %s", resultWords(r))
	}
	for _, t := range r.Tags {
		w.tag(&t)
	}
	if r.Content != nil {
		w.content(r.Content)
	}
	if r.MaxSkew != 0 {
		w.say("dated within %s of now", periodWords(r.MaxSkew))
	}
}

func (w *sayer) tag(t *bunker.TagMatch) {
	name := clip(t.Name)
	switch {
	case t.Absent:
		w.say("without the tag %s", name)
	case len(t.Values) > 0:
		var values []string
		for _, v := range t.Values {
			begin, open := strings.CutSuffix(v, "*")
			switch {
			case open && begin == "":
				values = append(values, "anything")
			case open:
				values = append(values, clip(begin)+"…")
			case v == "":
				values = append(values, "an empty one")
			default:
				values = append(values, clip(v))
			}
		}
		w.say("with %s only %s", name, orList(few(values)))
		if t.Max > 0 {
			w.say("at most %d of them", t.Max)
		}
	case t.Max > 0:
		w.say("with at most %d %s %s", t.Max, plural(t.Max, "tag", "tags"), name)
	default:
		w.say("with a tag %s", name)
	}
}

func (w *sayer) content(c *bunker.ContentMatch) {
	switch {
	case c.MinLength > 0 && c.MaxLength > 0:
		w.say("of %d to %d characters", c.MinLength, c.MaxLength)
	case c.MinLength > 0:
		w.say("of at least %d %s", c.MinLength, plural(c.MinLength, "character", "characters"))
	case c.MaxLength > 0:
		w.say("of at most %d %s", c.MaxLength, plural(c.MaxLength, "character", "characters"))
	}
	if len(c.Words) > 0 {
		var words []string
		for _, s := range c.Words {
			words = append(words, "“"+clip(s)+"”")
		}
		w.say("with %s in it", orList(few(words)))
	}
	if c.Pattern != "" {
		w.say("fitting the pattern %s", clip(c.Pattern))
	}
}

// circumstances say when, and by which way.
func (w *sayer) circumstances(r *bunker.Rule) {
	if len(r.Hours) > 0 {
		var windows []string
		for _, h := range r.Hours {
			windows = append(windows, hoursWords(h))
		}
		w.say("%s (%s)", andList(few(windows)), w.zone)
	}
	if len(r.Doors) > 0 {
		var doors []string
		for _, d := range r.Doors {
			if d == bunker.DoorHTTP {
				doors = append(doors, "HTTP")
			} else {
				doors = append(doors, string(d))
			}
		}
		w.say("by %s", orList(doors))
	}
	if len(r.Relays) > 0 {
		var relays []string
		for _, u := range r.Relays {
			if u == policy.Embedded {
				u = "the bunker's own relay"
			}
			relays = append(relays, clip(u))
		}
		w.say("by way of %s", orList(few(relays)))
	}
}

// limits say how often and until when.
func (w *sayer) limits(r *bunker.Rule) {
	if b := r.Budget; b != nil {
		w.budget(b)
	}
	if r.For > 0 {
		w.say("for %s from when the app got the policy", periodWords(r.For/1000))
	}
	if r.ExpiresAt > 0 {
		w.say("until %s", printDay(r.ExpiresAt, w.zone))
	}
}

func (w *sayer) budget(b *bunker.Budget) {
	var limits []string
	for _, l := range []struct {
		n    int64
		each string
	}{{b.PerMinute, "a minute"}, {b.PerHour, "an hour"}, {b.PerDay, "a day"}, {b.Total, "in all"}} {
		if l.n > 0 {
			limits = append(limits, fmt.Sprintf("%d %s", l.n, l.each))
		}
	}
	s := "at most " + andList(limits)
	switch b.Per {
	case bunker.PerKey:
		s += " (the key's apps together)"
	case bunker.PerPolicy:
		s += " (everyone under the policy together)"
	}
	if b.WhenSpent == bunker.Ask {
		s += ", then a person is asked"
	}
	w.say("%s", s)
}

// few is a list that a sentence can bear.
func few(list []string) []string {
	if n := len(list) - maxPhrases; n > 0 {
		return append(list[:maxPhrases:maxPhrases], fmt.Sprintf("%d more", n))
	}
	return list
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// hoursWords is a window as people say it: "weekdays 08:00–18:00".
func hoursWords(h bunker.Hours) string {
	days := printDays(h.Days)
	switch days {
	case "mon-fri":
		days = "weekdays"
	case "sat,sun":
		days = "weekends"
	case "", "mon-sun":
		days = "daily"
	default:
		days = dayNames(days)
	}
	if h.From == h.To || h.From == 0 && h.To == minutesADay {
		return days
	}
	return days + " " + printClock(h.From) + "–" + printClock(h.To)
}

// dayNames writes days in full: "Mondays to Wednesdays".
func dayNames(days string) string {
	var out []string
	for part := range strings.SplitSeq(days, ",") {
		first, last, isRange := strings.Cut(part, "-")
		words := dayName(first)
		if isRange {
			words += " to " + dayName(last)
		}
		out = append(out, words)
	}
	return andList(out)
}

func dayName(d string) string {
	if at := weekdayAt(bunker.Weekday(d)); at >= 0 {
		return weekdayNames[at] + "s"
	}
	return clip(d)
}

// periodWords is a length of time in words: "30 days", "1 hour and 30 minutes".
func periodWords(seconds int64) string {
	var out []string
	for _, u := range units[1:] {
		n := seconds / u.seconds
		if n == 0 {
			continue
		}
		seconds -= n * u.seconds
		name := map[string]string{"d": "day", "h": "hour", "m": "minute", "s": "second"}[u.short]
		out = append(out, fmt.Sprintf("%d %s", n, plural(int(n), name, name+"s")))
	}
	return andList(out)
}

// printDay is a moment as people say it: "1 March 2027", with the time of day if
// it is not the first of its day.
func printDay(ms int64, zone *time.Location) string {
	t := time.UnixMilli(ms).In(zone)
	s := t.Format("2 January 2006")
	if t.Hour() == 0 && t.Minute() == 0 && t.Second() == 0 {
		return s
	}
	return s + t.Format(", 15:04")
}
