package relay

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/coder/websocket"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/dial"
	"nsecbunker/nostr"
)

// peer is one relay: what is wanted of it and what is on its way to it. Its
// goroutine makes one link after another.
type peer struct {
	m    *Manager
	url  string
	wake chan struct{}   // something below changed
	of   bunker.TenantID // who published to it first, when it was not wanted; the manager's

	mu        sync.Mutex
	ended     bool
	wanted    bool
	want      nostr.PubKeys // replaced, never changed
	kinds     []nostr.Kind  // sorted; replaced, never changed
	version   uint64        // of wanted, want and kinds; from 1
	link      *link         // the connection, while there is one
	queue     []*publication
	sent      map[nostr.ID][]*publication
	held      map[*publication]struct{} // all without a result
	heldBytes int
	serial    uint64
	stat      Status
	retryAt   time.Time   // of Waiting and CutOff, monotonic
	cutUntil  time.Time   // no connection before, monotonic
	forged    []time.Time // the last MaxBadSignatures of them
	cutoffs   int

	// Only p.run and its link, one after the other, touch these:
	chunk int // keys per REQ that this relay takes
}

func newPeer(m *Manager, url string) *peer {
	return &peer{
		m: m, url: url, chunk: ChunkSize,
		wake:    make(chan struct{}, 1),
		version: 1,
		sent:    make(map[nostr.ID][]*publication),
		held:    make(map[*publication]struct{}),
		stat:    Status{State: Idle, Since: m.cfg.Now()},
	}
}

// poke wakes whoever works for this relay.
func (p *peer) poke() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

func (p *peer) setWant(wanted bool, keys nostr.PubKeys, kinds []nostr.Kind) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !wanted && !p.wanted {
		return // its idle time runs on
	}
	p.wanted, p.want, p.kinds = wanted, keys, kinds
	p.version++
	p.poke()
}

func (p *peer) desiredKeys() nostr.PubKeys {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.want
}

func (p *peer) desiredKinds() (kinds []nostr.Kind, version uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.kinds, p.version
}

func (p *peer) isWanted() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.wanted
}

// needed tells whether there is a reason to be connected.
func (p *peer) needed() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.wanted || len(p.held) > 0
}

var (
	errIdle     = errors.New("nothing needed of the relay")
	errKinds    = errors.New("other kinds are wanted")
	errShutdown = errors.New("shutting down")
	errForged   = fmt.Errorf("cut off: it delivered more than %d forged events in a minute", MaxBadSignatures)
)

// run keeps the relay connected for as long as it is needed, until ctx ends.
func (p *peer) run(ctx context.Context) {
	defer p.shutDown()
	fails := 0
	for ctx.Err() == nil {
		if !p.needed() {
			if p.rest(ctx) {
				return
			}
			continue
		}
		if cut := p.cutFor(); cut > 0 {
			p.pause(ctx, cut, errForged)
			continue
		}
		lived, err := p.session(ctx)
		if ctx.Err() != nil {
			return
		}
		if lived >= p.m.t.Stable {
			fails = 0
		}
		if lived >= regrow {
			p.chunk = min(2*p.chunk, ChunkSize)
		}
		if errors.Is(err, errForged) {
			continue
		}
		if errors.Is(err, errIdle) || errors.Is(err, errKinds) {
			p.linkLost(time.Now(), err.Error())
			p.setState(Idle, "", time.Time{})
			continue
		}
		delay := spreadOut(p.m.t.BackoffMin, p.m.t.BackoffMax, fails)
		fails++
		p.pause(ctx, delay, err)
	}
}

// rest waits without a connection. It returns true when the peer was retired.
func (p *peer) rest(ctx context.Context) (retired bool) {
	p.setState(Idle, "", time.Time{})
	timer := time.NewTimer(p.m.t.IdleClose)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return true
	case <-p.wake:
		return false
	case <-timer.C:
		return p.m.retire(p)
	}
}

// regrow is how old a connection must be for the next one to try larger
// subscriptions again, after the relay did not take them.
const regrow = time.Hour

// cutFor is how long the relay is still cut off.
func (p *peer) cutFor() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return time.Until(p.cutUntil)
}

