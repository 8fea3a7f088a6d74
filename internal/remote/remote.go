// Package remote is an administrator's side of the relay door: it logs in to a
// bunker by its connection string, sends commands and hears notices
// (security.md section 4, docs/admin-protocol.md). Its keys live in memory for one
// session; what stays is the device's key, which the caller keeps.
package remote

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"nsecbunker/internal/adminwire"
	"nsecbunker/internal/bunker"
	"nsecbunker/internal/secret"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip42"
	"nsecbunker/nostr/nip46"
	"nsecbunker/nostr/nip46/ws"
)

// Signer is the admin's key, wherever it is.
type Signer interface {
	// Sign signs a template. It may ask a person, and take its time.
	Sign(ctx context.Context, t *nostr.Template) (*nostr.Event, error)
}

const (
	// LoginPatience is how long a bunker may take to answer a step of the login.
	LoginPatience = 30 * time.Second
	// ResumePatience is the same where an old login is tried: a bunker that does not
	// know the device says nothing.
	ResumePatience = 6 * time.Second
	// AnswerPatience is how long a command may take.
	AnswerPatience = 150 * time.Second
	// sinceBack is how far back the subscription reaches: as far as clocks may differ.
	sinceBack = adminwire.MaxSkew + time.Minute
	// maxSeen is how many ids of events are remembered.
	maxSeen = 4096
	// maxNotices is how many notices wait to be read; then the oldest are dropped, and
	// the gap shows.
	maxNotices = 256
)

// Config is what Dial needs. All but Signer, Resume and HTTP is required.
type Config struct {
	Target adminwire.ConnectionString
	// Signer signs the certificate and dangerous commands; nil for a paired device.
	Signer Signer
	Device adminwire.DeviceKey
	// Label is what the device calls itself; Origin stands in the certificate.
	Label, Origin string
	// Resume tries the device's old login first, so that nothing has to be signed.
	Resume bool
	Arena  *secret.Arena
	Now    func() time.Time
	HTTP   *http.Client // opens the connections; nil: Go's own
	// Patience is how long the bunker may take to answer a step of the login; 0:
	// LoginPatience.
	Patience time.Duration
}

// ErrSilent means that nobody answered: no bunker is there, or it does not know who
// comes.
var ErrSilent = errors.New("nobody answered")

// RefusedError is the bunker's refusal of a login.
type RefusedError struct{ Why *bunker.Error }

func (e *RefusedError) Error() string { return e.Why.Error() }

// Unwrap returns the bunker's error.
func (e *RefusedError) Unwrap() error { return e.Why }

// Client is one session.
type Client struct {
	cfg  Config
	pool *ws.Pool
	page *nostr.SecretKey // E_c
	stop []func()

	// Of the handshake, then fixed.
	hs    adminwire.Handshake
	ready adminwire.Ready
	keyB  *secret.Bytes // with B
	keyE  *secret.Bytes // with E_b, until ready
	keyS  *secret.Bytes // with E_s
	// Signed: a certificate was signed for this login.
	signed bool

	mu        sync.Mutex
	kind      nostr.Kind
	confirmed bool
	seen      map[nostr.ID]bool
	challenge chan adminwire.Challenge
	readies   chan adminwire.Ready
	calls     map[int64]chan answer
	next      int64
	ack       int64 // the last notice that was heard
	notices   chan adminwire.Notice
	trouble   error // of publishing
	over      sync.Once
	ended     chan struct{} // closed when the bunker has said that it ended the session
}

// answer is one message with its bytes, for wiping.
type answer struct {
	adminwire.Message
	plain []byte
}

// Dial logs in. A device that the bunker does not know gets a session that is not
// Confirmed: see Code and AwaitConfirmation. Errors: ErrSilent, *RefusedError.
func Dial(ctx context.Context, cfg Config) (*Client, error) {
	if cfg.Arena == nil || cfg.Now == nil || len(cfg.Target.Relays) == 0 {
		return nil, errors.New("remote: the configuration is incomplete")
	}
	if cfg.Resume {
		c, err := dial(ctx, cfg, false, ResumePatience)
		var refused *RefusedError
		switch {
		case err == nil:
			return c, nil
		case errors.Is(err, ErrSilent) && cfg.Signer != nil && ctx.Err() == nil:
		case errors.As(err, &refused) && refused.Why.Code == bunker.CodeNeedsProof && cfg.Signer != nil:
		default:
			return nil, err
		}
	}
	if cfg.Patience == 0 {
		cfg.Patience = LoginPatience
	}
	return dial(ctx, cfg, true, cfg.Patience)
}

// dial makes one attempt, with new keys.
func dial(ctx context.Context, cfg Config, prove bool, patience time.Duration) (*Client, error) {
	page, err := nostr.GenerateKey(cfg.Arena)
	if err != nil {
		return nil, err
	}
	c := &Client{
		cfg: cfg, page: page, kind: adminwire.Kind, seen: map[nostr.ID]bool{}, calls: map[int64]chan answer{},
		challenge: make(chan adminwire.Challenge, 1), readies: make(chan adminwire.Ready, 1), notices: make(chan adminwire.Notice, maxNotices),
		ended: make(chan struct{}),
	}
	c.pool, err = ws.New(ws.Config{Now: cfg.Now, Client: cfg.HTTP, Auth: c.auth})
	if err == nil {
		err = c.login(ctx, prove, patience)
	}
	if err != nil {
		c.wipe()
		return nil, err
	}
	return c, nil
}

