package conformance

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"time"

	"nsecbunker/conformance/wire"
)

// template is what an app asks to be signed.
type template struct {
	Kind      int        `json:"kind"`
	CreatedAt int64      `json:"created_at"`
	Tags      [][]string `json:"tags"`
	Content   string     `json:"content"`
}

// String is the template as JSON.
func (t template) String() string {
	b, err := json.Marshal(t)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

func now() int64 { return time.Now().Unix() }

func note(text string) template {
	return template{Kind: 1, CreatedAt: now(), Tags: [][]string{{"t", "conformance"}}, Content: text}
}

// signedBy holds an event to be the template, signed by pub: nothing added, nothing rewritten, and a signature that
// cryptography of another origin accepts.
func (t template) signedBy(pub string, raw json.RawMessage) error {
	var ev wire.Event
	if err := json.Unmarshal(raw, &ev); err != nil {
		return fmt.Errorf("no event: %w in %.200s", err, raw)
	}
	var got template
	if err := json.Unmarshal(raw, &got); err != nil {
		return err
	}
	if !reflect.DeepEqual(got, t) {
		return fmt.Errorf("the event was changed:\n got  %.300s\n want %.300s", got, t)
	}
	if ev.PubKey != pub {
		return fmt.Errorf("signed by %s, wanted %s", ev.PubKey, pub)
	}
	if ev.ID == "" { // NDK returns a signature only
		ev.ID = ev.GetID()
	}
	return wire.Verify(&ev)
}

// The kinds of random events: none that needs special care (security.md, 2).
var randomKinds = []int{1, 6, 7, 16, 42, 1063, 1111, 1311, 1984, 9802, 24, 1985}

// controls are the characters that libraries disagree on; plainText is everything else that is known for trouble.
var controls = []string{"\b", "\f", "\b\f\n\r\t", "\x00\x01\x1f", "\v", "\x1b[2J"}

var plainText = []string{
	"__proto__", "constructor", "toString", "\u2028", "\u2029", "\n\r\t", "\x7f\u0080\u009f", "\"\\/", "<script>&amp;",
	"🫂", "𐍈", "\ufeff", "\ufffd", "\u200b\u202e", "ÅÅ", "é", "世界", "null", "{}", "[]", "\\u0041", "\\\\", "%00", "?iv=", " ", "  ", "\u00a0",
}

// oddities is both.
var oddities = slices.Concat(controls, plainText)

// randomEvents makes n events: U+2028, 60 kB, 2,000 tags, `__proto__`, oddities and their like, the same for the same seed
// (but for the date, which has to be now).
func randomEvents(seed uint64, n int, odd []string) []template {
	rnd := rand.New(rand.NewPCG(seed, 9))
	events := make([]template, n)
	for i := range events {
		events[i] = randomEvent(rnd, i, odd)
	}
	return events
}

func randomEvent(rnd *rand.Rand, i int, odd []string) template {
	t := template{Kind: randomKinds[rnd.IntN(len(randomKinds))], CreatedAt: now() - rnd.Int64N(300), Tags: [][]string{}}
	switch {
	case i%25 == 3: // 60 kB: near what NIP-44 takes, with the reply's own quoting
		t.Content = strings.Repeat("0123456789abcdef", 60_000/16)
	case i%25 == 7: // in the reply, where every quotation mark is escaped, 28 kB
		for range 2000 {
			t.Tags = append(t.Tags, []string{"p", "x"})
		}
	default:
		t.Content = randomText(rnd, 200, odd)
		for range rnd.IntN(6) {
			tag := []string{randomText(rnd, 8, odd)}
			for range rnd.IntN(4) {
				tag = append(tag, randomText(rnd, 30, odd))
			}
			t.Tags = append(t.Tags, tag)
		}
	}
	return t
}

func randomText(rnd *rand.Rand, limit int, odd []string) string {
	var b strings.Builder
	for n := rnd.IntN(limit); b.Len() < n; {
		switch rnd.IntN(4) {
		case 0:
			b.WriteString(odd[rnd.IntN(len(odd))])
		case 1:
			b.WriteRune(randomRune(rnd))
		default:
			b.WriteByte(byte(' ' + rnd.IntN(95)))
		}
	}
	return b.String()
}

// randomRune is any character that JSON and UTF-8 can carry: no surrogates; controls are a step of their own.
func randomRune(rnd *rand.Rand) rune {
	for {
		if c := rune(' ' + rnd.IntN(0x110000-' ')); c < 0xd800 || c > 0xdfff {
			return c
		}
	}
}
