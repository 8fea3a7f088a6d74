package admin

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/secret"
)

type sample struct {
	Paging
	Name   string       `json:"name"`
	Count  int64        `json:"count,omitempty"`
	On     *bool        `json:"on,omitempty"`
	Secret secret.Param `json:"secret,omitempty"`
	Role   bunker.Role  `json:"role,omitempty"`
	For    Span         `json:"for,omitzero"`
	List   []string     `json:"list,omitempty"`
	Parts  []part       `json:"parts,omitempty"`
}

type part struct {
	A string `json:"a"`
	B string `json:"b,omitempty"`
}

func read(s string) (*sample, error) {
	v, err := decode(reflect.TypeFor[sample](), []byte(s))
	if err != nil {
		return nil, err
	}
	return v.Interface().(*sample), nil
}

func TestParametersAreReadStrictly(t *testing.T) {
	got, err := read(` {"name":"a\u00e9 \"}{","limit":3,"count":null,"on":false,"secret":"p,]}\\","role":"owner","for":"7d","list":["x",",]"],
		"parts":[ {"a":"1"} , {"b":"2","a":"{"} ] } `)
	if err != nil {
		t.Fatal(err)
	}
	if got.Name != "aé \"}{" || got.Limit != 3 || got.Count != 0 || got.On == nil || *got.On || string([]byte(got.Secret)) != `p,]}\` ||
		got.Role != bunker.Owner || time.Duration(got.For) != 7*24*time.Hour || len(got.List) != 2 || got.List[1] != ",]" ||
		len(got.Parts) != 2 || got.Parts[1].A != "{" || got.Parts[1].B != "2" {
		t.Errorf("read %+v", got)
	}
}

func TestBadParametersAreRefusedByName(t *testing.T) {
	for _, c := range []struct{ in, field, words string }{
		{``, "name", "missing"},
		{`null`, "name", "missing"},
		{`{}`, "name", "missing"},
		{`{"name":null}`, "name", "missing"},
		{`[]`, "", "object"},
		{`"x"`, "", "object"},
		{`{"name":"a"`, "", "not JSON"},
		{`{"name":"a"}{}`, "", "not JSON"},
		{`{"name":"a","name":"b"}`, "name", "twice"},
		{`{"name":"a","n\u0061me":"b"}`, "name", "twice"},
		{`{"name":"a","limit":1,"limit":1}`, "limit", "twice"},
		{`{"NAME":"a"}`, "NAME", "no parameter"},
		{`{"name":"a","Name":"b"}`, "Name", "no parameter"},
		{`{"name":"a","extra":1}`, "extra", "no parameter"},
		{`{"name":1}`, "name", "text"},
		{`{"name":"a","count":"1"}`, "count", "number"},
		{`{"name":"a","count":1.5}`, "count", "number"},
		{`{"name":"a","count":99999999999999999999}`, "count", "number"},
		{`{"name":"a","on":1}`, "on", "yes or no"},
		{`{"name":"a","role":"king"}`, "role", "viewer"},
		{`{"name":"a","for":"soon"}`, "for", "7d"},
		{`{"name":"a","for":5}`, "for", ""},
		{`{"name":"a","list":"x"}`, "list", "list"},
		{`{"name":"a","list":[1]}`, "list", "text"},
		{`{"name":"a","parts":{}}`, "parts", "list"},
		{`{"name":"a","parts":[1]}`, "parts", "object"},
		{`{"name":"a","parts":[{}]}`, "parts.a", "missing"},
		{`{"name":"a","parts":[{"a":"1","a":"2"}]}`, "parts.a", "twice"},
		{`{"name":"a","parts":[{"a":"1","c":"2"}]}`, "parts.c", "no parameter"},
		{`{"name":"a","secret":{"x":1}}`, "secret", "JSON string"},
		{`{"name":"a","secret":"\ud800"}`, "secret", ""},
		{`{"name":"a","list":[` + strings.Repeat(`"x",`, MaxItems) + `"x"]}`, "list", "more than"},
		{`{"name":"` + strings.Repeat("x", MaxParams) + `"}`, "", "longer than"},
		{strings.Repeat(`[`, 100000), "", "not JSON"},
	} {
		_, err := read(c.in)
		e := bunker.AsError(err)
		if err == nil || e.Code != bunker.CodeInvalid || e.Field != c.field || !strings.Contains(e.Words, c.words) {
			t.Errorf("%.60s: got %v in %q, want %q in %q", c.in, err, e.Field, c.words, c.field)
		}
	}
}

func TestErrorsNeverRepeatASecret(t *testing.T) {
	for _, in := range []string{
		`{"name":"a","secret":["hunter2hunter2"]}`, `{"name":"a","secret":{"hunter2hunter2":1}}`, `{"name":1,"secret":"hunter2hunter2"}`,
		`{"secret":"hunter2hunter2"}`, `{"name":"a","secret":"hunter2hunter2\ud800"}`,
	} {
		if _, err := read(in); err == nil || strings.Contains(fmt.Sprintf("%v %+v", err, err), "hunter2") {
			t.Errorf("%s: %v", in, err)
		}
	}
}

func TestSpansAreDurationsOfPeople(t *testing.T) {
	for in, want := range map[string]time.Duration{
		"90m": 90 * time.Minute, "1h30m": 90 * time.Minute, "7d": 168 * time.Hour, "2w": 336 * time.Hour, "": 0, "3650d": MaxSpan,
	} {
		var s Span
		if err := s.UnmarshalText([]byte(in)); err != nil || time.Duration(s) != want {
			t.Errorf("%q: %v, %v", in, time.Duration(s), err)
		}
	}
	for _, in := range []string{"0", "-1h", "0d", "1", "d", "1.5d", "1y", "3651d", "99999999d", "1d12h", " 1h", "NaNs"} {
		if err := new(Span).UnmarshalText([]byte(in)); err == nil {
			t.Errorf("%q was taken", in)
		}
	}
}

func TestTimesAreRFC3339(t *testing.T) {
	b, err := json.Marshal(Time(start.UnixMilli() + 5))
	if err != nil || string(b) != `"2026-11-22T12:00:00.005Z"` {
		t.Errorf("%s %v", b, err)
	}
	var back Time
	if err := json.Unmarshal(b, &back); err != nil || back != Time(start.UnixMilli()+5) {
		t.Errorf("%v %v", back, err)
	}
}

// FuzzAdminParams holds the reader of parameters of every command against
// encoding/json: what is taken is what encoding/json reads, with no field twice;
// nothing panics, and no error is other than a *bunker.Error.
func FuzzAdminParams(f *testing.F) {
	table := &Table{commands: map[string]*Command{}}
	for _, register := range registers() {
		register(table)
	}
	all := table.Commands()
	// Few seeds: each is run before the first input is made up, and that counts as time.
	for i, c := range all {
		switch {
		case c.Name == "setup":
			f.Add(uint8(i), []byte(`{"passphrase":"pppppppppppp","admins":[{"npub":"x","role":"owner"}],"relays":["wss://x"]}`))
		case i%4 == 0:
			f.Add(uint8(i), []byte(`{"name":"a","key":"k","id":"x","passphrase":"p","perms":"all","for":"7d","limit":2}`))
		}
	}
	for _, s := range []string{`{}`, `null`, `[]`, `{"a":{"b":[1,{"c":"}"}]},"a":2}`, `{"n\u0061me":"\ud83d\ude00"}`, ` { "name" : "x" } `, `{"name":"a"}}`, `{"name":"\\","key":"\""}`} {
		f.Add(uint8(3), []byte(s))
	}
	f.Fuzz(func(t *testing.T, which uint8, params []byte) {
		c := all[int(which)%len(all)]
		v, err := decode(c.params, params)
		if err != nil {
			var e *bunker.Error
			if e = bunker.AsError(err); e.Code != bunker.CodeInvalid {
				t.Fatalf("%s: %v", c.Name, err)
			}
			return
		}
		if len(strings.TrimSpace(string(params))) == 0 {
			return
		}
		again := reflect.New(c.params)
		d := json.NewDecoder(strings.NewReader(string(params)))
		d.DisallowUnknownFields()
		if err := d.Decode(again.Interface()); err != nil {
			t.Fatalf("%s takes what encoding/json refuses: %v\n%s", c.Name, err, params)
		}
		if !same2(v.Elem(), again.Elem()) {
			t.Fatalf("%s reads %s differently:\n%#v\n%#v", c.Name, params, v.Elem(), again.Elem())
		}
		wipe(v.Elem())
	})
}

// same2 compares parameters; an empty list and none are the same.
func same2(a, b reflect.Value) bool {
	switch {
	case a.Kind() == reflect.Slice && a.Len() == 0 && b.Len() == 0:
		return true
	case a.Kind() == reflect.Struct:
		for i := range a.NumField() {
			if !same2(a.Field(i), b.Field(i)) {
				return false
			}
		}
		return true
	case a.Kind() == reflect.Slice:
		if a.Len() != b.Len() {
			return false
		}
		for i := range a.Len() {
			if !same2(a.Index(i), b.Index(i)) {
				return false
			}
		}
		return true
	case a.Kind() == reflect.Pointer:
		return a.IsNil() == b.IsNil() && (a.IsNil() || same2(a.Elem(), b.Elem()))
	}
	return a.Equal(b)
}
