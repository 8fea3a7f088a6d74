package signerrelay

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"nsecbunker/nostr"
)

func defaults() *Limits {
	lim, err := Limits{}.withDefaults()
	if err != nil {
		panic(err)
	}
	return &lim
}

var frameSeeds = []string{
	`["EVENT",{"id":"00","pubkey":"00","created_at":1,"kind":24133,"tags":[["p","00"]],"content":"x\"]}","sig":"00"}]`,
	`["REQ","s",{"kinds":[24133,24134],"#p":["` + strings.Repeat("ab", 32) + `"],"since":1,"until":-2,"limit":0,"authors":[],"ids":[]}]`,
	` [ "REQ" , "\u0073\ud83d\ude00" , { "#p" : [ "` + strings.Repeat("0", 64) + `" ] } , { } ] `,
	`["CLOSE","s"]`,
	`["AUTH",{"kind":22242,"tags":[["challenge","x"],["relay","wss://x"]]}]`,
	`["COUNT","s",{}]`,
	`["NEG-OPEN","s",{},"61"]`,
	`["REQ","s",{"kinds":[1e3,-0,01,9223372036854775808]}]`,
	`["REQ","\ud800"]`, `["\uDE00"]`, `[`, `[]`, `""`, `{}`, "\x00", `["EVENT",{"a":[[[[[[[[[[1]]]]]]]]]]}]`,
	"[\"REQ\",\"\xc3\x28\",{}]", "\ufeff[\"CLOSE\",\"s\"]", `["REQ","s",{"#p":["x"],"#p":["y"]}]`,
}

// FuzzClientFrame: whatever is sent, parsing ends without a panic, keeps its bounds, and accepts only what a JSON parser
// of another hand reads the same way.
func FuzzClientFrame(f *testing.F) {
	for _, s := range frameSeeds {
		f.Add([]byte(s))
	}
	lim := defaults()
	f.Fuzz(func(t *testing.T, b []byte) {
		fr, err := parseFrame(b, lim)
		if fr.event != nil {
			peekID(fr.event)
			if _, err := nostr.ParseEvent(fr.event); err == nil && !json.Valid(b) {
				t.Fatalf("an event was read from what is not JSON: %q", b)
			}
		}
		if fr.sub != "" && (!utf8.ValidString(fr.sub) || utf8.RuneCountInString(fr.sub) > MaxSubID) {
			t.Fatalf("subscription id %q", fr.sub)
		}
		if err != nil {
			var why *refusal
			if errors.As(err, &why) && (why.words == "" || fr.sub == "") {
				t.Fatalf("a refusal of nothing: %q", b)
			}
			return
		}
		if fr.verb != "REQ" && fr.verb != "CLOSE" {
			return
		}
		var list []json.RawMessage
		if err := json.Unmarshal(b, &list); err != nil {
			t.Fatalf("accepted, and not JSON (%v): %q", err, b)
		}
		var verb, sub string
		if json.Unmarshal(list[0], &verb) != nil || json.Unmarshal(list[1], &sub) != nil || verb != fr.verb || sub != fr.sub {
			t.Fatalf("read %q %q from %q", fr.verb, fr.sub, b)
		}
		if len(list)-2 != len(fr.filters) || len(fr.filters) > lim.MaxFilters {
			t.Fatalf("%d filters of %q", len(fr.filters), b)
		}
		values := 0
		for i := range fr.filters {
			sameFilter(t, &fr.filters[i], list[2+i])
			values += fr.filters[i].values
		}
		if values > lim.MaxValuesPerConn {
			t.Fatalf("%d values", values)
		}
	})
}

