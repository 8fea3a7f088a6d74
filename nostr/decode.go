package nostr

import "fmt"

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
