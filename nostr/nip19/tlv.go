package nip19

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"nsecbunker/nostr"
	"nsecbunker/nostr/nip19/bech32"
)

// MaxRelays is the most relay hints that are read or written; more are left out,
// since a hint is no more than a hint.
const MaxRelays = 16

// MaxValue is the most bytes of one TLV value: its length is one byte.
const MaxValue = math.MaxUint8

// The TLV types of NIP-19.
const (
	tlvSpecial = 0
	tlvRelay   = 1
	tlvAuthor  = 2
	tlvKind    = 3
)

// What can be wrong with the fields of an nprofile, nevent or naddr.
var (
	ErrTruncated  = errors.New("nip19: a field is cut off")
	ErrMissing    = errors.New("nip19: a required field is missing")
	ErrRepeated   = errors.New("nip19: a field that may stand once stands twice")
	ErrField      = errors.New("nip19: a field has the wrong length")
	ErrKind       = fmt.Errorf("nip19: the kind is above %d", math.MaxUint16)
	ErrValue      = fmt.Errorf("nip19: a relay or identifier is longer than %d bytes, or the relay is not printable ASCII", MaxValue)
	errNotOnCurve = errors.New("nip19: this is not a public key: no point of the curve has it")
)

// Profile is an nprofile: a public key, and relays where its owner may be found.
type Profile struct {
	PubKey nostr.PubKey
	Relays []string // at most MaxRelays
}

// EventPointer is an nevent: an event id, and where to find the event.
type EventPointer struct {
	ID     nostr.ID
	Relays []string      // at most MaxRelays
	Author *nostr.PubKey // nil when not given
	Kind   *nostr.Kind   // nil when not given
}

// Address is an naddr: the coordinate of a replaceable or addressable event.
type Address struct {
	Identifier string // the d tag; "" for kinds that have none
	PubKey     nostr.PubKey
	Kind       nostr.Kind
	Relays     []string // at most MaxRelays
}

// EncodeProfile returns the nprofile of p, with the first MaxRelays relays.
//
// Errors: ErrValue.
func EncodeProfile(p Profile) (string, error) {
	return encodeTLV(hrpProfile, appendField(nil, tlvSpecial, p.PubKey[:]), p.Relays)
}

// EncodeEvent returns the nevent of e, with the first MaxRelays relays.
//
// Errors: ErrValue.
func EncodeEvent(e EventPointer) (string, error) {
	b := appendField(nil, tlvSpecial, e.ID[:])
	if e.Author != nil {
		b = appendField(b, tlvAuthor, e.Author[:])
	}
	if e.Kind != nil {
		b = appendKind(b, *e.Kind)
	}
	return encodeTLV(hrpEvent, b, e.Relays)
}

// EncodeAddress returns the naddr of a, with the first MaxRelays relays.
//
// Errors: ErrValue.
func EncodeAddress(a Address) (string, error) {
	if len(a.Identifier) > MaxValue {
		return "", ErrValue
	}
	b := appendField(nil, tlvSpecial, []byte(a.Identifier))
	b = appendField(b, tlvAuthor, a.PubKey[:])
	b = appendKind(b, a.Kind)
	return encodeTLV(hrpAddr, b, a.Relays)
}

// DecodeProfile reads an nprofile.
//
// Errors: *WrongKindError, those of package bech32, ErrTruncated, ErrMissing,
// ErrRepeated, ErrField.
func DecodeProfile(s string) (Profile, error) {
	f, err := decodeTLV(s, hrpProfile, aboutProfile)
	if err != nil {
		return Profile{}, err
	}
	p := Profile{Relays: f.relays}
	if err := f.fixed(tlvSpecial, p.PubKey[:], true); err != nil {
		return Profile{}, err
	}
	return p, nil
}

// DecodeEvent reads an nevent.
//
// Errors: as DecodeProfile, and ErrKind.
func DecodeEvent(s string) (EventPointer, error) {
	f, err := decodeTLV(s, hrpEvent, aboutEvent)
	if err != nil {
		return EventPointer{}, err
	}
	e := EventPointer{Relays: f.relays}
	if err := f.fixed(tlvSpecial, e.ID[:], true); err != nil {
		return EventPointer{}, err
	}
	if f.has[tlvAuthor] {
		e.Author = new(nostr.PubKey)
		if err := f.fixed(tlvAuthor, e.Author[:], false); err != nil {
			return EventPointer{}, err
		}
	}
	if f.has[tlvKind] {
		k, err := f.kind()
		if err != nil {
			return EventPointer{}, err
		}
		e.Kind = &k
	}
	return e, nil
}

