package nostr

import (
	"encoding/hex"
	"slices"
	"strconv"
)

// AppendCanonical appends the form of the event that its id is the hash of
// (NIP-01, Events and signatures), byte for byte as JavaScript's JSON.stringify
// writes it, because that is what the clients compute with. Strings must be
// valid UTF-8, as the parsers leave them.
func (e *Event) AppendCanonical(dst []byte) []byte {
	dst = append(dst, `[0,"`...)
	dst = hex.AppendEncode(dst, e.PubKey[:])
	dst = append(dst, `",`...)
	dst = strconv.AppendInt(dst, e.CreatedAt, 10)
	dst = append(dst, ',')
	dst = strconv.AppendUint(dst, uint64(e.Kind), 10)
	dst = append(dst, ',')
	dst = appendTags(dst, e.Tags)
	dst = append(dst, ',')
	dst = AppendString(dst, e.Content)
	return append(dst, ']')
}

// AppendJSON appends the event as a JSON object, in NIP-01's order of keys.
func (e *Event) AppendJSON(dst []byte) []byte {
	dst = slices.Grow(dst, e.about())
	dst = append(dst, `{"id":"`...)
	dst = hex.AppendEncode(dst, e.ID[:])
	dst = append(dst, `","pubkey":"`...)
	dst = hex.AppendEncode(dst, e.PubKey[:])
	dst = append(dst, `","created_at":`...)
	dst = strconv.AppendInt(dst, e.CreatedAt, 10)
	dst = append(dst, `,"kind":`...)
	dst = strconv.AppendUint(dst, uint64(e.Kind), 10)
	dst = append(dst, `,"tags":`...)
	dst = appendTags(dst, e.Tags)
	dst = append(dst, `,"content":`...)
	dst = AppendString(dst, e.Content)
	dst = append(dst, `,"sig":"`...)
	dst = hex.AppendEncode(dst, e.Sig[:])
	return append(dst, `"}`...)
}

// about is how long the event's JSON will be, if little of it has to be escaped.
func (e *Event) about() int {
	n := 384 + len(e.Content) + len(e.Content)/16
	for _, tag := range e.Tags {
		n += 3
		for _, item := range tag {
			n += len(item) + 3
		}
	}
	return n
}

// AppendJSON appends the template as a JSON object: what a client sends in
// sign_event (NIP-46). pubkey is there if HasPubKey.
func (t *Template) AppendJSON(dst []byte) []byte {
	dst = append(dst, '{')
	if t.HasPubKey {
		dst = append(dst, `"pubkey":"`...)
		dst = hex.AppendEncode(dst, t.PubKey[:])
		dst = append(dst, `",`...)
	}
	dst = append(dst, `"created_at":`...)
	dst = strconv.AppendInt(dst, t.CreatedAt, 10)
	dst = append(dst, `,"kind":`...)
	dst = strconv.AppendUint(dst, uint64(t.Kind), 10)
	dst = append(dst, `,"tags":`...)
	dst = appendTags(dst, t.Tags)
	dst = append(dst, `,"content":`...)
	dst = AppendString(dst, t.Content)
	return append(dst, '}')
}

func appendTags(dst []byte, tags Tags) []byte {
	dst = append(dst, '[')
	for i, tag := range tags {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, '[')
		for j, s := range tag {
			if j > 0 {
				dst = append(dst, ',')
			}
			dst = AppendString(dst, s)
		}
		dst = append(dst, ']')
	}
	return append(dst, ']')
}

// escapes says how JSON.stringify writes a byte where plain stops: 'u' as \u00XX,
// else as a backslash and that letter (ECMA-262, QuoteJSONString).
var escapes = func() (t [256]byte) {
	for c := range 0x20 {
		t[c] = 'u'
	}
	t['\b'], t['\t'], t['\n'], t['\f'], t['\r'] = 'b', 't', 'n', 'f', 'r'
	t['"'], t['\\'] = '"', '\\'
	return t
}()

// AppendString appends s as a JSON string, byte for byte as JavaScript's
// JSON.stringify writes it. s must be valid UTF-8.
func AppendString(dst []byte, s string) []byte {
	const digits = "0123456789abcdef"
	dst = append(dst, '"')
	for {
		n, _ := plain(s, 0)
		dst = append(dst, s[:n]...)
		if n == len(s) {
			return append(dst, '"')
		}
		c := s[n]
		if esc := escapes[c]; esc == 'u' {
			dst = append(dst, '\\', 'u', '0', '0', digits[c>>4], digits[c&15])
		} else {
			dst = append(dst, '\\', esc)
		}
		s = s[n+1:]
	}
}
