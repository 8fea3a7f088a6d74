package bunker

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"nsecbunker/nostr"
	"nsecbunker/nostr/nip19"
)

// MaxMarks is how many combining marks in a row are shown: enough for every
// script that people write, too few to paint over the lines around.
const MaxMarks = 4

// Display makes untrusted text (a client's name, content) fit for one line of a
// terminal, log, table or page: valid UTF-8 in NFC; no controls, no characters
// that change direction or cannot be seen; any run of spaces and line ends is one
// space, none at the ends; at most limit characters, the last one "…" when more
// were there. What it returns, it returns unchanged.
func Display(s string, limit int) string { return display(s, limit, false) }

// DisplayLines is Display for text of several lines: line feeds stay, at most two
// in a row.
func DisplayLines(s string, limit int) string { return display(s, limit, true) }

func display(s string, limit int, lines bool) string {
	if limit <= 0 {
		return ""
	}
	// Bound the work before normalising: no character needs more bytes than this.
	const most = utf8.UTFMax * (1 + MaxMarks) * 4
	cut := false
	if len(s) > limit*most {
		s, cut = s[:limit*most], true
	}
	s = norm.NFC.String(strings.ToValidUTF8(s, "\uFFFD"))
	w := shower{lines: lines, limit: limit}
	for _, r := range s {
		w.rune(r)
	}
	// Leaving characters out can bring parts together that NFC joins.
	out := []rune(norm.NFC.String(string(w.out)))
	if len(out) > limit {
		out, cut = out[:limit], true
	}
	if cut || w.more {
		if len(out) >= limit {
			out = out[:limit-1]
		}
		return strings.TrimRight(string(out), " \n") + "…"
	}
	return string(out)
}

// shower lets through what can be shown.
type shower struct {
	out   []rune
	limit int
	lines bool
	space bool // one is due before the next character
	feeds int  // line feeds that are due
	marks int
	more  bool
}

func (w *shower) rune(r rune) {
	switch {
	case r == '\n' && w.lines:
		w.feeds++
		return
	case unicode.IsSpace(r) || unicode.Is(unicode.Z, r):
		w.space = true
		return
	case invisible(r):
		return
	case unicode.Is(unicode.M, r):
		if w.marks++; w.marks > MaxMarks || len(w.out) == 0 || w.space || w.feeds > 0 {
			return // a mark with nothing to stand on would sit on what is before our text
		}
	default:
		w.marks = 0
	}
	// Twice the limit: NFC can still join what is here.
	if len(w.out) >= 2*w.limit {
		w.more = true
		return
	}
	if len(w.out) > 0 {
		switch {
		case w.feeds > 0:
			w.out = append(w.out, []rune("\n\n")[:min(w.feeds, 2)]...)
		case w.space:
			w.out = append(w.out, ' ')
		}
	}
	w.space, w.feeds = false, 0
	w.out = append(w.out, r)
}

// invisible reports characters that must not be shown: they steer the terminal,
// turn the direction of text around, or look like nothing.
func invisible(r rune) bool {
	switch {
	case unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Cs):
		return true // controls; direction, zero width, tags, soft hyphen; private use
	case r >= 0xFE00 && r <= 0xFE0F, r >= 0xE0100 && r <= 0xE01EF, r >= 0x180B && r <= 0x180F:
		return true // variation selectors
	}
	switch r {
	case 0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFFA0, 0x2800, 0x2065:
		return true // joiner, Hangul fillers, inherent vowels, blank braille
	}
	return r >= 0xFDD0 && r <= 0xFDEF || r&0xFFFE == 0xFFFE || r >= 0xFFF0 && r <= 0xFFF8
}

// ShortNpub is what an app without a name is called, the same at every door: the
// beginning and the end of its npub.
func ShortNpub(p nostr.PubKey) string {
	npub := nip19.EncodeNpub(p)
	return npub[:9] + "…" + npub[len(npub)-5:]
}
