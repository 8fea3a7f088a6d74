package nip47

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"nsecbunker/nostr"
	"nsecbunker/nostr/nip46"
)

const (
	// InfoPatience is how long the info event may take to come.
	InfoPatience = 10 * time.Second
	// InfoLasts is how long what it said is believed.
	InfoLasts = time.Hour
	// RequestLasts is how long a request may be carried out: its expiration tag.
	RequestLasts = time.Minute
	// listenBack is how far back notifications are asked for.
	listenBack = 10 * time.Minute
	// skew is how much later than our clock's an answer may seem to have been asked.
	skew = 10 * time.Minute
)

// Errors of a Client, beside *Fault and ErrMessage.
var (
	ErrNoInfo = errors.New("the wallet's relays hold no info event (kind 13194) of it: the wallet service may not be running, or the connection was deleted there")
	ErrSilent = errors.New("the wallet did not answer")
)

// Config is what a Client needs; all of it is required.
type Config struct {
	Connection *Connection
	Transport  nip46.Transport
	Now        func() time.Time
}

// Client speaks to one wallet service. Its methods may be called concurrently;
// each ends with its context.
type Client struct {
	cfg Config

	mu    sync.Mutex
	said  Announcement
	dated int64 // created_at of the info event that said it
	until time.Time
}

// NewClient returns a client that has not spoken yet.
func NewClient(cfg Config) (*Client, error) {
	if cfg.Connection == nil || cfg.Transport == nil || cfg.Now == nil {
		return nil, errors.New("a wallet client needs a connection, a transport and a clock")
	}
	return &Client{cfg: cfg}, nil
}

// Announced returns the wallet service's info event, at most InfoLasts old. One that is
// older than what was believed before is passed over: a relay that brings it back would
// have weaker encryption used again, or rights forgotten.
func (c *Client) Announced(ctx context.Context) (Announcement, error) {
	c.mu.Lock()
	said, dated, fresh := c.said, c.dated, c.cfg.Now().Before(c.until)
	c.mu.Unlock()
	if fresh {
		return said, nil
	}
	service := c.cfg.Connection.Service
	found := make(chan *nostr.Event, 1)
	wait, cancel := context.WithTimeout(ctx, InfoPatience)
	defer cancel()
	stop, err := c.cfg.Transport.Subscribe(wait, c.cfg.Connection.Relays, nip46.Filter{Kind: KindInfo, Author: service}, func(e *nostr.Event) {
		if e.Kind != KindInfo || e.PubKey != service || e.CreatedAt < dated || e.Verify() != nil {
			return
		}
		select {
		case found <- e:
		default:
		}
	})
	if err != nil {
		return Announcement{}, fmt.Errorf("the wallet's relays were not reached: %w", err)
	}
	defer stop()
	select {
	case e := <-found:
		if said, err = ParseAnnouncement(e); err != nil {
			return Announcement{}, err
		}
		dated = e.CreatedAt
	case <-wait.Done():
		if ctx.Err() != nil {
			return Announcement{}, ctx.Err()
		}
		return Announcement{}, ErrNoInfo
	}
	c.mu.Lock()
	c.said, c.dated, c.until = said, dated, c.cfg.Now().Add(InfoLasts)
	c.mu.Unlock()
	return said, nil
}

// MakeInvoice asks for an invoice; the caller checks what comes.
func (c *Client) MakeInvoice(ctx context.Context, msat int64, memo string, expiry time.Duration) (t Transaction, err error) {
	params := struct {
		Amount      int64  `json:"amount"`
		Description string `json:"description"`
		Expiry      int64  `json:"expiry"`
	}{msat, memo, int64(expiry / time.Second)}
	return t, c.call(ctx, MethodMakeInvoice, params, &t)
}

// LookupInvoice asks for an invoice by its payment hash, in hex.
func (c *Client) LookupInvoice(ctx context.Context, hash string) (t Transaction, err error) {
	params := struct {
		PaymentHash string `json:"payment_hash"`
	}{hash}
	return t, c.call(ctx, MethodLookupInvoice, params, &t)
}

