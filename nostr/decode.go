package nostr

import (
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

const (
	// MaxCreatedAt is the latest created_at: beyond 2^53-1 JavaScript's numbers
	// are not exact, and ids would differ.
	MaxCreatedAt = 1<<53 - 1
	// MaxDepth is how deep an event's JSON may nest, tags (3) included. Only
	// keys that are ignored need more than 3.
	MaxDepth = 32
	// MaxTags is how many tags an event may have: over the largest follow lists
	// that are seen, and few enough that their headers are smaller than 1 MiB.
	MaxTags = 20000
	// MaxTagItems is how many strings a tag may have.
	MaxTagItems = 4096
	// MaxKeys is how many keys a JSON object may have, those that are ignored
	// included.
	MaxKeys = 64
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

// fields is a set of an event's keys.
type fields uint8

const (
	hasID fields = 1 << iota
	hasPubKey
	hasCreatedAt
	hasKind
	hasTags
	hasContent
	hasSig
	hasTemplate = hasCreatedAt | hasKind | hasTags | hasContent
	hasAll      = hasTemplate | hasID | hasPubKey | hasSig
)

var fieldNames = [...]string{"id", "pubkey", "created_at", "kind", "tags", "content", "sig"}

// missing names the first field of want that f lacks, or "".
func (f fields) missing(want fields) string {
	for i, name := range fieldNames {
		if bit := fields(1) << i; want&bit != 0 && f&bit == 0 {
			return name
		}
	}
	return ""
}

func fieldOf(key string) fields {
	switch key {
	case "id":
		return hasID
	case "pubkey":
		return hasPubKey
	case "created_at":
		return hasCreatedAt
	case "kind":
		return hasKind
	case "tags":
		return hasTags
	case "content":
		return hasContent
	case "sig":
		return hasSig
	}
	return 0
}

// event reads the whole document into e and returns which fields it has, in a
// template only those that are not empty.
func (p *parser) event(e *Event, signed bool) (fields, error) {
	var seen, empty fields
	err := p.object(func(key string) error {
		f := fieldOf(key)
		if f == 0 {
			return p.skip(2)
		}
		seen |= f
		blank, err := p.field(e, f, signed)
		if blank {
			empty |= f
		}
		return err
	})
	if err != nil {
		return 0, err
	}
	p.space()
	if p.i != len(p.s) {
		return 0, p.fail("there is more after its end")
	}
	return seen &^ empty, nil
}

// field reads the value of one field; blank says that a template left it empty.
func (p *parser) field(e *Event, f fields, signed bool) (blank bool, err error) {
	switch f {
	case hasCreatedAt:
		e.CreatedAt, err = p.integer("created_at", MaxCreatedAt)
	case hasKind:
		var n int64
		n, err = p.integer("kind", 1<<16-1)
		e.Kind = Kind(n)
	case hasTags:
		e.Tags, err = p.tags()
	case hasContent:
		e.Content, err = p.str("content")
	case hasPubKey:
		return p.hex(e.PubKey[:], "pubkey", !signed)
	case hasID, hasSig:
		if !signed {
			return true, p.dropped(f)
		}
		if f == hasID {
			return p.hex(e.ID[:], "id", false)
		}
		return p.hex(e.Sig[:], "sig", false)
	}
	return false, err
}

// dropped reads a template's id or sig: null or any text.
func (p *parser) dropped(f fields) error {
	if p.null() {
		return nil
	}
	name := "id"
	if f == hasSig {
		name = "sig"
	}
	_, err := p.str(name)
	return err
}

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

// integer reads a whole number from 0 to limit, written with digits only.
func (p *parser) integer(name string, limit int64) (int64, error) {
	if c := p.peek(); c < '0' || c > '9' {
		return 0, p.fail(name + " must be a whole number, not negative")
	}
	start := p.i
	n := int64(0)
	for p.i < len(p.s) && p.s[p.i] >= '0' && p.s[p.i] <= '9' {
		n = n*10 + int64(p.s[p.i]-'0')
		if n > limit {
			return 0, p.fail(fmt.Sprintf("%s is above %d", name, limit))
		}
		p.i++
	}
	if p.s[start] == '0' && p.i > start+1 {
		return 0, p.fail(name + " starts with a zero")
	}
	if p.i < len(p.s) && (p.s[p.i] == '.' || p.s[p.i]|0x20 == 'e') {
		return 0, p.fail(name + " must be a whole number, written with digits only")
	}
	return n, nil
}

// hex reads 2*len(dst) lower-case hexadecimal digits; with optional, null and
// "" too, and blank says so.
func (p *parser) hex(dst []byte, name string, optional bool) (blank bool, err error) {
	if optional && p.null() {
		return true, nil
	}
	s, err := p.str(name)
	if err != nil {
		return false, err
	}
	if optional && s == "" {
		return true, nil
	}
	if len(s) == 2*len(dst) {
		bad := byte(0)
		for i := range dst {
			hi, lo := nibbles[s[2*i]], nibbles[s[2*i+1]]
			bad |= hi | lo
			dst[i] = hi<<4 | lo
		}
		if bad < 16 {
			return false, nil
		}
	}
	return false, p.fail(fmt.Sprintf("%s must be %d lower-case hexadecimal digits", name, 2*len(dst)))
}

// nibbles are the values of lower-case hexadecimal digits; 0x80 for all else.
var nibbles = func() (t [256]byte) {
	for c := range t {
		t[c] = 0x80
	}
	for i, c := range "0123456789abcdef" {
		t[c] = byte(i)
	}
	return t
}()

// tags reads an array of arrays of strings, none of them empty. All strings
// share one array; each tag ends where its capacity does.
func (p *parser) tags() (Tags, error) {
	var fewItems [32]string
	var fewEnds [12]int
	items, ends := fewItems[:0], fewEnds[:0]
	if !p.take('[') {
		return nil, p.fail("tags must be an array")
	}
	for !p.take(']') {
		if len(ends) > 0 && !p.take(',') {
			return nil, p.fail("a comma or the end of the tags is expected")
		}
		if len(ends) == MaxTags {
			return nil, p.fail(fmt.Sprintf("it has more than %d tags", MaxTags))
		}
		var err error
		if items, err = p.tag(items); err != nil {
			return nil, err
		}
		ends = append(ends, len(items))
	}
	flat := append(make([]string, 0, len(items)), items...)
	tags := make(Tags, len(ends))
	start := 0
	for i, end := range ends {
		tags[i] = flat[start:end:end]
		start = end
	}
	return tags, nil
}

// tag reads one tag and appends its strings to items.
func (p *parser) tag(items []string) ([]string, error) {
	if !p.take('[') {
		return nil, p.fail("a tag must be an array")
	}
	for n := 0; ; n++ {
		if n == MaxTagItems {
			return nil, p.fail(fmt.Sprintf("a tag has more than %d values", MaxTagItems))
		}
		if n == 0 && p.peek() == ']' {
			return nil, p.fail("a tag is empty")
		}
		s, err := p.str("what is in a tag")
		if err != nil {
			return nil, err
		}
		items = append(items, s)
		if p.take(',') {
			continue
		}
		if p.take(']') {
			return items, nil
		}
		return nil, p.fail("a comma or the end of a tag is expected")
	}
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
