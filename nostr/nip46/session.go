package nip46

import (
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"nsecbunker/internal/secret"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip42"
	"nsecbunker/nostr/nip46/internal/jsonscan"
)

// MaxSession is the size in bytes of the longest encoded session.
const MaxSession = 32 << 10

// Session is what a client must remember between two runs: its own key, whom it
// talks to, for whom, and where. Its key opens the user's account as far as the
// bunker lets it; it prints as [secret].
type Session struct {
	key    *nostr.SecretKey
	Remote nostr.PubKey // the bunker's signer key; zero until connected
	User   nostr.PubKey // the key that signs; zero until it was asked for
	Relays []string     // normalised
}

// NewSession returns a session with a new random client key.
func NewSession(a *secret.Arena) (Session, error) {
	key, err := nostr.GenerateKey(a)
	if err != nil {
		return Session{}, fmt.Errorf("making a client key: %w", err)
	}
	return Session{key: key}, nil
}

// Client returns the client's public key, zero for the zero Session.
func (s Session) Client() nostr.PubKey {
	if s.key == nil {
		return nostr.PubKey{}
	}
	return s.key.PubKey()
}

// String names the session by its public keys.
func (s Session) String() string {
	return "client " + s.Client().String() + " at bunker " + s.Remote.String()
}

// Connected reports whether there is a bunker to talk to.
func (s Session) Connected() bool { return !s.Remote.IsZero() && len(s.Relays) > 0 }

// Auth returns the signed event that proves the client's key to a relay
// (NIP-42). It is the only kind of event, beside requests, that the key signs.
func (s Session) Auth(relay, challenge string, now time.Time) (*nostr.Event, error) {
	if s.key == nil {
		return nil, errNoKey
	}
	e, err := nip42.Event(relay, challenge, now)
	if err != nil {
		return nil, err
	}
	return e, s.key.Sign(e)
}

// Destroy wipes the client key, as NIP-46 wants it after a logout.
func (s Session) Destroy() {
	if s.key != nil {
		s.key.Destroy()
	}
}

var errNoKey = errors.New("the session has no client key; make it with NewSession or ParseSession")

// Encode returns the session as JSON, the client key in it: write it to a file
// that only its owner can read (0600) and wipe it.
//
//	{"client_key":"<hex>","remote":"<hex>","user":"<hex>","relays":[…]}
func (s Session) Encode() ([]byte, error) {
	if s.key == nil {
		return nil, errNoKey
	}
	size := 512 // as large as it will get: growing would leave a copy of the key behind
	for _, r := range s.Relays {
		size += 6*len(r) + 3
	}
	b := append(make([]byte, 0, size), `{"client_key":"`...)
	if err := s.key.Use(func(raw []byte) { b = hex.AppendEncode(b, raw) }); err != nil {
		return nil, fmt.Errorf("writing the session: %w", err)
	}
	b = append(append(b, `","remote":"`...), hexOrNone(s.Remote)...)
	b = append(append(b, `","user":"`...), hexOrNone(s.User)...)
	b = append(b, `","relays":[`...)
	for i, r := range s.Relays {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, r)
	}
	return append(b, "]}\n"...), nil
}

func hexOrNone(key nostr.PubKey) string {
	if key.IsZero() {
		return ""
	}
	return key.String()
}

// ParseSession reads what Encode wrote and wipes b, also when it fails.
func ParseSession(a *secret.Arena, b []byte) (Session, error) {
	defer secret.Wipe(b)
	if len(b) > MaxSession {
		return Session{}, fmt.Errorf("reading the session: it is longer than %d bytes", MaxSession)
	}
	var s Session
	scan, err := jsonscan.New(b)
	if err == nil {
		err = scan.Object(func(key string) error { return s.field(a, scan, key) })
	}
	if err == nil {
		err = scan.End()
	}
	if err == nil && s.key == nil {
		err = errNoKey
	}
	if err != nil {
		s.Destroy()
		return Session{}, fmt.Errorf("reading the session: %w", err)
	}
	return s, nil
}

func (s *Session) field(a *secret.Arena, scan *jsonscan.Scanner, key string) (err error) {
	switch key {
	case "client_key":
		text, err := scan.Bytes()
		if err != nil {
			return err
		}
		var raw [32]byte
		defer secret.Wipe(raw[:])
		if len(text) != 64 {
			return errors.New("the client key is damaged")
		}
		if _, err := hex.Decode(raw[:], text); err != nil {
			return errors.New("the client key is damaged") // err would repeat a digit of it
		}
		s.key, err = nostr.NewSecretKey(a, raw[:])
		return err
	case "remote":
		s.Remote, err = parseKeyOrNone(scan)
	case "user":
		s.User, err = parseKeyOrNone(scan)
	case "relays":
		return scan.Array(func(n int) error {
			text, err := scan.String()
			if err != nil {
				return err
			}
			relay, err := NormalizeRelayURL(text)
			if err != nil || n >= MaxRelays {
				return errors.New("the list of relays is damaged")
			}
			s.Relays = append(s.Relays, relay)
			return nil
		})
	default:
		return scan.Skip()
	}
	return err
}

func parseKeyOrNone(scan *jsonscan.Scanner) (nostr.PubKey, error) {
	text, err := scan.String()
	if err != nil || text == "" {
		return nostr.PubKey{}, err
	}
	key, err := nostr.ParsePubKey(text)
	if err == nil && !key.Valid() {
		err = nostr.ErrPubKey
	}
	return key, err
}