// GetInfo asks what the connection may do.
func (c *Client) GetInfo(ctx context.Context) (i Info, err error) {
	return i, c.call(ctx, MethodGetInfo, struct{}{}, &i)
}

// call sends one request and waits for its answer, as long as ctx allows.
func (c *Client) call(ctx context.Context, method string, params, result any) error {
	said, err := c.Announced(ctx)
	if err != nil {
		return err
	}
	req, err := c.request(said.Encryption, method, params)
	if err != nil {
		return err
	}
	conn := c.cfg.Connection
	answers := make(chan []byte, 1)
	f := nip46.Filter{Kind: KindResponse, P: conn.Client(), Since: c.cfg.Now().Add(-skew).Unix()}
	stop, err := c.cfg.Transport.Subscribe(ctx, conn.Relays, f, func(e *nostr.Event) {
		if plain := c.open(e, f.Kind, said.Encryption, req.ID.String()); plain != nil {
			select {
			case answers <- plain:
			default:
			}
		}
	})
	if err != nil {
		return fmt.Errorf("the wallet's relays were not reached: %w", err)
	}
	defer stop()
	if err := c.cfg.Transport.Publish(ctx, conn.Relays, req); err != nil {
		return fmt.Errorf("the wallet's relays did not take the request: %w", err)
	}
	select {
	case plain := <-answers:
		return ParseResponse(plain, method, result)
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", ErrSilent, ctx.Err())
	}
}

// request closes and signs a request (NIP-47, Request and Response Events).
func (c *Client) request(how Encryption, method string, params any) (*nostr.Event, error) {
	plain, err := json.Marshal(struct {
		Method string `json:"method"`
		Params any    `json:"params"`
	}{method, params})
	if err != nil {
		return nil, err
	}
	conn, now := c.cfg.Connection, c.cfg.Now()
	content, err := how.Close(conn.key, conn.Service, plain)
	if err != nil {
		return nil, err
	}
	e := &nostr.Event{Kind: KindRequest, CreatedAt: now.Unix(), Content: content, Tags: nostr.Tags{
		{"p", conn.Service.String()}, {"encryption", string(how)},
		{"expiration", strconv.FormatInt(now.Add(RequestLasts).Unix(), 10)},
	}}
	return e, conn.key.Sign(e)
}

// open returns what the wallet service says in an event, nil if it is not its or,
// with re, answers another request.
func (c *Client) open(e *nostr.Event, kind nostr.Kind, how Encryption, re string) []byte {
	conn := c.cfg.Connection
	if e.Kind != kind || e.PubKey != conn.Service || re != "" && e.Tags.Find("e").Value() != re || e.Verify() != nil {
		return nil
	}
	plain, err := how.Open(conn.key, conn.Service, e.Content)
	if err != nil {
		return nil
	}
	return plain
}

// Listen calls heard with every notice of a received payment, until ctx ends, from
// several goroutines at once, doubles and old ones included. It returns nil when
// the wallet service says that it sends none.
func (c *Client) Listen(ctx context.Context, heard func(Transaction)) error {
	said, err := c.Announced(ctx)
	if err != nil {
		return err
	}
	sends := false
	for _, n := range said.Notifications {
		sends = sends || n == "payment_received"
	}
	if !sends {
		return nil
	}
	kind := KindNotification
	if said.Encryption == NIP04 {
		kind = KindNotification04
	}
	conn := c.cfg.Connection
	f := nip46.Filter{Kind: kind, P: conn.Client(), Since: c.cfg.Now().Add(-listenBack).Unix()}
	stop, err := c.cfg.Transport.Subscribe(ctx, conn.Relays, f, func(e *nostr.Event) {
		plain := c.open(e, kind, said.Encryption, "")
		if plain == nil {
			return
		}
		if what, t, err := ParseNotification(plain); err == nil && what == "payment_received" {
			heard(t)
		}
	})
	if err != nil {
		return fmt.Errorf("the wallet's relays were not reached: %w", err)
	}
	defer stop()
	<-ctx.Done()
	return ctx.Err()
}
