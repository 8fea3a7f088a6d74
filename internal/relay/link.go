package relay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"

	"nsecbunker/nostr"
)

// link is one connection. Three goroutines serve it: the reader, which calls
// Handle; the heart, which pings; and the actor (serve itself), which alone
// writes and owns the subscriptions.
type link struct {
	p     *peer
	m     *Manager
	conn  *websocket.Conn
	born  time.Time
	clock gate
	end   context.CancelCauseFunc // ends the link with a reason
	slow  *time.Timer             // runs while a message is written; closes the connection

	heard  atomic.Int64 // when the last message came, in ns since born
	issued atomic.Int64 // serial of the newest subscription
	frames chan frame   // reader → actor: everything but events

	// The actor's own:
	version  uint64 // of what is wanted; 0: not looked at yet
	kinds    []nostr.Kind
	subs     []*sub
	closing  []string      // ids to be sent a CLOSE
	mergeAt  time.Duration // no merging before, on the link's clock
	message  []byte        // see publish
	auth     authState
	unheard  int       // keys beyond what the relay's subscriptions can carry
	unneeded time.Time // since when nothing is needed of this link; zero: needed
}

func newLink(p *peer) *link {
	return &link{
		p: p, m: p.m,
		frames: make(chan frame, inboxFrames),
		auth:   newAuthState(),
	}
}

// serve works until something ends the link, and says what.
func (l *link) serve(ctx context.Context, conn *websocket.Conn) error {
	l.conn, l.born = conn, time.Now()
	l.clock.born = l.born
	conn.SetReadLimit(-1) // slurp bounds the messages, without closing the connection
	ctx, l.end = context.WithCancelCause(ctx)
	// What ends the link closes the connection under whoever reads or writes. It is watched
	// here once, since the library would watch a context anew for every part of a message.
	hangUp := func() { _ = conn.CloseNow() }
	defer context.AfterFunc(ctx, hangUp)()
	l.slow = time.AfterFunc(l.m.t.WriteWait, hangUp)
	l.slow.Stop()
	l.p.setLink(l)
	var wg sync.WaitGroup
	defer func() {
		l.p.setLink(nil)
		l.end(errShutdown)
		_ = conn.CloseNow() // the relay learns nothing from a handshake on the way out
		wg.Wait()
	}()
	wg.Go(func() { l.end(l.read(ctx)) })
	wg.Go(func() { l.end(l.beat(ctx)) })
	return l.act(ctx, &wg)
}

func (p *peer) setLink(l *link) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.link = l
}

// gate is the link's clock, which stands still while Handle works: a relay is
// not to blame for what we have not read yet.
type gate struct {
	mu      sync.Mutex
	born    time.Time
	since   time.Time // Handle was called; zero: it is not running
	blocked time.Duration
}

func (g *gate) enter() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.since = time.Now()
}

func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.blocked += time.Since(g.since)
	g.since = time.Time{}
}

// now is how long the link has lived without the time inside Handle.
func (g *gate) now() (now time.Duration, inHandle bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now = time.Since(g.born) - g.blocked
	if !g.since.IsZero() {
		return now - time.Since(g.since), true
	}
	return now, false
}

func (l *link) now() time.Duration {
	now, _ := l.clock.now()
	return now
}

func (l *link) noteHeard() { l.heard.Store(int64(time.Since(l.born))) }

var (
	errGarbage = fmt.Errorf("it sent more than %d unreadable messages; check that the url is a Nostr relay", MaxGarbage)
	errEndless = fmt.Errorf("it sent a message of more than %d bytes", MaxDiscard)
	errSilent  = errors.New("the connection is dead: neither a pong nor anything else came back")
	errClosed  = errors.New("it closed the connection")
)

