package nip24

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestWhatIsNotChangedStaysAsItWasWritten(t *testing.T) {
	const before = ` {"about":"a\u00e9","bot":false, "name" : "ann","x":{"y":[1.0,2e3]},"\ud800k":"\ud800","birthday":{"year":1999}} `
	p, err := Parse(before)
	if err != nil {
		t.Fatal(err)
	}
	p.Set(Name, "Ann & <Bob>\n")
	p.Set(LUD16, "ann@example.com")
	p.Set(About, "")
	p.Set(Website, "")
	const want = `{"bot":false,"name":"Ann & <Bob>\n","x":{"y":[1.0,2e3]},"\ud800k":"\ud800","birthday":{"year":1999},"lud16":"ann@example.com"}`
	if p.String() != want {
		t.Errorf("written %s\nwant    %s", p, want)
	}
	if p.Text(Name) != "Ann & <Bob>\n" || p.Text(About) != "" || p.Text("bot") != "" {
		t.Errorf("read %q %q %q", p.Text(Name), p.Text(About), p.Text("bot"))
	}
	if got := p.Others(); !slices.Equal(got, []string{"bot", "x", "\ufffdk", "birthday"}) {
		t.Errorf("others %q", got)
	}
}

func TestWhatIsNoProfileIsRefused(t *testing.T) {
	many := "{"
	for i := range MaxFields + 1 {
		many += fmt.Sprintf(`"f%d":1,`, i)
	}
	for _, s := range []string{
		"x", "[]", `"a"`, "null", "1", "{", `{"a"}`, `{"a":}`, `{"a":1}{}`, `{"a":1} x`, `{a:1}`, `{"a":1,}`, "{\"a\":\"\n\"}",
		strings.TrimSuffix(many, ",") + "}", `{"a":"` + strings.Repeat("x", MaxContent) + `"}`,
	} {
		if p, err := Parse(s); err == nil {
			t.Errorf("%.40q is read as %s", s, p)
		}
	}
	for _, s := range []string{"", "{}", ` { } `} {
		if p, err := Parse(s); err != nil || p.String() != "{}" {
			t.Errorf("%q: %v, %v", s, p, err)
		}
	}
	if p, err := Parse(`{"name":"a","name":"b"}`); err != nil || p.String() != `{"name":"b"}` {
		t.Errorf("a field that is there twice: %v, %v", p, err)
	}
}

// FuzzProfile: what is read is written as the same fields, and changing one changes
// no other.
func FuzzProfile(f *testing.F) {
	for _, s := range []string{"", "{}", `{"name":"a","x":[1,{}],"about":"\u2028\ud83d\ude00"}`, `{"a":1,"a":2}`, `{"\ud800":1}`, `{"":null}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := Parse(s)
		if err != nil || s == "" {
			return
		}
		var was, is map[string]any
		if err := json.Unmarshal([]byte(s), &was); err != nil {
			t.Fatalf("%q is read, and is no JSON: %v", s, err)
		}
		p.Set(Name, "new")
		if err := json.Unmarshal([]byte(p.String()), &is); err != nil {
			t.Fatalf("%q is written as %q: %v", s, p, err)
		}
		was[Name] = "new"
		if !reflect.DeepEqual(was, is) {
			t.Errorf("%q is written as %q", s, p)
		}
		again, err := Parse(p.String())
		if err != nil || again.String() != p.String() {
			t.Errorf("%q, written and read: %v, %v", p, again, err)
		}
	})
}