// sameFilter compares a filter with what encoding/json reads.
func sameFilter(t *testing.T, f *filter, raw []byte) {
	var want struct {
		P       []string       `json:"#p"`
		Authors []string       `json:"authors"`
		IDs     []string       `json:"ids"`
		Kinds   *[]json.Number `json:"kinds"`
		Since   *int64         `json:"since"`
		Until   *int64         `json:"until"`
		Limit   *int64         `json:"limit"`
	}
	if err := json.Unmarshal(raw, &want); err != nil {
		t.Fatalf("accepted: %s: %v", raw, err)
	}
	if len(want.P) == 0 || len(f.p) == 0 || f.values < len(f.p)+len(f.authors)+len(f.ids) {
		t.Fatalf("%+v from %s", f, raw)
	}
	for _, word := range want.P {
		p, err := nostr.ParsePubKey(word)
		if err != nil || !has(f.p, p) || word != strings.ToLower(word) {
			t.Fatalf("%s is missing from %s", word, raw)
		}
	}
	same := func(a, b *int64) bool { return (a == nil) == (b == nil) && (a == nil || *a == *b) }
	if !same(f.since, want.Since) || !same(f.until, want.Until) || (want.Limit == nil) != (f.limit == -1) {
		t.Fatalf("%+v from %s", f, raw)
	}
	if (want.Authors == nil) != (f.authors == nil) || (want.IDs == nil) != (f.ids == nil) {
		t.Fatalf("%+v from %s", f, raw)
	}
	if want.Kinds == nil {
		return
	}
	var kinds [2]bool
	for _, k := range *want.Kinds {
		n, err := strconv.Atoi(k.String())
		if err != nil || n != 24133 && n != 24134 {
			t.Fatalf("kind %s from %s", k, raw)
		}
		kinds[n-24133] = true
	}
	if kinds != f.kinds {
		t.Fatalf("%v from %s", f.kinds, raw)
	}
}

// FuzzText: a text is read as encoding/json reads it, or refused.
func FuzzText(f *testing.F) {
	for _, s := range []string{`"a"`, `"\u00e9\ud83d\ude00\n\/"`, `"\ud83d\u0041"`, `"\udc00"`, `"\x"`, "\"\x1f\"", "\"\xff\"", `"`, `"\u12`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s := scanner{b: b}
		got, err := s.text(100)
		var want string
		jsonErr := json.Unmarshal(b, &want)
		if err != nil {
			return
		}
		if len(got) > 100 || !utf8.ValidString(got) {
			t.Fatalf("%q", got)
		}
		if s.end() == nil && (jsonErr != nil || got != want) {
			t.Fatalf("read %q, encoding/json %q (%v)", got, want, jsonErr)
		}
	})
}

func TestTextsThatTwoReadersWouldReadDifferentlyAreRefused(t *testing.T) {
	for _, b := range []string{`"\ud800"`, `"\ud800x"`, `"\ud800\u0041"`, `"\udc00\ud800"`, `"\ud800\n00"`, "\"\xff\"", "\"\xed\xa0\x80\"", "\"\x00\"", `"\q"`, `"\u00g0"`, `"\u00`, `"\`, `"abc`} {
		s := scanner{b: []byte(b)}
		if got, err := s.text(100); err == nil {
			t.Errorf("%q was read as %q", b, got)
		}
	}
}

func TestTextsAreDecoded(t *testing.T) {
	s := scanner{b: []byte(` "a\"\\\/\b\f\n\r\t\u00E9\u2028\ud83d\ude00é" `)}
	got, err := s.text(100)
	if err != nil || got != "a\"\\/\b\f\n\r\té\u2028😀é" {
		t.Errorf("%q %v", got, err)
	}
	if err := s.end(); err != nil {
		t.Error(err)
	}
	s = scanner{b: []byte(`"abcd"`)}
	if _, err := s.text(3); err == nil {
		t.Error("longer than its bound")
	}
	s = scanner{b: []byte(`"\n\n\n\n"`)}
	if _, err := s.text(3); err == nil {
		t.Error("longer than its bound, in escapes")
	}
}

