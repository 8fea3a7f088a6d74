package conformance

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"nsecbunker/conformance/wire"
)

// An event is signed as it was sent: pubkey, id and sig may be absent, empty or right; nothing is added or rewritten.
func TestInterop09SignEvent(t *testing.T) {
	r := shared(t)
	c := r.client("sign_event", wire.NIP44)
	tmpl := template{Kind: 1, CreatedAt: now(), Tags: [][]string{{"t", "x"}, {""}, {"e", "", "y"}}, Content: "hello"}
	signed := r.sign(c, tmpl)
	body := strings.TrimSuffix(tmpl.String(), "}")
	zeros := strings.Repeat("0", 64)
	for name, with := range map[string]string{
		"pubkey right":  `,"pubkey":"` + r.key.Pub + `"}`,
		"all right":     `,"pubkey":"` + r.key.Pub + `","id":"` + signed.ID + `","sig":"` + signed.Sig + `"}`,
		"all empty":     `,"pubkey":"","id":"","sig":""}`,
		"id wrong":      `,"id":"` + zeros + `","sig":"` + zeros + zeros + `"}`,
		"unknown keys":  `,"__proto__":{"kind":4},"extra":[1,{"a":null}]}`,
		"another order": "",
	} {
		t.Run(name, func(t *testing.T) {
			r := r.sub(t)
			text := body + with
			if with == "" {
				text = fmt.Sprintf(`{"content":"hello", "tags" : [["t","x"],[""],["e","","y"]],`+"\n"+`"created_at":%d,"kind":1}`, tmpl.CreatedAt)
			}
			if ev := r.signed(r.do(c, "sign_event", text), tmpl); ev.ID != signed.ID {
				t.Errorf("the id is %s, not %s", ev.ID, signed.ID)
			}
		})
	}
	for name, text := range map[string]string{
		"another pubkey":     body + `,"pubkey":"` + c.Key.Pub + `"}`,
		"pubkey no hex":      body + `,"pubkey":"herald"}`,
		"no kind":            `{"created_at":1,"tags":[],"content":""}`,
		"kind a text":        `{"kind":"1","created_at":1,"tags":[],"content":""}`,
		"kind a fraction":    `{"kind":1.5,"created_at":1,"tags":[],"content":""}`,
		"kind exponent":      `{"kind":1e0,"created_at":1,"tags":[],"content":""}`,
		"kind negative":      `{"kind":-1,"created_at":1,"tags":[],"content":""}`,
		"kind too large":     `{"kind":65536,"created_at":1,"tags":[],"content":""}`,
		"created_at 2^53":    `{"kind":1,"created_at":9007199254740992,"tags":[],"content":""}`,
		"tags null":          `{"kind":1,"created_at":1,"tags":null,"content":""}`,
		"tag with a number":  `{"kind":1,"created_at":1,"tags":[["t",1]],"content":""}`,
		"an empty tag":       `{"kind":1,"created_at":1,"tags":[[]],"content":""}`,
		"tags of objects":    `{"kind":1,"created_at":1,"tags":[{}],"content":""}`,
		"content null":       `{"kind":1,"created_at":1,"tags":[],"content":null}`,
		"duplicate kind":     `{"kind":1,"kind":4,"created_at":1,"tags":[],"content":""}`,
		"duplicate, escaped": `{"kind":1,"k\u0069nd":4,"created_at":1,"tags":[],"content":""}`,
		"lone surrogate":     `{"kind":1,"created_at":1,"tags":[],"content":"\ud800"}`,
		"text after it":      tmpl.String() + "x",
		"an array":           `[1]`,
		"nothing":            ``,
		"null":               `null`,
		"raw control":        "{\"kind\":1,\"created_at\":1,\"tags\":[],\"content\":\"\x01\"}",
	} {
		t.Run(name, func(t *testing.T) { r.sub(t).refuse(c, "invalid: ", "sign_event", text) })
	}
	t.Run("no parameter", func(t *testing.T) { r.sub(t).refuse(c, "invalid: ", "sign_event") })
}

// The signed event is written as JSON.stringify does, byte by byte, so that a client that compares or cuts texts is right.
func TestInterop09SignEventIsWrittenAsJSONStringifyDoes(t *testing.T) {
	r := shared(t)
	c := r.client("sign_event", wire.NIP44)
	var all strings.Builder
	for b := rune(0); b < 0x100; b++ {
		all.WriteRune(b)
	}
	texts := []string{all.String(), "\u2028\u2029\ufeff\ufffd\u200b", "<script>&amp;'", `\u0041 \\ / "`, "🫂𐍈", "\x7f", strings.Repeat("\b\f", 100)}
	for _, text := range append(texts, oddities...) {
		tmpl := template{Kind: 1, CreatedAt: now(), Tags: [][]string{{text, text}}, Content: text}
		got := r.do(c, "sign_event", tmpl.String())
		r.signed(got, tmpl)
		for _, want := range []string{`"content":` + stringify(text), `"tags":[[` + stringify(text) + "," + stringify(text) + "]]"} {
			if !strings.Contains(got.Result, want) {
				t.Errorf("%q is written otherwise than as %s in %.300s", text, want, got.Result)
			}
		}
		// The reply is JSON of the same kind: its result is that text, quoted once more.
		if want := `"result":` + stringify(got.Result); !strings.Contains(got.Text, want) {
			t.Errorf("the reply's own text is written otherwise: %.300s", got.Text)
		}
	}
}

// stringify is JSON.stringify of a text (ECMA-262, QuoteJSONString).
func stringify(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range s {
		switch {
		case c == '"' || c == '\\':
			b.WriteString(`\` + string(c))
		case c == '\b':
			b.WriteString(`\b`)
		case c == '\t':
			b.WriteString(`\t`)
		case c == '\n':
			b.WriteString(`\n`)
		case c == '\f':
			b.WriteString(`\f`)
		case c == '\r':
			b.WriteString(`\r`)
		case c < 0x20:
			fmt.Fprintf(&b, `\u%04x`, c)
		default:
			b.WriteRune(c)
		}
	}
	return b.String() + `"`
}

func TestStringifyIsJSON(t *testing.T) {
	for _, s := range oddities {
		var back string
		if err := json.Unmarshal([]byte(stringify(s)), &back); err != nil || back != s || !utf8.ValidString(s) {
			t.Errorf("%q: %q, %v", s, back, err)
		}
	}
}
