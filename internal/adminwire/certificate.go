package adminwire

import (
	"crypto/sha256"
	"errors"
	"strconv"
	"strings"

	"nsecbunker/nostr"
)

// The words of a certificate: what somebody reads who is asked to sign it.
const (
	certificateStart  = "Log in to nsecBunker "
	certificateMiddle = " as administrator, from "
	certificateEnd    = ". Never sign this for any other page."
	commandStart      = "Command to nsecBunker "
	commandEnd        = ". Never sign this for any other page."
)

// Certificate is the template that A signs to log in: the only thing that a
// browser's extension signs, and never published. origin is the page's, or what
// names the program.
func Certificate(s *Handshake, origin string, now int64) *nostr.Template {
	return &nostr.Template{
		Kind: Kind, CreatedAt: now,
		Tags: nostr.Tags{
			{"p", s.Bunker.String()}, {"session", s.Client.String()}, {"challenge", s.H().String()}, {"origin", origin},
		},
		Content: certificateStart + s.Bunker.String()[:8] + certificateMiddle + origin + certificateEnd,
	}
}

// IsCertificate reports whether a template has the form of a certificate, for
// whatever bunker: the tags p, session, challenge (32 bytes in lower-case hex
// each) and origin, in this order and no others, and the words that fit them.
func IsCertificate(kind nostr.Kind, tags nostr.Tags, content string) bool {
	names := [...]string{"p", "session", "challenge", "origin"}
	if kind != Kind || len(tags) != len(names) {
		return false
	}
	for i, tag := range tags {
		if len(tag) != 2 || tag[0] != names[i] || i < 3 && (len(tag[1]) != 64 || !lowerHex([]byte(tag[1]))) {
			return false
		}
	}
	origin := tags[3][1]
	return origin != "" && len(origin) <= MaxOrigin && content == certificateStart+tags[0][1][:8]+certificateMiddle+origin+certificateEnd
}

var errCertificate = errors.New("the certificate is not the one of this login")

// CheckCertificate returns who signed the certificate of a handshake. created_at
// is ignored: a wrong clock does no harm, as h is bound to this session alone.
func CheckCertificate(s *Handshake, cert *nostr.Event) (nostr.PubKey, error) {
	if !IsCertificate(cert.Kind, cert.Tags, cert.Content) || cert.Tags[0][1] != s.Bunker.String() ||
		cert.Tags[1][1] != s.Client.String() || cert.Tags[2][1] != s.H().String() {
		return nostr.PubKey{}, errCertificate
	}
	if err := cert.Verify(); err != nil {
		return nostr.PubKey{}, err
	}
	return cert.PubKey, nil
}

// Signed is what A signs for a dangerous command: it is good for this command
// with these parameters in this session, once.
type Signed struct {
	Bunker  nostr.PubKey
	Session nostr.PubKey // E_c
	H2      Hash
	N       int64
	Op      string
	Name    string
	Params  []byte // JSON, any spelling
}

// hash is SHA-256 over label, h2, n in decimal, op, name and the canonical
// parameters.
func (c *Signed) hash() (Hash, error) {
	params, err := Canonical(c.Params)
	if err != nil {
		return Hash{}, err
	}
	defer clear(params)
	all := joined([]byte(labelCommand), c.H2[:], []byte(strconv.FormatInt(c.N, 10)), []byte(c.Op), []byte(c.Name), params)
	defer clear(all)
	return sha256.Sum256(all), nil
}

// Template is the event to be signed. Its words name the command, not the
// parameters: they can be secret.
func (c *Signed) Template(now int64) (*nostr.Template, error) {
	h, err := c.hash()
	if err != nil {
		return nil, err
	}
	return &nostr.Template{
		Kind: Kind, CreatedAt: now,
		Tags:    nostr.Tags{{"p", c.Bunker.String()}, {"session", c.Session.String()}, {"command", h.String()}},
		Content: commandStart + c.Bunker.String()[:8] + ": " + c.Name + commandEnd,
	}, nil
}

// Check reports whether the event is by and the signature over this command.
func (c *Signed) Check(by nostr.PubKey, ev *nostr.Event) bool {
	want, err := c.Template(0)
	if err != nil || ev.PubKey != by || ev.Kind != want.Kind || ev.Content != want.Content || len(ev.Tags) != len(want.Tags) {
		return false
	}
	for i, tag := range ev.Tags {
		if len(tag) != 2 || tag[0] != want.Tags[i][0] || tag[1] != want.Tags[i][1] {
			return false
		}
	}
	return ev.Verify() == nil
}

// CommandOf names the command of a signed event, for showing; "" when it is
// none.
func CommandOf(content string) string {
	s, ok := strings.CutPrefix(content, commandStart)
	s, ok2 := strings.CutSuffix(s, commandEnd)
	_, name, ok3 := strings.Cut(s, ": ")
	if !ok || !ok2 || !ok3 {
		return ""
	}
	return name
}
