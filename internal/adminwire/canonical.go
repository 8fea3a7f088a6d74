package adminwire

import (
	"encoding/json"
	"slices"
	"unicode/utf16"
	"unicode/utf8"

	"nsecbunker/internal/secret"
)

// Canonical returns the one spelling of a JSON object: no space, members in
// order of their names (by UTF-16 code unit), texts with the fewest escapes, as
// JSON.stringify writes them; the same as RFC 8785 for what this protocol holds
// (whole numbers only). None is {}. The caller wipes the result: it can hold
// secrets.
func Canonical(b []byte) ([]byte, error) {
	if len(b) == 0 {
		return []byte("{}"), nil
	}
	if len(b) > MaxPlaintext {
		return nil, errShape
	}
	s := scanner{b: b}
	if _, err := s.top(); err != nil {
		return nil, err
	}
	s = scanner{b: b}
	s.space()
	// Escapes never get longer: what is not needed is dropped.
	return s.canonical(make([]byte, 0, len(b)+2)), nil
}

// canonical appends the value at i, which was checked before.
func (s *scanner) canonical(out []byte) []byte {
	switch s.b[s.i] {
	case '{':
		type member struct {
			key   string
			value []byte
		}
		var list []member
		_ = s.object(0, func(k string, v []byte) { list = append(list, member{k, v}) })
		slices.SortFunc(list, func(a, b member) int { return slices.Compare(utf16.Encode([]rune(a.key)), utf16.Encode([]rune(b.key))) })
		out = append(out, '{')
		for i, m := range list {
			if i > 0 {
				out = append(out, ',')
			}
			out = append(appendText(out, []byte(m.key)), ':')
			v := scanner{b: m.value}
			out = v.canonical(out)
		}
		return append(out, '}')
	case '[':
		first := true
		out = append(out, '[')
		_ = s.array(0, func(v []byte) {
			if !first {
				out = append(out, ',')
			}
			first = false
			item := scanner{b: v}
			out = item.canonical(out)
		})
		return append(out, ']')
	case '"':
		text := s.plain()
		defer secret.Wipe(text)
		return appendText(out, text)
	}
	return append(out, s.b[s.i:]...) // a number, or a word: it has one spelling
}

// plain returns what a text stands for. The value is the whole of b.
func (s *scanner) plain() []byte {
	var p secret.Param // reads a text into bytes without leaving copies
	if p.UnmarshalJSON(s.b) == nil {
		return p
	}
	var t string
	_ = json.Unmarshal(s.b, &t)
	return []byte(t)
}

// appendText writes a text as JSON.stringify does.
func appendText(out, text []byte) []byte {
	const hex = "0123456789abcdef"
	out = append(out, '"')
	for _, c := range text {
		switch {
		case c == '"' || c == '\\':
			out = append(out, '\\', c)
		case c == '\b':
			out = append(out, `\b`...)
		case c == '\f':
			out = append(out, `\f`...)
		case c == '\n':
			out = append(out, `\n`...)
		case c == '\r':
			out = append(out, `\r`...)
		case c == '\t':
			out = append(out, `\t`...)
		case c < 0x20:
			out = append(out, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			out = append(out, c)
		}
	}
	return append(out, '"')
}

// validText reports text that can be a label or an origin: UTF-8 of bounded
// length.
func validText(s string, chars int) bool {
	return utf8.ValidString(s) && utf8.RuneCountInString(s) <= chars
}
