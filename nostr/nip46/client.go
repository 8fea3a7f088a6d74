package nip46

import (
	"context"
	"crypto/subtle"
	"errors"
	"slices"
	"sync"
	"time"

	"nsecbunker/nostr"
)

const (
	// ResendAfter is how long a Client waits for an answer before it sends the
	// same event again.
	ResendAfter = 5 * time.Second
	// MaxEnvelopeAge is how old a request's event may get before the next time it
	// is sent in a new one: bunkers refuse old events.
	MaxEnvelopeAge = 5 * time.Minute
	// SinceBack is how far back a Client's subscription reaches, so that a bunker
	// whose clock is behind is heard (interop.md 10).
	SinceBack = 10 * time.Minute
	// OldBunkerPatience is how long a Client waits, while it connects, for the
	// answer to switch_relays: bunkers from before 2026 do not know the method,
	// and some say nothing to that.
	OldBunkerPatience = 10 * time.Second

	maxSeen    = 4096 // event ids remembered, to pass each on once
	maxReplies = 8    // replies waiting to be read by one call
)

// Envelope is the encryption of the messages themselves.
type Envelope int

// NIP-44 is today's; bunkers from before 2025 may speak only NIP-04. Answers are
// read in either.
const (
	EnvelopeNIP44 Envelope = iota
	EnvelopeNIP04
)

// Config is what a Client needs. Transport and Now are required.
type Config struct {
	Transport Transport
	Now       func() time.Time // a right clock: bunkers refuse old and future requests
	Metadata  ClientMetadata   // what the app says of itself in connect; may be empty
	Envelope  Envelope

	// OnAuthURL shows the person a page that the bunker asks them to visit (an
	// http or https address, otherwise a stranger's text); the call goes on
	// waiting. nil: such a call fails with the address in its error. It is called
	// once per address and call, from the calling goroutine.
	OnAuthURL func(page string)

	Resend time.Duration // 0 means ResendAfter
}

// Client is the client's side of NIP-46, a model citizen of it: it listens
// before it sends; sends the same event again while there is no answer; takes
// answers only from its bunker, with a good signature, once; checks that what
// was signed is what was to be signed. Its methods may be called concurrently
// and return when there is an answer or when ctx ends.
type Client struct {
	cfg Config

	mu      sync.Mutex
	session Session
	calls   map[string]chan Reply // by request id
	invite  *invitation           // while a nostrconnect:// URI is open
	seen    seenSet
	stop    func()   // of the subscription; nil when not listening
	heard   []string // the relays of the subscription
	closed  bool

	listening chan struct{} // holds one token while the subscription is changed
}

// NewClient returns a client that goes on with the session, fresh from
// NewSession or of an earlier run. It starts nothing; Close it when done.
func NewClient(cfg Config, s Session) (*Client, error) {
	if cfg.Transport == nil || cfg.Now == nil {
		return nil, errors.New("a client needs a transport and a clock")
	}
	if s.key == nil {
		return nil, errNoKey
	}
	if cfg.Resend <= 0 {
		cfg.Resend = ResendAfter
	}
	return &Client{cfg: cfg, session: s, calls: make(map[string]chan Reply), listening: make(chan struct{}, 1)}, nil
}

// Session returns what to remember for the next run. It shares the client key.
func (c *Client) Session() Session {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.session
	s.Relays = slices.Clone(s.Relays)
	return s
}

// Close stops listening. The session and its key stay as they are.
func (c *Client) Close() {
	c.mu.Lock()
	stop := c.stop
	c.stop, c.heard, c.closed = nil, nil, true
	c.mu.Unlock()
	if stop != nil {
		stop()
	}
}

var errClosed = errors.New("the client was closed")

// listen makes sure that there is a subscription on these relays, nil for the
// session's: a reply is an ephemeral event, and who is not there when it comes
// has missed it.
func (c *Client) listen(ctx context.Context, relays []string) error {
	select {
	case c.listening <- struct{}{}:
		defer func() { <-c.listening }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	c.mu.Lock()
	if relays == nil {
		relays = c.session.Relays
	}
	relays = slices.Clone(relays)
	done, closed, me := slices.Equal(c.heard, relays) && c.stop != nil, c.closed, c.session.key.PubKey()
	c.mu.Unlock()
	if closed {
		return errClosed
	}
	if done {
		return nil
	}
	f := Filter{Kind: Kind, P: me, Since: c.cfg.Now().Add(-SinceBack).Unix()}
	stop, err := c.cfg.Transport.Subscribe(ctx, relays, f, c.receive)
	if err != nil {
		return err
	}
	c.mu.Lock()
	old := c.stop
	if c.closed {
		old = stop
	} else {
		c.stop, c.heard = stop, relays
	}
	closed = c.closed
	c.mu.Unlock()
	if old != nil {
		old()
	}
	if closed {
		return errClosed
	}
	return nil
}

// receive takes an event from any relay. Relays are not trusted: the signature
// is checked before the id is noted, or a relay could hide an answer by sending
// a forged copy first (interop.md 17).
func (c *Client) receive(e *nostr.Event) {
	if !c.expected(e) || e.Verify() != nil || !c.note(e.ID) {
		return
	}
	text, err := c.open(e)
	if err != nil {
		return
	}
	reply, err := ParseReply(text)
	clear(text)
	if err != nil {
		return
	}
	c.deliver(e.PubKey, reply)
}

// expected is the cheap part of the judgement.
func (c *Client) expected(e *nostr.Event) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e.Kind != Kind || c.closed || c.seen.has(e.ID) || !addressed(e, c.session.key.PubKey()) {
		return false
	}
	return e.PubKey == c.session.Remote || c.invite != nil && c.session.Remote.IsZero()
}

// note remembers a verified id and is false when another relay was faster.
func (c *Client) note(id nostr.ID) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.seen.add(id)
}

func (c *Client) deliver(from nostr.PubKey, r Reply) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.session.Remote.IsZero() {
		if i := c.invite; i != nil && subtle.ConstantTimeCompare([]byte(r.Result), []byte(i.secret)) == 1 && !r.Failed() {
			c.session.Remote = from
			close(i.answered)
			c.invite = nil
		}
		return
	}
	if from != c.session.Remote {
		return
	}
	select {
	case c.calls[r.ID] <- r: // never for an unknown id: a nil channel
	default: // the bunker repeats itself faster than its answers are read
	}
}

// seenSet remembers the last maxSeen ids.
type seenSet struct {
	ids  map[nostr.ID]struct{}
	ring []nostr.ID
	next int
}

func (s *seenSet) has(id nostr.ID) bool {
	_, ok := s.ids[id]
	return ok
}

func (s *seenSet) add(id nostr.ID) bool {
	if s.has(id) {
		return false
	}
	if s.ids == nil {
		s.ids = make(map[nostr.ID]struct{})
	}
	if len(s.ring) < maxSeen {
		s.ring = append(s.ring, id)
	} else {
		delete(s.ids, s.ring[s.next])
		s.ring[s.next] = id
		s.next = (s.next + 1) % maxSeen
	}
	s.ids[id] = struct{}{}
	return true
}
