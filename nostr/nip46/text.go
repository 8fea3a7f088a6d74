package nip46

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"nsecbunker/nostr"
)

// appendString appends text as a JSON string, as JSON.stringify writes it
// (interop.md 9). Bytes that are not UTF-8, which no JSON can hold, become U+FFFD.
func appendString(dst []byte, text string) []byte {
	return nostr.AppendString(dst, strings.ToValidUTF8(text, "\uFFFD"))
}

// clip cuts text to at most max bytes, between two characters, and drops what is
// not UTF-8.
func clip(text string, max int) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	if len(text) <= max {
		return text
	}
	for max > 0 && !utf8.RuneStart(text[max]) {
		max--
	}
	return text[:max]
}

// plain makes a stranger's text fit for one line of an error message: nothing
// that moves a cursor, reorders a line or hides.
func plain(text string, max int) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, clip(text, max))
}

// hidden reports controls, line breaks and format characters (bidi, zero-width):
// they have no place in a secret or an address.
func hidden(text string) bool {
	return strings.IndexFunc(text, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }) >= 0
}
