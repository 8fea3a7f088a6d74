package ws

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"

	"nsecbunker/nostr"
	"nsecbunker/nostr/nip42"
)

// conn is one life of a link. Its methods are called with link.mu held, but for
// those that say otherwise.
type conn struct {
	link  *link
	ctx   context.Context // ends with the connection: conn lives inside one call of connect
	fail  context.CancelCauseFunc
	out   chan []byte
	tasks *sync.WaitGroup

	asked     map[string]int  // how often a subscription was asked for, or ended
	retrying  map[string]bool // subscriptions that will be asked for again
	challenge string          // the last one, "" before there was one
	answers   int             // challenges that were answered
	authID    string          // the event that answers the last one, while there is no OK
	proven    bool            // the challenge was answered to the relay's liking
	pause     time.Duration   // before a subscription that was closed is tried again
	served    bool            // the relay did something for us: the back-off begins anew
}

// connect opens a connection and serves it until it ends. served tells whether
// it was of any use. Called without link.mu.
func (l *link) connect(ctx context.Context) (served bool, err error) {
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	dialing, cancel := context.WithTimeout(ctx, DialTimeout)
	socket, _, err := websocket.Dial(dialing, l.relay, &websocket.DialOptions{
		HTTPClient: l.cfg.Client, CompressionMode: websocket.CompressionDisabled})
	cancel()
	if err != nil {
		return false, fmt.Errorf("cannot connect: %s", plain(err.Error()))
	}
	defer func() { _ = socket.CloseNow() }()
	socket.SetReadLimit(MaxFrame)

	var tasks sync.WaitGroup
	c := &conn{link: l, ctx: ctx, fail: fail, out: make(chan []byte, queue), tasks: &tasks,
		asked: make(map[string]int), retrying: make(map[string]bool), pause: MinBackoff}
	tasks.Go(func() { c.write(socket) })
	tasks.Go(func() { c.ping(socket) })
	l.mu.Lock()
	l.conn, l.err = c, nil
	for _, s := range l.subs {
		c.request(s)
	}
	for _, p := range l.pubs {
		p.held = false
		c.send(eventFrame("EVENT", p.event))
	}
	l.mu.Unlock()

	c.fail(c.read(socket))
	l.mu.Lock()
	l.conn = nil
	served = c.served
	l.mu.Unlock()
	tasks.Wait()
	return served, context.Cause(ctx)
}

// send queues a frame. A relay that does not read is dropped, so that nothing
// waits for it.
func (c *conn) send(b []byte) {
	select {
	case c.out <- b:
	default:
		c.fail(errors.New("it does not read what is sent to it"))
	}
}

// write is the only writer of the socket. Called without link.mu.
func (c *conn) write(socket *websocket.Conn) {
	for {
		select {
		case b := <-c.out:
			ctx, cancel := context.WithTimeout(c.ctx, WriteTimeout)
			err := socket.Write(ctx, websocket.MessageText, b)
			cancel()
			if err != nil {
				c.fail(fmt.Errorf("writing failed: %s", plain(err.Error())))
				return
			}
		case <-c.ctx.Done():
			return
		}
	}
}

// ping notices a link that is dead without having been closed. Called without
// link.mu.
func (c *conn) ping(socket *websocket.Conn) {
	tick := time.NewTicker(PingEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			ctx, cancel := context.WithTimeout(c.ctx, PingTimeout)
			err := socket.Ping(ctx)
			cancel()
			if err != nil {
				c.fail(errors.New("the link is dead"))
				return
			}
		case <-c.ctx.Done():
			return
		}
	}
}

// read takes frames until the connection ends. A frame that cannot be read is
// passed over: it is for nobody. Called without link.mu.
func (c *conn) read(socket *websocket.Conn) error {
	for {
		kind, b, err := socket.Read(c.ctx)
		if err != nil {
			return fmt.Errorf("the connection ended: %s", plain(err.Error()))
		}
		if kind != websocket.MessageText {
			continue
		}
		f, err := parseFrame(b)
		if err != nil {
			c.link.cfg.Notice(c.link.relay, err.Error())
			continue
		}
		c.take(f)
	}
}

