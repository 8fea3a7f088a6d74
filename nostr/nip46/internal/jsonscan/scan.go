// Package jsonscan reads JSON one token at a time, strictly: no duplicate
// keys, no lone surrogates, no invalid UTF-8, no control characters, bounded
// depth, no guessing at types. It exists because encoding/json lets the first
// three of these pass (two readers of one message may then see two different
// messages), and because the caller of a NIP-46 message needs the request id
// even when another field is wrong.
package jsonscan

import (
	"errors"
	"fmt"
	"unicode/utf8"
)

const (
	// MaxDepth is how deep arrays and objects may nest. NIP-46 needs two levels;
	// an event has three.
	MaxDepth = 32
	// MaxKeys is how many keys an object read with Object may have. The widest
	// object read with it has seven.
	MaxKeys = 32
)

// ErrText reports a string whose quotes are in place and whose text is not: a
// lone surrogate or an unknown escape. The scanner stands after the string, so
// that the caller may read on.
var ErrText = errors.New("a string has a lone surrogate or an unknown escape")

// SyntaxError reports text that is not the JSON asked for. Nothing after it can
// be read.
type SyntaxError struct {
	At     int    // offset in bytes
	Reason string // in plain words, free of the text itself
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("%s at byte %d", e.Reason, e.At) }

// Scanner walks over one JSON text. The zero value is an empty text.
type Scanner struct {
	b []byte
	i int
}

// New returns a scanner at the start of b, which must not change meanwhile.
// It refuses text that is not UTF-8.
func New(b []byte) (*Scanner, error) {
	if !utf8.Valid(b) {
		return nil, &SyntaxError{0, "the text is not UTF-8"}
	}
	return &Scanner{b: b}, nil
}

func (s *Scanner) fail(reason string) error { return &SyntaxError{s.i, reason} }

func (s *Scanner) space() {
	for s.i < len(s.b) {
		switch s.b[s.i] {
		case ' ', '\t', '\n', '\r':
			s.i++
		default:
			return
		}
	}
}

// Peek returns the first byte of the next token, 0 at the end of the text.
func (s *Scanner) Peek() byte {
	s.space()
	if s.i == len(s.b) {
		return 0
	}
	return s.b[s.i]
}

// Take steps over the one-byte token c, or reports that something else is there.
func (s *Scanner) Take(c byte) bool {
	if s.Peek() != c || c == 0 {
		return false
	}
	s.i++
	return true
}

// End fails unless nothing but white space is left.
func (s *Scanner) End() error {
	if s.Peek() != 0 || s.i != len(s.b) {
		return s.fail("there is text after the message")
	}
	return nil
}

// Object reads an object of at most MaxKeys keys and calls on once per key, in
// order; on must consume the value. A key that comes twice is refused.
func (s *Scanner) Object(on func(key string) error) error {
	if !s.Take('{') {
		return s.fail("an object is missing")
	}
	if s.Take('}') {
		return nil
	}
	var store [8]string
	keys := store[:0]
	for {
		if s.Peek() != '"' {
			return s.fail("a key is missing")
		}
		at := s.i
		key, err := s.String()
		if err != nil {
			return &SyntaxError{at, "a key is not a proper string"}
		}
		for _, k := range keys {
			if k == key {
				return &DuplicateError{Key: key, At: at}
			}
		}
		if len(keys) == MaxKeys {
			return &SyntaxError{at, "the object has too many keys"}
		}
		keys = append(keys, key)
		if !s.Take(':') {
			return s.fail("a colon is missing")
		}
		if err := on(key); err != nil {
			return err
		}
		if s.Take(',') {
			continue
		}
		if s.Take('}') {
			return nil
		}
		return s.fail("the object does not end")
	}
}

// DuplicateError reports a key that an object has twice: two readers could take
// either one.
type DuplicateError struct {
	Key string
	At  int
}

func (e *DuplicateError) Error() string { return fmt.Sprintf("a key comes twice at byte %d", e.At) }

// Array reads an array and calls on once per element, with its place from 0;
// on must consume the element and bound their number.
func (s *Scanner) Array(on func(n int) error) error {
	if !s.Take('[') {
		return s.fail("an array is missing")
	}
	if s.Take(']') {
		return nil
	}
	for n := 0; ; n++ {
		if err := on(n); err != nil {
			return err
		}
		if s.Take(',') {
			continue
		}
		if s.Take(']') {
			return nil
		}
		return s.fail("the array does not end")
	}
}

// Kind names what the next value is, for people: "a string", "an object" …
func (s *Scanner) Kind() string {
	switch c := s.Peek(); {
	case c == '"':
		return "a string"
	case c == '{':
		return "an object"
	case c == '[':
		return "an array"
	case c == 't' || c == 'f':
		return "true or false"
	case c == 'n':
		return "null"
	case c == '-' || c >= '0' && c <= '9':
		return "a number"
	case c == 0:
		return "nothing"
	default:
		return "no JSON value"
	}
}
