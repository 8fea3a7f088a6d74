package policy

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// folded maps every letter to one of those that differ from it by case only.
func folded(s string) string {
	done := true
	for i := range len(s) {
		if c := s[i]; c >= utf8.RuneSelf || 'A' <= c && c <= 'Z' {
			done = false
			break
		}
	}
	if done {
		return s
	}
	return strings.Map(fold, s)
}

func fold(r rune) rune {
	least := r
	if r >= utf8.RuneSelf { // the Kelvin sign is a k, the long s an s
		for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
			least = min(least, next)
		}
	}
	if 'A' <= least && least <= 'Z' {
		return least + 'a' - 'A'
	}
	return least
}

// wordChar reports what words are made of: next to it, another one of it would be
// a longer word.
func wordChar(r rune) bool {
	return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.Is(unicode.M, r)
}

// hasWord reports whether a folded word stands in a folded text by itself. Where
// the word begins or ends with a sign (#, @), anything may stand beside it.
func hasWord(text, word string) bool {
	if word == "" {
		return false
	}
	first, _ := utf8.DecodeRuneInString(word)
	last, _ := utf8.DecodeLastRuneInString(word)
	for at := 0; ; {
		i := strings.Index(text[at:], word)
		if i < 0 {
			return false
		}
		i += at
		before, _ := utf8.DecodeLastRuneInString(text[:i])
		after, _ := utf8.DecodeRuneInString(text[i+len(word):])
		free := (i == 0 || !wordChar(first) || !wordChar(before)) && (i+len(word) == len(text) || !wordChar(last) || !wordChar(after))
		if free {
			return true
		}
		_, n := utf8.DecodeRuneInString(text[i:])
		at = i + n
	}
}
