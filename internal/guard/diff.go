package guard

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr"
)

const (
	// MaxListed entries of each sort are listed in Changes; all are counted.
	MaxListed = 40
	// MaxListedText is how many characters of one entry are listed.
	MaxListedText = 120
)

// ContentKind says how an event's content is compared.
type ContentKind string

// The kinds of content. "" is content that may change freely.
const (
	ContentText    ContentKind = "text"
	ContentPrivate ContentKind = "private" // encrypted to oneself (NIP-51)
	ContentFields  ContentKind = "fields"  // a profile's JSON; its fields are among the entries
)

// Changes is what a new version does to the one before: bounded in size, fit to be
// kept in a question and shown. Texts have passed the function for untrusted text.
type Changes struct {
	Kind nostr.Kind `json:"kind"`
	// First: there is no version before.
	First bool `json:"first,omitempty"`
	// Base is the event that it was compared with, hex; "" when First.
	Base string `json:"base,omitempty"`
	// Entries of the version before and of this one: tags, and a profile's fields.
	Before int `json:"before"`
	After  int `json:"after"`
	// How many went, came, and have the same name and value but another rest.
	Removed int `json:"removed,omitempty"`
	Added   int `json:"added,omitempty"`
	Changed int `json:"changed,omitempty"`
	// The first of each, at most MaxListed: "p 3bf0c6…", "about".
	RemovedList []string `json:"removed_list,omitempty"`
	AddedList   []string `json:"added_list,omitempty"`
	ChangedList []string `json:"changed_list,omitempty"`
	// Fields of a profile that went, came or are others, in that order, at most MaxListed.
	Fields []Field `json:"fields,omitempty"`
	// Content of the version before, with its bytes before and after.
	Content       ContentKind `json:"content,omitempty"`
	ContentBefore int         `json:"content_before,omitempty"`
	ContentAfter  int         `json:"content_after,omitempty"`
	// Opened: what was encrypted is not any more.
	Opened bool `json:"opened,omitempty"`
	// Reworded: text is another, whatever its length.
	Reworded bool `json:"reworded,omitempty"`
	// Older is by how many seconds it is dated before the last version.
	Older int64 `json:"older,omitempty"`
}

// Field is what becomes of one field of a profile: Was is "" for one that comes, Is for
// one that goes. Both are bounded, and have passed the function for untrusted text.
type Field struct {
	Name string `json:"name"`
	Was  string `json:"was,omitempty"`
	Is   string `json:"is,omitempty"`
}

// Diff compares a version with the one before (nil: there is none). Neither is
// changed or kept.
func Diff(before, after *nostr.Template) Changes {
	c := Changes{Kind: after.Kind, First: before == nil}
	if before == nil {
		c.After = len(entriesOf(after, func(string) bool { return false }))
		return c
	}
	lone := loneNames(before.Tags, after.Tags)
	was, is := entriesOf(before, lone), entriesOf(after, lone)
	c.Before, c.After = len(was), len(is)
	var removed, added, changed []entry
	for id, rest := range was {
		switch now, stays := is[id]; {
		case !stays:
			removed = append(removed, id)
		case !slices.Equal(now, rest):
			changed = append(changed, id)
		}
	}
	for id := range is {
		if _, had := was[id]; !had {
			added = append(added, id)
		}
	}
	c.Removed, c.Added, c.Changed = len(removed), len(added), len(changed)
	c.RemovedList, c.AddedList, c.ChangedList = listed(removed), listed(added), listed(changed)
	c.Fields = fieldsOf(slices.Concat(removed, changed, added), was, is)
	c.Older = max(0, before.CreatedAt-after.CreatedAt)
	c.compareContent(before, after)
	return c
}

// Words says what changes, in a sentence; "" when nothing does.
func (c *Changes) Words() string {
	if c.First {
		return "the first version that is signed here, with " + c.what(c.After)
	}
	var said []string
	say := func(n int, word string) {
		if n > 0 {
			said = append(said, fmt.Sprintf("%d %s", n, word))
		}
	}
	say(c.Removed, "removed")
	say(c.Added, "added")
	say(c.Changed, "changed")
	words := ""
	if len(said) > 0 {
		words = fmt.Sprintf("%s instead of %d: %s", c.what(c.After), c.Before, strings.Join(said, ", "))
	}
	content := ""
	switch {
	case c.Content == ContentPrivate && c.ContentBefore != c.ContentAfter:
		content = fmt.Sprintf("private part: %d bytes instead of %d", c.ContentAfter, c.ContentBefore)
	case c.Content == ContentText && c.Reworded:
		content = fmt.Sprintf("text: %d bytes instead of %d", c.ContentAfter, c.ContentBefore)
	}
	if words != "" && content != "" {
		return words + "; " + content
	}
	return words + content
}

