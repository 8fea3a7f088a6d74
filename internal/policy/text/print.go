package text

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/policy"
	"nsecbunker/nostr/nip19"
)

// Print writes a policy in its text form: its name, description, zone and rules.
// [Parse] reads the same rules back, in the same order, if [Check] lets them pass.
func Print(p *bunker.Policy) []byte {
	w := &writer{zone: time.UTC}
	if zone, err := policy.Zone(p.Zone); err == nil {
		w.zone = zone
	}
	w.text("name", p.Name)
	w.text("description", p.Description)
	w.text("zone", p.Zone)
	for i := range p.Rules {
		w.rule(&p.Rules[i])
	}
	return []byte(w.b.String())
}

type writer struct {
	b    strings.Builder
	zone *time.Location
}

// maxLine is the longest line that a list may make, in bytes; a longer one gets a
// line for each entry.
const maxLine = 100

func (w *writer) line(key, value string) { fmt.Fprintf(&w.b, "%s = %s\n", key, value) }

// text writes a key with a text that is not empty.
func (w *writer) text(key, s string) {
	if s != "" {
		w.line(key, quote(s))
	}
}

// list writes a key with a list that is not empty; remark goes behind it.
func (w *writer) list(key string, entries []string, remark string) {
	if len(entries) == 0 {
		return
	}
	short := "[" + strings.Join(entries, ", ") + "]"
	if len(key)+3+len(short) <= maxLine {
		if remark != "" {
			short += "  # " + remark
		}
		w.line(key, short)
		return
	}
	w.line(key, "[\n    "+strings.Join(entries, ",\n    ")+",\n]")
}

func (w *writer) rule(r *bunker.Rule) {
	w.b.WriteString("\n[[rule]]\n")
	w.text("id", r.ID)
	w.text("note", r.Note)
	w.text("effect", r.Effect.String())
	w.list("rights", quoted(r.Rights), "")
	w.list("methods", quoted(r.Methods), "")
	w.kinds(r.Kinds)
	var peers []string
	for _, p := range r.Peers {
		peers = append(peers, strconv.Quote(nip19.EncodeNpub(p)))
	}
	w.list("peers", peers, "")
	w.list("results", quoted(r.Results), "")
	w.tags(r.Tags)
	w.content(r.Content)
	if r.MaxSkew != 0 {
		w.text("skew", printPeriod(r.MaxSkew))
	}
	var hours []string
	for _, h := range r.Hours {
		hours = append(hours, quote(printHours(h)))
	}
	w.list("hours", hours, "")
	w.list("doors", quoted(r.Doors), "")
	w.list("relays", quoted(r.Relays), "")
	w.budget(r.Budget)
	if r.ExpiresAt != 0 {
		w.line("expires", printInstant(r.ExpiresAt, w.zone))
	}
	if r.For != 0 {
		w.text("for", printPeriod(r.For/1000))
	}
	if r.Quorum != 0 {
		w.line("quorum", strconv.Itoa(r.Quorum))
	}
}

// kinds writes numbers, and their names as a remark.
func (w *writer) kinds(kinds []bunker.KindRange) {
	var entries, names []string
	for _, k := range kinds {
		entries = append(entries, printKinds(k))
		if name := k.From.Name(); k.From == k.To && name != "" {
			names = append(names, name)
		}
	}
	remark := strings.Join(names, ", ")
	if len(remark) > maxLine {
		remark = ""
	}
	w.list("kinds", entries, remark)
}

func (w *writer) tags(tags []bunker.TagMatch) {
	if len(tags) == 0 {
		return
	}
	var parts []string
	for _, t := range tags {
		parts = append(parts, key(t.Name)+" = "+tagValue(t))
	}
	w.line("tags", "{"+strings.Join(parts, ", ")+"}")
}

func tagValue(t bunker.TagMatch) string {
	values := inline(quoted(t.Values))
	switch {
	case t.Absent:
		return "false"
	case len(t.Values) == 0 && t.Max == 0:
		return "true"
	case t.Max == 0:
		return values
	case len(t.Values) == 0:
		return fmt.Sprintf("{max = %d}", t.Max)
	}
	return fmt.Sprintf("{values = %s, max = %d}", values, t.Max)
}

func (w *writer) content(c *bunker.ContentMatch) {
	if c == nil {
		return
	}
	var parts []string
	if c.MinLength != 0 {
		parts = append(parts, fmt.Sprintf("min = %d", c.MinLength))
	}
	if c.MaxLength != 0 {
		parts = append(parts, fmt.Sprintf("max = %d", c.MaxLength))
	}
	if len(c.Words) > 0 {
		parts = append(parts, "words = "+inline(quoted(c.Words)))
	}
	if c.Pattern != "" {
		parts = append(parts, "pattern = "+quote(c.Pattern))
	}
	w.line("content", "{"+strings.Join(parts, ", ")+"}")
}

func (w *writer) budget(b *bunker.Budget) {
	if b == nil {
		return
	}
	var parts []string
	for _, n := range []struct {
		key string
		n   int64
	}{{"minute", b.PerMinute}, {"hour", b.PerHour}, {"day", b.PerDay}, {"total", b.Total}} {
		if n.n != 0 {
			parts = append(parts, fmt.Sprintf("%s = %d", n.key, n.n))
		}
	}
	if b.Per != "" {
		parts = append(parts, "per = "+quote(string(b.Per)))
	}
	if b.WhenSpent != bunker.Deny {
		parts = append(parts, "when_spent = "+quote(b.WhenSpent.String()))
	}
	w.line("budget", "{"+strings.Join(parts, ", ")+"}")
}

func inline(entries []string) string { return "[" + strings.Join(entries, ", ") + "]" }

func quoted[T ~string](list []T) []string {
	var out []string
	for _, s := range list {
		out = append(out, quote(string(s)))
	}
	return out
}

// key writes a name as a TOML key.
func key(s string) string {
	bare := s != ""
	for _, c := range []byte(s) {
		bare = bare && (c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_')
	}
	if bare {
		return s
	}
	return basic(s)
}

// quote writes a text as a TOML string: a literal one where backslashes would have
// to be doubled (regular expressions), else a basic one.
func quote(s string) string {
	if strings.ContainsRune(s, '\\') && !strings.ContainsFunc(s, func(c rune) bool { return c == '\'' || hidden(c) }) {
		return "'" + s + "'"
	}
	return basic(s)
}

// hidden reports what cannot be seen in a file, and so is written by its number.
func hidden(c rune) bool {
	return c == unicode.ReplacementChar || !unicode.IsGraphic(c) || c != ' ' && unicode.Is(unicode.Z, c)
}

func basic(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range s {
		switch {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteRune(c)
		case c == '\n':
			b.WriteString(`\n`)
		case c == '\t':
			b.WriteString(`\t`)
		case hidden(c) && c > 0xFFFF:
			fmt.Fprintf(&b, `\U%08X`, c)
		case hidden(c):
			fmt.Fprintf(&b, `\u%04X`, c)
		default:
			b.WriteRune(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}
