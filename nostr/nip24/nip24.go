// Package nip24 is the content of profiles (kind 0): the fields of NIP-01 and NIP-24,
// with those of NIP-05 and of lightning addresses, and whatever else apps have put
// there, which stays as it is.
package nip24

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
)

// Kind is that of profiles.
const Kind = 0

// The fields that people write.
const (
	Name        = "name"
	DisplayName = "display_name"
	About       = "about"
	Picture     = "picture"
	Banner      = "banner"
	Website     = "website"
	NIP05       = "nip05"
	LUD16       = "lud16" // lightning address
)

// Fields returns them, in the order in which they are shown.
func Fields() []string {
	return []string{Name, DisplayName, About, Picture, Banner, Website, NIP05, LUD16}
}

const (
	// MaxContent is the largest content that is read, in bytes.
	MaxContent = 64 << 10
	// MaxFields is how many fields a profile may have.
	MaxFields = 256
)

// ErrNotProfile means that a content is no JSON object, or is too large for one.
var ErrNotProfile = errors.New("nip24: the content is no profile: a JSON object")

// Profile is the fields of a profile in their order. The zero value has none.
type Profile struct {
	fields []field
}

// field keeps name and value as they were written, so that what is not changed comes
// out as it came in.
type field struct {
	name, rawName string
	value         json.RawMessage
}

// Parse reads a content; "" is a profile without fields. Of a field that is there
// twice the last one counts, as for every reader.
func Parse(content string) (*Profile, error) {
	p := &Profile{}
	if content == "" {
		return p, nil
	}
	if len(content) > MaxContent {
		return nil, ErrNotProfile
	}
	d := json.NewDecoder(strings.NewReader(content))
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return nil, ErrNotProfile
	}
	for d.More() {
		from := d.InputOffset()
		name, err := d.Token()
		if err != nil {
			return nil, ErrNotProfile
		}
		f := field{rawName: strings.TrimLeft(content[from:d.InputOffset()], ", \t\r\n")}
		f.name, _ = name.(string)
		if err := d.Decode(&f.value); err != nil {
			return nil, ErrNotProfile
		}
		p.remove(f.name)
		if p.fields = append(p.fields, f); len(p.fields) > MaxFields {
			return nil, ErrNotProfile
		}
	}
	if _, err := d.Token(); err != nil {
		return nil, ErrNotProfile
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, ErrNotProfile
	}
	return p, nil
}

func (p *Profile) remove(name string) {
	p.fields = slices.DeleteFunc(p.fields, func(f field) bool { return f.name == name })
}

// Text returns a field's text; "" where there is none, or something else.
func (p *Profile) Text(name string) string {
	for _, f := range p.fields {
		if f.name == name {
			var s string
			if json.Unmarshal(f.value, &s) == nil {
				return s
			}
		}
	}
	return ""
}

// Others returns the names of fields that are none of Fields, in their order.
func (p *Profile) Others() []string {
	var out []string
	for _, f := range p.fields {
		if !slices.Contains(Fields(), f.name) {
			out = append(out, f.name)
		}
	}
	return out
}

// Set gives a field a text, in its place where it is there, else at the end; ""
// takes the field away.
func (p *Profile) Set(name, text string) {
	if text == "" {
		p.remove(name)
		return
	}
	value := quote(text)
	for i := range p.fields {
		if p.fields[i].name == name {
			p.fields[i].value = value
			return
		}
	}
	p.fields = append(p.fields, field{name, string(quote(name)), value})
}

// String is the content.
func (p *Profile) String() string {
	var b strings.Builder
	b.WriteByte('{')
	for i, f := range p.fields {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(f.rawName)
		b.WriteByte(':')
		b.Write(f.value)
	}
	b.WriteByte('}')
	return b.String()
}

// quote is a text as JSON, without HTML's escapes.
func quote(s string) json.RawMessage {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		panic("nip24: a string is always JSON: " + err.Error())
	}
	return bytes.TrimRight(b.Bytes(), "\n")
}
