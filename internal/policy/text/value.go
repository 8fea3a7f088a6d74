package text

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/policy"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip19"
	"nsecbunker/nostr/nip46"
)

// maxClip is how much of a wrong word is repeated to whoever wrote it, in
// characters.
const maxClip = 60

// clip makes a word of the text fit for a message.
func clip(s string) string { return bunker.Display(s, maxClip) }

func sortStrings(s []string) { slices.Sort(s) }

func sortedKeys(m map[string]any) []string { return slices.Sorted(maps.Keys(m)) }

// typeName says what a value is, in the words of who wrote it.
func typeName(v any) string {
	switch v := v.(type) {
	case string:
		return strconv.Quote(clip(v))
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return strconv.FormatFloat(v, 'g', 6, 64)
	case bool:
		return strconv.FormatBool(v)
	case []any:
		return "a list"
	case map[string]any:
		return "a table"
	case time.Time, toml.LocalDate, toml.LocalDateTime, toml.LocalTime:
		return "a date or time"
	}
	return "this"
}

// each reads a list, or one entry without brackets. An empty list would mean
// everything: it is refused.
func each[T any](r *reader, at string, v any, parse func(any) (T, error)) []T {
	list, isList := v.([]any)
	if !isList {
		list = []any{v}
	}
	switch {
	case len(list) == 0:
		r.fail(at, "leave the key out if any will do", "the list is empty")
		return nil
	case len(list) > MaxItems:
		r.fail(at, "write a rule more for the rest", "the list has %d entries; at most %d are allowed", len(list), MaxItems)
		return nil
	}
	out := make([]T, 0, len(list))
	for i, e := range list {
		x, err := parse(e)
		if err != nil {
			where := at
			if isList {
				where = pathOf(at, strconv.Itoa(i))
			}
			r.fail(where, "", "%s", err)
			r.trim(at)
			continue
		}
		out = append(out, x)
	}
	return out
}

// trim names the list instead of its entry in the last problem: its words say
// which entry is meant.
func (r *reader) trim(at string) {
	if n := len(r.problems); n > 0 {
		r.problems[n-1].Field = clip(strings.ReplaceAll(at, "/", "."))
	}
}

func (r *reader) string(at string, v any) string {
	s, ok := v.(string)
	if !ok {
		r.fail(at, "put it in quotes", "%s is no text", typeName(v))
	}
	return s
}

func (r *reader) strings(at string, v any) []string { return each(r, at, v, parseWord[string]) }

// parseWord reads a word as it stands; whether it is known is the check's.
func parseWord[T ~string](v any) (T, error) {
	s, ok := v.(string)
	if !ok {
		return "", fmt.Errorf("%s is no text: put it in quotes", typeName(v))
	}
	return T(s), nil
}

func (r *reader) effect(at string, v any) bunker.Effect {
	s := r.string(at, v)
	e, err := bunker.ParseEffect(s)
	if err != nil && s != "" {
		r.fail(at, didYouMean(s, []string{"allow", "ask", "deny"}), "%q is no effect", clip(s))
	}
	return e
}

// number reads a whole number that is not negative.
func (r *reader) number(at string, v any) int64 {
	n, ok := v.(int64)
	switch {
	case !ok:
		r.fail(at, "write digits without quotes", "%s is no whole number", typeName(v))
	case n <= 0:
		r.fail(at, "leave the key out if there is no bound", "%d is less than 1", n)
	case n > MaxUses:
		r.fail(at, "leave the key out if there is no bound", "%d is more than %d", n, MaxUses)
	default:
		return n
	}
	return 0
}

func (r *reader) period(at string, v any) int64 {
	s, ok := v.(string)
	if !ok {
		r.fail(at, `write for example "30d" or "10m"`, "%s is no length of time", typeName(v))
		return 0
	}
	n, err := parsePeriod(s)
	if err == nil && n == 0 {
		err = fmt.Errorf("%q is no time at all: leave the key out if it does not matter", clip(s))
	}
	if err != nil {
		r.fail(at, "", "%s", err)
		return 0
	}
	return n
}

func parsePeer(v any) (nostr.PubKey, error) {
	s, ok := v.(string)
	if !ok {
		return nostr.PubKey{}, fmt.Errorf("%s is no public key: write an npub in quotes", typeName(v))
	}
	p, err := nip19.ParsePublicKey(s)
	if err != nil {
		return p, fmt.Errorf("%q is no public key (npub1…): %s", beginning(s), strings.TrimPrefix(err.Error(), "nip19: "))
	}
	return p, nil
}

// beginning shows the start of what should have been a public key: enough to find
// it, too little of a secret key to be one.
func beginning(s string) string {
	const shown = 8
	if len(s) <= shown {
		return clip(s)
	}
	return clip(s[:shown]) + "…"
}

