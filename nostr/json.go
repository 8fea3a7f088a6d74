package nostr

import (
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// SyntaxError says why a document is no event. It holds none of its content.
type SyntaxError struct {
	Offset int    // in bytes
	Reason string // for people
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("event: %s (at byte %d)", e.Reason, e.Offset)
}

// parser reads one JSON document. Strings without escapes are cut from s and
// not copied.
type parser struct {
	s string
	i int
}

func (p *parser) fail(reason string) error { return &SyntaxError{Offset: p.i, Reason: reason} }

func (p *parser) space() {
	for p.i < len(p.s) {
		switch p.s[p.i] {
		case ' ', '\t', '\n', '\r':
			p.i++
		default:
			return
		}
	}
}

// peek skips white space and returns the next byte, or 0 at the end.
func (p *parser) peek() byte {
	if p.i < len(p.s) && p.s[p.i] > ' ' {
		return p.s[p.i]
	}
	p.space()
	if p.i < len(p.s) {
		return p.s[p.i]
	}
	return 0
}

// take skips white space and then c, if that is next.
func (p *parser) take(c byte) bool {
	if p.peek() != c {
		return false
	}
	p.i++
	return true
}

func (p *parser) null() bool { return p.peek() == 'n' && p.literal("null") }

func (p *parser) literal(word string) bool {
	if !strings.HasPrefix(p.s[p.i:], word) {
		return false
	}
	p.i += len(word)
	return true
}

// object reads an object and calls member at each value, which member reads.
// A key that comes twice is refused.
func (p *parser) object(member func(key string) error) error {
	if !p.take('{') {
		return p.fail("a JSON object is expected")
	}
	if p.take('}') {
		return nil
	}
	var few [8]string
	keys := few[:0]
	for {
		if p.peek() != '"' {
			return p.fail("a key in quotation marks is expected")
		}
		key, err := p.str("key")
		if err != nil {
			return err
		}
		for _, k := range keys {
			if k == key {
				return p.fail("a key comes twice")
			}
		}
		if len(keys) == MaxKeys {
			return p.fail("an object has too many keys")
		}
		keys = append(keys, key)
		if !p.take(':') {
			return p.fail("a colon is expected after a key")
		}
		if err := member(key); err != nil {
			return err
		}
		if p.take(',') {
			continue
		}
		if p.take('}') {
			return nil
		}
		return p.fail("a comma or the end of an object is expected")
	}
}

// skip reads any value; depth is what it nests at.
func (p *parser) skip(depth int) error {
	if depth > MaxDepth {
		return p.fail("it is nested too deep")
	}
	switch c := p.peek(); {
	case c == '"':
		_, err := p.str("a value")
		return err
	case c == '{':
		return p.object(func(string) error { return p.skip(depth + 1) })
	case c == '[':
		return p.array(func() error { return p.skip(depth + 1) })
	case c == '-' || c >= '0' && c <= '9':
		return p.number()
	case p.literal("null") || p.literal("true") || p.literal("false"):
		return nil
	}
	return p.fail("a value is expected")
}

// array reads an array and calls item at each value, which item reads.
func (p *parser) array(item func() error) error {
	if !p.take('[') {
		return p.fail("an array is expected")
	}
	if p.take(']') {
		return nil
	}
	for {
		if err := item(); err != nil {
			return err
		}
		if p.take(',') {
			continue
		}
		if p.take(']') {
			return nil
		}
		return p.fail("a comma or the end of an array is expected")
	}
}

// number reads a number of a key that is ignored; JSON allows any.
func (p *parser) number() error {
	digits := func() bool {
		start := p.i
		for p.i < len(p.s) && p.s[p.i] >= '0' && p.s[p.i] <= '9' {
			p.i++
		}
		return p.i > start
	}
	p.take('-')
	lead := p.i
	if !digits() || p.s[lead] == '0' && p.i > lead+1 {
		return p.fail("a number is malformed")
	}
	if p.i < len(p.s) && p.s[p.i] == '.' {
		p.i++
		if !digits() {
			return p.fail("a number is malformed")
		}
	}
	if p.i < len(p.s) && p.s[p.i]|0x20 == 'e' {
		p.i++
		if p.i < len(p.s) && (p.s[p.i] == '+' || p.s[p.i] == '-') {
			p.i++
		}
		if !digits() {
			return p.fail("a number is malformed")
		}
	}
	return nil
}

// str reads a string (RFC 8259, section 7).
func (p *parser) str(name string) (string, error) {
	if !p.take('"') {
		return "", p.fail(name + " must be a string")
	}
	start := p.i
	end, wide := plain(p.s, start)
	p.i = end
	if end == len(p.s) {
		return "", p.fail(name + " has no end")
	}
	switch p.s[end] {
	case '"':
		p.i++
		if wide && !utf8.ValidString(p.s[start:end]) {
			return "", p.fail(name + " is not valid UTF-8")
		}
		return p.s[start:end], nil
	case '\\':
		return p.escaped(name, start)
	}
	return "", p.fail(name + " has a control character that is not escaped")
}

// escaped reads the rest of a string that began at start and has its first
// escape here.
func (p *parser) escaped(name string, start int) (string, error) {
	s := p.s
	// The end is not known yet: room for what is left, or for a long line.
	out := make([]byte, 0, min(len(s)-start, p.i-start+256))
	out = append(out, s[start:p.i]...)
	for p.i < len(s) {
		c := s[p.i]
		switch {
		case c == '"':
			p.i++
			if !utf8.Valid(out) {
				return "", p.fail(name + " is not valid UTF-8")
			}
			return string(out), nil
		case c < 0x20:
			return "", p.fail(name + " has a control character that is not escaped")
		case c != '\\':
			run := p.i
			p.i, _ = plain(s, run)
			out = append(out, s[run:p.i]...)
		default:
			var ok bool
			if out, ok = p.escape(out); !ok {
				return "", p.fail(name + " has an escape that is not valid, or half of a surrogate pair")
			}
		}
	}
	return "", p.fail(name + " has no end")
}

// unescapes is what follows a backslash, but for u.
var unescapes = [256]byte{
	'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t',
}

// escape reads one escape, or the two of a surrogate pair.
func (p *parser) escape(out []byte) ([]byte, bool) {
	if p.i+1 >= len(p.s) {
		return out, false
	}
	if c := unescapes[p.s[p.i+1]]; c != 0 {
		p.i += 2
		return append(out, c), true
	}
	r, ok := p.hex4()
	if !ok {
		return out, false
	}
	if utf16.IsSurrogate(r) {
		low, ok := p.hex4()
		if !ok {
			return out, false
		}
		if r = utf16.DecodeRune(r, low); r == utf8.RuneError {
			return out, false
		}
	}
	return utf8.AppendRune(out, r), true
}

// hex4 reads \uXXXX.
func (p *parser) hex4() (rune, bool) {
	s := p.s[p.i:]
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return 0, false
	}
	var r rune
	for i := 2; i < 6; i++ {
		c := s[i]
		if c >= 'A' && c <= 'F' {
			c |= 0x20
		}
		n := nibbles[c]
		if n > 15 {
			return 0, false
		}
		r = r<<4 | rune(n)
	}
	p.i += 6
	return r, true
}
