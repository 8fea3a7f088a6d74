// Package nip98 is HTTP authentication by a signed event (NIP-98): one request, one
// event of kind 27235 that names its address, its method and the hash of its body.
package nip98

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strings"
	"time"

	"nsecbunker/nostr"
)

const (
	// Kind is that of an authorization.
	Kind nostr.Kind = 27235
	// MaxAge is how far created_at may be from now (NIP-98: about 60 seconds).
	MaxAge = 60 * time.Second
	// MaxHeader is the longest header that is read, in bytes.
	MaxHeader = 8 << 10
	// Scheme begins the header.
	Scheme = "Nostr"
)

// ErrHeader reports a header that holds no event.
var ErrHeader = errors.New(`the Authorization header is not "Nostr" with an event of kind 27235 in base64`)

// Template is the event that authorizes one request with this body.
func Template(method, url string, body []byte, now time.Time) *nostr.Template {
	return &nostr.Template{
		Kind: Kind, CreatedAt: now.Unix(),
		Tags: nostr.Tags{{"u", url}, {"method", method}, {"payload", hash(body)}},
	}
}

// Header is the value of Authorization.
func Header(ev *nostr.Event) string {
	return Scheme + " " + base64.StdEncoding.EncodeToString(ev.AppendJSON(nil))
}

// Parse reads a header. The event is unchecked: see Check.
func Parse(header string) (*nostr.Event, error) {
	scheme, text, ok := strings.Cut(header, " ")
	if !ok || !strings.EqualFold(scheme, Scheme) || len(header) > MaxHeader {
		return nil, ErrHeader
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(strings.TrimSpace(text))
	if err != nil {
		return nil, ErrHeader
	}
	ev, err := nostr.ParseEvent(raw)
	if err != nil || ev.Kind != Kind {
		return nil, ErrHeader
	}
	return ev, nil
}

// Check holds an event against the request that it came with: exactly one u, method and
// payload, the payload also where the body is empty; within MaxAge; signed. urls are
// the addresses that the request may have been made to. What is good once is for the
// caller to remember.
func Check(ev *nostr.Event, method string, urls []string, body []byte, now time.Time) error {
	if err := CheckHead(ev, method, urls, now); err != nil {
		return err
	}
	return CheckBody(ev, body)
}

// CheckHead is what of Check needs no body: a server that waits for one knows then who
// it waits for.
func CheckHead(ev *nostr.Event, method string, urls []string, now time.Time) error {
	switch away := now.Sub(time.Unix(ev.CreatedAt, 0)); {
	case ev.Kind != Kind:
		return ErrHeader
	case away > MaxAge || away < -MaxAge:
		return errors.New("created_at is more than 60 seconds from now; check the clock")
	}
	if err := checkTag(ev, "u", "u is not the address of this request", func(v string) bool { return contains(urls, v) }); err != nil {
		return err
	}
	if err := checkTag(ev, "method", "method is not the one of this request", func(v string) bool { return v == method }); err != nil {
		return err
	}
	return ev.Verify()
}

// CheckBody is the rest of Check.
func CheckBody(ev *nostr.Event, body []byte) error {
	return checkTag(ev, "payload", "payload is not the SHA-256 of the body in lower-case hexadecimal", func(v string) bool { return v == hash(body) })
}

// checkTag wants exactly one tag of that name, with a value that fits; why is said of
// another value.
func checkTag(ev *nostr.Event, name, why string, fits func(v string) bool) error {
	if ev.Tags.Count(name) != 1 {
		return errors.New("exactly one tag " + name + " belongs into it")
	}
	if !fits(ev.Tags.Find(name).Value()) {
		return errors.New(why)
	}
	return nil
}

func contains(list []string, s string) bool {
	for _, have := range list {
		if have == s {
			return true
		}
	}
	return false
}

func hash(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}