// pause waits after a failure.
func (p *peer) pause(ctx context.Context, delay time.Duration, why error) {
	state := Waiting
	if errors.Is(why, errForged) {
		state = CutOff
	}
	p.mu.Lock()
	p.retryAt = time.Now().Add(delay)
	changed := p.stat.Err != why.Error()
	next := p.retryAt
	if !p.wanted || state == CutOff {
		next = next.Add(p.m.t.OKWait) // too late for all that is held
	}
	p.mu.Unlock()
	p.setState(state, why.Error(), p.m.cfg.Now().Add(delay))
	p.linkLost(next, why.Error())
	if changed {
		p.m.cfg.Log.Warn("relay is down", "relay", p.url, "reason", why.Error(), "again_in", delay)
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// session makes one connection and serves it to its end.
func (p *peer) session(ctx context.Context) (lived time.Duration, err error) {
	p.setState(Connecting, "", time.Time{})
	l := newLink(p)
	conn, err := p.connect(ctx, l)
	if err != nil {
		return 0, err
	}
	p.note(func(s *Status) { s.Connects++ })
	begin := time.Now()
	err = l.serve(ctx, conn)
	return time.Since(begin), err
}

// connect dials the relay and makes the websocket handshake.
func (p *peer) connect(ctx context.Context, l *link) (*websocket.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, p.m.t.DialWait)
	defer cancel()
	header := http.Header{}
	if p.m.cfg.UserAgent != "" {
		header.Set("User-Agent", p.m.cfg.UserAgent)
	}
	conn, resp, err := websocket.Dial(ctx, p.url, &websocket.DialOptions{
		HTTPClient:     p.m.client,
		HTTPHeader:     header,
		OnPingReceived: func(context.Context, []byte) bool { l.noteHeard(); return true },
		OnPongReceived: func(context.Context, []byte) { l.noteHeard() },
	})
	switch {
	case err == nil:
		return conn, nil
	case resp != nil && resp.StatusCode != http.StatusSwitchingProtocols:
		return nil, fmt.Errorf("the server answers %d instead of opening a websocket; check the url, or ask its operator", resp.StatusCode)
	default:
		return nil, plain(err)
	}
}

// plain drops the outer layers' words from a dialing error.
func plain(err error) error {
	var named *dial.Error
	switch {
	case errors.As(err, &named):
		return named
	case errors.Is(err, context.DeadlineExceeded):
		return errors.New("no answer in time")
	}
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return errors.New(clean(err.Error()))
		}
		err = inner
	}
}

// badSignature counts a forged event and cuts the link when they are too many.
func (p *peer) badSignature() {
	if cut := p.countForged(); cut > 0 {
		p.m.cfg.Log.Warn("relay cut off for forged events", "relay", p.url, "for", cut)
	}
}

func (p *peer) countForged() (cut time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stat.BadSignatures++
	now := time.Now()
	if now.Before(p.cutUntil) {
		return 0 // what it delivered before
	}
	p.forged = slices.DeleteFunc(p.forged, func(at time.Time) bool { return now.Sub(at) > p.m.t.BadWindow })
	p.forged = append(p.forged, now)
	if len(p.forged) <= MaxBadSignatures {
		return 0
	}
	p.forged = nil
	// The count of cut-offs lasts as long as the process: a relay that forges
	// does not better itself.
	cut = doubled(p.m.t.CutoffMin, p.m.t.CutoffMax, p.cutoffs)
	p.cutUntil = now.Add(cut)
	p.cutoffs++
	if p.link != nil {
		p.link.end(errForged)
	}
	return cut
}

// doubled is base·2^n, at most limit.
func doubled(base, limit time.Duration, n int) time.Duration {
	d := base
	for range n {
		if d >= limit {
			break
		}
		d *= 2
	}
	return min(d, limit)
}

// spreadOut is a random delay up to base·2^n and limit (full jitter), so that
// the clients of a relay that restarts do not come back all at once.
func spreadOut(base, limit time.Duration, n int) time.Duration {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	top := doubled(base, limit, n)
	return time.Duration(binary.BigEndian.Uint64(b[:]) % uint64(top+1))
}
