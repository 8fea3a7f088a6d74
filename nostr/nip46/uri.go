package nip46

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"nsecbunker/nostr"
)

const (
	// MaxURI is the size in bytes of the longest URI that is read.
	MaxURI = 8 << 10
	// MaxURIFields is how many fields a URI may have.
	MaxURIFields = 64
	// MaxRelays is how many relays of a URI, or of a switch_relays reply, are
	// taken; those after them are skipped.
	MaxRelays = 16
	// MaxSecret is the size in bytes of the longest secret of a URI or of connect.
	MaxSecret = 256
)

// ErrNoSecret reports a nostrconnect:// URI without a secret, or with an empty
// one. NIP-46 requires it: without it anybody may answer in the bunker's place.
var ErrNoSecret = errors.New("the link has no secret, so anybody could answer in the bunker's place; the app that made it is too old")

// field is one name=value of a URI, decoded.
type field struct{ name, value string }

// splitURI reads <scheme>://<hex pubkey>?<fields> of the form want.
func splitURI(s string, want Form, scheme string) (nostr.PubKey, []field, error) {
	s = strings.TrimSpace(s)
	if got := Recognise(s); got != want {
		return nostr.PubKey{}, nil, &WrongFormError{want, got}
	}
	if len(s) > MaxURI {
		return nostr.PubKey{}, nil, fmt.Errorf("the link is longer than %d bytes", MaxURI)
	}
	head, query, _ := strings.Cut(s[len(scheme):], "?")
	key, err := nostr.ParsePubKey(strings.TrimSuffix(head, "/"))
	if err != nil || !key.Valid() {
		return nostr.PubKey{}, nil, errors.New("the link is damaged: after " + scheme + " must stand a public key of 64 hex digits")
	}
	var fields []field
	for part := range strings.SplitSeq(query, "&") {
		if part == "" {
			continue
		}
		if len(fields) == MaxURIFields {
			return nostr.PubKey{}, nil, fmt.Errorf("the link has more than %d fields", MaxURIFields)
		}
		name, value, _ := strings.Cut(part, "=")
		fields = append(fields, field{formDecode(name), formDecode(value)})
	}
	return key, fields, nil
}

// first returns the first field of that name that is not empty.
func first(fields []field, name string) string {
	for _, f := range fields {
		if f.name == name && f.value != "" {
			return f.value
		}
	}
	return ""
}

// secretOf returns the secret, "" for none. Two different ones are refused: the
// app and the bunker could each take the other.
func secretOf(fields []field) (string, error) {
	secret := first(fields, "secret")
	for _, f := range fields {
		if f.name == "secret" && f.value != "" && f.value != secret {
			return "", errors.New("the link has more than one secret")
		}
	}
	return secret, checkSecret(secret)
}

func checkSecret(secret string) error {
	if len(secret) > MaxSecret {
		return fmt.Errorf("the secret is longer than %d bytes", MaxSecret)
	}
	if !utf8.ValidString(secret) || hidden(secret) {
		return errors.New("the secret has characters that cannot be seen")
	}
	return nil
}

// relaysOf returns the usable relays, each once, in the order given: the first
// is the one that some libraries use alone. What is no relay address is handed
// back as text for people; an empty field is passed over.
func relaysOf(fields []field) (relays, skipped []string, err error) {
	for _, f := range fields {
		if f.name != "relay" || strings.TrimSpace(f.value) == "" {
			continue
		}
		relay, err := NormalizeRelayURL(f.value)
		if err != nil || len(relays) == MaxRelays {
			skipped = append(skipped, plain(f.value, 100))
			continue
		}
		relays = appendNew(relays, relay)
	}
	if len(relays) > 0 {
		return relays, skipped, nil
	}
	if len(skipped) > 0 {
		_, err := NormalizeRelayURL(skipped[0])
		return nil, skipped, fmt.Errorf("the link has no relay that can be used: %w", err)
	}
	return nil, nil, errors.New("the link names no relay, so there is nowhere to meet")
}

func appendNew(list []string, s string) []string {
	for _, have := range list {
		if have == s {
			return list
		}
	}
	return append(list, s)
}

// formDecode decodes as browsers decode a query: + is a space, %XX a byte, and
// an escape that is none stays as it stands.
func formDecode(s string) string {
	if !strings.ContainsAny(s, "+%") {
		return s
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '+':
			out = append(out, ' ')
		case c == '%' && i+2 < len(s) && unhex(s[i+1]) >= 0 && unhex(s[i+2]) >= 0:
			out = append(out, byte(unhex(s[i+1])<<4|unhex(s[i+2])))
			i += 2
		default:
			out = append(out, c)
		}
	}
	return string(out)
}

func unhex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// appendField appends name=value. Everything but [A-Za-z0-9._-] is escaped: a
// + ~ , @ or # anywhere makes nostr-tools refuse the whole URI (interop.md 11).
func appendField(dst []byte, name, value string) []byte {
	if last := dst[len(dst)-1]; last != '?' {
		dst = append(dst, '&')
	}
	dst = append(append(dst, name...), '=')
	for _, c := range []byte(value) {
		if isWord(c) || c == '.' {
			dst = append(dst, c)
			continue
		}
		dst = append(dst, '%', "0123456789ABCDEF"[c>>4], "0123456789ABCDEF"[c&15])
	}
	return dst
}

// isWord reports a byte of [A-Za-z0-9_-].
func isWord(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-'
}
