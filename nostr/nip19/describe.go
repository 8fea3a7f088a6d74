package nip19

import (
	"bytes"
	"encoding/hex"

	"nsecbunker/internal/secret"
	"nsecbunker/nostr"
)

// What each form is called in sentences for people.
const (
	aboutPub       = "an npub (a public key)"
	aboutSec       = "an nsec (a private key)"
	aboutNote      = "a note (an event id)"
	aboutProfile   = "an nprofile (a public key with relays)"
	aboutEvent     = "an nevent (an event id with relays)"
	aboutAddr      = "an naddr (the address of a replaceable event)"
	aboutRelay     = "an nrelay (a relay; no longer in use)"
	aboutEncrypted = "an ncryptsec (a private key under a password)"
	aboutBunker    = "a bunker:// URI (for an app to log in with)"
	aboutAdmin     = "a bunker-admin:// connection string (for administrators)"
	aboutConnect   = "a nostrconnect:// URI (an app asking to be connected)"
	aboutWallet    = "a nostr+walletconnect:// URI (access to a wallet)"
	aboutWebsocket = "a relay's address"
	aboutHex       = "64 hex digits (a public key, private key or event id: hex does not say which)"
	aboutWords     = "a list of words (a recovery phrase?)"
	aboutName      = "a name with @ (a NIP-05 or Lightning address)"
	aboutNothing   = "nothing"
	aboutUnknown   = "none of the forms that are known here"
)

// beginnings are matched in order, letters of either case. The longer of two
// that begin alike comes first.
var beginnings = []struct{ text, about string }{
	{"npub1", aboutPub},
	{"nsec1", aboutSec},
	{"note1", aboutNote},
	{"nprofile1", aboutProfile},
	{"nevent1", aboutEvent},
	{"naddr1", aboutAddr},
	{"nrelay1", aboutRelay},
	{"ncryptsec1", aboutEncrypted},
	{"bunker-admin://", aboutAdmin},
	{"bunker://", aboutBunker},
	{"nostrconnect://", aboutConnect},
	{"nostr+walletconnect://", aboutWallet},
	{"wss://", aboutWebsocket},
	{"ws://", aboutWebsocket},
}

const uriScheme = "nostr:" // NIP-21

// Describe says in words what s looks like, by its beginning and shape alone, for
// an error about a text pasted into the wrong field. It repeats nothing of s.
func Describe(s []byte) string {
	s = bytes.TrimSpace(s)
	if hasPrefixFold(s, uriScheme) {
		s = s[len(uriScheme):]
	}
	for _, b := range beginnings {
		if hasPrefixFold(s, b.text) {
			return b.about
		}
	}
	switch {
	case len(s) == 0:
		return aboutNothing
	case len(s) == 2*keySize && isHex(s):
		return aboutHex
	case len(bytes.Fields(s)) >= 12:
		return aboutWords
	case len(bytes.Fields(s)) == 1 && bytes.Count(s, []byte("@")) == 1:
		return aboutName
	}
	return aboutUnknown
}

// hasPrefixFold reports whether s begins with prefix (lower case), letters of
// either case. (bytes.EqualFold would take U+017F for an s.)
func hasPrefixFold(s []byte, prefix string) bool {
	if len(s) < len(prefix) {
		return false
	}
	for i := range len(prefix) {
		c := s[i]
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != prefix[i] {
			return false
		}
	}
	return true
}

func isHex(s []byte) bool {
	for _, c := range s {
		if !(c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F') {
			return false
		}
	}
	return true
}

// ParsePublicKey reads a public key as a person may paste it: npub, nprofile (its
// relays are left out) or 64 hex digits, with or without "nostr:" before and
// space around it. An nsec is refused by name.
//
// Errors: as DecodeNpub; the key is not a point of the curve.
func ParsePublicKey(s string) (nostr.PubKey, error) {
	b := bytes.TrimSpace([]byte(s))
	if hasPrefixFold(b, uriScheme) {
		b = b[len(uriScheme):]
	}
	p, err := parsePublicKey(b)
	if err != nil {
		return nostr.PubKey{}, err
	}
	if !p.Valid() {
		return nostr.PubKey{}, errNotOnCurve
	}
	return p, nil
}

func parsePublicKey(b []byte) (p nostr.PubKey, err error) {
	switch about := Describe(b); about {
	case aboutHex:
		// The digits may be those of a private key: what was decoded does not
		// stay on the stack if they are no public key.
		if _, err := hex.Decode(p[:], b); err != nil {
			secret.Wipe(p[:])
			return p, ErrLength
		}
		return p, nil
	case aboutProfile:
		profile, err := DecodeProfile(string(b))
		return profile.PubKey, err
	default:
		return decode32(b, hrpPub, aboutPub)
	}
}
