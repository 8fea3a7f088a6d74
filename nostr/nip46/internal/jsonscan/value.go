package jsonscan

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"

	"nsecbunker/internal/secret"
)

// String reads a string. An error that is ErrText leaves the scanner after the
// string; any other error is final.
func (s *Scanner) String() (string, error) {
	raw, escaped, err := s.quoted()
	if err != nil {
		return "", err
	}
	if !escaped {
		return string(raw), nil
	}
	room := secret.Borrow(len(raw)) // no text is longer than its escapes
	defer room.Return()
	text, ok := unescape(room.B, raw)
	if !ok {
		return "", ErrText
	}
	return string(text), nil
}

// Bytes reads a string without escapes into the text itself: no copy is made,
// which a secret is better without. Escapes are refused with ErrText.
func (s *Scanner) Bytes() ([]byte, error) {
	raw, escaped, err := s.quoted()
	if err != nil {
		return nil, err
	}
	if escaped {
		return nil, ErrText
	}
	return raw, nil
}

// quoted steps over a string and returns what is between its quotes.
func (s *Scanner) quoted() (raw []byte, escaped bool, err error) {
	if s.Peek() != '"' {
		return nil, false, s.fail("a string is missing")
	}
	start := s.i + 1
	for i := start; i < len(s.b); i++ {
		switch c := s.b[i]; {
		case c == '"':
			s.i = i + 1
			return s.b[start:i], escaped, nil
		case c == '\\':
			escaped = true
			if i++; i < len(s.b) && s.b[i] < 0x20 {
				s.i = i
				return nil, false, s.fail("a control character stands in a string")
			}
		case c < 0x20:
			s.i = i
			return nil, false, s.fail("a control character stands in a string")
		}
	}
	return nil, false, s.fail("a string does not end")
}

// unescape appends raw to out, the escapes of RFC 8259, section 7, resolved. It is
// false for an unknown escape and for half a surrogate pair, which no UTF-8 text can hold.
func unescape(out, raw []byte) ([]byte, bool) {
	for len(raw) > 0 {
		n := bytes.IndexByte(raw, '\\')
		if n < 0 {
			return append(out, raw...), true
		}
		out, raw = append(out, raw[:n]...), raw[n+1:]
		if len(raw) == 0 {
			return nil, false
		}
		if raw[0] == 'u' {
			r, used := escapedRune(raw)
			if used == 0 {
				return nil, false
			}
			out, raw = utf8.AppendRune(out, r), raw[used:]
			continue
		}
		c, ok := short(raw[0])
		if !ok {
			return nil, false
		}
		out, raw = append(out, c), raw[1:]
	}
	return out, true
}

func short(c byte) (byte, bool) {
	switch c {
	case '"', '\\', '/':
		return c, true
	case 'b':
		return '\b', true
	case 'f':
		return '\f', true
	case 'n':
		return '\n', true
	case 'r':
		return '\r', true
	case 't':
		return '\t', true
	}
	return 0, false
}

// escapedRune reads uXXXX, or uD8XX\uDCXX, at the start of raw and tells how
// many bytes that took: 0 for no such thing.
func escapedRune(raw []byte) (rune, int) {
	hi, ok := hex4(raw)
	if !ok {
		return 0, 0
	}
	if !utf16.IsSurrogate(hi) {
		return hi, 5
	}
	if len(raw) < 7 || raw[5] != '\\' {
		return 0, 0
	}
	lo, ok := hex4(raw[6:])
	r := utf16.DecodeRune(hi, lo)
	if !ok || r == utf8.RuneError {
		return 0, 0
	}
	return r, 11
}

func hex4(raw []byte) (rune, bool) {
	if len(raw) < 5 || raw[0] != 'u' {
		return 0, false
	}
	var r rune
	for _, c := range raw[1:5] {
		switch {
		case c >= '0' && c <= '9':
			r = r<<4 | rune(c-'0')
		case c >= 'a' && c <= 'f':
			r = r<<4 | rune(c-'a'+10)
		case c >= 'A' && c <= 'F':
			r = r<<4 | rune(c-'A'+10)
		default:
			return 0, false
		}
	}
	return r, true
}

