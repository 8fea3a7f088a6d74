package nostr

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// hostile has everything that serialisers disagree on: short and long escapes,
// DEL, what HTML escapes, the separators of JavaScript, two-, three- and
// four-byte characters, private use, a non-character, NUL.
const hostile = "\x00\x01\x07\b\t\n\v\f\r\x0e\x1b\x1f !\"#&'/<=>\\\x7f\u0080\u00e9\u2028\u2029\ue000\ufeff\ufffd\uffff\U0001f600\U0010ffff</script>"

// What JSON.stringify(hostile) is, by ECMA-262's QuoteJSONString.
const hostileJSON = `"\u0000\u0001\u0007\b\t\n\u000b\f\r\u000e\u001b\u001f !\"#&'/<=>\\` + "\x7f\u0080\u00e9\u2028\u2029\ue000\ufeff\ufffd\uffff\U0001f600\U0010ffff</script>" + `"`

func TestStringsAreWrittenAsJSONStringifyDoes(t *testing.T) {
	if got := string(AppendString(nil, hostile)); got != hostileJSON {
		t.Errorf("got  %s\nwant %s", got, hostileJSON)
	}
	for c := range rune(0x20) {
		want := fmt.Sprintf(`"\u%04x"`, c)
		if short := strings.IndexRune("\b\t\n\f\r", c); short >= 0 {
			want = `"\` + string("btnfr"[strings.Index("\b\t\n\f\r", string(c))]) + `"`
		}
		if got := string(AppendString(nil, string(c))); got != want {
			t.Errorf("U+%04X: got %s, want %s", c, got, want)
		}
	}
}

