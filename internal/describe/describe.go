// Package describe tells an operation the way a person reads it: what it would
// do, its text, who is mentioned, what is special about it. What comes out is
// data for every surface (terminal, page, notice), and every text of others in it
// has passed [bunker.Display]. Nothing here decides anything.
package describe

import (
	"unicode/utf8"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip19"
)

// Bounds of a card that is not Full, in characters and entries.
const (
	// MaxText is how much of a text is shown at first.
	MaxText = 600
	// MaxFacts is how many facts are shown.
	MaxFacts = 16
	// MaxPeople is how many people are shown at first.
	MaxPeople = 8
	// MaxValue is the longest value of a fact.
	MaxValue = 200
)

// MaxFull is how many people, or facts, a card holds that is Full.
const MaxFull = 2000

// Card is an operation as a person reads it.
type Card struct {
	// Does is what it would do, to follow "wants to": "reply to note1…".
	Does string `json:"does"`
	// Kind is the kind's name with its number; "" for what is no event.
	Kind string `json:"kind,omitempty"`
	// Text is what would be published, encrypted or quoted; TextIs says which.
	Text    string `json:"text,omitempty" doc:"what would be published or encrypted"`
	TextIs  string `json:"text_is,omitempty" doc:"what the text is, in a word or two"`
	TextCut bool   `json:"text_cut,omitempty" doc:"the text is longer; approval.show has all of it"`
	// Size is the bytes of what is to be worked on.
	Size  int64  `json:"size,omitempty" doc:"bytes of content, or of the text to encrypt or decrypt"`
	Facts []Fact `json:"facts,omitempty"`
	// FactsLeft and PeopleLeft count what is not shown.
	FactsLeft  int      `json:"facts_left,omitempty" doc:"how many more there are; approval.show has all of them"`
	People     []Person `json:"people,omitempty" doc:"who is mentioned, or the other party"`
	PeopleLeft int      `json:"people_left,omitempty" doc:"how many more are mentioned"`
	Changes    *Changes `json:"changes,omitempty" doc:"what it changes against the last version signed here"`
	Guard      string   `json:"guard,omitempty" doc:"why the guard asks: what a replaceable event would lose"`
	Warnings   []string `json:"warnings,omitempty" doc:"what to look at before saying yes"`
	// Cut: the question could not keep all of the operation.
	Cut bool `json:"cut,omitempty" doc:"too large to be kept whole: what is shown is not all"`
}

// Fact is one thing about the operation.
type Fact struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Person is somebody who is mentioned.
type Person struct {
	Npub string `json:"npub"`
	// Name is what the person is called here; "" for somebody who is not known.
	Name string `json:"name,omitempty" doc:"what they are called here; nobody known here without it"`
	Is   string `json:"is,omitempty" doc:"key, admin or app"`
	As   string `json:"as,omitempty" doc:"recipient, mentioned, author, …"`
}

// Options say who is known here and how much is shown.
type Options struct {
	// Known names a pubkey that is known here: its name and what it is ("key",
	// "admin", "app"); both "" for others. nil: nobody is.
	Known func(nostr.PubKey) (name, is string)
	// Key is the user key that would act.
	Key nostr.PubKey
	// Now is the time of looking, unix ms.
	Now int64
	// Full shows everything that was kept.
	Full bool
}

// Describe tells a kept operation. It never fails: what it does not know it shows
// plainly.
func Describe(s *Summary, o Options) Card {
	t := &teller{s: s, o: o}
	t.card.Size, t.card.Cut = s.Size, s.Cut
	switch {
	case s.Kind != nil && *s.Kind >= 0 && *s.Kind <= 65535:
		t.event(nostr.Kind(*s.Kind))
	default:
		t.other()
	}
	t.changes()
	t.card.Does = bunker.Display(t.card.Does, 2*MaxValue)
	if s.Cut {
		t.warn("it is too large to be kept whole, so not all of it is shown here")
	}
	return t.card
}

// teller builds a card.
type teller struct {
	s    *Summary
	o    Options
	card Card
	seen map[nostr.PubKey]bool
}

func (t *teller) limit(short int) int {
	if t.o.Full {
		return MaxFull
	}
	return short
}

// fact adds a fact about what an app sent; empty ones are left out.
func (t *teller) fact(name, value string) {
	value = bunker.Display(value, MaxValue)
	if value == "" {
		return
	}
	if len(t.card.Facts) >= t.limit(MaxFacts) {
		t.card.FactsLeft++
		return
	}
	t.card.Facts = append(t.card.Facts, Fact{bunker.Display(name, 24), value})
}

func (t *teller) warn(words string) { t.card.Warnings = append(t.card.Warnings, words) }

// text sets what the operation is about, in the app's words.
func (t *teller) text(is, s string) {
	t.card.TextIs, t.card.Text = is, bunker.DisplayLines(s, MaxContent)
	if !t.o.Full && utf8.RuneCountInString(t.card.Text) > MaxText {
		t.card.Text, t.card.TextCut = bunker.DisplayLines(t.card.Text, MaxText), true
	}
}

// person adds somebody, once, and returns what they are called in a sentence.
func (t *teller) person(p nostr.PubKey, as string) string {
	name, is := "", ""
	if t.o.Known != nil {
		name, is = t.o.Known(p)
	}
	if p == t.o.Key {
		is = "key"
	}
	npub := nip19.EncodeNpub(p)
	if !t.seen[p] {
		if t.seen == nil {
			t.seen = map[nostr.PubKey]bool{}
		}
		t.seen[p] = true
		if len(t.card.People) >= t.limit(MaxPeople) {
			t.card.PeopleLeft++
		} else {
			t.card.People = append(t.card.People, Person{npub, bunker.Display(name, 64), is, as})
		}
	}
	switch {
	case p == t.o.Key:
		return "the account itself"
	case name != "":
		return bunker.Display(name, 64)
	}
	return Short(npub)
}

// Short is a bech32 text by its beginning and its end, for lines that hold more
// than it. It never stands alone where something is approved.
func Short(s string) string {
	if len(s) < 24 {
		return s
	}
	return s[:12] + "…" + s[len(s)-6:]
}
