package relay

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"nsecbunker/nostr"
)

const anID = "b1a649ebe8b1a649ebe8b1a649ebe8b1a649ebe8b1a649ebe8b1a649ebe8abcd"

func TestFramesAreReadAsNIP01Says(t *testing.T) {
	for in, want := range map[string]frame{
		`["EVENT","s1",{"a":[{}]}]`:                             {label: labelEvent, sub: "s1", event: []byte(`{"a":[{}]}`)},
		" [ \"EVENT\" ,\t\"s1\" , { \"]\" : \"\\\"}\" } ] \r\n": {label: labelEvent, sub: "s1", event: []byte(`{ "]" : "\"}" }`)},
		`["EVENT","s\u0031",{}]`:                                {label: labelEvent, sub: "s1", event: []byte(`{}`)},
		`["EVENT","s1",{},{"more":1}]`:                          {label: labelEvent, sub: "s1", event: []byte(`{}`)},
		`["EOSE","s1"]`:                                         {label: labelEOSE, sub: "s1"},
		`["EOSE","s1",null,[1,{"a":-1.5e+3}]]`:                  {label: labelEOSE, sub: "s1"},
		`["CLOSED","s1","error: \u0001x"]`:                      {label: labelClosed, sub: "s1", text: "error: \uFFFDx"},
		`["CLOSED","s1"]`:                                       {label: labelClosed, sub: "s1"},
		`["CLOSED","s1",null]`:                                  {label: labelClosed, sub: "s1"},
		`["OK","` + anID + `",true,""]`:                         {label: labelOK, id: mustID(anID), ok: true},
		`["OK","` + anID + `",false,"blocked: x"]`:              {label: labelOK, id: mustID(anID), text: "blocked: x"},
		`["OK","` + anID + `",true]`:                            {label: labelOK, id: mustID(anID), ok: true},
		`["OK","",false,"invalid: unreadable"]`:                 {label: labelOther, text: "invalid: unreadable"},
		`["NOTICE","hello"]`:                                    {label: labelNotice, text: "hello"},
		`["NOTICE"]`:                                            {label: labelNotice},
		`["AUTH","chal\nlenge"]`:                                {label: labelAuth, text: "chal\nlenge"},
		`["COUNT","s1",{"count":1}]`:                            {},
		`["NEG-MSG","x"]`:                                       {},
	} {
		got, err := parseFrame([]byte(in))
		if err != nil {
			t.Errorf("%s: %v", in, err)
			continue
		}
		if got.label != want.label || got.sub != want.sub || !bytes.Equal(got.event, want.event) || got.id != want.id || got.ok != want.ok || got.text != want.text {
			t.Errorf("%s: got %+v", in, got)
		}
	}
}

func mustID(s string) nostr.ID {
	id, err := nostr.ParseID(s)
	if err != nil {
		panic(err)
	}
	return id
}

