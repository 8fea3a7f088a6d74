package signerrelay

import (
	"errors"
	"fmt"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// scanner reads JSON (RFC 8259) from a client's message, once, from left to right, without building values that nobody
// asked for. It is strict: no duplicate members, no lone surrogates, no invalid UTF-8, numbers only where they are
// integers (security.md, section 5).
type scanner struct {
	b []byte
	i int
}

var errEnd = errors.New("the message ends too early")

func (s *scanner) errorf(format string, args ...any) error {
	return fmt.Errorf("%s at byte %d", fmt.Sprintf(format, args...), s.i)
}

// space skips white space.
func (s *scanner) space() {
	for s.i < len(s.b) {
		switch s.b[s.i] {
		case ' ', '\t', '\n', '\r':
			s.i++
		default:
			return
		}
	}
}

// peek returns the next byte that is not white space, 0 at the end.
func (s *scanner) peek() byte {
	s.space()
	if s.i >= len(s.b) {
		return 0
	}
	return s.b[s.i]
}

// take consumes c, the next byte that is not white space.
func (s *scanner) take(c byte) error {
	switch got := s.peek(); got {
	case c:
		s.i++
		return nil
	case 0:
		return errEnd
	default:
		return s.errorf("expected %q", c)
	}
}

// more says whether a list or object that ends with end has another element; first is true before its first.
// It consumes the comma or the end.
func (s *scanner) more(end byte, first bool) (bool, error) {
	switch s.peek() {
	case 0:
		return false, errEnd
	case end:
		s.i++
		return false, nil
	case ',':
		if first {
			return false, s.errorf("unexpected comma")
		}
		s.i++
		return true, nil
	}
	if !first {
		return false, s.errorf("expected a comma or %q", end)
	}
	return true, nil
}

// end refuses anything but white space.
func (s *scanner) end() error {
	if s.peek() != 0 || s.i < len(s.b) {
		return s.errorf("something follows the message")
	}
	return nil
}

// text reads a string of at most limit bytes after decoding.
func (s *scanner) text(limit int) (string, error) {
	if err := s.take('"'); err != nil {
		return "", err
	}
	start := s.i
	var out []byte // only once there is an escape
	for s.i < len(s.b) {
		c := s.b[s.i]
		switch {
		case c == '"':
			if out == nil {
				out = s.b[start:s.i]
			}
			s.i++
			if len(out) > limit {
				return "", s.errorf("a text is longer than %d bytes", limit)
			}
			return string(out), nil
		case c == '\\':
			if out == nil {
				out = append(make([]byte, 0, 64), s.b[start:s.i]...)
			}
			r, err := s.escape()
			if err != nil {
				return "", err
			}
			out = utf8.AppendRune(out, r)
		default:
			n, err := s.plain(c)
			if err != nil {
				return "", err
			}
			if out != nil {
				out = append(out, s.b[s.i:s.i+n]...)
			}
			s.i += n
		}
		// Stop early: what is too long is not collected.
		if len(out) > limit {
			return "", s.errorf("a text is longer than %d bytes", limit)
		}
	}
	return "", errEnd
}

// plain returns the length of the unescaped character that begins with c.
func (s *scanner) plain(c byte) (int, error) {
	if c < 0x20 {
		return 0, s.errorf("a control character in a text")
	}
	if c < utf8.RuneSelf {
		return 1, nil
	}
	r, n := utf8.DecodeRune(s.b[s.i:])
	if r == utf8.RuneError && n <= 1 {
		return 0, s.errorf("invalid UTF-8")
	}
	return n, nil
}

// escape reads one escape sequence, a surrogate pair as one.
func (s *scanner) escape() (rune, error) {
	if s.i+1 >= len(s.b) {
		return 0, errEnd
	}
	c := s.b[s.i+1]
	s.i += 2
	switch c {
	case '"', '\\', '/':
		return rune(c), nil
	case 'b':
		return '\b', nil
	case 'f':
		return '\f', nil
	case 'n':
		return '\n', nil
	case 'r':
		return '\r', nil
	case 't':
		return '\t', nil
	case 'u':
	default:
		return 0, s.errorf("unknown escape")
	}
	r, err := s.hex4()
	if err != nil || !utf16.IsSurrogate(r) {
		return r, err
	}
	if s.i+1 >= len(s.b) || s.b[s.i] != '\\' || s.b[s.i+1] != 'u' {
		return 0, s.errorf("a lone surrogate")
	}
	s.i += 2
	low, err := s.hex4()
	if err != nil {
		return 0, err
	}
	if r = utf16.DecodeRune(r, low); r == utf8.RuneError {
		return 0, s.errorf("a lone surrogate")
	}
	return r, nil
}

func (s *scanner) hex4() (rune, error) {
	if s.i+4 > len(s.b) {
		return 0, errEnd
	}
	var r rune
	for _, c := range s.b[s.i : s.i+4] {
		switch {
		case '0' <= c && c <= '9':
			r = r<<4 | rune(c-'0')
		case 'a' <= c && c <= 'f':
			r = r<<4 | rune(c-'a'+10)
		case 'A' <= c && c <= 'F':
			r = r<<4 | rune(c-'A'+10)
		default:
			return 0, s.errorf("an escape that is not hexadecimal")
		}
	}
	s.i += 4
	return r, nil
}

// integer reads an integer of 64 bits: no fraction, no exponent, no leading zeros.
func (s *scanner) integer() (int64, error) {
	s.space()
	start := s.i
	for s.i < len(s.b) && isNumberByte(s.b[s.i]) {
		s.i++
	}
	word := string(s.b[start:s.i])
	n, err := strconv.ParseInt(word, 10, 64)
	// ParseInt takes +1 and 007, which JSON does not have; -0 is one value too many.
	if err != nil || strconv.FormatInt(n, 10) != word {
		s.i = start
		return 0, s.errorf("not an integer")
	}
	return n, nil
}

func isNumberByte(c byte) bool {
	return '0' <= c && c <= '9' || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E'
}

// object calls member for each member of the object that comes next, with the scanner at its value, which member must
// consume. Names are unique.
func (s *scanner) object(member func(name string) error) error {
	if err := s.take('{'); err != nil {
		return err
	}
	seen := make(map[string]struct{}, 8)
	for first := true; ; first = false {
		more, err := s.more('}', first)
		if err != nil || !more {
			return err
		}
		name, err := s.text(MaxName)
		if err != nil {
			return err
		}
		if _, dup := seen[name]; dup {
			return s.errorf("a name twice in one object")
		}
		if len(seen) == MaxFields {
			return s.errorf("more than %d members in one object", MaxFields)
		}
		seen[name] = struct{}{}
		if err := s.take(':'); err != nil {
			return err
		}
		if err := member(name); err != nil {
			return err
		}
	}
}

// list calls element for each element of the list that comes next, with the scanner at it.
func (s *scanner) list(element func() error) error {
	if err := s.take('['); err != nil {
		return err
	}
	for first := true; ; first = false {
		more, err := s.more(']', first)
		if err != nil || !more {
			return err
		}
		if err := element(); err != nil {
			return err
		}
	}
}

// skip passes over one value of any type and returns its bytes. It finds where the value ends; whether an event is
// well-formed inside is for nostr.ParseEvent to say.
func (s *scanner) skip() ([]byte, error) {
	s.space()
	start := s.i
	depth := 0
	for s.i < len(s.b) {
		switch c := s.b[s.i]; c {
		case '"':
			if err := s.skipText(); err != nil {
				return nil, err
			}
		case '[', '{':
			if depth++; depth > MaxDepth {
				return nil, s.errorf("nested deeper than %d", MaxDepth)
			}
			s.i++
			continue
		case ']', '}':
			if depth == 0 {
				return nil, s.errorf("expected a value")
			}
			depth--
			s.i++
		case ',', ':', ' ', '\t', '\n', '\r':
			if depth == 0 {
				return nil, s.errorf("expected a value")
			}
			s.i++
			continue
		default:
			if err := s.skipWord(); err != nil {
				return nil, err
			}
		}
		if depth == 0 {
			return s.b[start:s.i], nil
		}
	}
	return nil, errEnd
}

// skipText passes over a string without decoding it.
func (s *scanner) skipText() error {
	for i := s.i + 1; i < len(s.b); i++ {
		switch s.b[i] {
		case '\\':
			i++
		case '"':
			s.i = i + 1
			return nil
		}
	}
	return errEnd
}

// skipWord passes over a number or a literal.
func (s *scanner) skipWord() error {
	start := s.i
	for s.i < len(s.b) && (isNumberByte(s.b[s.i]) || 'a' <= s.b[s.i] && s.b[s.i] <= 'z') {
		s.i++
	}
	if s.i == start {
		return s.errorf("unexpected character")
	}
	return nil
}
