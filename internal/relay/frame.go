package relay

import (
	"encoding/json"
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"nsecbunker/nostr"
)

// label is the first element of a relay's message (NIP-01, From relay to client).
type label int

const (
	labelOther label = iota // a label that we do not know, or an OK for no id: ignored
	labelEvent
	labelOK
	labelEOSE
	labelClosed
	labelNotice
	labelAuth
)

// frame is one message of a relay, taken apart.
type frame struct {
	label label
	sub   string   // EVENT, EOSE, CLOSED
	event []byte   // EVENT: the object; a part of the message's own bytes
	id    nostr.ID // OK
	ok    bool     // OK
	text  string   // OK, CLOSED, NOTICE: cleaned, at most MaxText bytes; AUTH: the challenge as it is
}

var errFrame = errors.New("not a message of NIP-01")

// maxFrameDepth bounds the nesting of a message.
const maxFrameDepth = 64

// parseFrame takes b apart. It is not strict about what it skips (the event's
// own parser is), but whatever is valid JSON it reads as JSON. Elements beyond
// those of NIP-01 are ignored; a missing text is empty. The only error is errFrame.
func parseFrame(b []byte) (frame, error) {
	s := scanner{b: b}
	var f frame
	name, err := s.first()
	if err != nil {
		return frame{}, err
	}
	switch name {
	case "EVENT":
		f.label = labelEvent
		f.sub = s.nextString()
		f.event = s.nextObject()
	case "EOSE":
		f.label = labelEOSE
		f.sub = s.nextString()
	case "CLOSED":
		f.label = labelClosed
		f.sub = s.nextString()
		f.text = clean(s.optionalString())
	case "OK":
		f.label = labelOK
		id, err := nostr.ParseID(s.nextString())
		if err != nil {
			f.label = labelOther
		}
		f.id = id
		f.ok = s.nextBool()
		f.text = clean(s.optionalString())
	case "NOTICE":
		f.label = labelNotice
		f.text = clean(s.optionalString())
	case "AUTH":
		f.label = labelAuth
		f.text = s.nextString()
	}
	if err := s.finish(); err != nil {
		return frame{}, err
	}
	return f, nil
}

// scanner walks one JSON array; after a fault it stands still and finish tells.
type scanner struct {
	b   []byte
	i   int
	bad bool
}

func (s *scanner) first() (string, error) {
	s.space()
	if !s.take('[') {
		return "", errFrame
	}
	name := s.string()
	if s.bad {
		return "", errFrame
	}
	return name, nil
}

// finish skips further elements and wants the end of the array and of the message.
func (s *scanner) finish() error {
	for !s.bad {
		s.space()
		if s.take(']') {
			s.space()
			if s.i == len(s.b) {
				return nil
			}
			return errFrame
		}
		s.comma()
		s.skip()
	}
	return errFrame
}

func (s *scanner) space() {
	for s.i < len(s.b) && (s.b[s.i] == ' ' || s.b[s.i] == '\n' || s.b[s.i] == '\r' || s.b[s.i] == '\t') {
		s.i++
	}
}

func (s *scanner) peek() byte {
	if s.bad || s.i >= len(s.b) {
		return 0
	}
	return s.b[s.i]
}

func (s *scanner) take(c byte) bool {
	if s.peek() != c || c == 0 {
		return false
	}
	s.i++
	return true
}

func (s *scanner) comma() {
	s.space()
	if !s.take(',') {
		s.bad = true
	}
}

func (s *scanner) nextString() string { s.comma(); return s.string() }

// optionalString is a string, or "" where the message ends or has another type.
func (s *scanner) optionalString() string {
	s.space()
	if s.peek() == ']' {
		return ""
	}
	s.comma()
	s.space()
	if s.peek() != '"' {
		s.skip()
		return ""
	}
	return s.string()
}

func (s *scanner) nextBool() bool {
	s.comma()
	s.space()
	from := s.i
	s.skip()
	if s.bad {
		return false
	}
	switch string(s.b[from:s.i]) {
	case "true":
		return true
	case "false":
		return false
	}
	s.bad = true
	return false
}

func (s *scanner) nextObject() []byte {
	s.comma()
	s.space()
	from := s.i
	if s.peek() != '{' {
		s.bad = true
		return nil
	}
	s.skip()
	if s.bad {
		return nil
	}
	return s.b[from:s.i:s.i]
}

// string reads a string here.
func (s *scanner) string() string {
	s.space()
	from := s.i
	escaped := s.skipString()
	if s.bad {
		return ""
	}
	quoted := s.b[from:s.i]
	if escaped || !utf8.Valid(quoted) {
		var out string
		if json.Unmarshal(quoted, &out) != nil {
			s.bad = true
			return ""
		}
		return out
	}
	return string(quoted[1 : len(quoted)-1])
}

// skipString passes a string and tells whether it has escapes.
func (s *scanner) skipString() (escaped bool) {
	if !s.take('"') {
		s.bad = true
		return false
	}
	for s.i < len(s.b) {
		switch c := s.b[s.i]; {
		case c == '"':
			s.i++
			return escaped
		case c == '\\':
			escaped = true
			s.i += 2
		case c < ' ':
			s.bad = true
			return escaped
		default:
			s.i++
		}
	}
	s.bad = true
	return escaped
}

// skip passes any value; brackets and strings are matched, the rest is not judged.
func (s *scanner) skip() {
	s.space()
	var closers [maxFrameDepth]byte
	depth := 0
	for !s.bad {
		switch c := s.peek(); c {
		case '"':
			s.skipString()
		case '{', '[':
			if depth == maxFrameDepth {
				s.bad = true
				return
			}
			closers[depth] = c + 2 // in ASCII each closing bracket is two further
			depth++
			s.i++
			continue
		case '}', ']':
			if depth == 0 || closers[depth-1] != c {
				s.bad = true
				return
			}
			depth--
			s.i++
		case ',', ':', ' ', '\n', '\r', '\t':
			if depth == 0 {
				s.bad = true // a value was due
				return
			}
			s.i++
			continue
		default:
			s.skipScalar()
		}
		if depth == 0 {
			return
		}
	}
}

// skipScalar passes a number or a literal.
func (s *scanner) skipScalar() {
	from := s.i
	for s.i < len(s.b) {
		c := s.b[s.i]
		if c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c == '-' || c == '+' || c == '.' || c == 'E' {
			s.i++
			continue
		}
		break
	}
	if s.i == from {
		s.bad = true
	}
}

// clean makes a relay's words fit for a log and a terminal: printable, one
// line, at most MaxText bytes.
func clean(text string) string {
	var out strings.Builder
	for _, r := range text {
		if r != ' ' && !unicode.IsGraphic(r) {
			r = '\uFFFD'
		}
		if out.Len()+utf8.RuneLen(r) > MaxText {
			break
		}
		out.WriteRune(r)
	}
	return out.String()
}

// prefix is the machine-readable word before the colon (NIP-01), or "".
func prefix(text string) string {
	word, _, found := strings.Cut(text, ":")
	if !found || strings.ContainsAny(word, " ") {
		return ""
	}
	return word
}
