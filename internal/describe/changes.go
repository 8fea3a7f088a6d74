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
}

// MaxChanges is how many entries of each sort are shown at first.
const MaxChanges = 6

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
	t.card.Changes = out
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