// auth proves the page's key to a relay that asks (NIP-42).
func (c *Client) auth(relay, challenge string, now time.Time) (*nostr.Event, error) {
	ev, err := nip42.Event(relay, challenge, now)
	if err != nil {
		return nil, err
	}
	return ev, c.page.Sign(ev)
}

// login is the handshake.
func (c *Client) login(ctx context.Context, prove bool, patience time.Duration) (err error) {
	if c.keyB, err = c.conversation(c.cfg.Target.Bunker); err != nil {
		return err
	}
	for _, kind := range []nostr.Kind{adminwire.Kind, adminwire.KindOld} {
		f := nip46.Filter{Kind: kind, P: c.page.PubKey(), Since: c.cfg.Now().Add(-sinceBack).Unix()}
		short, cancel := context.WithTimeout(ctx, LoginPatience)
		stop, err := c.pool.Subscribe(short, c.cfg.Target.Relays, f, c.receive)
		cancel()
		if err != nil {
			return fmt.Errorf("the bunker's relays cannot be reached: %w", err)
		}
		c.stop = append(c.stop, stop)
	}
	hello := adminwire.Hello{Versions: []int64{adminwire.Version}}
	rand.Read(hello.NC[:])
	c.hs = adminwire.Handshake{Bunker: c.cfg.Target.Bunker, Client: c.page.PubKey(), NC: hello.NC, Versions: hello.Versions}
	ch, err := roundTrip(ctx, c, c.keyB, hello.Append(), c.challenge, patience)
	if err != nil {
		return err
	}
	c.hs.NB, c.hs.Epoch = ch.NB, ch.Epoch
	proof, who, cert, err := c.proof(ctx, prove)
	if err != nil {
		return err
	}
	key, err := c.conversation(ch.Epoch)
	if err != nil {
		return err
	}
	c.mu.Lock()
	c.keyE = key
	c.mu.Unlock()
	plain := proof.Append()
	defer secret.Wipe(plain)
	if c.ready, err = roundTrip(ctx, c, key, plain, c.readies, patience); err != nil {
		return err
	}
	return c.enter(who, cert)
}

// proof makes M3.
func (c *Client) proof(ctx context.Context, prove bool) (p adminwire.Proof, who []byte, cert nostr.ID, err error) {
	h := c.hs.H()
	p = adminwire.Proof{NC: c.hs.NC, NB: c.hs.NB, Epoch: c.hs.Epoch, Versions: c.hs.Versions, Label: c.cfg.Label, Invite: c.cfg.Target.Invite}
	if p.Device, err = c.cfg.Device.Pub(); err != nil {
		return p, nil, cert, err
	}
	if p.Sig, err = c.cfg.Device.Sign(h); err != nil {
		return p, nil, cert, err
	}
	id := p.Device.ID()
	who = id[:]
	switch {
	case c.cfg.Target.Pairing != nil:
		pair := adminwire.Pairing(c.cfg.Target.Pairing, h)
		p.Pair = &pair
	case prove && c.cfg.Signer != nil:
		p.Cert, err = c.cfg.Signer.Sign(ctx, adminwire.Certificate(&c.hs, c.cfg.Origin, c.cfg.Now().Unix()))
		if err != nil {
			return p, nil, cert, fmt.Errorf("signing the login: %w", err)
		}
		a, err := adminwire.CheckCertificate(&c.hs, p.Cert)
		if err != nil {
			return p, nil, cert, fmt.Errorf("signing the login: %w", err)
		}
		who, cert, c.signed = a[:], p.Cert.ID, true
	}
	return p, who, cert, nil
}

// enter takes M4: only if it binds everything that was said.
func (c *Client) enter(who []byte, cert nostr.ID) error {
	if r := c.ready.Refusal; r != nil {
		return &RefusedError{&bunker.Error{Code: bunker.Code(r.Code), Words: r.Words, Hint: r.Hint, Field: r.Field}}
	}
	h2 := adminwire.H2(c.hs.H(), who, cert, c.ready.Session, c.ready.SID)
	if !adminwire.SameHash(h2, c.ready.H2) || c.ready.Code != adminwire.Code(h2) {
		return errors.New("the bunker's answer is not bound to this login; somebody may stand between")
	}
	key, err := c.conversation(c.ready.Session)
	if err != nil {
		return err
	}
	c.mu.Lock()
	c.keyS, c.confirmed = key, c.ready.Confirmed
	c.mu.Unlock()
	return nil
}

// Ready is what the bunker said when the session began.
func (c *Client) Ready() adminwire.Ready { return c.ready }

// Signed reports whether this login has a new certificate.
func (c *Client) Signed() bool { return c.signed }

// Confirmed reports whether the bunker knows this device.
func (c *Client) Confirmed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.confirmed
}

// Code is what this device shows while it waits to be confirmed.
func (c *Client) Code() string { return c.ready.Code }

// Close says bye, without waiting for an answer longer than a moment, and wipes
// the session's keys.
func (c *Client) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if c.keyS != nil {
		_ = c.Call(ctx, "bye", nil, nil, nil) // the session ends by itself, too
	}
	c.wipe()
	return nil
}

func (c *Client) wipe() {
	for _, stop := range c.stop {
		stop()
	}
	if c.pool != nil {
		c.pool.Close()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, k := range []*secret.Bytes{c.keyB, c.keyE, c.keyS} {
		if k != nil {
			k.Destroy()
		}
	}
	c.page.Destroy()
}
