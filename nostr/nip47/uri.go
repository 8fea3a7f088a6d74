// Package nip47 is the receiving half of a NIP-47 client (Nostr Wallet Connect):
// it asks a wallet service for invoices, looks them up, and hears of payments. It
// cannot pay: it has no function that asks for a payment.
package nip47

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"time"

	"nsecbunker/internal/secret"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip42"
	"nsecbunker/nostr/nip46"
)

// Scheme begins a connection string.
const Scheme = "nostr+walletconnect://"

const (
	// MaxURI is the longest connection string in bytes.
	MaxURI = 4096
	// MaxRelays is how many relays one may name.
	MaxRelays = 8
)

// What can be wrong with a connection string. No error repeats any part of it:
// it holds a secret.
var (
	ErrScheme  = errors.New("a wallet connection begins with " + Scheme)
	ErrLong    = fmt.Errorf("a wallet connection is at most %d bytes long", MaxURI)
	ErrService = errors.New("a wallet connection names the wallet's public key as 64 digits of hex after the scheme")
	ErrSecret  = errors.New("a wallet connection has one secret of 64 digits of hex: secret=…")
	ErrRelay   = fmt.Errorf("a wallet connection names 1 to %d relays: relay=wss%%3A%%2F%%2F…", MaxRelays)
	ErrQuery   = errors.New("a part of the wallet connection is escaped wrongly; copy it again")
)

// Connection is how to reach a wallet service. Its key lets the holder do what
// the service permits; it prints as [secret].
type Connection struct {
	Service nostr.PubKey
	Relays  []string // normalised
	key     *nostr.SecretKey
}

// ParseURI reads a connection string (NIP-47, Nostr Wallet Connect URI) and keeps
// its secret in the arena. The caller wipes b. Parameters that are not known are
// passed over.
func ParseURI(a *secret.Arena, b []byte) (*Connection, error) {
	if len(b) > MaxURI {
		return nil, ErrLong
	}
	rest, ok := bytes.CutPrefix(b, []byte(Scheme))
	if !ok {
		return nil, ErrScheme
	}
	host, query, _ := bytes.Cut(rest, []byte("?"))
	service, err := nostr.ParsePubKey(string(bytes.TrimSuffix(host, []byte("/"))))
	if err != nil || !service.Valid() {
		return nil, ErrService
	}
	c := &Connection{Service: service}
	var raw []byte
	for part := range bytes.SplitSeq(query, []byte("&")) {
		name, value, _ := bytes.Cut(part, []byte("="))
		switch string(name) {
		case "relay":
			err = c.relay(value)
		case "secret":
			if raw != nil || len(value) != 64 {
				err = ErrSecret
				break
			}
			raw = make([]byte, 32)
			if _, e := hex.Decode(raw, value); e != nil {
				err = ErrSecret
			}
		}
		if err != nil {
			secret.Wipe(raw)
			return nil, err
		}
	}
	if raw == nil {
		return nil, ErrSecret
	}
	if len(c.Relays) == 0 {
		secret.Wipe(raw)
		return nil, ErrRelay
	}
	if c.key, err = nostr.NewSecretKey(a, raw); errors.Is(err, nostr.ErrSecretKey) {
		return nil, ErrSecret
	}
	if err != nil {
		return nil, err
	}
	return c, nil
}

func (c *Connection) relay(value []byte) error {
	text, err := url.QueryUnescape(string(value))
	if err != nil {
		return ErrQuery
	}
	relay, err := nip46.NormalizeRelayURL(text)
	if err != nil || len(c.Relays) == MaxRelays {
		return ErrRelay
	}
	c.Relays = append(c.Relays, relay)
	return nil
}

// Client is the public key of the secret: who the wallet service knows.
func (c *Connection) Client() nostr.PubKey { return c.key.PubKey() }

// Auth proves the client's key to a relay (NIP-42).
func (c *Connection) Auth(relay, challenge string, now time.Time) (*nostr.Event, error) {
	e, err := nip42.Event(relay, challenge, now)
	if err != nil {
		return nil, err
	}
	return e, c.key.Sign(e)
}

// Destroy wipes the secret.
func (c *Connection) Destroy() { c.key.Destroy() }

// String names the connection by its public keys.
func (c *Connection) String() string {
	return "client " + c.Client().String() + " at wallet " + c.Service.String()
}

// GoString is String: the key is not printed.
func (c *Connection) GoString() string { return c.String() }
