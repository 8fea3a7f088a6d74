package nip46

import (
	"errors"
	"strings"

	"nsecbunker/internal/secret"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip04"
	"nsecbunker/nostr/nip44"
)

// IsNIP04 reports whether an envelope's content is in NIP-04's form, which no
// NIP-44 payload can have: base64 has no question mark.
func IsNIP04(content string) bool { return strings.Contains(content, "?iv=") }

// seal closes a request into an event to the bunker, signed now.
func (c *Client) seal(s Session, message []byte) (*nostr.Event, error) {
	var key [32]byte
	defer secret.Wipe(key[:])
	var content string
	var err error
	if c.cfg.Envelope == EnvelopeNIP04 {
		if err = nip04.SharedKey(s.key, s.Remote, &key); err == nil {
			content, err = nip04.Encrypt(&key, message)
		}
	} else {
		if err = nip44.ConversationKey(s.key, s.Remote, &key); err == nil {
			content, err = nip44.EncryptExtended(&key, message)
		}
	}
	if err != nil {
		return nil, err
	}
	e := &nostr.Event{
		Kind:      Kind,
		CreatedAt: c.cfg.Now().Unix(),
		Tags:      nostr.Tags{{"p", s.Remote.String()}},
		Content:   content,
	}
	return e, s.key.Sign(e)
}

var errEnvelope = errors.New("the envelope is too large")

// open opens an event to this client, in either form.
func (c *Client) open(e *nostr.Event) ([]byte, error) {
	if len(e.Content) > nip44.MaxPayload {
		return nil, errEnvelope
	}
	c.mu.Lock()
	mine := c.session.key
	c.mu.Unlock()
	var key [32]byte
	defer secret.Wipe(key[:])
	if IsNIP04(e.Content) {
		if err := nip04.SharedKey(mine, e.PubKey, &key); err != nil {
			return nil, err
		}
		return nip04.Decrypt(&key, e.Content)
	}
	if err := nip44.ConversationKey(mine, e.PubKey, &key); err != nil {
		return nil, err
	}
	text, _, err := nip44.Decrypt(&key, e.Content)
	return text, err
}
