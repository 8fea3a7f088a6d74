package adminwire

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"
)

// scanner checks JSON and cuts it into values, without copying any.
type scanner struct {
	b []byte
	i int
}

// top reads the one object that b is.
func (s *scanner) top() (map[string][]byte, error) {
	s.space()
	if s.i >= len(s.b) || s.b[s.i] != '{' {
		return nil, errShape
	}
	out := map[string][]byte{}
	err := s.object(0, func(k string, v []byte) { out[k] = v })
	if err != nil {
		return nil, err
	}
	if s.space(); s.i != len(s.b) {
		return nil, errShape
	}
	return out, nil
}

func (s *scanner) items() (out [][]byte, err error) {
	err = s.array(0, func(v []byte) { out = append(out, v) })
	return out, err
}

// object reads an object at i.
func (s *scanner) object(depth int, member func(string, []byte)) error {
	seen := map[string]bool{}
	s.i++
	for first := true; ; first = false {
		if s.space(); s.at('}') && first {
			s.i++
			return nil
		}
		from := s.i
		if err := s.text(); err != nil {
			return err
		}
		var key string
		if err := json.Unmarshal(s.b[from:s.i], &key); err != nil || len(key) > 128 {
			return errShape
		}
		if seen[key] {
			return errors.New("the message has the same field twice")
		}
		seen[key] = true
		if s.space(); !s.at(':') {
			return errShape
		}
		s.i++
		s.space()
		from = s.i
		if err := s.value(depth + 1); err != nil {
			return err
		}
		member(key, s.b[from:s.i])
		s.space()
		switch {
		case s.at('}'):
			s.i++
			return nil
		case !s.at(','):
			return errShape
		}
		s.i++
	}
}

func (s *scanner) array(depth int, item func([]byte)) error {
	s.i++
	for first := true; ; first = false {
		if s.space(); s.at(']') && first {
			s.i++
			return nil
		}
		from := s.i
		if err := s.value(depth + 1); err != nil {
			return err
		}
		item(s.b[from:s.i])
		s.space()
		switch {
		case s.at(']'):
			s.i++
			return nil
		case !s.at(','):
			return errShape
		}
		s.i++
	}
}

func (s *scanner) value(depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("the message nests deeper than %d", maxDepth)
	}
	if s.i >= len(s.b) {
		return errShape
	}
	switch c := s.b[s.i]; {
	case c == '{':
		return s.object(depth, func(string, []byte) {})
	case c == '[':
		return s.array(depth, func([]byte) {})
	case c == '"':
		return s.text()
	case c == '-' || c >= '0' && c <= '9':
		return s.number()
	}
	for _, word := range []string{"true", "false", "null"} {
		if bytes.HasPrefix(s.b[s.i:], []byte(word)) {
			s.i += len(word)
			return nil
		}
	}
	return errShape
}

// number reads a whole number that every reader keeps.
func (s *scanner) number() error {
	from := s.i
	if s.at('-') {
		s.i++
	}
	digits := s.i
	for s.i < len(s.b) && s.b[s.i] >= '0' && s.b[s.i] <= '9' {
		s.i++
	}
	if s.i == digits || s.b[digits] == '0' && s.i > digits+1 || s.i < len(s.b) && bytes.IndexByte([]byte(".eE+"), s.b[s.i]) >= 0 {
		return errors.New("the message holds a number that is not whole")
	}
	n, err := strconv.ParseInt(string(s.b[from:s.i]), 10, 64)
	if err != nil || n > maxNumber || n < -maxNumber || string(s.b[from:s.i]) == "-0" {
		return errors.New("the message holds a number that is not whole, or too large")
	}
	return nil
}

// text reads a string: no raw controls, no lone surrogates, valid UTF-8.
func (s *scanner) text() error {
	if !s.at('"') {
		return errShape
	}
	for s.i++; s.i < len(s.b); {
		c := s.b[s.i]
		switch {
		case c == '"':
			s.i++
			return nil
		case c < 0x20:
			return errShape
		case c == '\\':
			if err := s.escape(); err != nil {
				return err
			}
		case c < utf8.RuneSelf:
			s.i++
		default:
			r, n := utf8.DecodeRune(s.b[s.i:])
			if r == utf8.RuneError && n <= 1 {
				return errors.New("the message holds text that is not UTF-8")
			}
			s.i += n
		}
	}
	return errShape
}

func (s *scanner) escape() error {
	if s.i+1 >= len(s.b) {
		return errShape
	}
	if c := s.b[s.i+1]; c != 'u' {
		if bytes.IndexByte([]byte(`"\/bfnrt`), c) < 0 {
			return errShape
		}
		s.i += 2
		return nil
	}
	r, ok := s.unit(s.i)
	if !ok {
		return errShape
	}
	s.i += 6
	switch {
	case r < 0xd800 || r > 0xdfff:
		return nil
	case r < 0xdc00:
		if low, ok := s.unit(s.i); ok && low >= 0xdc00 && low <= 0xdfff {
			s.i += 6
			return nil
		}
	}
	return errors.New("the message holds a lone surrogate")
}

// unit reads \uXXXX at i.
func (s *scanner) unit(i int) (int64, bool) {
	if i+6 > len(s.b) || s.b[i] != '\\' || s.b[i+1] != 'u' {
		return 0, false
	}
	for _, c := range s.b[i+2 : i+6] {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') && (c < 'A' || c > 'F') {
			return 0, false
		}
	}
	n, err := strconv.ParseInt(string(s.b[i+2:i+6]), 16, 32)
	return n, err == nil
}

func (s *scanner) space() {
	for s.i < len(s.b) && bytes.IndexByte([]byte(" \t\r\n"), s.b[s.i]) >= 0 {
		s.i++
	}
}

func (s *scanner) at(c byte) bool { return s.i < len(s.b) && s.b[s.i] == c }
