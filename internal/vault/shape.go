package vault

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode"
)

// looksLikeMessage reports whether a text is, or could be taken for, a NIP-46
// request or reply: a JSON object with an id and a method, result or error, or
// with a method and params. It is wider than any reader of such messages: white
// space and a byte order mark before it, keys in any case and any order, escaped,
// twice, text after it, a break in the middle and faults of the grammar change
// nothing.
func looksLikeMessage(text []byte) bool {
	text = bytes.TrimLeftFunc(text, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Cf, r)
	})
	if len(text) == 0 || text[0] != '{' {
		return false
	}
	var s shape
	depth := 0
	for i := 0; i < len(text) && (i == 0 || depth > 0); i++ {
		switch text[i] {
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		case '"':
			end := endOfString(text, i)
			if depth == 1 && isKey(text[end:]) {
				s.see(text[i:end])
			}
			i = end - 1
		}
	}
	return s.id && (s.method || s.answer) || s.method && s.params
}

// shape is which keys an object has.
type shape struct{ id, method, params, answer bool }

// maxKeyText is the longest key that is looked at, in bytes as written: longer
// than any of ours with every letter escaped.
const maxKeyText = 64

// see notes a key, given with its quotes.
func (s *shape) see(quoted []byte) {
	if len(quoted) > maxKeyText {
		return
	}
	var key string
	if json.Unmarshal(quoted, &key) != nil {
		return // no reader would take it
	}
	// EqualFold is how readers that take any case compare; it knows the long s.
	s.id = s.id || strings.EqualFold(key, "id")
	s.method = s.method || strings.EqualFold(key, "method")
	s.params = s.params || strings.EqualFold(key, "params")
	s.answer = s.answer || strings.EqualFold(key, "result") || strings.EqualFold(key, "error")
}

// endOfString returns the place after the string that begins at i.
func endOfString(text []byte, i int) int {
	for i++; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(text)
}

// isKey reports whether a colon follows.
func isKey(rest []byte) bool {
	rest = bytes.TrimLeft(rest, " \t\r\n")
	return len(rest) > 0 && rest[0] == ':'
}