func TestCanonicalFormIsByteForByteThatOfNIP01(t *testing.T) {
	e := &Event{PubKey: PubKey{0xab, 31: 1}, CreatedAt: 1700000000, Kind: 30023,
		Tags: Tags{{"d", "a\tb"}, {"e", "", "wss://x"}}, Content: hostile}
	want := `[0,"ab` + strings.Repeat("0", 61) + `1",1700000000,30023,[["d","a\tb"],["e","","wss://x"]],` + hostileJSON + `]`
	if got := string(e.AppendCanonical(nil)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := string((&Event{}).AppendCanonical(nil)); !strings.HasSuffix(got, `",0,0,[],""]`) {
		t.Errorf("an empty event is %s", got)
	}
}

// An event of another implementation (nostr-tools) in the wild form.
const foreign = `{"kind":1,"created_at":1617932115,"tags":[["p","52b4a076bcbbbdc3a1aefa3735816cf74993b1b8db202b01c883c58be7fad8bd"]],"content":"hello world","pubkey":"%s"}`

func signed(t testing.TB) *Event {
	t.Helper()
	e := &Event{CreatedAt: 1700000000, Kind: 1, Tags: Tags{{"t", "x"}, {"p", strings.Repeat("ab", 32)}}, Content: hostile}
	if err := generate(t, arena(t)).Sign(e); err != nil {
		t.Fatal(err)
	}
	return e
}

func TestEveryChangeOfAnEventIsNoticed(t *testing.T) {
	for name, change := range map[string]func(e *Event){
		"id":         func(e *Event) { e.ID[0] ^= 1 },
		"pubkey":     func(e *Event) { e.PubKey[0] ^= 1 },
		"created_at": func(e *Event) { e.CreatedAt++ },
		"kind":       func(e *Event) { e.Kind++ },
		"tag":        func(e *Event) { e.Tags[0][1] = "y" },
		"tags":       func(e *Event) { e.Tags = append(e.Tags, Tag{"x"}) },
		"tag border": func(e *Event) { e.Tags = Tags{append(e.Tags[0], e.Tags[1]...)} },
		"content":    func(e *Event) { e.Content += " " },
	} {
		e := signed(t)
		change(e)
		if err := e.Verify(); !errors.Is(err, ErrID) {
			t.Errorf("%s: %v, want ErrID", name, err)
		}
		if e.ID = e.ComputeID(); name != "id" && !errors.Is(e.Verify(), ErrSig) {
			t.Errorf("%s, with a new id: %v, want ErrSig", name, e.Verify())
		}
	}
	e := signed(t)
	e.Sig[63] ^= 1
	if err := e.Verify(); !errors.Is(err, ErrSig) {
		t.Errorf("signature: %v, want ErrSig", err)
	}
}

func TestParsedEventPrintsTheSame(t *testing.T) {
	e := signed(t)
	text := e.AppendJSON(nil)
	again, err := ParseEvent(text)
	if err != nil {
		t.Fatal(err)
	}
	if got := again.AppendJSON(nil); !bytes.Equal(got, text) {
		t.Errorf("got  %s\nwant %s", got, text)
	}
	// Through the standard library, too, which escapes more and spaces it out.
	std, err := json.MarshalIndent(e, "\t", "  ")
	if err != nil {
		t.Fatal(err)
	}
	var viaStd Event
	if err := json.Unmarshal(std, &viaStd); err != nil {
		t.Fatal(err)
	}
	if got := viaStd.AppendJSON(nil); !bytes.Equal(got, text) {
		t.Errorf("through encoding/json: %s", got)
	}
}

func TestParsedEventKeepsNoReferenceToTheInput(t *testing.T) {
	e := signed(t)
	text := e.AppendJSON(nil)
	again, err := ParseEvent(text)
	if err != nil {
		t.Fatal(err)
	}
	clear(text)
	if err := again.Verify(); err != nil {
		t.Error(err)
	}
}

// parts are the fields of a good event, to be changed one at a time.
func parts() map[string]string {
	return map[string]string{
		"id": `"` + strings.Repeat("0a", 32) + `"`, "pubkey": `"` + strings.Repeat("b1", 32) + `"`,
		"created_at": "1700000000", "kind": "1", "tags": `[["t","x"]]`, "content": `"hi"`,
		"sig": `"` + strings.Repeat("c2", 64) + `"`,
	}
}

func document(fields map[string]string) []byte {
	var keys []string
	for _, k := range fieldNames {
		if v, ok := fields[k]; ok {
			keys = append(keys, `"`+k+`":`+v)
		}
	}
	for k, v := range fields {
		if fieldOf(k) == 0 {
			keys = append(keys, `"`+k+`":`+v)
		}
	}
	return []byte("{" + strings.Join(keys, ",") + "}")
}

func TestFieldsOfAnEventAreStrict(t *testing.T) {
	long := strings.Repeat("9", 400)
	for _, c := range []struct{ field, value string }{
		{"id", `""`}, {"id", `null`}, {"id", `1`}, {"id", `"` + strings.Repeat("0A", 32) + `"`},
		{"id", `"` + strings.Repeat("0a", 31) + `"`}, {"id", `"` + strings.Repeat("0g", 32) + `"`},
		{"pubkey", `""`}, {"pubkey", `null`}, {"pubkey", `"` + strings.Repeat("B1", 32) + `"`}, {"pubkey", `["b1"]`},
		{"sig", `""`}, {"sig", `null`}, {"sig", `"` + strings.Repeat("c2", 65) + `"`}, {"sig", `{}`},
		{"created_at", "1.0"}, {"created_at", "1e3"}, {"created_at", "1E3"}, {"created_at", "-1"}, {"created_at", "-0"},
		{"created_at", "01"}, {"created_at", "+1"}, {"created_at", `"1"`}, {"created_at", "null"}, {"created_at", ""},
		{"created_at", "9007199254740992"}, {"created_at", long}, {"created_at", "0x1"}, {"created_at", "NaN"}, {"created_at", "1."},
		{"kind", "65536"}, {"kind", "-1"}, {"kind", "1.5"}, {"kind", "1.0"}, {"kind", `"1"`}, {"kind", "00"}, {"kind", "true"}, {"kind", long},
		{"tags", `null`}, {"tags", `{}`}, {"tags", `["t","x"]`}, {"tags", `[[]]`}, {"tags", `[["t",null]]`}, {"tags", `[["t",1]]`},
		{"tags", `[["t",["x"]]]`}, {"tags", `[["t","x"],]`}, {"tags", `[["t","x",]]`}, {"tags", `[["t" "x"]]`}, {"tags", `[["t","x"]`},
		{"tags", `[[["t"]]]`}, {"tags", `""`},
		{"content", `null`}, {"content", `1`}, {"content", `["x"]`}, {"content", `"x`}, {"content", "\"\n\""}, {"content", "\"\x00\""},
		{"content", `"\ud800"`}, {"content", `"\udc00"`}, {"content", `"\udc00\ud800"`}, {"content", `"\ud800\ud800"`}, {"content", `"\ud800x"`},
		{"content", `"\ud83d\u0041"`}, {"content", `"\ud83d\n"`}, {"content", `"\u12"`}, {"content", `"\u12g4"`}, {"content", `"\U0041"`},
		{"content", `"\x41"`}, {"content", `"\'"`}, {"content", `"\`}, {"content", `"\"`}, {"content", `'x'`},
		{"content", "\"\xff\""}, {"content", "\"\xc0\x80\""}, {"content", "\"\xed\xa0\x80\""}, {"content", "\"\xf4\x90\x80\x80\""}, {"content", "\"a\\n\xe2\x82\""},
		{"extra", `{"a":1,"a":2}`}, {"extra", `{"a":1,"\u0061":2}`}, {"extra", `01`}, {"extra", `1.`}, {"extra", `.5`}, {"extra", `1e`}, {"extra", `-`},
		{"extra", `- 1`}, {"extra", `nul`}, {"extra", `True`}, {"extra", `[1,]`}, {"extra", `{"a"}`}, {"extra", `{"a":}`}, {"extra", `{a:1}`}, {"extra", `{"a":1,}`},
		{"extra", `"\ud800"`}, {"extra", `undefined`}, {"extra", `[1 2]`}, {"extra", `{"a":1 "b":2}`}, {"extra", ``},
		{"ki\\u006ed", "1"}, {"\\ud800", "1"}, {"e\xff", "1"},
	} {
		f := parts()
		f[c.field] = c.value
		text := document(f)
		var syntax *SyntaxError
		if _, err := ParseEvent(text); !errors.As(err, &syntax) {
			t.Errorf("%s: %.80s: %v, want a SyntaxError", c.field, c.value, err)
		}
	}
}

func TestEveryFieldIsNeededOnce(t *testing.T) {
	if _, err := ParseEvent(document(parts())); err != nil {
		t.Fatal(err)
	}
	for _, name := range fieldNames {
		f := parts()
		delete(f, name)
		if _, err := ParseEvent(document(f)); err == nil || !strings.Contains(err.Error(), name+" is missing") {
			t.Errorf("without %s: %v", name, err)
		}
		twice := document(parts())
		twice = append(twice[:len(twice)-1], (`,"` + name + `":` + parts()[name] + `}`)...)
		if _, err := ParseEvent(twice); err == nil || !strings.Contains(err.Error(), "twice") {
			t.Errorf("with two %s: %v", name, err)
		}
	}
}

func TestOnlyOneObjectIsAnEvent(t *testing.T) {
	good := string(document(parts()))
	for _, text := range []string{"", " ", "null", "[]", `""`, "1", "{", "{}", good + good, good + "x", good + "\x00", "[" + good + "]", "\ufeff" + good} {
		if _, err := ParseEvent([]byte(text)); err == nil {
			t.Errorf("%.40q was taken for an event", text)
		}
	}
	for i := range good {
		if _, err := ParseEvent([]byte(good[:i])); err == nil {
			t.Errorf("cut at %d it was taken for an event", i)
		}
	}
	spaced := strings.NewReplacer(",", " ,\n", ":", "\t: ", "[", "[ ", "{", "{\r\n").Replace(good)
	if _, err := ParseEvent([]byte(" \n" + spaced + "\t ")); err != nil {
		t.Errorf("white space: %v", err)
	}
}

func TestUnknownKeysAreIgnored(t *testing.T) {
	f := parts()
	f["ots"] = `{"a":[1,-2.5e+10,0.1E-2,true,false,null,"\u00e9\ud83d\ude00",{},[]],"b":{"a":0}}`
	f["__proto__"] = `{"kind":2}`
	f["Kind"] = `2`
	e, err := ParseEvent(document(f))
	if err != nil {
		t.Fatal(err)
	}
	if e.Kind != 1 {
		t.Errorf("kind %d", e.Kind)
	}
}

func TestEscapesOfAllFormsAreUnderstood(t *testing.T) {
	f := parts()
	f["content"] = `"\u0041\u00e9\u20AC\ud83d\uDE00\"\\\/\b\f\n\r\t\u0000é😀"`
	e, err := ParseEvent(document(f))
	if want := "Aé€😀\"\\/\b\f\n\r\t\x00é😀"; err != nil || e.Content != want {
		t.Errorf("got %q %v, want %q", e.Content, err, want)
	}
}

func TestBoundsOfAnEventHold(t *testing.T) {
	repeat := func(s string, n int) string { return strings.TrimSuffix(strings.Repeat(s+",", n), ",") }
	nest := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	keys := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `"k%d":0,`, i)
		}
		return "{" + strings.TrimSuffix(b.String(), ",") + "}"
	}
	for _, c := range []struct{ name, field, at, over string }{
		{"MaxCreatedAt", "created_at", fmt.Sprint(MaxCreatedAt), fmt.Sprint(MaxCreatedAt + 1)},
		{"kind", "kind", "65535", "65536"},
		{"MaxTags", "tags", "[" + repeat(`["t"]`, MaxTags) + "]", "[" + repeat(`["t"]`, MaxTags+1) + "]"},
		{"MaxTagItems", "tags", "[[" + repeat(`""`, MaxTagItems) + "]]", "[[" + repeat(`""`, MaxTagItems+1) + "]]"},
		{"MaxDepth", "x", nest(MaxDepth - 1), nest(MaxDepth)},
		{"MaxKeys", "x", keys(MaxKeys), keys(MaxKeys + 1)},
	} {
		f := parts()
		f[c.field] = c.at
		if _, err := ParseEvent(document(f)); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		f[c.field] = c.over
		if _, err := ParseEvent(document(f)); err == nil {
			t.Errorf("one over %s was taken", c.name)
		}
	}
}