// take acts on one frame. Called without link.mu.
func (c *conn) take(f frame) {
	l := c.link
	switch f.kind {
	case "EVENT":
		l.mu.Lock()
		s := l.subs[f.id]
		l.mu.Unlock()
		if s == nil {
			return
		}
		if e, err := nostr.ParseEvent(f.body); err == nil && s.filter.Matches(e) {
			s.on(e)
		}
	case "OK":
		if !c.proof(f) {
			c.answered(f)
		}
	case "EOSE":
		l.mu.Lock()
		defer l.mu.Unlock()
		if s := l.subs[f.id]; s != nil {
			c.served, c.pause, l.err = true, MinBackoff, nil
			s.isReady()
		}
	case "CLOSED":
		c.closed(f)
	case "AUTH":
		l.mu.Lock()
		defer l.mu.Unlock()
		c.challenge, c.authID, c.proven = f.id, "", false
		c.authenticate()
	case "NOTICE":
		l.cfg.Notice(l.relay, plain(f.text))
	}
}

// request sends a REQ. A relay that neither answers nor refuses it for a while
// is taken to be listening: some never send EOSE.
func (c *conn) request(s *subscription) {
	c.asked[s.id]++
	turn := c.asked[s.id]
	c.send(reqFrame(s.id, s.filter))
	c.later(EOSEPatience, func() {
		if c.asked[s.id] == turn {
			s.isReady()
		}
	})
}

// later runs f with link.mu held, unless the connection has ended.
func (c *conn) later(d time.Duration, f func()) {
	c.tasks.Go(func() {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
			c.link.mu.Lock()
			defer c.link.mu.Unlock()
			if c.link.conn == c {
				f()
			}
		case <-c.ctx.Done():
		}
	})
}

// closed asks again for a subscription that the relay ended: at once after a
// proof of the key, else after a pause. Called without link.mu.
func (c *conn) closed(f frame) {
	l := c.link
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.subs[f.id]
	if s == nil || c.retrying[s.id] {
		return
	}
	c.asked[s.id]++
	l.err = fmt.Errorf("it ended the subscription: %s", plain(f.text))
	l.cfg.Notice(l.relay, l.err.Error())
	if wantsAuth(f.text) {
		c.authenticate() // the OK to it asks again
	}
	c.retrying[s.id] = true
	c.later(c.pause, func() {
		delete(c.retrying, s.id)
		if l.subs[s.id] == s {
			c.request(s)
		}
	})
	c.pause = min(2*c.pause, MaxBackoff)
}

// authenticate answers the relay's challenge, once, and not for ever: a relay
// could keep us signing.
func (c *conn) authenticate() {
	if c.link.cfg.Auth == nil || c.challenge == "" || c.authID != "" || c.proven || c.answers == maxAnswers {
		return
	}
	c.answers++
	e, err := c.link.cfg.Auth(c.link.relay, c.challenge, c.link.cfg.Now())
	if err != nil {
		c.link.cfg.Notice(c.link.relay, "cannot answer its challenge: "+err.Error())
		return
	}
	c.authID = e.ID.String()
	c.send(eventFrame("AUTH", e))
}

// answered takes the relay's OK to an event. "duplicate:" is a yes: it has it.
// Called without link.mu.
func (c *conn) answered(f frame) {
	l := c.link
	l.mu.Lock()
	defer l.mu.Unlock()
	p := l.pubs[f.id]
	if p == nil {
		return
	}
	if !f.ok && wantsAuth(f.text) && l.cfg.Auth != nil && !c.proven {
		p.held = true
		c.authenticate() // the OK to it sends the event again
		return
	}
	if f.ok || strings.HasPrefix(f.text, "duplicate:") {
		c.served = true
	} else {
		p.err = fmt.Errorf("it refused the event: %s", plain(f.text))
	}
	delete(l.pubs, f.id)
	close(p.done)
}

func wantsAuth(text string) bool {
	return strings.HasPrefix(text, strings.TrimSpace(nip42.AuthRequired))
}

// proof takes the OK to an AUTH and reports whether it was one. What the relay
// refused before is asked for again. Called without link.mu.
func (c *conn) proof(f frame) bool {
	l := c.link
	l.mu.Lock()
	defer l.mu.Unlock()
	if c.authID == "" || f.id != c.authID {
		return false
	}
	c.authID = ""
	if !f.ok {
		l.err = fmt.Errorf("it did not take the proof of the key: %s", plain(f.text))
		l.cfg.Notice(l.relay, l.err.Error())
		return true
	}
	c.proven, l.err = true, nil
	for _, s := range l.subs {
		c.request(s) // a REQ under the same id replaces the one before (NIP-01)
	}
	for _, p := range l.pubs {
		if p.held {
			p.held = false
			c.send(eventFrame("EVENT", p.event))
		}
	}
	return true
}
