// Package relay keeps this bunker's connections to the relays of others, as a
// client of NIP-01: it subscribes to what is addressed to our keys, publishes
// replies, reconnects, and proves itself where a relay asks for it (NIP-42).
//
// Relays drop, rate-limit, answer CLOSED, never send EOSE, go half-open and lie
// (interop.md, 17). Hence: each relay has goroutines, queues and bounds of its
// own, so that none delays another; a subscription counts as heard only after
// its EOSE; whatever ends a subscription or a connection starts it again, after
// at most a minute. Signatures are not checked here: the inbox does, before it
// notes an id as seen, and reports forgeries by BadSignature.
package relay

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/dial"
	"nsecbunker/nostr"
)

// RawEvent is an event's JSON object, byte for byte as a relay sent it: its
// brackets match, nothing else has been checked. Parsing it copies nothing.
type RawEvent string

// Config says what a Manager needs. Dialer, Now and Handle are required.
type Config struct {
	Dialer *dial.Dialer
	Log    *slog.Logger // nil: silent
	Now    func() time.Time
	// Handle takes every event of our subscriptions, in the order in which that
	// relay sent them, doubles included. It is called by the relay's own reader:
	// while it blocks, that relay alone waits, and is not taken for dead. It
	// must return when ctx ends.
	Handle func(ctx context.Context, url string, ev RawEvent)
	// Auth returns the signed events (kind 22242) that answer a relay's
	// challenge, one per key to be proved (NIP-42). nil, no event or an error:
	// we do not authenticate, and the error is shown in Status.
	Auth      func(ctx context.Context, url, challenge string) ([]*nostr.Event, error)
	UserAgent string
	// Several bunkers publish: each has a share of the relays that are connected for
	// publishing only.
	Several bool
	// Since is how far back subscriptions ask for stored events; 0: SinceWindow.
	// Gift wraps are dated up to two days back (NIP-59).
	Since time.Duration
	// OnChange is told that a relay's Status changed its State; OnUp, that a
	// wanted relay now hears everything wanted of it after a connection or a
	// subscription was lost: the time to sweep for what went unsent. Both are
	// called one at a time and may take long; calls for one url are merged.
	OnChange func(url string)
	OnUp     func(url string)
	// TLS is the base of the TLS settings; nil: the system's roots.
	TLS *tls.Config
	// Timing replaces time bounds, for tests; its zero fields are the defaults.
	Timing Timing
}

// Manager holds the connections. Its methods may be called concurrently.
type Manager struct {
	cfg    Config
	t      Timing
	client *http.Client
	hooks  hooks

	mu      sync.Mutex
	ctx     context.Context // of Run; the peers' goroutines live and end with it
	state   runState
	peers   map[string]*peer // by normal url
	running sync.WaitGroup
}

type runState int

const (
	notStarted runState = iota
	started
	ended
)

