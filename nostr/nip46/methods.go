package nip46

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"nsecbunker/nostr"
	"nsecbunker/nostr/nip46/internal/jsonscan"
)

// GetPublicKey returns the user's key. A bunker that once named a key and now
// names another is not believed.
func (c *Client) GetPublicKey(ctx context.Context) (nostr.PubKey, error) {
	result, err := c.call(ctx, Request{Method: GetPublicKey})
	if err != nil {
		return nostr.PubKey{}, err
	}
	key, err := nostr.ParsePubKey(result)
	if err != nil || !key.Valid() {
		return nostr.PubKey{}, &AnswerError{GetPublicKey, "it is no public key in hex"}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if had := c.session.User; !had.IsZero() && had != key {
		return nostr.PubKey{}, &AnswerError{GetPublicKey, "the user was " + had.String() + " before and is " + key.String() + " now; connect anew if that is right"}
	}
	c.session.User = key
	return key, nil
}

// Ping returns nil when the bunker is there.
func (c *Client) Ping(ctx context.Context) error {
	result, err := c.call(ctx, Request{Method: Ping})
	if err == nil && result != "pong" {
		err = &AnswerError{Ping, `it is not "pong"`}
	}
	return err
}

// SignEvent has the template signed by the user's key and returns the event
// after checking that nothing in it was changed and that its id and signature
// are right. The template's pubkey, if it has one, must be the user's.
//
// Errors: *RemoteError, *NoAnswerError, *TamperedError, *AnswerError.
func (c *Client) SignEvent(ctx context.Context, t *nostr.Template) (*nostr.Event, error) {
	user := c.Session().User
	if user.IsZero() {
		key, err := c.GetPublicKey(ctx)
		if err != nil {
			return nil, err
		}
		user = key
	}
	if t.HasPubKey && t.PubKey != user {
		return nil, errors.New("the event names another author than the key behind this bunker")
	}
	result, err := c.call(ctx, Request{Method: SignEvent, Params: []string{string(t.AppendJSON(nil))}})
	if err != nil {
		return nil, err
	}
	e, err := nostr.ParseEvent([]byte(result))
	if err != nil {
		return nil, &AnswerError{SignEvent, err.Error()}
	}
	if field := difference(t, user, e); field != "" {
		return nil, &TamperedError{field}
	}
	if err := e.Verify(); err != nil {
		return nil, &AnswerError{SignEvent, err.Error()}
	}
	return e, nil
}

// difference names the first field in which the event is not the template of
// that user.
func difference(t *nostr.Template, user nostr.PubKey, e *nostr.Event) string {
	switch {
	case e.PubKey != user:
		return "pubkey"
	case e.Kind != t.Kind:
		return "kind"
	case e.CreatedAt != t.CreatedAt:
		return "created_at"
	case e.Content != t.Content:
		return "content"
	case !slices.EqualFunc(e.Tags, t.Tags, func(a, b nostr.Tag) bool { return slices.Equal(a, b) }):
		return "tags"
	}
	return ""
}

// NIP04Encrypt encrypts text from the user to peer in NIP-04's form.
func (c *Client) NIP04Encrypt(ctx context.Context, peer nostr.PubKey, text string) (string, error) {
	return c.withPeer(ctx, NIP04Encrypt, peer, text)
}

// NIP04Decrypt decrypts NIP-04 ciphertext between the user and peer.
func (c *Client) NIP04Decrypt(ctx context.Context, peer nostr.PubKey, ciphertext string) (string, error) {
	return c.withPeer(ctx, NIP04Decrypt, peer, ciphertext)
}

// NIP44Encrypt encrypts text from the user to peer as a NIP-44 payload.
func (c *Client) NIP44Encrypt(ctx context.Context, peer nostr.PubKey, text string) (string, error) {
	return c.withPeer(ctx, NIP44Encrypt, peer, text)
}

// NIP44Decrypt decrypts a NIP-44 payload between the user and peer.
func (c *Client) NIP44Decrypt(ctx context.Context, peer nostr.PubKey, payload string) (string, error) {
	return c.withPeer(ctx, NIP44Decrypt, peer, payload)
}

func (c *Client) withPeer(ctx context.Context, m Method, peer nostr.PubKey, text string) (string, error) {
	return c.call(ctx, Request{Method: m, Params: []string{peer.String(), text}})
}

// parseRelayList reads the result of switch_relays: "null" or "" for nothing to
// change, else a JSON array of addresses, of which the usable ones are taken.
func parseRelayList(result string) ([]string, error) {
	if result == "" || result == "null" {
		return nil, nil
	}
	s, err := jsonscan.New([]byte(result))
	if err != nil {
		return nil, &AnswerError{SwitchRelays, err.Error()}
	}
	var list []string
	err = s.Array(func(int) error {
		text, err := s.String()
		if err != nil {
			return err
		}
		if relay, err := NormalizeRelayURL(text); err == nil && len(list) < MaxRelays {
			list = appendNew(list, relay)
		}
		return nil
	})
	if err == nil {
		err = s.End()
	}
	if err != nil {
		return nil, &AnswerError{SwitchRelays, fmt.Sprintf("it is no list of relays: %v", err)}
	}
	if len(list) == 0 {
		return nil, &AnswerError{SwitchRelays, "it names no relay that can be used"}
	}
	return list, nil
}
