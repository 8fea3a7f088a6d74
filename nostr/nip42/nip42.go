// Package nip42 makes and checks the events with which a client proves its key
// to a relay (NIP-42).
package nip42

import (
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"nsecbunker/nostr"
)

// Kind is the kind of an authentication event. It is never published.
const Kind nostr.Kind = 22242

const (
	// MaxAge is how far created_at may be from now, in either direction (NIP-42,
	// Signed Event Verification: about ten minutes).
	MaxAge = 10 * time.Minute
	// MaxChallenge is the size in bytes of the longest challenge that is answered.
	MaxChallenge = 1024
)

// The prefixes of OK and CLOSED messages that NIP-42 defines.
const (
	AuthRequired = "auth-required: "
	Restricted   = "restricted: "
)

// Why an authentication event was refused. The words are for the client.
var (
	ErrKind      = errors.New("this is not an authentication event: its kind must be 22242")
	ErrTime      = errors.New("created_at is more than ten minutes from now; is the clock right?")
	ErrChallenge = errors.New("the challenge is not the one that was sent")
	ErrRelay     = errors.New("the relay tag names another relay")
)

// NewChallenge returns a random challenge of 26 letters and digits (130 bits).
func NewChallenge() string { return rand.Text() }

// Event returns the event, not yet signed, that answers a relay's challenge.
// relay is the address that the client connected to.
func Event(relay, challenge string, now time.Time) (*nostr.Event, error) {
	if challenge == "" || len(challenge) > MaxChallenge {
		return nil, fmt.Errorf("the relay's challenge must have 1 to %d bytes, and has %d", MaxChallenge, len(challenge))
	}
	return &nostr.Event{
		Kind:      Kind,
		CreatedAt: now.Unix(),
		Tags:      nostr.Tags{{"relay", relay}, {"challenge", challenge}},
	}, nil
}

// Check verifies a client's answer to challenge, as the relay that is reached at
// any of the addresses ours (ws:// or wss://). The event's key is proven when it
// returns nil. It wants exactly one relay and one challenge tag; of the relay it
// compares host and port, since paths are spelt in many ways and a key proven to
// another port is proven to somebody else.
//
// Errors: ErrKind, ErrTime, ErrChallenge, ErrRelay, nostr.ErrID, nostr.ErrSig.
func Check(e *nostr.Event, challenge string, now time.Time, ours ...string) error {
	if e.Kind != Kind {
		return ErrKind
	}
	if age := now.Sub(time.Unix(e.CreatedAt, 0)); age > MaxAge || age < -MaxAge {
		return ErrTime
	}
	given := e.Tags.Find("challenge").Value()
	if challenge == "" || e.Tags.Count("challenge") != 1 || subtle.ConstantTimeCompare([]byte(given), []byte(challenge)) != 1 {
		return ErrChallenge
	}
	if e.Tags.Count("relay") != 1 || !names(e.Tags.Find("relay").Value(), ours) {
		return ErrRelay
	}
	return e.Verify()
}

func names(relay string, ours []string) bool {
	got, ok := hostOf(relay)
	if !ok {
		return false
	}
	for _, o := range ours {
		if want, ok := hostOf(o); ok && want == got {
			return true
		}
	}
	return false
}

// hostOf returns the host in lower case with its port. A port that is the
// scheme's own is left out, so that a relay behind a proxy that ends TLS is one
// host for ws:// and wss://.
func hostOf(relay string) (string, bool) {
	u, err := url.Parse(strings.TrimSpace(relay))
	if err != nil || u.Scheme != "ws" && u.Scheme != "wss" || u.User != nil {
		return "", false
	}
	host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	port := u.Port()
	if port == "" || u.Scheme == "ws" && port == "80" || u.Scheme == "wss" && port == "443" {
		return host, host != ""
	}
	return host + ":" + port, host != ""
}
