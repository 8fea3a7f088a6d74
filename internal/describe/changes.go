package describe

import (
	"strings"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/guard"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip19"
)

// Changes is what a replaceable event changes against the last one signed here.
type Changes struct {
	Words string `json:"words" doc:"in a sentence"`
	First bool   `json:"first,omitempty" doc:"no version before is known here"`
	Base  string `json:"base,omitempty" doc:"id of the event that it is compared with"`
	// Entries (of a profile: fields) of the version before and of this one.
	Before  int `json:"before" doc:"entries of the version before; of a profile its fields"`
	After   int `json:"after" doc:"entries of this one"`
	Removed int `json:"removed,omitempty"`
	Added   int `json:"added,omitempty"`
	Changed int `json:"changed,omitempty" doc:"entries with another rest than before"`
	// The lists are in words, bounded.
	RemovedList []string `json:"removed_list,omitempty" doc:"the first of those that are removed, in words"`
	AddedList   []string `json:"added_list,omitempty" doc:"the first of those that are added, in words"`
	// Fields are those of a profile that go, are others or come, in that order, bounded.
	Fields []Field `json:"fields,omitempty" doc:"what becomes of the fields of a profile"`
}

// Field is what becomes of one field of a profile.
type Field struct {
	Name string `json:"name"`
	Was  string `json:"was,omitempty" doc:"in the version before; missing: it is new"`
	Is   string `json:"is,omitempty" doc:"in this one; missing: it goes"`
}

// MaxChanges is how many entries of each sort are shown at first.
const MaxChanges = 6

// MaxFields is how many fields of a profile are shown at first, with what they were and are.
const MaxFields = 8

// changes tells what is lost and what is new, and why the guard asks.
func (t *teller) changes() {
	c := t.s.Changes
	if t.card.Guard = bunker.Display(t.s.Guard, MaxValue); t.card.Guard != "" {
		t.warn(t.card.Guard)
	}
	if c == nil {
		return
	}
	out := &Changes{
		Words: bunker.Display(c.Words(), MaxValue), First: c.First, Base: bunker.Display(c.Base, 64), Before: c.Before, After: c.After,
		Removed: c.Removed, Added: c.Added, Changed: c.Changed, RemovedList: t.entriesOf(c.RemovedList),
	}
	if out.Words == "" {
		out.Words = "nothing"
	}
	if !c.First {
		out.AddedList = t.entriesOf(c.AddedList)
	}
	out.Fields = t.fieldsOf(c.Fields)
	t.card.Changes = out
}

// fieldsOf are the fields of a profile that do not stay, by the names they have in words.
// Where money goes and what name a domain confirms is no small change.
func (t *teller) fieldsOf(list []guard.Field) (out []Field) {
	for i, f := range list {
		if f.Was != "" {
			switch f.Name {
			case "lud16", "lud06":
				t.warn("its lightning address would be another: zaps would be paid to that one")
			case "nip05":
				t.warn("its Nostr address would be another")
			}
		}
		if i < MaxFields || t.o.Full {
			out = append(out, Field{fieldName(bunker.Display(f.Name, guard.MaxListedText)), bunker.Display(f.Was, guard.MaxListedText), bunker.Display(f.Is, guard.MaxListedText)})
		}
	}
	return out
}

// entriesOf are entries in words.
func (t *teller) entriesOf(list []string) (out []string) {
	for i, e := range list {
		if i == MaxChanges && !t.o.Full || i == guard.MaxListed {
			break
		}
		out = append(out, t.entry(e))
	}
	return out
}

// entry is one entry of a list: a person by name or npub, others as they are.
func (t *teller) entry(e string) string {
	kind, value, _ := strings.Cut(e, " ")
	if p, err := nostr.ParsePubKey(value); err == nil && (kind == "p" || kind == "P") {
		if t.o.Known != nil {
			if name, is := t.o.Known(p); name != "" {
				return bunker.Display(name, 64) + ", " + article(is) + " here"
			}
		}
		return nip19.EncodeNpub(p)
	}
	if id, err := nostr.ParseID(value); err == nil && kind == "e" {
		return nip19.EncodeNote(id)
	}
	return bunker.Display(e, guard.MaxListedText)
}
