package remote

import (
	"context"
	"fmt"
	"time"

	"nsecbunker/internal/adminwire"
	"nsecbunker/internal/bunker"
	"nsecbunker/internal/secret"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip44"
)

func (c *Client) conversation(peer nostr.PubKey) (*secret.Bytes, error) {
	key, err := c.cfg.Arena.New(32)
	if err != nil {
		return nil, err
	}
	use := key.Use(func(b []byte) { err = nip44.ConversationKey(c.page, peer, (*[32]byte)(b)) })
	if use != nil {
		err = use
	}
	if err != nil {
		key.Destroy()
		return nil, err
	}
	return key, nil
}

// event closes a message into a new event.
func (c *Client) event(key *secret.Bytes, kind nostr.Kind, plain []byte) (*nostr.Event, error) {
	var content string
	var err error
	if use := key.Use(func(b []byte) { content, err = nip44.Encrypt((*[32]byte)(b), plain) }); use != nil {
		return nil, use
	}
	if err != nil {
		return nil, err
	}
	ev := &nostr.Event{Kind: kind, CreatedAt: c.cfg.Now().Unix(), Tags: nostr.Tags{{"p", c.cfg.Target.Bunker.String()}}, Content: content}
	return ev, c.page.Sign(ev)
}

// roundTrip sends a message until it is answered. A relay may refuse kind 24134,
// or swallow it: what is not answered goes out in both kinds.
func roundTrip[T any](ctx context.Context, c *Client, key *secret.Bytes, plain []byte, got <-chan T, patience time.Duration) (v T, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	resend := time.NewTicker(adminwire.ResendAfter)
	defer resend.Stop()
	refused := make(chan error, 4)
	for try := 0; ; try++ {
		c.mu.Lock()
		kinds := []nostr.Kind{c.kind}
		c.mu.Unlock()
		if try > 0 && kinds[0] == adminwire.Kind {
			kinds = append(kinds, adminwire.KindOld)
		}
		for _, kind := range kinds {
			ev, err := c.event(key, kind, plain)
			if err != nil {
				return v, err
			}
			go func() {
				if err := c.pool.Publish(ctx, c.cfg.Target.Relays, ev); err != nil && ctx.Err() == nil {
					select {
					case refused <- err:
					default:
					}
				}
			}()
		}
	wait:
		for {
			select {
			case v := <-got:
				return v, nil
			case err := <-refused:
				c.note(err)
				if try == 0 {
					break wait // no relay took it: the other kind, at once
				}
			case <-resend.C:
				break wait
			case <-c.ended:
				return last(ctx, got)
			case <-ctx.Done():
				return v, c.silent(ctx)
			}
		}
	}
}

// endedGrace is how long an answer that is on its way may come after the notice that
// the session has ended.
const endedGrace = 300 * time.Millisecond

// last waits for the answer to what was under way when the session ended.
func last[T any](ctx context.Context, got <-chan T) (v T, err error) {
	grace := time.NewTimer(endedGrace)
	defer grace.Stop()
	select {
	case v := <-got:
		return v, nil
	case <-grace.C:
	case <-ctx.Done():
	}
	return v, bunker.Errorf(bunker.CodeRestricted, "the bunker ended this session; whether it did this is in its log").WithHint("log in again")
}

func (c *Client) note(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.trouble = err
}

// silent says why there is no answer.
func (c *Client) silent(ctx context.Context) error {
	if cause := context.Cause(ctx); cause != nil && ctx.Err() == context.Canceled {
		return cause
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.trouble != nil {
		return fmt.Errorf("%w: %w", ErrSilent, c.trouble)
	}
	return ErrSilent
}

// receive takes an event from any relay. Relays are not trusted: only what B or
// E_s signed, and what opens, counts.
func (c *Client) receive(ev *nostr.Event) {
	c.mu.Lock()
	fromB := ev.PubKey == c.cfg.Target.Bunker
	fromS := c.keyS != nil && ev.PubKey == c.ready.Session
	seen := c.seen[ev.ID]
	c.mu.Unlock()
	if seen || !fromB && !fromS || ev.Tags.Find("p").Value() != c.page.PubKey().String() || ev.Verify() != nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.seen[ev.ID] {
		return
	}
	if len(c.seen) >= maxSeen {
		clear(c.seen)
	}
	c.seen[ev.ID] = true
	if fromS {
		c.inSession(ev)
		return
	}
	c.inHandshake(ev)
}

// inHandshake reads M2 and M4. c.mu is held.
func (c *Client) inHandshake(ev *nostr.Event) {
	if plain, err := open(c.keyB, ev.Content); err == nil {
		if m, err := adminwire.ParseChallenge(plain); err == nil && m.NC == c.hs.NC {
			c.kind = ev.Kind
			offer(c.challenge, m)
		}
		return
	}
	if c.keyE == nil {
		return
	}
	if plain, err := open(c.keyE, ev.Content); err == nil {
		if m, err := adminwire.ParseReady(plain); err == nil {
			offer(c.readies, m)
		}
	}
}

// offer puts a value into a channel that has room for one, or leaves it.
func offer[T any](ch chan T, v T) {
	select {
	case ch <- v:
	default:
	}
}

func open(key *secret.Bytes, content string) (plain []byte, err error) {
	if use := key.Use(func(b []byte) { plain, _, err = nip44.Decrypt((*[32]byte)(b), content) }); use != nil {
		return nil, use
	}
	return plain, err
}

// inSession reads answers and notices. c.mu is held.
func (c *Client) inSession(ev *nostr.Event) {
	plain, err := open(c.keyS, ev.Content)
	if err != nil {
		return
	}
	m, err := adminwire.ParseMessage(plain)
	if err != nil {
		secret.Wipe(plain)
		return
	}
	c.kind = ev.Kind
	if m.Notice != nil {
		c.hear(m.Notice)
		return
	}
	select {
	case c.calls[m.Re] <- answer{m, plain}: // never for an unknown number: a nil channel
	default:
		secret.Wipe(plain)
	}
}

// hear takes a notice. c.mu is held.
func (c *Client) hear(n *adminwire.Notice) {
	c.ack = max(c.ack, n.N)
	switch n.Type {
	case "confirmed":
		c.confirmed = true
	case "ended":
		c.over.Do(func() { close(c.ended) })
	}
	for {
		select {
		case c.notices <- *n:
			return
		default:
		}
		select {
		case <-c.notices: // the oldest
		default:
		}
	}
}
