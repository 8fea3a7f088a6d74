package adminwire

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"nsecbunker/nostr"
	"nsecbunker/nostr/nip19"
	"nsecbunker/nostr/nip46"
)

// ConnectionString is where admins find a bunker: bunker-admin://<hex>?relay=…,
// which is no secret. With a pairing secret or the code of an invitation behind a #
// it is a one-time link.
type ConnectionString struct {
	Bunker nostr.PubKey
	Relays []string
	// Pairing is the secret of a pairing link; nil for none. It prints with String
	// only.
	Pairing []byte
	// Invite is the code of an invitation link; "" for none. It prints with String only.
	Invite string
	// Old: it was written by the first nsecBunker (bunker://npub@relays).
	Old bool
}

// PairingSize is how many bytes a pairing secret has.
const PairingSize = 32

const (
	scheme        = "bunker-admin://"
	pairingPrefix = "pair="
	invitePrefix  = "invite="
	// maxString is the longest connection string, in bytes.
	maxString = 8 << 10
)

// ParseConnectionString reads a connection string, the first nsecBunker's form
// too. Another string that people paste is refused by what it is; nothing of it
// is repeated.
func ParseConnectionString(s string) (c ConnectionString, err error) {
	s = strings.TrimSpace(s)
	if len(s) > maxString {
		return c, fmt.Errorf("the connection string is longer than %d bytes", maxString)
	}
	switch f := nip46.Recognise(s); f {
	case nip46.FormAdmin:
	case nip46.FormOldAdmin:
		return parseOld(s)
	default:
		return c, &nip46.WrongFormError{Want: nip46.FormAdmin, Got: f}
	}
	s, fragment, _ := strings.Cut(s[len(scheme):], "#")
	if fragment != "" {
		if err = c.parseFragment(fragment); err != nil {
			return c, err
		}
	}
	key, query, _ := strings.Cut(s, "?")
	if c.Bunker, err = bunkerKey(strings.TrimSuffix(key, "/")); err != nil {
		return c, err
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		return c, errors.New("the connection string is damaged: its relays cannot be read")
	}
	for name := range values {
		if name != "relay" {
			return c, errors.New("the connection string has a field that none has; was it pasted whole?")
		}
	}
	c.Relays, err = someRelays(values["relay"])
	return c, err
}

// parseOld reads bunker://npub1…@relay;relay, as the first nsecBunker printed it:
// relays with or without their scheme, behind @ or as relay=.
func parseOld(s string) (c ConnectionString, err error) {
	s = s[len("bunker://"):]
	c.Old = true
	npub, rest, at := strings.Cut(s, "@")
	if !at {
		npub, rest, _ = strings.Cut(s, "?")
		values, err := url.ParseQuery(rest)
		if err != nil {
			return c, errors.New("the connection string is damaged: its relays cannot be read")
		}
		rest = strings.Join(values["relay"], ",")
	}
	if c.Bunker, err = nip19.DecodeNpub(npub); err != nil || !c.Bunker.Valid() {
		return c, errors.New("the connection string is damaged: after bunker:// must stand an npub")
	}
	list := strings.FieldsFunc(rest, func(r rune) bool { return r == ';' || r == ',' || r == '|' || r == ' ' })
	for i, r := range list {
		if !strings.Contains(r, "://") {
			list[i] = "wss://" + r
		}
	}
	c.Relays, err = someRelays(list)
	return c, err
}

func bunkerKey(s string) (nostr.PubKey, error) {
	p, err := nostr.ParsePubKey(s)
	if err != nil || !p.Valid() {
		return p, errors.New("the connection string is damaged: after bunker-admin:// must stand a public key of 64 hex digits")
	}
	return p, nil
}

func someRelays(list []string) (out []string, err error) {
	for _, r := range list {
		u, wrong := nip46.NormalizeRelayURL(r)
		if wrong != nil {
			err = wrong
			continue
		}
		if !contains(out, u) && len(out) < MaxRelays {
			out = append(out, u)
		}
	}
	if len(out) > 0 {
		return out, nil
	}
	if err != nil {
		return nil, fmt.Errorf("the connection string has no relay that can be used: %w", err)
	}
	return nil, errors.New("the connection string names no relay, so there is nowhere to meet")
}

func contains(list []string, s string) bool {
	for _, l := range list {
		if l == s {
			return true
		}
	}
	return false
}

// parseFragment reads what stands behind the #: a pairing, or an invitation.
func (c *ConnectionString) parseFragment(fragment string) error {
	if text, ok := strings.CutPrefix(fragment, invitePrefix); ok {
		code, err := url.QueryUnescape(text)
		if err != nil || code == "" || len(code) > MaxInvite || !plainCode(code) {
			return errors.New("the invitation link is damaged: what follows the # is no invitation")
		}
		c.Invite = code
		return nil
	}
	text, ok := strings.CutPrefix(fragment, pairingPrefix)
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if !ok || err != nil || len(b) != PairingSize {
		return errors.New("the link is damaged: what follows the # is neither a pairing secret nor an invitation")
	}
	c.Pairing = b
	return nil
}

// plainCode reports printable ASCII without spaces.
func plainCode(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return true
}

// String writes the connection string, a pairing secret with it. The old form is
// read, never written.
func (c ConnectionString) String() string {
	var b strings.Builder
	b.WriteString(scheme + c.Bunker.String())
	for i, r := range c.Relays {
		sep := byte('&')
		if i == 0 {
			sep = '?'
		}
		b.WriteByte(sep)
		b.WriteString("relay=" + url.QueryEscape(r))
	}
	switch {
	case c.Invite != "":
		b.WriteString("#" + invitePrefix + url.QueryEscape(c.Invite))
	case c.Pairing != nil:
		b.WriteString("#" + pairingPrefix + base64.RawURLEncoding.EncodeToString(c.Pairing))
	}
	return b.String()
}

// Format prints the string without a pairing secret, whatever the verb.
func (c ConnectionString) Format(f fmt.State, _ rune) {
	shown := c
	shown.Pairing, shown.Invite = nil, ""
	fmt.Fprint(f, shown.String())
}