// New checks cfg and builds a Manager. Nothing runs before Run.
func New(cfg Config) (*Manager, error) {
	switch {
	case cfg.Dialer == nil:
		return nil, errors.New("relay manager without a Dialer: pass the outbound dialer")
	case cfg.Handle == nil:
		return nil, errors.New("relay manager without Handle: pass the inbox")
	case cfg.Now == nil:
		return nil, errors.New("relay manager without Now: pass the clock")
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Since <= 0 {
		cfg.Since = SinceWindow
	}
	t := cfg.Timing.withDefaults()
	return &Manager{
		cfg:    cfg,
		t:      t,
		client: cfg.Dialer.HTTPClient(dial.Limits{Timeout: t.DialWait, TLS: cfg.TLS}),
		hooks:  hooks{wake: make(chan struct{}, 1)},
		peers:  make(map[string]*peer),
	}, nil
}

// Run holds the connections until ctx ends, then answers every publication that
// is still open with false, and returns nil when all its goroutines have ended.
// A Manager runs once.
func (m *Manager) Run(ctx context.Context) error {
	m.mu.Lock()
	if m.state != notStarted {
		m.mu.Unlock()
		return errors.New("relay manager was run before: build a new one")
	}
	m.state, m.ctx = started, ctx
	for _, p := range m.peers {
		m.start(p)
	}
	m.mu.Unlock()

	m.hooks.run(ctx, m.cfg.OnChange, m.cfg.OnUp)

	m.mu.Lock()
	m.state = ended
	m.mu.Unlock()
	m.running.Wait()
	return nil
}

// start launches p's goroutine; m.mu is held.
func (m *Manager) start(p *peer) { m.running.Go(func() { p.run(m.ctx) }) }

// Want replaces what is to be heard: for each relay url the p values (our keys)
// whose events of kinds are wanted there. No kinds mean 24133 and 24134. A
// relay with no keys is connected all the same, for publishing.
//
// Relays and keys that stay are not disturbed: added keys get small
// subscriptions of their own, merged later; removed ones are dropped with the
// subscription they are in. Other kinds mean a reconnect.
//
// The error names urls that are none, and relays and keys beyond MaxRelays and
// MaxKeys; the rest of w is in force all the same. Lists of keys that are in order
// ([nostr.PubKeys]) are kept as they are: nobody may change them afterwards.
func (m *Manager) Want(w map[string][]nostr.PubKey, kinds ...nostr.Kind) error {
	if len(kinds) == 0 {
		kinds = DefaultKinds()
	}
	kinds = slices.Compact(slices.Sorted(slices.Values(kinds)))
	next, errs := desired(w)

	m.mu.Lock()
	defer m.mu.Unlock()
	for url, p := range m.peers {
		if _, ok := next[url]; !ok {
			p.setWant(false, nil, kinds)
		}
	}
	for url, keys := range next {
		p := m.peers[url]
		if p == nil {
			p = m.add(url)
		}
		p.setWant(true, keys, kinds)
	}
	return errors.Join(errs...)
}

// desired normalises w, dropping and naming what cannot be.
func desired(w map[string][]nostr.PubKey) (map[string]nostr.PubKeys, []error) {
	var errs []error
	out := make(map[string]nostr.PubKeys, len(w))
	raws := make([]string, 0, len(w))
	for raw := range w {
		raws = append(raws, raw)
	}
	slices.Sort(raws) // the same ones are dropped each time
	for _, raw := range raws {
		url, err := Normalize(raw)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		keys, twice := out[url]
		if !twice && len(out) >= MaxRelays {
			errs = append(errs, fmt.Errorf("relay %s is not connected: at most %d relays at once; remove some", url, MaxRelays))
			continue
		}
		if twice {
			keys = nostr.PubKeysOf(slices.Concat(keys, w[raw]))
		} else {
			keys = nostr.PubKeysOf(w[raw])
		}
		if over := len(keys) - MaxKeys; over > 0 {
			errs = append(errs, fmt.Errorf("relay %s: %d keys are not heard: at most %d on one relay; use a pool of signer keys", url, over, MaxKeys))
			keys = keys[:MaxKeys]
		}
		out[url] = keys
	}
	return out, errs
}

// add makes a peer, started if we run; m.mu is held.
func (m *Manager) add(url string) *peer {
	p := newPeer(m, url)
	m.peers[url] = p
	if m.state == started {
		m.start(p)
	}
	return p
}

// Publish sends one event of a bunker, given as its id and its JSON object, to each of urls.
// It never blocks. result is called once per distinct relay, with the url as
// given, within Timing.OKWait: ok when the relay has the event (its OK, or
// "duplicate"), else the relay's words or ours. It may be called before Publish
// returns, from any goroutine, and must not block.
//
// A relay that is not wanted gets a connection that closes when it is idle.
// What a relay has not been given yet when ctx ends is not sent. raw must not
// be changed afterwards.
func (m *Manager) Publish(ctx context.Context, of bunker.TenantID, id nostr.ID, raw []byte, urls []string, result func(url string, ok bool, reason string)) {
	if len(raw) < 2 || raw[0] != '{' || raw[len(raw)-1] != '}' || len(raw) > MaxFrame {
		for _, given := range urls {
			result(given, false, fmt.Sprintf("invalid: not an event of at most %d bytes", MaxFrame))
		}
		return
	}
	seen := make(map[string]struct{}, len(urls))
	for _, given := range urls {
		url, err := Normalize(given)
		if err != nil {
			result(given, false, "invalid: "+err.Error())
			continue
		}
		if _, twice := seen[url]; twice {
			continue
		}
		seen[url] = struct{}{}
		pub := &publication{ctx: ctx, of: of, url: given, id: id, raw: raw, result: result}
		if reason := m.enqueue(url, pub); reason != "" {
			result(given, false, reason)
		}
	}
}

// PublishEvent is Publish for an event that is not stored as bytes.
func (m *Manager) PublishEvent(ctx context.Context, of bunker.TenantID, ev *nostr.Event, urls []string, result func(url string, ok bool, reason string)) {
	m.Publish(ctx, of, ev.ID, ev.AppendJSON(nil), urls, result)
}

// enqueue hands pub to the relay's queue or says why not.
func (m *Manager) enqueue(url string, pub *publication) (refusal string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.state != started {
		return "error: the relay connections are not running"
	}
	p := m.peers[url]
	if p == nil {
		if refusal := m.place(pub.of); refusal != "" {
			return refusal
		}
		p = m.add(url)
		p.of = pub.of
	}
	return p.enqueue(pub)
}

// place says why a bunker cannot have another relay for publishing only; m.mu is held.
func (m *Manager) place(of bunker.TenantID) (refusal string) {
	all, own := 0, 0
	for _, p := range m.peers {
		if p.isWanted() {
			continue
		}
		all++
		if p.of == of {
			own++
		}
	}
	most := MaxTemporary
	if m.cfg.Several {
		most = MaxTemporaryEach
	}
	if all >= MaxTemporary || own >= most {
		return fmt.Sprintf("error: connected to %d relays besides the wanted ones already; try again in a minute", max(own, min(all, most)))
	}
	return ""
}

// retire forgets p when nothing needs it any more; its goroutine then ends.
func (m *Manager) retire(p *peer) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if p.needed() {
		return false
	}
	delete(m.peers, p.url)
	m.hooks.add(p.url, false)
	return true
}

// BadSignature reports that an event from the relay at url was forged. A relay
// that delivers more than MaxBadSignatures in a minute is cut off, for a
// time that grows with each repetition (security.md, section 5, Flood).
func (m *Manager) BadSignature(url string) {
	if p := m.peer(url); p != nil {
		p.badSignature()
	}
}

func (m *Manager) peer(given string) *peer {
	url, err := Normalize(given)
	if err != nil {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.peers[url]
}

// Status tells about every relay that is wanted or connected, ordered by url.
func (m *Manager) Status() []Status {
	m.mu.Lock()
	peers := make([]*peer, 0, len(m.peers))
	for _, p := range m.peers {
		peers = append(peers, p)
	}
	m.mu.Unlock()
	out := make([]Status, len(peers))
	for i, p := range peers {
		out[i] = p.status()
	}
	slices.SortFunc(out, func(a, b Status) int { return strings.Compare(a.URL, b.URL) })
	return out
}
