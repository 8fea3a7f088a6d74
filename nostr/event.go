package nostr

import (
	"crypto/sha256"
	"errors"
)

// Tag is one tag: a name and its values. What was parsed has a name.
type Tag []string

// Tags are an event's tags, in order.
type Tags []Tag

// Event is a signed event (NIP-01).
type Event struct {
	ID        ID
	PubKey    PubKey
	CreatedAt int64 // Unix time in seconds, 0 to MaxCreatedAt
	Kind      Kind
	Tags      Tags
	Content   string
	Sig       Sig
}

var (
	// ErrID means that an event's id is not the hash of its content.
	ErrID = errors.New("the event's id is not the hash of its content")
	// ErrSig means that an event's signature is not by its pubkey.
	ErrSig = errors.New("the event's signature is not by its pubkey")
)

// ComputeID returns the hash of the event as it stands (NIP-01); it reads
// neither ID nor Sig.
func (e *Event) ComputeID() ID {
	var short [2048]byte // most events need no buffer on the heap
	return sha256.Sum256(e.AppendCanonical(short[:0]))
}

// Verify checks the id and then the signature: ErrID, ErrSig or nil.
func (e *Event) Verify() error {
	if e.ComputeID() != e.ID {
		return ErrID
	}
	if !VerifyDigest(e.PubKey, e.ID, e.Sig) {
		return ErrSig
	}
	return nil
}

// Name returns the first element, or "" if there is none.
func (t Tag) Name() string { return t.at(0) }

// Value returns the second element, or "" if there is none.
func (t Tag) Value() string { return t.at(1) }

func (t Tag) at(i int) string {
	if i < len(t) {
		return t[i]
	}
	return ""
}

// Find returns the first tag of that name, or nil.
func (ts Tags) Find(name string) Tag {
	for _, t := range ts {
		if t.Name() == name {
			return t
		}
	}
	return nil
}

// Count returns how many tags have that name.
func (ts Tags) Count(name string) int {
	n := 0
	for _, t := range ts {
		if t.Name() == name {
			n++
		}
	}
	return n
}

// Template is an event to be signed, as a client sends it (NIP-46,
// sign_event). It has no id and no signature: those that a client sends along
// are dropped, because the id is computed anew.
type Template struct {
	PubKey    PubKey // meaningful only if HasPubKey
	HasPubKey bool
	CreatedAt int64 // Unix time in seconds, 0 to MaxCreatedAt
	Kind      Kind
	Tags      Tags
	Content   string
}

// Event returns the unsigned event by pub. It shares the tags.
func (t *Template) Event(pub PubKey) *Event {
	return &Event{PubKey: pub, CreatedAt: t.CreatedAt, Kind: t.Kind, Tags: t.Tags, Content: t.Content}
}

// ParseEvent reads a signed event. It is strict: every field of NIP-01 exactly
// once and of its type, ids in lower case, whole numbers in range, tags with a
// name. Refused everywhere are duplicate keys, lone surrogates, invalid UTF-8
// and nesting beyond MaxDepth; other keys are ignored. It checks neither id nor
// signature: Verify does. The caller bounds the length of doc. Texts of the event are
// parts of a string, and of bytes it keeps no reference. Errors are *SyntaxError.
func ParseEvent[T ~[]byte | ~string](doc T) (*Event, error) {
	e := new(Event)
	p := parser{s: string(doc)} // of a string it is no copy
	seen, err := p.event(e, true)
	if err != nil {
		return nil, err
	}
	if missing := seen.missing(hasAll); missing != "" {
		return nil, p.fail(missing + " is missing")
	}
	return e, nil
}

// ParseTemplate reads an event to be signed: as ParseEvent, but pubkey, id and
// sig may be absent, null, empty or present; an id or sig that is present may be
// any text, and is dropped. kind, content, tags and created_at must be there:
// nothing is added.
func ParseTemplate(b []byte) (*Template, error) {
	var e Event
	p := parser{s: string(b)}
	seen, err := p.event(&e, false)
	if err != nil {
		return nil, err
	}
	if missing := seen.missing(hasTemplate); missing != "" {
		return nil, p.fail(missing + " is missing")
	}
	return &Template{
		PubKey: e.PubKey, HasPubKey: seen&hasPubKey != 0,
		CreatedAt: e.CreatedAt, Kind: e.Kind, Tags: e.Tags, Content: e.Content,
	}, nil
}

// MarshalJSON returns AppendJSON.
func (e *Event) MarshalJSON() ([]byte, error) { return e.AppendJSON(nil), nil }

// UnmarshalJSON is ParseEvent.
func (e *Event) UnmarshalJSON(b []byte) error {
	parsed, err := ParseEvent(b)
	if err != nil {
		return err
	}
	*e = *parsed
	return nil
}
