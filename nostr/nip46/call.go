package nip46

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"nsecbunker/nostr"
)

// maxPage is the size in bytes of the longest address of an auth_url.
const maxPage = 2048

// call asks the bunker and returns the result of its final answer.
func (c *Client) call(ctx context.Context, r Request) (string, error) {
	s := c.Session()
	if !s.Connected() {
		return "", ErrNotConnected
	}
	if err := c.listen(ctx, nil); err != nil {
		return "", fmt.Errorf("listening for answers: %w", err)
	}
	r.ID = rand.Text()
	replies := make(chan Reply, maxReplies)
	c.mu.Lock()
	c.calls[r.ID] = replies
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		delete(c.calls, r.ID)
		c.mu.Unlock()
	}()
	message := r.AppendJSON(nil)
	defer clear(message)
	if len(message) > MaxMessage {
		return "", fmt.Errorf("the %s request is longer than %d bytes", r.Method, MaxMessage)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends a publication that is still under way
	t := talk{client: c, session: s, method: r.Method, message: message, replies: replies,
		sent: make(chan error, 1), notTaken: errNotTaken}
	return t.run(ctx)
}

// talk is one request until its answer.
type talk struct {
	client  *Client
	session Session
	method  Method
	message []byte
	replies <-chan Reply

	event    *nostr.Event
	sealed   time.Time
	sent     chan error // how the last publication ended
	sending  bool
	notTaken error  // why no relay took it; nil once one did
	page     string // the last auth_url
}

var errNotTaken = errors.New("none has said that it did")

func (t *talk) run(ctx context.Context) (string, error) {
	again := time.NewTicker(t.client.cfg.Resend)
	defer again.Stop()
	if err := t.send(ctx); err != nil {
		return "", err
	}
	for {
		select {
		case r := <-t.replies:
			if !r.IsAuthURL() {
				return t.finish(r)
			}
			if err := t.show(r.Error); err != nil {
				return "", err
			}
		case err := <-t.sent:
			t.sending = false
			if err == nil || t.notTaken != nil {
				t.notTaken = err
			}
		case <-again.C:
			if err := t.send(ctx); err != nil {
				return "", err
			}
		case <-ctx.Done():
			return "", &NoAnswerError{t.method, t.notTaken, context.Cause(ctx)}
		}
	}
}

// send publishes the request, the same event as before unless that has become
// too old to be accepted. A request that waits for a person at a page is not put
// into a new event: that would be a second question.
func (t *talk) send(ctx context.Context) error {
	if t.sending {
		return nil
	}
	if now := t.client.cfg.Now(); t.event == nil || now.Sub(t.sealed) > MaxEnvelopeAge {
		if t.page != "" {
			return nil
		}
		e, err := t.client.seal(t.session, t.message)
		if err != nil {
			return fmt.Errorf("closing the %s request: %w", t.method, err)
		}
		t.event, t.sealed = e, now
	}
	t.sending = true
	// The bunker may have moved since the request was made: the relays are today's.
	e, relays, transport, sent := t.event, t.client.Session().Relays, t.client.cfg.Transport, t.sent
	go func() { sent <- transport.Publish(ctx, relays, e) }()
	return nil
}

func (t *talk) finish(r Reply) (string, error) {
	if r.Failed() {
		return "", &RemoteError{t.method, r.Error}
	}
	return r.Result, nil
}

// show hands the page on, once.
func (t *talk) show(page string) error {
	if page == t.page {
		return nil
	}
	low := strings.ToLower(page)
	if len(page) > maxPage || hidden(page) || !strings.HasPrefix(low, "https://") && !strings.HasPrefix(low, "http://") {
		return &AnswerError{t.method, "the page it asks to visit has no proper address"}
	}
	if t.client.cfg.OnAuthURL == nil {
		return &AnswerError{t.method, "it asks a person to visit " + plain(page, maxPage) + ", and nobody is there"}
	}
	t.page = page
	t.client.cfg.OnAuthURL(page)
	return nil
}