func TestUnreadableFramesAreRefused(t *testing.T) {
	for _, in := range []string{
		``, ` `, `[`, `]`, `[]`, `{}`, `null`, `"EVENT"`, `["EVENT"`, `["EVENT"]`, `["EVENT",]`, `["EVENT","s1"]`, `["EVENT","s1",]`,
		`["EVENT","s1",{}`, `["EVENT","s1",{]]`, `["EVENT","s1",{"a":"}]`, `["EVENT","s1",[]]`, `["EVENT","s1","x"]`, `["EVENT","s1",null]`,
		`["EVENT",1,{}]`, `["EVENT",{},"s1"]`, `["EVENT","s1",{}]]`, `["EVENT","s1",{}] x`, `["EVENT","s1",{},]`, `["EVENT" "s1",{}]`,
		`["EOSE"]`, `["EOSE",null]`, `["EOSE","s1`, `["EOSE","s\`, `["EOSE","s\x31"]`, "[\"EOSE\",\"s\n1\"]", `["OK"]`, `["OK","` + anID + `"]`,
		`["OK","` + anID + `",1,""]`, `["OK","` + anID + `","true",""]`, `["AUTH"]`, `["AUTH",1]`, `[1]`, `["A",:]`, `["A",TRUE]`,
		`["A",` + strings.Repeat("[", 65) + strings.Repeat("]", 65) + `]`,
	} {
		if f, err := parseFrame([]byte(in)); err == nil {
			t.Errorf("%s: read as %+v", in, f)
		}
	}
	deep := `["A",` + strings.Repeat("[", maxFrameDepth) + strings.Repeat("]", maxFrameDepth) + `]`
	if _, err := parseFrame([]byte(deep)); err != nil {
		t.Errorf("at the depth limit: %v", err)
	}
}

func TestWordsOfARelayAreCleanAndBounded(t *testing.T) {
	f, err := parseFrame([]byte(`["NOTICE","` + strings.Repeat("é", 1000) + `"]`))
	if err != nil || len(f.text) > MaxText || !utf8.ValidString(f.text) {
		t.Errorf("%d bytes, %v", len(f.text), err)
	}
	f, err = parseFrame([]byte("[\"NOTICE\",\"\xff\\u202e\\u200b\\u2028\\ud800 a\u00a0b\"]"))
	if want := "\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD a\u00a0b"; err != nil || f.text != want {
		t.Errorf("got %q, %v", f.text, err)
	}
	for text, want := range map[string]string{
		"auth-required: x": "auth-required", "auth-required:": "auth-required", "auth-required": "", "": "", "two words: x": "", ":": "", "a:b:c": "a",
	} {
		if got := prefix(text); got != want {
			t.Errorf("prefix of %q is %q", text, got)
		}
	}
}

// FuzzFrame: no input panics; what is valid JSON is read as encoding/json reads
// it; what is handed on as an event is an object of the message.
func FuzzFrame(f *testing.F) {
	for _, s := range []string{
		`["EVENT","s1",{"id":"x","tags":[["p","y"]],"content":"\"}]\\"}]`, `["OK","` + anID + `",true,"duplicate: x"]`, `["EOSE","s1"]`,
		`["CLOSED","s1","rate-limited: \ud83d\ude00"]`, `["NOTICE","\u0000"]`, `["AUTH","c"]`, `["EVENT","s1",{}] `, `["EVENT","s1",{"a":1e9,"b":[true,null]},0]`,
		`[`, `["EVENT","s1",{"`, "[\"NOTICE\",\"\xff\xfe\"]", `["EVENT","s1",{[}]}]`, `["X",-0.1E+2]`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := parseFrame(b)
		if err != nil {
			if got.label != labelOther || got.event != nil {
				t.Fatalf("an error and %+v", got)
			}
			refusedRightly(t, b)
			return
		}
		if len(got.text) > MaxText && got.label != labelAuth {
			t.Fatalf("a text of %d bytes", len(got.text))
		}
		if got.label == labelEvent && (len(got.event) < 2 || got.event[0] != '{' || got.event[len(got.event)-1] != '}') {
			t.Fatalf("the event is %q", got.event)
		}
		if !json.Valid(b) {
			return
		}
		var m []json.RawMessage
		if err := json.Unmarshal(b, &m); err != nil {
			t.Fatalf("read %q, which is no array", b)
		}
		switch got.label {
		case labelEvent:
			if !bytes.Equal(m[2], got.event) || text(m[1]) != got.sub {
				t.Fatalf("%q: %+v", b, got)
			}
		case labelEOSE, labelClosed:
			if text(m[1]) != got.sub {
				t.Fatalf("%q: %+v", b, got)
			}
		case labelOK:
			if string(m[2]) == "true" != got.ok {
				t.Fatalf("%q: %+v", b, got)
			}
		case labelAuth:
			if text(m[1]) != got.text {
				t.Fatalf("%q: %+v", b, got)
			}
		}
	})
}

// refusedRightly fails when b, which the parser refused, is a whole message.
func refusedRightly(t *testing.T, b []byte) {
	var m []json.RawMessage
	if json.Unmarshal(b, &m) != nil || len(m) < 3 || bytes.Count(b, []byte("["))+bytes.Count(b, []byte("{")) > maxFrameDepth {
		return
	}
	if string(m[0]) == `"EVENT"` && m[1][0] == '"' && m[2][0] == '{' {
		t.Fatalf("refused %q", b)
	}
}

func BenchmarkFrame(b *testing.B) {
	in := []byte(`["EVENT","s1",{"id":"` + anID + `","pubkey":"` + anID + `","created_at":1700000000,"kind":24133,"tags":[["p","` + anID + `"]],"content":"` +
		strings.Repeat("Ag", 300) + `","sig":"` + anID + anID + `"}]`)
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := parseFrame(in); err != nil {
			b.Fatal(err)
		}
	}
}
