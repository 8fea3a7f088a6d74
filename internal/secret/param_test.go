package secret

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestParamIsWhatTheJSONStringSays(t *testing.T) {
	for in, want := range map[string]string{
		`""`:                                "",
		`"nsec1abc"`:                        "nsec1abc",
		`"a\"\\\/\b\f\n\r\t\u0041é\u00e9😀"`: "a\"\\/\b\f\n\r\tAéé😀",
		`"\ud83d\ude00"`:                    "😀",
		`"\u0000"`:                          "\x00",
	} {
		var p Param
		if err := json.Unmarshal([]byte(in), &p); err != nil || string(p) != want {
			t.Errorf("%s: %q %v, want %q", in, []byte(p), err, want)
		}
	}
	p := Param("x")
	if err := json.Unmarshal([]byte("null"), &p); err != nil || p != nil {
		t.Error("null is not empty")
	}
}

func TestParamRefusesWhatIsNoText(t *testing.T) {
	for _, in := range []string{
		``, `"`, `x`, `1`, `true`, `[]`, `{}`, `["a"]`, `'a'`, `"a`, `a"`, `"a"b"`, `"\"`, `"\x41"`, `"\u12"`, `"\u12g4"`,
		`"\ud800"`, `"\udc00"`, `"\ud800\u0041"`, `"\ud800\ud800"`, `"\ud800x"`, `"\ud83d\n"`, "\"\n\"", "\"\xff\"", "\"\xed\xa0\x80\"",
	} {
		var p Param
		err := p.UnmarshalJSON([]byte(in))
		if err == nil || p != nil {
			t.Errorf("%s was taken", in)
		}
		if err != nil && len(in) > 4 && strings.Contains(err.Error(), strings.Trim(in, `"`)) {
			t.Errorf("the error repeats the input: %v", err)
		}
	}
}

func TestParamIsBounded(t *testing.T) {
	for n, ok := range map[int]bool{MaxParam: true, MaxParam + 1: false, 10 * MaxParam: false} {
		var p Param
		if err := p.UnmarshalJSON([]byte(`"` + strings.Repeat("x", n) + `"`)); (err == nil) != ok {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
	var p Param
	if err := p.UnmarshalJSON([]byte(`"` + strings.Repeat(`\u0041`, MaxParam) + `"`)); err != nil || len(p) != MaxParam {
		t.Errorf("%d bytes, all escaped: %v", len(p), err)
	}
}

func TestParamIsWipedWhereItIs(t *testing.T) {
	p := Param("secret")
	same := []byte(p)
	p.Wipe()
	if !bytes.Equal(same, make([]byte, 6)) {
		t.Errorf("%q", same)
	}
}

func TestRevealedSurvivesItsJSON(t *testing.T) {
	for _, text := range []string{"", "a", planted, "\"\\/\x00\x1f\n é\u2028😀<>&\x7f"} {
		for _, marshal := range []func(Revealed) ([]byte, error){
			func(r Revealed) ([]byte, error) { return json.Marshal(struct{ P Revealed }{r}) },
			func(r Revealed) ([]byte, error) { return append(r.AppendJSON([]byte(`{"P":`)), '}'), nil },
		} {
			b, err := marshal(Param(text).Reveal())
			if err != nil {
				t.Fatal(err)
			}
			var back struct{ P Param }
			if err := json.Unmarshal(b, &back); err != nil || string(back.P) != text {
				t.Errorf("%s: %q %v", b, []byte(back.P), err)
			}
		}
	}
	if _, err := json.Marshal(Revealed("\xff")); err == nil {
		t.Error("what is not UTF-8 was sent")
	}
}

// The oracle is encoding/json, which differs in one thing: it replaces lone
// surrogates and invalid UTF-8, which are refused here.
func FuzzParam(f *testing.F) {
	for _, s := range []string{`"a"`, `"\u00e9\ud83d\ude00"`, `"\ud800"`, `null`, `"\"`, "\"\xff\"", `"\b\f\n\r\t\/\\\""`, ` "a"`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var p Param
		var want string
		err := p.UnmarshalJSON(b)
		stdErr := json.Unmarshal(b, &want)
		if err == nil {
			if stdErr != nil || string(p) != want || !utf8.Valid(p) || len(p) > MaxParam {
				t.Fatalf("%q: %q, encoding/json %q %v", b, []byte(p), want, stdErr)
			}
			return
		}
		if stdErr == nil && len(b) <= MaxParam && !strings.ContainsRune(want, utf8.RuneError) && len(bytes.TrimSpace(b)) == len(b) {
			t.Fatalf("%q is refused: %v", b, err)
		}
	})
}