// what is a number of what the event lists.
func (c *Changes) what(n int) string {
	one, many := "entry", "entries"
	if c.Kind == 0 {
		one, many = "field", "fields"
	}
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// beside are tags that say something of the event, not of what it lists.
var beside = [...]string{"d", "client", "alt", "nonce", "expiration", "-"}

// entry is what an event lists, by its identity: a tag's name and value, a lone
// tag's name, or a field of a profile.
type entry struct {
	name, value string
	field       bool
}

// String is the entry as it is listed.
func (e entry) String() string {
	if e.value == "" {
		return e.name
	}
	return e.name + " " + e.value
}

// entriesOf returns what an event lists, with the rest of each: what stands behind
// the identity. lone names are entries by their name alone.
func entriesOf(t *nostr.Template, lone func(name string) bool) map[entry][]string {
	m := make(map[entry][]string, len(t.Tags))
	for _, tag := range t.Tags {
		name := tag.Name()
		switch {
		case slices.Contains(beside[:], name):
		case lone(name):
			m[entry{name: name}] = tag[1:]
		default:
			id, rest := entry{name: name, value: tag.Value()}, tag[min(2, len(tag)):]
			// Of doubles the greatest counts, so that their order does not.
			if had, twice := m[id]; !twice || slices.Compare(rest, had) > 0 {
				m[id] = rest
			}
		}
	}
	if t.Kind == 0 {
		fields, _ := profile(t.Content)
		for name, v := range fields {
			m[entry{name: name, field: true}] = []string{v}
		}
	}
	return m
}

// loneNames returns what reports names of more than one letter that neither
// version has twice: a title, an image, a summary. Another title is a change, not
// a loss.
func loneNames(before, after nostr.Tags) func(string) bool {
	const twice = 2
	counts := map[string]int{}
	for _, tags := range []nostr.Tags{before, after} {
		here := map[string]int{}
		for _, t := range tags {
			if n := t.Name(); len(n) > 1 {
				here[n]++
			}
		}
		for n, k := range here {
			counts[n] = max(counts[n], k)
		}
	}
	return func(name string) bool { k := counts[name]; return k > 0 && k < twice }
}

// profile reads a kind 0's content: the fields that say something, with their
// JSON. ok is false when it is no JSON object.
func profile(content string) (fields map[string]string, ok bool) {
	var raw map[string]json.RawMessage
	if json.Unmarshal([]byte(content), &raw) != nil || raw == nil {
		return nil, false
	}
	fields = make(map[string]string, len(raw))
	for name, v := range raw {
		var tight bytes.Buffer
		if json.Compact(&tight, v) != nil {
			continue
		}
		switch s := tight.String(); s {
		case `""`, `null`, `[]`, `{}`:
		default:
			fields[name] = s
		}
	}
	return fields, true
}

// fieldsOf says of fields of a profile, in their order, what they were and are.
func fieldsOf(ids []entry, was, is map[entry][]string) (out []Field) {
	words := func(m map[entry][]string, id entry) string {
		v, ok := m[id]
		if !ok {
			return ""
		}
		var text string
		if json.Unmarshal([]byte(v[0]), &text) != nil {
			text = v[0] // no text: as it stands there
		}
		return bunker.Display(text, MaxListedText)
	}
	for _, id := range ids {
		if id.field && len(out) < MaxListed {
			out = append(out, Field{bunker.Display(id.name, MaxListedText), words(was, id), words(is, id)})
		}
	}
	return out
}

// kinds whose content may go: see the package.
const (
	kindFollows = 3
	kindStatus  = 30315 // NIP-38: cleared when it is over
	kindDraft   = 31234 // NIP-37: emptied when it is done with
)

func (c *Changes) compareContent(before, after *nostr.Template) {
	if before.Content == "" || before.Kind == kindFollows || before.Kind == kindDraft || before.Kind == kindStatus {
		return
	}
	c.Content = ContentText
	if before.Kind == 0 {
		if _, ok := profile(before.Content); ok {
			c.Content = ContentFields
		}
	} else if encrypted(before.Content) {
		c.Content = ContentPrivate
		c.Opened = after.Content != "" && !encrypted(after.Content)
	}
	c.ContentBefore, c.ContentAfter = len(before.Content), len(after.Content)
	c.Reworded = before.Content != after.Content
}

// minPrivate is the shortest payload of NIP-44 in characters.
const minPrivate = 132

// encrypted reports content that looks like NIP-44 (version 2) or NIP-04.
func encrypted(s string) bool {
	if body, iv, ok := strings.Cut(s, "?iv="); ok {
		return base64s(body) && base64s(iv)
	}
	// The first byte is the version, 2; four bits of the second character are of the
	// nonce: "Ag" to "Av".
	return len(s) >= minPrivate && s[0] == 'A' && s[1] >= 'g' && s[1] <= 'v' && base64s(s)
}

func base64s(s string) bool {
	s = strings.TrimRight(s, "=")
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '+' && r != '/'
	})
}

// listed makes entries fit to show: in order, bounded.
func listed(ids []entry) []string {
	slices.SortFunc(ids, func(a, b entry) int {
		return cmp.Or(strings.Compare(a.name, b.name), strings.Compare(a.value, b.value))
	})
	var out []string
	for _, id := range ids[:min(len(ids), MaxListed)] {
		out = append(out, bunker.Display(id.String(), MaxListedText))
	}
	return out
}
