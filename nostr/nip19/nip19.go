// Package nip19 reads and writes the bech32 forms of NIP-19: npub, nsec, note,
// nprofile, nevent, naddr. They are for people, to show, copy and paste; the
// protocol itself uses hex.
//
// A private key goes in and out as bytes, never as a string, and no error
// repeats what was given: it may have been a private key in the wrong field.
package nip19

import (
	"errors"
	"fmt"

	"nsecbunker/internal/secret"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip19/bech32"
)

// MaxLength is the most characters of any form, read or written (NIP-19, Notes).
const MaxLength = bech32.MaxLength

// The prefixes of NIP-19.
const (
	hrpPub     = "npub"
	hrpSec     = "nsec"
	hrpNote    = "note"
	hrpProfile = "nprofile"
	hrpEvent   = "nevent"
	hrpAddr    = "naddr"
)

// keySize is the length of a key or event id.
const keySize = 32

// ErrLength means that the right prefix carries the wrong number of bytes.
var ErrLength = errors.New("nip19: does not hold exactly 32 bytes; copy it again")

// WrongKindError says that a text is not what was asked for, and what it is
// instead, as far as that can be seen, without repeating any of it.
type WrongKindError struct {
	Want string // "an npub (a public key)"
	Got  string // as Describe gives it
}

func (e *WrongKindError) Error() string {
	msg := "nip19: expected " + e.Want + "; this is " + e.Got
	if e.Got == aboutSec {
		msg += ": keep it secret, and paste it only where a private key is asked for"
	}
	return msg
}

// EncodeNpub returns the npub of a public key, 63 characters.
func EncodeNpub(p nostr.PubKey) string { return encode32(hrpPub, p) }

// EncodeNote returns the note of an event id, 63 characters.
func EncodeNote(id nostr.ID) string { return encode32(hrpNote, id) }

// EncodeNsec returns the nsec of a private key of 32 bytes, 63 characters in a
// new slice, for the caller to wipe. Another length is a bug and panics.
func EncodeNsec(raw []byte) []byte {
	if len(raw) != keySize {
		panic(fmt.Sprintf("nip19: EncodeNsec of %d bytes", len(raw)))
	}
	return mustEncode(hrpSec, raw)
}

// DecodeNpub returns the public key of an npub. Whether it is a point of the
// curve is not checked.
//
// Errors: *WrongKindError, ErrLength, those of package bech32.
func DecodeNpub(s string) (nostr.PubKey, error) {
	return decode32([]byte(s), hrpPub, aboutPub)
}

// DecodeNote returns the event id of a note.
//
// Errors: as DecodeNpub.
func DecodeNote(s string) (nostr.ID, error) {
	return decode32([]byte(s), hrpNote, aboutNote)
}

// DecodeNsec returns the 32 bytes of an nsec in a new slice, for the caller to
// wipe, together with s. Whether they are a valid private key is not checked.
//
// Errors: as DecodeNpub.
func DecodeNsec(s []byte) ([]byte, error) {
	raw, err := decode(s, hrpSec, aboutSec)
	if err != nil {
		return nil, err
	}
	if len(raw) != keySize {
		secret.Wipe(raw)
		return nil, ErrLength
	}
	return raw, nil
}

func encode32(hrp string, b [keySize]byte) string { return string(mustEncode(hrp, b[:])) }

func mustEncode(hrp string, b []byte) []byte {
	out, err := bech32.Encode(hrp, b)
	if err != nil {
		panic("nip19: encoding 32 bytes: " + err.Error())
	}
	return out
}

func decode32(s []byte, hrp, want string) (out [keySize]byte, err error) {
	b, err := decode(s, hrp, want)
	if err != nil {
		return out, err
	}
	defer secret.Wipe(b) // an npub of the wrong field is no secret, but costs nothing
	if len(b) != keySize {
		return out, ErrLength
	}
	copy(out[:], b)
	return out, nil
}

// decode reads bech32 that must have the prefix hrp; want describes it.
func decode(s []byte, hrp, want string) ([]byte, error) {
	got, data, err := bech32.Decode(s)
	if err == nil && got == hrp {
		return data, nil
	}
	secret.Wipe(data)
	if about := Describe(s); about != want {
		return nil, &WrongKindError{Want: want, Got: about}
	}
	if err == nil {
		// It begins as it should, yet its last 1 stands elsewhere.
		err = bech32.ErrPrefix
	}
	return nil, fmt.Errorf("nip19: reading %s: %w", want, err)
}