// read takes messages until the connection ends.
func (l *link) read(ctx context.Context) error {
	var scratch []byte
	garbage := 0
	for {
		kind, r, err := l.conn.Reader(context.Background()) // serve hangs up with ctx
		if err != nil {
			return readError(err)
		}
		if cap(scratch) > scratchKept {
			scratch = nil
		}
		var over bool
		if scratch, over, err = slurp(scratch[:0], r); err != nil {
			return readError(err)
		}
		l.noteHeard()
		if over {
			// Anybody may address a huge event to us: no reason to hang up.
			l.p.note(func(s *Status) { s.Oversized++ })
			continue
		}
		f, err := parseFrame(scratch)
		if err != nil || kind != websocket.MessageText {
			if garbage++; garbage > MaxGarbage {
				return errGarbage
			}
			continue
		}
		if f.label == labelEvent {
			l.deliver(ctx, f)
			continue
		}
		select {
		case l.frames <- f:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// deliver gives an event of one of our subscriptions to Handle.
func (l *link) deliver(ctx context.Context, f frame) {
	if !l.ours(f.sub) {
		l.p.note(func(s *Status) { s.Stray++ })
		return
	}
	l.p.note(func(s *Status) { s.Events++ })
	l.clock.enter()
	l.m.cfg.Handle(ctx, l.p.url, RawEvent(f.event))
	l.noteHeard() // what arrived meanwhile lies unread; before beat sees that Handle is done, and finds no sign of life
	l.clock.leave()
}

// ours tells whether we ever opened this subscription on this connection. Those
// closed since count: a merged one may still deliver what was under way.
func (l *link) ours(id string) bool {
	digits, ok := strings.CutPrefix(id, subPrefix)
	if !ok {
		return false
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	return err == nil && n >= 1 && n <= l.issued.Load() && subID(n) == id
}

// slurp reads one message into buf. A message longer than MaxFrame is passed
// over; one longer than MaxDiscard is an error.
func slurp(buf []byte, r io.Reader) (out []byte, over bool, err error) {
	for {
		if len(buf) == cap(buf) {
			buf = slices.Grow(buf, max(4096, min(len(buf), MaxFrame+1-len(buf))))
		}
		n, err := r.Read(buf[len(buf):min(cap(buf), MaxFrame+1)])
		buf = buf[:len(buf)+n]
		if len(buf) > MaxFrame {
			skipped, err := io.Copy(io.Discard, io.LimitReader(r, MaxDiscard))
			if err == nil && skipped == MaxDiscard {
				err = errEndless
			}
			return buf, true, err
		}
		if errors.Is(err, io.EOF) {
			return buf, false, nil
		}
		if err != nil {
			return buf, false, err
		}
	}
}

func readError(err error) error {
	var closed websocket.CloseError
	switch {
	case errors.As(err, &closed):
		if reason := clean(closed.Reason); reason != "" {
			return fmt.Errorf("%w: %s (%d)", errClosed, reason, int(closed.Code))
		}
		return fmt.Errorf("%w (%d)", errClosed, int(closed.Code))
	case errors.Is(err, errEndless):
		return err
	case errors.Is(err, io.EOF):
		return errClosed
	}
	return fmt.Errorf("the connection broke: %w", plain(err))
}

// beat pings, and ends the link when neither the pong nor anything else comes.
func (l *link) beat(ctx context.Context) error {
	timer := time.NewTimer(l.m.t.PingEvery)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-timer.C:
		}
		begin := time.Now()
		err := l.ping(ctx)
		switch _, inHandle := l.clock.now(); {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err == nil:
			took := time.Since(begin)
			l.p.note(func(s *Status) { s.Latency = took })
		case !inHandle && l.heard.Load() < int64(begin.Sub(l.born)):
			return errSilent
		}
		timer.Reset(l.m.t.PingEvery)
	}
}

func (l *link) ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, l.m.t.PongWait)
	defer cancel()
	return l.conn.Ping(ctx)
}

