package jsonscan

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"nsecbunker/nostr"
)

func skipAll(b []byte) error {
	s, err := New(b)
	if err != nil {
		return err
	}
	if err := s.Skip(); err != nil {
		return err
	}
	return s.End()
}

func TestSkipTakesWhatJSONIsAndNothingElse(t *testing.T) {
	good := []string{`{}`, `[]`, `""`, `0`, `-0`, `1.5e+7`, `1E9`, `true`, `false`, `null`, " [ 1 , {\"a\" : [] } ] \n", `"\u00e9\n"`, `{"a":1,"a":2}`}
	bad := []string{``, `{`, `[`, `"`, `01`, `1.`, `-`, `.5`, `1e`, `tru`, `nul`, `[1,]`, `{,}`, `{"a"}`, `{"a":}`, `{a:1}`, `[1 2]`, `{} {}`, "\"\x01\"", "\"\xff\"", "\x00", `"\`, `'a'`}
	for _, text := range good {
		if err := skipAll([]byte(text)); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
	for _, text := range bad {
		if skipAll([]byte(text)) == nil {
			t.Errorf("%q was taken for JSON", text)
		}
	}
}

func TestDepthIsBounded(t *testing.T) {
	nest := func(n int) []byte { return []byte(strings.Repeat("[", n) + strings.Repeat("]", n)) }
	if err := skipAll(nest(MaxDepth)); err != nil {
		t.Errorf("%d levels: %v", MaxDepth, err)
	}
	if skipAll(nest(MaxDepth+1)) == nil {
		t.Errorf("%d levels were taken", MaxDepth+1)
	}
}

func TestObjectRefusesDoubleAndTooManyKeys(t *testing.T) {
	read := func(text string) error {
		s, err := New([]byte(text))
		if err != nil {
			return err
		}
		return s.Object(func(string) error { return s.Skip() })
	}
	var dup *DuplicateError
	if err := read(`{"id":1,"\u0069d":2}`); !errors.As(err, &dup) || dup.Key != "id" {
		t.Errorf("an escaped double key: %v", err)
	}
	keys := func(n int) string {
		var b strings.Builder
		for i := range n {
			b.WriteString(`,"` + strings.Repeat("k", i+1) + `":0`)
		}
		return "{" + b.String()[1:] + "}"
	}
	if err := read(keys(MaxKeys)); err != nil {
		t.Errorf("%d keys: %v", MaxKeys, err)
	}
	if read(keys(MaxKeys+1)) == nil {
		t.Errorf("%d keys were taken", MaxKeys+1)
	}
}

func TestStringsDecodeAsTheStandardLibraryDoes(t *testing.T) {
	for _, text := range []string{`"plain"`, `"\"\\\/\b\f\n\r\t"`, `"\u0041\u00e9\u2028"`, `"\ud83d\ude00 x"`, `"é😀"`, `"\u0000"`} {
		s, _ := New([]byte(text))
		got, err := s.String()
		var want string
		if e := json.Unmarshal([]byte(text), &want); e != nil || err != nil || got != want {
			t.Errorf("%s: got %q (%v), want %q (%v)", text, got, err, want, e)
		}
	}
}

func TestLoneSurrogatesAreRefusedAndStepsOver(t *testing.T) {
	for _, text := range []string{`"\ud800"`, `"\udc00"`, `"\ud800\ud800"`, `"\ud83dx"`, `"\ude00\ud83d"`, `"\ud83d\u0041"`, `"\x41"`, `"\u12"`, `"\u123g"`} {
		s, _ := New([]byte(text + ` 1`))
		if _, err := s.String(); !errors.Is(err, ErrText) {
			t.Errorf("%s: %v", text, err)
		}
		if s.Peek() != '1' {
			t.Errorf("%s: the scanner does not stand after the string", text)
		}
	}
}

func FuzzScan(f *testing.F) {
	for _, seed := range []string{`{"id":"1","method":"ping","params":[]}`, `[1,-2.5e3,true,null,"\ud83d\ude00"]`, `"\ud800"`, `{"a":{"b":[[]]}}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		ours, theirs := skipAll(b) == nil, json.Valid(b)
		if ours && !theirs {
			t.Fatalf("taken: %q", b)
		}
		if theirs && !ours && utf8.Valid(b) && !deep(b) {
			t.Fatalf("refused: %q", b)
		}
		s, err := New(b)
		if err != nil {
			return
		}
		text, err := s.String()
		if err != nil {
			return
		}
		again, err := New(nostr.AppendString(nil, text))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := again.String(); err != nil || got != text {
			t.Fatalf("%q came back as %q (%v)", text, got, err)
		}
	})
}

func deep(b []byte) bool {
	return strings.Count(string(b), "[")+strings.Count(string(b), "{") > MaxDepth-1
}
