package nip46

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"nsecbunker/nostr"
)

const bunkerScheme = "bunker://"

// BunkerURI is the link with which a bunker lets an app in (NIP-46, Direct
// connection initiated by remote-signer):
//
//	bunker://<remote-signer-pubkey>?relay=<url>&relay=<url>&secret=<secret>
//
// It holds a secret: String writes it out, fmt and slog show [secret] instead.
type BunkerURI struct {
	Remote  nostr.PubKey // the key that answers: not the user's
	Relays  []string     // normalised, the best and live one first, at least one
	Secret  string       // "" when there is none
	Skipped []string     // values of relay that could not be used, for display; never written
}

// NewBunkerURI returns a URI that every library reads: relays that can be used,
// a secret from [A-Za-z0-9_-] (interop.md 11).
func NewBunkerURI(remote nostr.PubKey, relays []string, secret string) (BunkerURI, error) {
	if !remote.Valid() {
		return BunkerURI{}, errors.New("making a bunker:// link: the signer key is not a public key")
	}
	list, err := normalizeRelays(relays)
	if err != nil {
		return BunkerURI{}, fmt.Errorf("making a bunker:// link: %w", err)
	}
	if len(secret) > MaxSecret {
		return BunkerURI{}, fmt.Errorf("making a bunker:// link: the secret is longer than %d bytes", MaxSecret)
	}
	for _, c := range []byte(secret) {
		if !isWord(c) {
			return BunkerURI{}, errors.New("making a bunker:// link: the secret may have only A-Z, a-z, 0-9, _ and -")
		}
	}
	return BunkerURI{Remote: remote, Relays: list, Secret: secret}, nil
}

// normalizeRelays is for relays of our own: every one must be good.
func normalizeRelays(relays []string) ([]string, error) {
	if len(relays) == 0 || len(relays) > MaxRelays {
		return nil, fmt.Errorf("there must be 1 to %d relays", MaxRelays)
	}
	var list []string
	for _, r := range relays {
		relay, err := NormalizeRelayURL(r)
		if err != nil {
			return nil, err
		}
		list = appendNew(list, relay)
	}
	return list, nil
}

// ParseBunkerURI reads the link of any bunker: the secret may be missing, relays
// may be unencoded, a relay that cannot be used is skipped while another can. A
// string of another form fails with a *WrongFormError that says which it is.
func ParseBunkerURI(s string) (BunkerURI, error) {
	remote, fields, err := splitURI(s, FormBunker, bunkerScheme)
	if err != nil {
		return BunkerURI{}, err
	}
	u := BunkerURI{Remote: remote}
	if u.Relays, u.Skipped, err = relaysOf(fields); err != nil {
		return BunkerURI{}, err
	}
	if u.Secret, err = secretOf(fields); err != nil {
		return BunkerURI{}, err
	}
	return u, nil
}

// String writes the URI with its secret: for the person it is meant for, never
// for a log.
func (u BunkerURI) String() string {
	b := append([]byte(bunkerScheme), u.Remote.String()...)
	b = append(b, '?')
	for _, r := range u.Relays {
		b = appendField(b, "relay", r)
	}
	if u.Secret != "" {
		b = appendField(b, "secret", u.Secret)
	}
	return string(b)
}

// redacted writes the URI as a log may have it.
func (u BunkerURI) redacted() string {
	shown := u
	shown.Secret = ""
	if u.Secret == "" {
		return shown.String()
	}
	return shown.String() + "&secret=[secret]"
}

// Format prints the URI with [secret] for its secret, whatever the verb.
func (u BunkerURI) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, u.redacted()) }

// LogValue shows a log what Format shows.
func (u BunkerURI) LogValue() slog.Value { return slog.StringValue(u.redacted()) }

// Equal reports whether both say the same; what was skipped does not count.
func (u BunkerURI) Equal(v BunkerURI) bool {
	return u.Remote == v.Remote && slices.Equal(u.Relays, v.Relays) && u.Secret == v.Secret
}
