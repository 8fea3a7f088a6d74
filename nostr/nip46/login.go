package nip46

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"

	"nsecbunker/nostr"
)

// invitation is a nostrconnect:// URI that waits to be answered.
type invitation struct {
	secret   string
	answered chan struct{} // closed when the bunker is known
}

// Connect logs in with a bunker:// URI (NIP-46, Direct connection initiated by
// remote-signer): connect, get_public_key, switch_relays. It returns the user's
// key. perms is what the client wishes for, and may be nil. When it fails, the
// session is as it was.
func (c *Client) Connect(ctx context.Context, u BunkerURI, perms []Permission) (nostr.PubKey, error) {
	before := c.Session()
	c.mu.Lock()
	c.session.Remote, c.session.Relays, c.session.User = u.Remote, u.Relays, nostr.PubKey{}
	c.invite = nil
	c.mu.Unlock()
	p := ConnectParams{Remote: u.Remote.String(), Secret: u.Secret, Perms: FormatPermissions(perms), Metadata: c.cfg.Metadata}
	result, err := c.call(ctx, p.Request(""))
	if err == nil && result != "ack" && (u.Secret == "" || subtle.ConstantTimeCompare([]byte(result), []byte(u.Secret)) != 1) {
		err = &AnswerError{Connect, `it is neither "ack" nor the secret`}
	}
	var user nostr.PubKey
	if err == nil {
		user, err = c.settle(ctx)
	}
	if err != nil {
		c.mu.Lock()
		c.session = before
		c.mu.Unlock()
		return nostr.PubKey{}, err
	}
	return user, nil
}

// settle is what follows a connection of either kind. A bunker may not know
// switch_relays, so its answer decides nothing.
func (c *Client) settle(ctx context.Context) (nostr.PubKey, error) {
	user, err := c.GetPublicKey(ctx)
	if err != nil {
		return nostr.PubKey{}, err
	}
	short, cancel := context.WithTimeout(ctx, OldBunkerPatience)
	defer cancel()
	_, _ = c.SwitchRelays(short)
	return user, nil
}

// Invite makes a nostrconnect:// URI and listens for its answer on the relays
// given (NIP-46, Direct connection initiated by the client). Show the URI only
// after Invite has returned, and then Await. An earlier invitation or connection
// of this client ends.
func (c *Client) Invite(ctx context.Context, relays []string, perms []Permission) (NostrConnectURI, error) {
	list, err := normalizeRelays(relays)
	if err != nil {
		return NostrConnectURI{}, fmt.Errorf("making a nostrconnect:// link: %w", err)
	}
	u := NostrConnectURI{
		Client: c.Session().Client(), Relays: list, Secret: rand.Text(),
		Perms: FormatPermissions(perms), Metadata: c.cfg.Metadata.clipped(),
	}
	if err := c.listen(ctx, list); err != nil {
		return NostrConnectURI{}, fmt.Errorf("listening for the answer to a nostrconnect:// link: %w", err)
	}
	c.mu.Lock()
	c.session.Remote, c.session.User, c.session.Relays = nostr.PubKey{}, nostr.PubKey{}, list
	c.invite = &invitation{u.Secret, make(chan struct{})}
	c.mu.Unlock()
	return u, nil
}

// Await waits for a bunker to answer the invitation with its secret, whoever
// else answers, and returns the user's key.
func (c *Client) Await(ctx context.Context) (nostr.PubKey, error) {
	c.mu.Lock()
	i := c.invite
	answered := !c.session.Remote.IsZero() // between Invite and now
	c.mu.Unlock()
	if i == nil && !answered {
		return nostr.PubKey{}, errors.New("there is no invitation to wait for; make one with Invite")
	}
	if i != nil {
		select {
		case <-i.answered:
		case <-ctx.Done():
			return nostr.PubKey{}, fmt.Errorf("no bunker answered the nostrconnect:// link: %w", context.Cause(ctx))
		}
	}
	return c.settle(ctx)
}

// Logout tells the bunker that the session is over (NIP-46, Ending a session).
// Whatever it answers, the client is not connected any more afterwards; the
// caller deletes what it stored and destroys the key.
func (c *Client) Logout(ctx context.Context) error {
	result, err := c.call(ctx, Request{Method: Logout})
	c.mu.Lock()
	c.session.Remote, c.session.User = nostr.PubKey{}, nostr.PubKey{}
	c.mu.Unlock()
	if err == nil && result != "ack" {
		err = &AnswerError{Logout, `it is not "ack"`}
	}
	return err
}

// SwitchRelays asks for the bunker's relays and moves to them (NIP-46,
// Switching relays); changed is false when there is nothing to change. When none
// of the new ones can be reached, the client stays where it is and fails.
func (c *Client) SwitchRelays(ctx context.Context) (changed bool, err error) {
	result, err := c.call(ctx, Request{Method: SwitchRelays})
	if err != nil {
		return false, err
	}
	relays, err := parseRelayList(result)
	if err != nil || len(relays) == 0 {
		return false, err
	}
	if err := c.listen(ctx, relays); err != nil {
		return false, fmt.Errorf("moving to the bunker's relays: %w", err)
	}
	c.mu.Lock()
	c.session.Relays = relays
	c.mu.Unlock()
	return true, nil
}