func TestTemplateMayLeaveOutWhatTheSignerFillsIn(t *testing.T) {
	pub := parts()["pubkey"]
	for _, c := range []struct {
		fields map[string]string
		has    bool
	}{
		{map[string]string{}, false},
		{map[string]string{"pubkey": `""`, "id": `""`, "sig": `""`}, false},
		{map[string]string{"pubkey": `null`, "id": `null`, "sig": `null`}, false},
		{map[string]string{"pubkey": pub, "id": `"whatever"`, "sig": `"x"`}, true},
	} {
		f := parts()
		delete(f, "id")
		delete(f, "sig")
		delete(f, "pubkey")
		for k, v := range c.fields {
			f[k] = v
		}
		tpl, err := ParseTemplate(document(f))
		if err != nil {
			t.Errorf("%v: %v", c.fields, err)
			continue
		}
		if tpl.HasPubKey != c.has || tpl.HasPubKey && `"`+tpl.PubKey.String()+`"` != pub {
			t.Errorf("%v: pubkey %v %v", c.fields, tpl.HasPubKey, tpl.PubKey)
		}
		if tpl.Kind != 1 || tpl.CreatedAt != 1700000000 || tpl.Content != "hi" || tpl.Tags.Find("t").Value() != "x" {
			t.Errorf("%v: %+v", c.fields, tpl)
		}
		again, err := ParseTemplate(tpl.AppendJSON(nil))
		if err != nil || again.HasPubKey != tpl.HasPubKey || again.PubKey != tpl.PubKey || again.Content != tpl.Content {
			t.Errorf("%v does not survive its JSON: %v", c.fields, err)
		}
	}
}