func TestMalformedListsAndObjectsAreRefused(t *testing.T) {
	p := `"#p":["` + strings.Repeat("0", 64) + `"]`
	for _, msg := range []string{
		`["CLOSE","s"`, `["CLOSE","s",]`, `["CLOSE","s"]]`, `["CLOSE" "s"]`, `["CLOSE","s"],`,
		`["REQ","s",{` + p + `]`, `["REQ","s",{` + p + `,}]`, `["REQ","s",{,` + p + `}]`, `["REQ","s",{` + p + ` "limit":1}]`,
		`["REQ","s",{` + p + `,"kinds":[24133,]}]`, `["REQ","s",{` + p + `,"kinds":[,24133]}]`, `["REQ","s",{` + p + `,"kinds":[24133 24134]}]`,
		`["REQ","s",{` + p + `,"kinds":24133}]`, `["REQ","s",{` + p + `,"kinds":[24133`, `["REQ","s",{"#p" ["x"]}]`, `["REQ","s",{#p:[]}]`,
		`["EVENT",{}`, `["EVENT",{"a":"b}]`, `["EVENT",{"a":\u0000}]`, `["EVENT",{}},{}]`, `["EVENT",{}{}]`, `["EVENT" {}]`,
	} {
		if f, err := parseFrame([]byte(msg), defaults()); err == nil {
			t.Errorf("%s was read as %+v", msg, f)
		}
	}
}

func TestBoundsOfMessages(t *testing.T) {
	lim := defaults()
	p := `"#p":["` + strings.Repeat("0", 64) + `"]`
	deep := func(n int) string {
		return `["EVENT",{"a":` + strings.Repeat("[", n-1) + strings.Repeat("]", n-1) + `}]`
	}
	members := func(n int) string {
		var b strings.Builder
		for i := range n {
			b.WriteString(`"` + strconv.Itoa(i) + `":1,`)
		}
		return `{` + b.String() + `"id":"` + strings.Repeat("0", 64) + `"}`
	}
	for name, c := range map[string]struct {
		frame string
		ok    bool
	}{
		"longest subscription id":  {`["REQ","` + strings.Repeat("é", MaxSubID) + `",{` + p + `}]`, true},
		"longer subscription id":   {`["REQ","` + strings.Repeat("é", MaxSubID+1) + `",{` + p + `}]`, false},
		"longest name":             {`["` + strings.Repeat("A", MaxVerb) + `"]`, true},
		"longer name":              {`["` + strings.Repeat("A", MaxVerb+1) + `"]`, false},
		"most filters":             {`["REQ","s"` + strings.Repeat(`,{`+p+`}`, lim.MaxFilters) + `]`, true},
		"more filters":             {`["REQ","s"` + strings.Repeat(`,{`+p+`}`, lim.MaxFilters+1) + `]`, false},
		"deepest":                  {deep(MaxDepth), true},
		"deeper":                   {deep(MaxDepth + 1), false},
		"longest name of a member": {`["REQ","s",{"` + strings.Repeat("a", MaxName) + `":1}]`, false}, // and unsupported
	} {
		if _, err := parseFrame([]byte(c.frame), lim); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, ok := peekID([]byte(members(MaxFields - 1))); !ok {
		t.Error("the id is not found among the most members")
	}
	if _, ok := peekID([]byte(members(MaxFields))); ok {
		t.Error("more members than the bound are read")
	}
	if _, ok := peekID([]byte(`{"` + strings.Repeat("a", MaxName+1) + `":1,"id":"` + strings.Repeat("0", 64) + `"}`)); ok {
		t.Error("a longer name than the bound is read")
	}
}

func BenchmarkParseEventFrame(b *testing.B) {
	msg := []byte(`["EVENT",` + string(request(strings.Repeat("x", 500)).AppendJSON(nil)) + `]`)
	lim := defaults()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := parseFrame(msg, lim); err != nil {
			b.Fatal(err)
		}
	}
}