// write sends one message, within WriteWait; serve hangs up when the link ends.
func (l *link) write(message []byte) error {
	l.slow.Reset(l.m.t.WriteWait)
	err := l.conn.Write(context.Background(), websocket.MessageText, message)
	if !l.slow.Stop() {
		return fmt.Errorf("it took no data for %v", l.m.t.WriteWait)
	}
	if err != nil {
		return fmt.Errorf("the connection broke: %w", plain(err))
	}
	return nil
}

// minTick keeps a deadline that stands still (Handle is working) from being
// asked for in a loop.
const minTick = 5 * time.Millisecond

// act is the actor's loop: take what arrived, write one message, else wait.
func (l *link) act(ctx context.Context, wg *sync.WaitGroup) error {
	if err := l.reconcile(); err != nil {
		return err
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	atOnce := make(chan time.Time) // is always due
	close(atOnce)
	for {
		if err := l.due(wg, ctx); err != nil {
			return err
		}
		wrote, err := l.step(ctx)
		if err != nil {
			if ctx.Err() != nil {
				return context.Cause(ctx) // the first reason, not its echo
			}
			return err
		}
		var tick <-chan time.Time
		switch {
		case !wrote:
			timer.Reset(l.nextTick())
			tick = timer.C
		case len(l.frames) == 0:
			tick = atOnce // look at what arrived, but do not wait for it
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case f := <-l.frames:
			l.take(f)
		case <-l.p.wake:
			if err := l.reconcile(); err != nil {
				return err
			}
		case r := <-l.auth.results:
			l.authSigned(r)
		case <-tick:
		}
	}
}

// step writes one message, if there is one to write.
func (l *link) step(ctx context.Context) (wrote bool, err error) {
	if message := l.nextAuth(); message != nil {
		return true, l.write(message)
	}
	if len(l.closing) > 0 {
		id := l.closing[0]
		l.closing = l.closing[1:]
		return true, l.write([]byte(`["CLOSE","` + id + `"]`))
	}
	if s := l.nextSub(); s != nil {
		return true, l.write(l.request(s))
	}
	if pub := l.p.next(); pub != nil {
		return true, l.publish(pub)
	}
	return false, nil
}

// publish writes an event. Its message is laid out in one buffer, again and again.
func (l *link) publish(pub *publication) error {
	if cap(l.message) > scratchKept {
		l.message = nil
	}
	l.message = append(append(append(l.message[:0], `["EVENT",`...), pub.raw...), ']')
	return l.write(l.message)
}

// take deals with one message of the relay.
func (l *link) take(f frame) {
	switch f.label {
	case labelEOSE:
		l.eose(f.sub)
	case labelClosed:
		l.closed(f.sub, f.text)
	case labelOK:
		if l.authOK(f) {
			return
		}
		if l.p.answer(f.id, f.ok, f.text, l.m.cfg.Auth != nil) {
			l.authAsked()
		}
	case labelAuth:
		l.challenged(f.text)
	case labelNotice:
		l.p.note(func(s *Status) { s.Notice = f.text })
	}
}

// due acts on deadlines that have passed.
func (l *link) due(wg *sync.WaitGroup, ctx context.Context) error {
	if s := l.overdue(); s != nil {
		return fmt.Errorf("no EOSE within %v for a subscription of %d keys", l.m.t.EOSEWait, len(s.keys))
	}
	l.authDue(ctx, wg)
	if l.p.needed() || len(l.subs) > 0 {
		l.unneeded = time.Time{}
		return nil
	}
	if l.unneeded.IsZero() {
		l.unneeded = time.Now()
	}
	if time.Since(l.unneeded) >= l.m.t.IdleClose {
		return errIdle
	}
	return nil
}

// nextTick is how long nothing can become due.
func (l *link) nextTick() time.Duration {
	wait := l.subTick()
	wait = min(wait, l.authTick())
	if !l.unneeded.IsZero() {
		wait = min(wait, l.m.t.IdleClose-time.Since(l.unneeded))
	}
	return max(wait, minTick)
}