func TestTemplateIsNotCompletedOrGuessed(t *testing.T) {
	for _, name := range []string{"kind", "created_at", "tags", "content"} {
		f := parts()
		delete(f, name)
		if _, err := ParseTemplate(document(f)); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("without %s: %v", name, err)
		}
		f[name] = "null"
		if _, err := ParseTemplate(document(f)); err == nil {
			t.Errorf("%s was null", name)
		}
	}
	for field, bad := range map[string]string{"pubkey": `"npub1xyz"`, "id": `7`, "sig": `["x"]`} {
		f := parts()
		f[field] = bad
		if _, err := ParseTemplate(document(f)); err == nil {
			t.Errorf("%s was %s", field, bad)
		}
	}
	for _, twice := range []string{"id", "pubkey", "sig", "kind"} {
		f := document(parts())
		f = append(f[:len(f)-1], (`,"` + twice + `":` + parts()[twice] + `}`)...)
		if _, err := ParseTemplate(f); err == nil {
			t.Errorf("two %s were taken", twice)
		}
	}
}

func TestForeignTemplateGetsTheKnownID(t *testing.T) {
	pub := strings.Repeat("79", 32)
	tpl, err := ParseTemplate(fmt.Appendf(nil, foreign, pub))
	if err != nil {
		t.Fatal(err)
	}
	e := tpl.Event(tpl.PubKey)
	if got, want := e.ComputeID(), stdID(t, e); got != want {
		t.Errorf("id %v, want %v", got, want)
	}
}

func TestErrorsHoldNothingOfTheDocument(t *testing.T) {
	for _, text := range []string{`{"sEcReT":`, `{"kind":"sEcReT"}`, `{"content":"sEcReT\q"}`, `sEcReT`, `{"id":"sEcReT"}`} {
		if _, err := ParseEvent([]byte(text)); err == nil || strings.Contains(err.Error(), "EcReT") {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestTagsAreSafeToAsk(t *testing.T) {
	var none Tag
	if none.Name() != "" || none.Value() != "" || (Tag{"a"}).Value() != "" {
		t.Error("an empty tag has something")
	}
	ts := Tags{none, {"e", "1"}, {"p", "2"}, {"p", "3"}}
	if ts.Find("p").Value() != "2" || ts.Find("x") != nil || ts.Count("p") != 2 || ts.Count("x") != 0 {
		t.Error("tags are not found")
	}
}
