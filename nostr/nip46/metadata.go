package nip46

import "nsecbunker/nostr/nip46/internal/jsonscan"

const (
	// MaxMetadata is the size in bytes of the longest metadata parameter.
	MaxMetadata = 8 << 10
	// MaxClientName is the size in bytes that is kept of a client's name.
	MaxClientName = 128
	// MaxClientURL is the size in bytes that is kept of a client's url and image.
	MaxClientURL = 1024
)

// ClientMetadata is what an app says of itself (NIP-46, Client metadata): not
// proven, for display only, never for a decision. It is valid UTF-8 and bounded
// and may hold anything else: before it is shown it must pass the one function
// for untrusted text.
type ClientMetadata struct {
	Name, URL, Image string
}

// ParseClientMetadata reads connect's fourth parameter, a JSON object as text.
// An empty text is no metadata; a text that cannot be read is no metadata
// either, and ok is false: a login never fails on it. A field that is no string
// is passed over; one that is too long is cut.
func ParseClientMetadata(text string) (m ClientMetadata, ok bool) {
	if text == "" {
		return ClientMetadata{}, true
	}
	if len(text) > MaxMetadata {
		return ClientMetadata{}, false
	}
	s, err := jsonscan.New([]byte(text))
	if err != nil {
		return ClientMetadata{}, false
	}
	err = s.Object(func(key string) (err error) {
		if s.Peek() != '"' {
			return s.Skip()
		}
		switch key {
		case "name":
			m.Name, err = s.String()
		case "url":
			m.URL, err = s.String()
		case "image":
			m.Image, err = s.String()
		default:
			err = s.Skip()
		}
		return err
	})
	if err != nil || s.End() != nil {
		return ClientMetadata{}, false
	}
	return m.clipped(), true
}

func (m ClientMetadata) clipped() ClientMetadata {
	return ClientMetadata{clip(m.Name, MaxClientName), clip(m.URL, MaxClientURL), clip(m.Image, MaxClientURL)}
}

// overlay returns m with the fields of over that are not empty.
func (m ClientMetadata) overlay(over ClientMetadata) ClientMetadata {
	if over.Name != "" {
		m.Name = over.Name
	}
	if over.URL != "" {
		m.URL = over.URL
	}
	if over.Image != "" {
		m.Image = over.Image
	}
	return m
}

// JSON writes the metadata as connect's fourth parameter, "" for none.
func (m ClientMetadata) JSON() string {
	if m == (ClientMetadata{}) {
		return ""
	}
	b := []byte{'{'}
	for _, f := range []field{{"name", m.Name}, {"url", m.URL}, {"image", m.Image}} {
		if f.value == "" {
			continue
		}
		if len(b) > 1 {
			b = append(b, ',')
		}
		b = append(appendString(b, f.name), ':')
		b = appendString(b, f.value)
	}
	return string(append(b, '}'))
}
