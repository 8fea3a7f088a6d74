// Package ws carries a NIP-46 client's events over real relays: WebSockets that
// reconnect, subscribe anew after every CLOSED, prove the client's key when they
// are asked to (NIP-42), and do not wait for each other.
package ws

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"nsecbunker/nostr"
	"nsecbunker/nostr/nip46"
)

const (
	// DialTimeout bounds the opening of a connection, TLS and all.
	DialTimeout = 10 * time.Second
	// WriteTimeout bounds one frame; a relay that takes longer is dropped.
	WriteTimeout = 10 * time.Second
	// PingEvery and PingTimeout together notice a dead link within 25 s.
	PingEvery   = 15 * time.Second
	PingTimeout = 10 * time.Second
	// MinBackoff and MaxBackoff bound the time between two attempts to connect, or
	// to subscribe after a CLOSED. It doubles each time, and is cut by chance to no
	// less than its half.
	MinBackoff = 500 * time.Millisecond
	MaxBackoff = 60 * time.Second
	// EOSEPatience is how long a subscription waits for EOSE before it is taken for
	// working: some relays never send it.
	EOSEPatience = 3 * time.Second
	// PublishTimeout bounds the wait for a relay's OK, reconnecting included.
	PublishTimeout = 15 * time.Second

	queue      = 64 // frames waiting to be written to one relay
	maxAnswers = 16 // challenges that are answered on one connection
)

// Config is what a Pool needs. Now is required.
type Config struct {
	// Now is a right clock.
	Now func() time.Time
	// Auth makes the signed event that proves the client's key to a relay: the
	// Auth of nip46.Session. nil: challenges are not answered.
	Auth func(relay, challenge string, now time.Time) (*nostr.Event, error)
	// Client opens the connections; it is where a guarded dialler goes in. Its
	// redirects are not followed and its Timeout must be zero. nil: Go's own.
	Client *http.Client
	// Notice is told of what relays say and how links fail, from several
	// goroutines at once, and must not call the pool. The text is a stranger's,
	// fit for one line. nil: nobody is told.
	Notice func(relay, text string)
}

// Pool is connections to several relays: a nip46.Transport. It opens them when
// they are needed, and keeps them while there is a subscription on them.
type Pool struct {
	cfg Config

	mu     sync.Mutex
	links  map[string]*link
	closed bool
	done   sync.WaitGroup
}

var _ nip46.Transport = (*Pool)(nil)

// New returns a pool without connections. Close it when done.
func New(cfg Config) (*Pool, error) {
	if cfg.Now == nil {
		return nil, errors.New("a pool of relays needs a clock")
	}
	client := http.Client{}
	if cfg.Client != nil {
		client = *cfg.Client
	}
	// A redirect would lead where the dialler's judgement of the address was not.
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	cfg.Client = &client
	if cfg.Notice == nil {
		cfg.Notice = func(string, string) {}
	}
	return &Pool{cfg: cfg, links: make(map[string]*link)}, nil
}

// Close ends every connection and waits until they have ended.
func (p *Pool) Close() {
	p.mu.Lock()
	p.closed = true
	for _, l := range p.links {
		l.cancel()
	}
	p.mu.Unlock()
	p.done.Wait()
}

var errClosed = errors.New("the pool of relays was closed")

// use returns the link to a relay, starting it when there is none, and counts
// its user; give it back with leave. task, if there is one, is started with it.
func (p *Pool) use(relay string, task func(*link)) (*link, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, errClosed
	}
	l := p.links[relay]
	if l == nil {
		ctx, cancel := context.WithCancel(context.Background())
		l = newLink(&p.cfg, relay, cancel)
		p.links[relay] = l
		p.done.Go(func() { l.run(ctx) })
	}
	l.users++
	if task != nil {
		p.done.Go(func() { task(l) }) // under mu: Close must not begin to wait before
	}
	return l, nil
}

// leave ends a link that nobody uses any more.
func (p *Pool) leave(l *link) {
	p.mu.Lock()
	defer p.mu.Unlock()
	l.users--
	if l.users == 0 {
		l.cancel()
		delete(p.links, l.relay)
	}
}

// Subscribe is nip46.Transport's: it returns when the first relay has sent EOSE,
// or has been silent for EOSEPatience.
func (p *Pool) Subscribe(ctx context.Context, relays []string, f nip46.Filter, on func(*nostr.Event)) (func(), error) {
	s := &subscription{id: rand.Text(), filter: f, on: on, ready: make(chan struct{})}
	var links []*link
	var once sync.Once
	stop := func() {
		once.Do(func() {
			for _, l := range links {
				l.unsubscribe(s)
				p.leave(l)
			}
		})
	}
	for _, relay := range relays {
		l, err := p.use(relay, nil)
		if err != nil {
			stop()
			return nil, err
		}
		links = append(links, l)
		l.subscribe(s)
	}
	select {
	case <-s.ready:
		return stop, nil
	case <-ctx.Done():
		stop()
		return nil, fmt.Errorf("no relay could be listened on: %s: %w", whyNot(links), context.Cause(ctx))
	}
}

// whyNot tells the last trouble of each link.
func whyNot(links []*link) string {
	var list []string
	for _, l := range links {
		if err := l.trouble(); err != nil {
			list = append(list, l.relay+": "+err.Error())
		} else {
			list = append(list, l.relay+": no answer yet")
		}
	}
	if len(list) == 0 {
		return "none was given"
	}
	return strings.Join(list, "; ")
}

// Publish is nip46.Transport's. Each relay has PublishTimeout of its own, also
// after Publish has returned.
func (p *Pool) Publish(ctx context.Context, relays []string, e *nostr.Event) error {
	results := make(chan error, len(relays))
	for _, relay := range relays {
		_, err := p.use(relay, func(l *link) {
			defer p.leave(l)
			err := l.publish(e)
			if err != nil {
				err = fmt.Errorf("%s: %w", relay, err)
			}
			results <- err
		})
		if err != nil {
			return err
		}
	}
	failed := make([]error, 0, len(relays))
	for range relays {
		select {
		case err := <-results:
			if err == nil {
				return nil
			}
			failed = append(failed, err)
		case <-ctx.Done():
			return errors.Join(append(failed, context.Cause(ctx))...)
		}
	}
	if len(failed) == 0 {
		return errors.New("no relay was given")
	}
	return errors.Join(failed...)
}

func appendInt(b []byte, n int64) []byte { return strconv.AppendInt(b, n, 10) }