func parseRelay(v any) (string, error) {
	s, ok := v.(string)
	if !ok {
		return "", fmt.Errorf("%s is no relay's address: write it in quotes, such as \"wss://relay.example.com\"", typeName(v))
	}
	if s == policy.Embedded {
		return s, nil
	}
	return nip46.NormalizeRelayURL(s)
}

func parseWindow(v any) (bunker.Hours, error) {
	s, ok := v.(string)
	if !ok {
		return bunker.Hours{}, fmt.Errorf("%s is no window of hours: write for example \"mon-fri 08:00-18:00\"", typeName(v))
	}
	return parseHours(s)
}

// sub reads an inner table.
func (r *reader) sub(at string, v any, example string, fields []field) bool {
	tree, ok := v.(map[string]any)
	switch {
	case !ok:
		r.fail(at, "write for example "+example, "%s is no table", typeName(v))
	case len(tree) == 0:
		r.fail(at, "leave the key out, or write for example "+example, "it says nothing")
	default:
		r.table(at, tree, fields)
		return true
	}
	return false
}

func (r *reader) content(at string, v any) *bunker.ContentMatch {
	var c bunker.ContentMatch
	r.sub(at, v, "content = {max = 280}", []field{
		{"min", func(r *reader, at string, v any) { c.MinLength = int(r.number(at, v)) }},
		{"max", func(r *reader, at string, v any) { c.MaxLength = int(r.number(at, v)) }},
		{"words", func(r *reader, at string, v any) { c.Words = r.strings(at, v) }},
		{"pattern", func(r *reader, at string, v any) {
			if c.Pattern = r.string(at, v); c.Pattern == "" {
				r.fail(at, "leave the key out", "the pattern is empty")
			}
		}},
	})
	return &c
}

func (r *reader) budget(at string, v any) *bunker.Budget {
	var b bunker.Budget
	r.sub(at, v, "budget = {day = 20}", []field{
		{"minute", func(r *reader, at string, v any) { b.PerMinute = r.number(at, v) }},
		{"hour", func(r *reader, at string, v any) { b.PerHour = r.number(at, v) }},
		{"day", func(r *reader, at string, v any) { b.PerDay = r.number(at, v) }},
		{"total", func(r *reader, at string, v any) { b.Total = r.number(at, v) }},
		{"per", func(r *reader, at string, v any) { b.Per = bunker.BudgetScope(r.string(at, v)) }},
		{"when_spent", func(r *reader, at string, v any) { b.WhenSpent = r.effect(at, v) }},
	})
	return &b
}

// tags reads the demands on tags, in the order of the text. Their names are free,
// so a key of the rule that slipped under [rule.tags] would become a demand on a
// tag that no app knows: it is refused there.
func (r *reader) tags(at string, v any) []bunker.TagMatch {
	tree, ok := v.(map[string]any)
	if !ok || len(tree) == 0 {
		r.fail(at, `write for example tags = {relay = ["wss://relay.example.com"]}`, "%s names no tags", typeName(v))
		return nil
	}
	if len(tree) > MaxItems {
		r.fail(at, "", "%d tags are named; at most %d are allowed", len(tree), MaxItems)
		return nil
	}
	names := sortedKeys(tree)
	slices.SortStableFunc(names, func(a, b string) int {
		return r.places.offsets[pathOf(r.path, at, a)] - r.places.offsets[pathOf(r.path, at, b)]
	})
	own := ruleKeys()
	out := make([]bunker.TagMatch, 0, len(names))
	for _, name := range names {
		if r.places.headers[pathOf(r.path, at)] && slices.Contains(own, name) {
			r.fail(under(at, name), fmt.Sprintf("move the line above [rule.tags]; if a tag named %q is meant, write tags = {%s = …}", name, name),
				"the line stands under [rule.tags], so it would be about a tag named %q", name)
			continue
		}
		out = append(out, r.tag(under(at, name), name, tree[name]))
	}
	return out
}

// ruleKeys are the names of a rule's keys.
func ruleKeys() []string {
	var names []string
	for _, f := range ruleFields(new(bunker.Rule)) {
		names = append(names, f.name)
	}
	return names
}

func (r *reader) tag(at, name string, v any) bunker.TagMatch {
	m := bunker.TagMatch{Name: name}
	switch v := v.(type) {
	case bool:
		m.Absent = !v // true is the bare demand that there is one
	case map[string]any:
		r.sub(at, v, fmt.Sprintf("%s = {max = 3}", clip(name)), []field{
			{"values", func(r *reader, at string, v any) { m.Values = r.strings(at, v) }},
			{"max", func(r *reader, at string, v any) { m.Max = int(r.number(at, v)) }},
		})
	default:
		m.Values = r.strings(at, v)
	}
	return m
}