// DecodeAddress reads an naddr.
//
// Errors: as DecodeProfile, and ErrKind.
func DecodeAddress(s string) (Address, error) {
	f, err := decodeTLV(s, hrpAddr, aboutAddr)
	if err != nil {
		return Address{}, err
	}
	if !f.has[tlvSpecial] {
		return Address{}, ErrMissing
	}
	a := Address{Identifier: string(f.value[tlvSpecial]), Relays: f.relays}
	if err := f.fixed(tlvAuthor, a.PubKey[:], true); err != nil {
		return Address{}, err
	}
	if a.Kind, err = f.kind(); err != nil {
		return Address{}, err
	}
	return a, nil
}

// appendField appends one TLV; the value is at most MaxValue bytes long.
func appendField(dst []byte, typ byte, value []byte) []byte {
	dst = append(dst, typ, byte(len(value)))
	return append(dst, value...)
}

func appendKind(dst []byte, k nostr.Kind) []byte {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], uint32(k))
	return appendField(dst, tlvKind, b[:])
}

// encodeTLV adds the relays and encodes. 16 relays of 255 bytes are too many for
// MaxLength, so it also leaves out the hints that no longer fit.
func encodeTLV(hrp string, b []byte, relays []string) (string, error) {
	room := (MaxLength - len(hrp) - len("1") - bech32.ChecksumLength) * 5 / 8
	for i, r := range relays {
		if len(r) == 0 || len(r) > MaxValue || !printableASCII([]byte(r)) {
			return "", ErrValue
		}
		if i < MaxRelays && len(b)+2+len(r) <= room {
			b = appendField(b, tlvRelay, []byte(r))
		}
	}
	out, err := bech32.Encode(hrp, b)
	return string(out), err
}

// fields are the values of the TLV types that NIP-19 knows.
type fields struct {
	has    [tlvKind + 1]bool
	value  [tlvKind + 1][]byte
	relays []string
}

// decodeTLV reads the fields. As NIP-19 asks, unknown types are passed over; and
// so are relays that nobody could use (empty, not printable ASCII, one too
// many): a bad hint does not make an id unreadable.
func decodeTLV(s, hrp, want string) (fields, error) {
	b, err := decode([]byte(s), hrp, want)
	if err != nil {
		return fields{}, err
	}
	var f fields
	for len(b) > 0 {
		if len(b) < 2 || len(b) < 2+int(b[1]) {
			return fields{}, ErrTruncated
		}
		typ, value := b[0], b[2:2+int(b[1])]
		b = b[2+len(value):]
		switch {
		case typ == tlvRelay:
			if len(value) > 0 && printableASCII(value) && len(f.relays) < MaxRelays {
				f.relays = append(f.relays, string(value))
			}
		case int(typ) < len(f.has):
			// Libraries differ on which of two to take: then the text would
			// mean one thing here and another there.
			if f.has[typ] {
				return fields{}, ErrRepeated
			}
			f.has[typ], f.value[typ] = true, value
		}
	}
	return f, nil
}

// fixed copies the value of typ, which must be as long as dst. A field that is
// not there is an error where it is required.
func (f *fields) fixed(typ int, dst []byte, required bool) error {
	switch {
	case !f.has[typ] && required:
		return ErrMissing
	case f.has[typ] && len(f.value[typ]) != len(dst):
		return ErrField
	}
	copy(dst, f.value[typ])
	return nil
}

// kind returns the required kind: 32 bits big-endian, of which NIP-01 uses 16.
func (f *fields) kind() (nostr.Kind, error) {
	var b [4]byte
	if err := f.fixed(tlvKind, b[:], true); err != nil {
		return 0, err
	}
	k := binary.BigEndian.Uint32(b[:])
	if k > math.MaxUint16 {
		return 0, ErrKind
	}
	return nostr.Kind(k), nil
}

// printableASCII reports whether b has no space, control or non-ASCII byte.
func printableASCII(b []byte) bool {
	for _, c := range b {
		if c <= ' ' || c > '~' {
			return false
		}
	}
	return true
}
