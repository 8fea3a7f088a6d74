package nostr

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"
)

// stdID is the id by another way: encoding/json's text, with those escapes taken
// back that JSON.stringify does not make.
func stdID(t testing.TB, e *Event) ID {
	t.Helper()
	tags := e.Tags
	if tags == nil {
		tags = Tags{}
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode([]any{0, hex.EncodeToString(e.PubKey[:]), e.CreatedAt, uint16(e.Kind), tags, e.Content}); err != nil {
		t.Fatal(err)
	}
	text := bytes.TrimSuffix(out.Bytes(), []byte("\n"))
	var fixed []byte
	for len(text) > 0 {
		switch {
		case bytes.HasPrefix(text, []byte(`\\`)):
			fixed = append(fixed, text[:2]...)
			text = text[2:]
		case bytes.HasPrefix(text, []byte(`\u2028`)):
			fixed = append(fixed, "\u2028"...)
			text = text[6:]
		case bytes.HasPrefix(text, []byte(`\u2029`)):
			fixed = append(fixed, "\u2029"...)
			text = text[6:]
		default:
			fixed = append(fixed, text[0])
			text = text[1:]
		}
	}
	return sha256.Sum256(fixed)
}

// stdEvent is what encoding/json makes of an event; its keys ignore case, ours
// do not, and it takes the last of two.
type stdEvent struct {
	ID        *string    `json:"id"`
	PubKey    *string    `json:"pubkey"`
	CreatedAt *int64     `json:"created_at"`
	Kind      *uint16    `json:"kind"`
	Tags      [][]string `json:"tags"`
	Content   *string    `json:"content"`
	Sig       *string    `json:"sig"`
}

func FuzzEvent(f *testing.F) {
	good := document(parts())
	f.Add(good)
	f.Add(signed(f).AppendJSON(nil))
	for field, values := range map[string][]string{
		"content":    {`"\ud83d\ude00\u0000\b\f\n\r\t\"\\\/"`, `"\ud800"`, "\"\u2028\u2029<>&\x7f\"", "\"\xff\"", `"x`},
		"tags":       {`[]`, `[[]]`, `[["a"],["b","c"]]`, `[["` + strings.Repeat("x", 300) + `"]]`, `[[["a"]]]`},
		"created_at": {"0", "9007199254740991", "9007199254740992", "-1", "1e3", "1.0"},
		"kind":       {"0", "65535", "65536", "01"},
		"x":          {`{"a":[{"b":null}],"c":1.5e-3}`, strings.Repeat("[", 40), `{"a":1,"a":1}`},
		"id":         {`""`, `null`},
	} {
		for _, v := range values {
			p := parts()
			p[field] = v
			f.Add(document(p))
		}
	}
	f.Add([]byte(`{"kind":1,"KIND":2,"k\u0069nd":3}`))
	f.Add([]byte(" {\n} "))
	f.Fuzz(func(t *testing.T, b []byte) {
		checkTemplate(t, b)
		e, err := ParseEvent(b)
		if err != nil {
			return
		}
		text := e.AppendJSON(nil)
		again, err := ParseEvent(text)
		if err != nil {
			t.Fatalf("what was printed is refused: %v\n%s", err, text)
		}
		if printed := again.AppendJSON(nil); !bytes.Equal(printed, text) {
			t.Fatalf("printed %s\nand then %s", text, printed)
		}
		if got, want := e.ComputeID(), stdID(t, e); got != want {
			t.Fatalf("id %v, by encoding/json %v\n%s", got, want, e.AppendCanonical(nil))
		}
		var std stdEvent
		if err := json.Unmarshal(text, &std); err != nil {
			t.Fatalf("encoding/json refuses %s: %v", text, err)
		}
		if *std.ID != e.ID.String() || *std.PubKey != e.PubKey.String() || *std.Sig != e.Sig.String() ||
			*std.CreatedAt != e.CreatedAt || *std.Kind != uint16(e.Kind) || *std.Content != e.Content || len(std.Tags) != len(e.Tags) {
			t.Fatalf("encoding/json reads %+v from %s", std, text)
		}
		for i, tag := range e.Tags {
			if len(tag) == 0 || strings.Join(tag, "\x00") != strings.Join(std.Tags[i], "\x00") {
				t.Fatalf("tag %d: %q and %q", i, tag, std.Tags[i])
			}
		}
		if !json.Valid(b) {
			t.Fatalf("encoding/json calls the input invalid: %q", b)
		}
	})
}

// checkTemplate: whatever is an event is a template too, with the same parts.
func checkTemplate(t *testing.T, b []byte) {
	tpl, err := ParseTemplate(b)
	e, eventErr := ParseEvent(b)
	if err != nil {
		if eventErr == nil {
			t.Fatalf("an event is no template: %v", err)
		}
		return
	}
	again, err := ParseTemplate(tpl.AppendJSON(nil))
	if err != nil || !bytes.Equal(again.AppendJSON(nil), tpl.AppendJSON(nil)) {
		t.Fatalf("a template does not survive its JSON: %v", err)
	}
	unsigned := tpl.Event(tpl.PubKey)
	if unsigned.ComputeID() != stdID(t, unsigned) {
		t.Fatal("the template's id is not that of encoding/json")
	}
	if eventErr == nil && unsigned.ComputeID() != e.ComputeID() {
		t.Fatal("event and template have different ids")
	}
}
