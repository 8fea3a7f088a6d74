package ws

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"strings"
	"sync"
	"time"
	"unicode"

	"nsecbunker/nostr"
	"nsecbunker/nostr/nip46"
)

// subscription is one filter on several links.
type subscription struct {
	id     string
	filter nip46.Filter
	on     func(*nostr.Event)
	once   sync.Once
	ready  chan struct{} // closed when the first relay is listening
}

func (s *subscription) isReady() { s.once.Do(func() { close(s.ready) }) }

// publication is one event that waits for one relay's OK.
type publication struct {
	event   *nostr.Event
	held    bool // refused for want of AUTH: sent again after it
	waiters int
	done    chan struct{} // closed when err is set
	err     error
}

// link is the one connection to a relay, over all its lives.
type link struct {
	cfg    *Config
	relay  string
	cancel context.CancelFunc
	users  int // under Pool.mu

	mu    sync.Mutex
	subs  map[string]*subscription
	pubs  map[string]*publication // by event id
	conn  *conn                   // nil while there is none
	err   error                   // the last trouble
	wake  chan struct{}           // cuts a back-off short
	ended chan struct{}           // closed when run returns
}

func newLink(cfg *Config, relay string, cancel context.CancelFunc) *link {
	return &link{cfg: cfg, relay: relay, cancel: cancel, subs: make(map[string]*subscription),
		pubs: make(map[string]*publication), wake: make(chan struct{}, 1), ended: make(chan struct{})}
}

// run connects, again and again, until the link is not used any more.
func (l *link) run(ctx context.Context) {
	defer close(l.ended)
	pause := MinBackoff
	for ctx.Err() == nil {
		served, err := l.connect(ctx)
		if ctx.Err() != nil {
			return
		}
		l.mu.Lock()
		l.err = err
		l.mu.Unlock()
		l.cfg.Notice(l.relay, err.Error())
		if served {
			pause = MinBackoff
		}
		l.rest(ctx, pause)
		pause = min(2*pause, MaxBackoff)
	}
}

// rest waits for half to all of the pause, so that clients do not come back all at
// once. A new event to be sent cuts all but MinBackoff of it short.
func (l *link) rest(ctx context.Context, pause time.Duration) {
	wait := func(d time.Duration, wake <-chan struct{}) {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-wake:
		case <-ctx.Done():
		}
	}
	wait(MinBackoff, nil)
	if more := pause/2 + chance(pause/2) - MinBackoff; more > 0 {
		wait(more, l.wake)
	}
}

// chance is a random part of d.
func chance(d time.Duration) time.Duration {
	var b [4]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return time.Duration(float64(d) * float64(binary.LittleEndian.Uint32(b[:])) / (1 << 32))
}

func (l *link) trouble() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

func (l *link) subscribe(s *subscription) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.subs[s.id] = s
	if l.conn != nil {
		l.conn.request(s)
	}
	l.hurry()
}

func (l *link) unsubscribe(s *subscription) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.subs, s.id)
	if l.conn != nil {
		l.conn.send(closeFrame(s.id))
	}
}

func (l *link) hurry() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// publish waits for the relay's OK to the event. An event that is sent while it
// still waits is not sent twice.
func (l *link) publish(e *nostr.Event) error {
	id := e.ID.String()
	l.mu.Lock()
	p := l.pubs[id]
	if p == nil {
		p = &publication{event: e, done: make(chan struct{})}
		l.pubs[id] = p
		if l.conn != nil {
			l.conn.send(eventFrame("EVENT", e))
		}
		l.hurry()
	}
	p.waiters++
	l.mu.Unlock()

	timer := time.NewTimer(PublishTimeout)
	defer timer.Stop()
	var err error
	select {
	case <-p.done:
		return p.err
	case <-timer.C:
		err = errors.New("it did not say that it took the event")
	case <-l.ended:
		err = errClosed
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil && l.conn == nil {
		err = l.err
	}
	if p.waiters--; p.waiters == 0 && l.pubs[id] == p {
		delete(l.pubs, id)
	}
	return err
}

// plain makes a relay's text fit for one line.
func plain(text string) string {
	const most = 200
	out := []rune(strings.ToValidUTF8(text, "\uFFFD"))
	if len(out) > most {
		out = out[:most]
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, string(out))
}
