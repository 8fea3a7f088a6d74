package nip46

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"unicode/utf8"

	"nsecbunker/nostr"
)

const connectScheme = "nostrconnect://"

// NostrConnectURI is the link with which an app asks to be let in (NIP-46,
// Direct connection initiated by the client). Everything in it was written by a
// stranger: its relays are addresses that the dialler must judge, its metadata
// is for display only, its permissions are a wish.
//
// It holds a secret: String writes it out, fmt and slog show [secret] instead.
type NostrConnectURI struct {
	Client   nostr.PubKey
	Relays   []string // normalised, in the app's order, at least one
	Secret   string   // decoded: goes back as connect's result
	Perms    string   // as written; read it with RequestedPermissions
	Metadata ClientMetadata
	Skipped  []string // values of relay that could not be used, for display; never written
}

// ParseNostrConnectURI reads what apps write (interop.md 4): empty fields,
// relays unencoded, spaces as +, name, url and image as fields or as one
// metadata={json}. A relay and a secret are required. A URI in which nothing but
// the secret is missing comes back whole together with ErrNoSecret. A string of
// another form fails with a *WrongFormError that says which it is.
func ParseNostrConnectURI(s string) (NostrConnectURI, error) {
	client, fields, err := splitURI(s, FormNostrConnect, connectScheme)
	if err != nil {
		return NostrConnectURI{}, err
	}
	u := NostrConnectURI{Client: client, Perms: strings.TrimSpace(first(fields, "perms"))}
	if u.Relays, u.Skipped, err = relaysOf(fields); err != nil {
		return NostrConnectURI{}, err
	}
	if u.Secret, err = secretOf(fields); err != nil {
		return NostrConnectURI{}, err
	}
	if !utf8.ValidString(u.Perms) || len(u.Perms) > MaxPermissionsBytes {
		return NostrConnectURI{}, errors.New("the link's permissions are no text")
	}
	u.Metadata, _ = ParseClientMetadata(first(fields, "metadata"))
	own := ClientMetadata{Name: first(fields, "name"), URL: first(fields, "url"), Image: first(fields, "image")}
	u.Metadata = u.Metadata.overlay(own.clipped())
	if u.Secret == "" {
		return u, ErrNoSecret
	}
	return u, nil
}

// String writes the URI with its secret: for the bunker it is meant for, never
// for a log.
func (u NostrConnectURI) String() string { return u.write(u.Secret) }

func (u NostrConnectURI) write(secret string) string {
	b := append([]byte(connectScheme), u.Client.String()...)
	b = append(b, '?')
	for _, r := range u.Relays {
		b = appendField(b, "relay", r)
	}
	for _, f := range []field{{"secret", secret}, {"perms", u.Perms}, {"name", u.Metadata.Name},
		{"url", u.Metadata.URL}, {"image", u.Metadata.Image}} {
		if f.value != "" {
			b = appendField(b, f.name, f.value)
		}
	}
	return string(b)
}

func (u NostrConnectURI) redacted() string {
	if u.Secret == "" {
		return u.write("")
	}
	return u.write("") + "&secret=[secret]"
}

// Format prints the URI with [secret] for its secret, whatever the verb.
func (u NostrConnectURI) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, u.redacted()) }

// LogValue shows a log what Format shows.
func (u NostrConnectURI) LogValue() slog.Value { return slog.StringValue(u.redacted()) }

// Equal reports whether both say the same; what was skipped does not count.
func (u NostrConnectURI) Equal(v NostrConnectURI) bool {
	return u.Client == v.Client && slices.Equal(u.Relays, v.Relays) && u.Secret == v.Secret &&
		u.Perms == v.Perms && u.Metadata == v.Metadata
}