// pass steps over a string that nobody reads. Its escapes must be those of RFC
// 8259; half a surrogate pair, which is text to nobody here, is none of its
// business.
func (s *Scanner) pass() error {
	at := s.i
	raw, escaped, err := s.quoted()
	if err != nil || !escaped {
		return err
	}
	for n := bytes.IndexByte(raw, '\\'); n >= 0; n = bytes.IndexByte(raw, '\\') {
		raw = raw[n+1:]
		used := 1
		if _, hex := hex4(raw); hex {
			used = 5
		} else if _, known := short(raw[0]); !known { // quoted ends no string behind a backslash
			return &SyntaxError{at, "a string has an unknown escape"}
		}
		raw = raw[used:]
	}
	return nil
}

// Raw steps over any value and returns its text, which is JSON. Strings inside
// are not decoded.
func (s *Scanner) Raw() ([]byte, error) {
	s.space()
	start := s.i
	if err := s.skip(0); err != nil {
		return nil, err
	}
	return s.b[start:s.i], nil
}

// Skip steps over any value.
func (s *Scanner) Skip() error { return s.skip(0) }

func (s *Scanner) skip(depth int) error {
	if depth == MaxDepth {
		return s.fail("the text nests too deep")
	}
	switch c := s.Peek(); {
	case c == '"':
		return s.pass()
	case c == '[':
		return s.Array(func(int) error { return s.skip(depth + 1) })
	case c == '{':
		return s.skipObject(depth)
	case c == '-' || c >= '0' && c <= '9':
		return s.number()
	case c == 't':
		return s.literal("true")
	case c == 'f':
		return s.literal("false")
	case c == 'n':
		return s.literal("null")
	}
	return s.fail("a value is missing")
}

// skipObject does not look for double keys: what is skipped is used by nobody.
func (s *Scanner) skipObject(depth int) error {
	s.i++
	if s.Take('}') {
		return nil
	}
	for {
		if s.Peek() != '"' {
			return s.fail("a key is missing")
		}
		if err := s.pass(); err != nil {
			return err
		}
		if !s.Take(':') {
			return s.fail("a colon is missing")
		}
		if err := s.skip(depth + 1); err != nil {
			return err
		}
		if s.Take('}') {
			return nil
		}
		if !s.Take(',') {
			return s.fail("the object does not end")
		}
	}
}

// Null steps over null and reports whether it was there.
func (s *Scanner) Null() bool {
	return s.Peek() == 'n' && s.literal("null") == nil
}

// Bool reads true or false.
func (s *Scanner) Bool() (bool, error) {
	if s.Peek() == 't' {
		return true, s.literal("true")
	}
	return false, s.literal("false")
}

func (s *Scanner) literal(word string) error {
	s.space()
	if len(s.b)-s.i < len(word) || string(s.b[s.i:s.i+len(word)]) != word {
		return s.fail("a value is missing")
	}
	s.i += len(word)
	return nil
}

// number steps over a number of RFC 8259, section 6.
func (s *Scanner) number() error {
	if s.i < len(s.b) && s.b[s.i] == '-' {
		s.i++
	}
	zero := s.i < len(s.b) && s.b[s.i] == '0'
	if n := s.digits(); n == 0 || zero && n > 1 {
		return s.fail("a number is not one")
	}
	if s.i < len(s.b) && s.b[s.i] == '.' {
		s.i++
		if s.digits() == 0 {
			return s.fail("a number is not one")
		}
	}
	if s.i < len(s.b) && (s.b[s.i] == 'e' || s.b[s.i] == 'E') {
		s.i++
		if s.i < len(s.b) && (s.b[s.i] == '+' || s.b[s.i] == '-') {
			s.i++
		}
		if s.digits() == 0 {
			return s.fail("a number is not one")
		}
	}
	return nil
}

func (s *Scanner) digits() int {
	start := s.i
	for s.i < len(s.b) && s.b[s.i] >= '0' && s.b[s.i] <= '9' {
		s.i++
	}
	return s.i - start
}
