// Package signerrelay is the relay inside the bunker: NIP-01 over websocket for the kinds 24133 (NIP-46) and 24134
// (admin sessions), and only for events to or from this bunker's own keys. It is a postbox between apps and one bunker,
// not a relay for the world:
//
//   - What a client sends goes to the bunker (Config.Deliver) and to nobody else; the OK is given when the bunker has
//     committed it. What is neither to nor from our keys is refused, and so is what claims to be by one of them: our
//     own events come from inside the process only (Publish). So a subscription to one of our own keys stays silent.
//   - What the bunker publishes goes to those who listen for its `p`, by one look-up in a map.
//   - Nothing is stored. Replies of the last seconds are kept in memory for clients that reconnect (see kept).
//   - A REQ names the keys that it listens for, at most 100 unless the client proves that they are its own (NIP-42).
//
// Signatures of events are checked once, by the bunker's inbox behind Deliver; the relay checks those of NIP-42 only.
// Everything that a client can make it hold or do is bounded by Limits; where a limit is met, a message waits a little
// (the connection is not read meanwhile), and then is refused with a reason. No client is ever waited for: who does not
// read is cut off.
//
// Pages of any origin may connect. That is safe here, because nothing depends on who the browser is: there are no
// cookies and no ambient rights, events carry their own signatures, and replies are encrypted to the client's key.
package signerrelay

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"nsecbunker/nostr"
	"nsecbunker/nostr/nip11"
)

// The kinds that the relay carries.
const (
	KindNostrConnect nostr.Kind = 24133 // NIP-46
	KindAdmin        nostr.Kind = 24134 // security.md, section 4
)

// Config is what a Relay is made of. URL, Ours, Deliver and Now are required.
type Config struct {
	// URL returns the relay's public URLs (ws:// or wss://). A NIP-42 event must name the host of one of them; the
	// Host header of a request proves nothing, as a relay in the middle chooses it.
	URL func() []string
	// Ours says whether a key is one of this bunker's: signer and admin keys, and user keys with npub login. It is
	// asked for each event and must be quick.
	Ours func(nostr.PubKey) bool
	// Deliver hands an event of a client to the bunker. It returns after the commit, and its answer is the relay's OK;
	// reason is empty or begins with one of NIP-01's prefixes. The event is well-formed, of a carried kind, to one of
	// our keys and by none of them; its id and signature are NOT checked yet, and it may have come before. It is called
	// from many goroutines at once, and must return when ctx ends. raw is the event as the client wrote it.
	Deliver func(ctx context.Context, from Link, raw string, ev *nostr.Event) (ok bool, reason string)
	// ClientIP finds the address that a request's limits are counted for; by default the other end of the TCP
	// connection. Behind a proxy, read what that proxy adds. For an invalid or loopback address nothing is counted per
	// address: behind a proxy on this machine everybody has the same.
	ClientIP func(*http.Request) netip.Addr
	Log      *slog.Logger     // by default, nothing is logged
	Now      func() time.Time // the clock that created_at is compared with
	Info     nip11.Document   // who runs the relay; the relay fills in its NIPs and limits
	Limits   Limits
}

// Link is the connection that an event came over, for limits that are the bunker's to keep.
type Link struct {
	Conn uint64                  // number of the connection, never used again in this process
	Seq  uint64                  // number of the message on it: the order of arrival
	Addr netip.Addr              // address of the client, if it is known
	Auth func(nostr.PubKey) bool // whether the client has authenticated as this key (NIP-42)
	Cut  func(reason string)     // ends the connection: NOTICE, then a close frame (bad signatures, floods)
}

// Relay is the embedded relay. It is an http.Handler.
type Relay struct {
	cfg     Config
	lim     Limits
	routes  *routes
	kept    *kept
	sources *sources
	places  *places
	hands   hands
	queued  atomic.Int64 // bytes in all out queues
	count   counters

	base context.Context // of Deliver: a request goes on when its connection ends
	stop context.CancelFunc

	mu     sync.Mutex
	conns  map[*conn]struct{}
	lastID uint64
	ran    bool
	ended  bool

	handlers sync.WaitGroup
	work     sync.WaitGroup
}

// New makes a relay. It serves from then on; Run keeps it tidy and ends it.
func New(cfg Config) (*Relay, error) {
	switch {
	case cfg.URL == nil:
		return nil, errors.New("signer relay: Config.URL is missing")
	case cfg.Ours == nil:
		return nil, errors.New("signer relay: Config.Ours is missing")
	case cfg.Deliver == nil:
		return nil, errors.New("signer relay: Config.Deliver is missing")
	case cfg.Now == nil:
		return nil, errors.New("signer relay: Config.Now is missing")
	}
	lim, err := cfg.Limits.withDefaults()
	if err != nil {
		return nil, err
	}
	if cfg.ClientIP == nil {
		cfg.ClientIP = remoteAddr
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	r := &Relay{cfg: cfg, lim: lim, conns: make(map[*conn]struct{})}
	r.routes = newRoutes(&r.lim)
	r.kept = newKept(&r.lim)
	r.sources = newSources(&r.lim)
	r.places = newPlaces(&r.lim)
	r.hands = newHands()
	r.base, r.stop = context.WithCancel(context.Background())
	return r, nil
}

// Publish sends one of the bunker's own events to everybody who listens for one of its `p` values, and keeps it for
// those who reconnect. It never blocks. raw is the event's JSON (nil: it is made here) and must not be changed
// afterwards. delivered is the number of connections that took it: it waits there to be written. The caller answers for
// the event: that it is committed, and by one of our keys.
func (r *Relay) Publish(ev *nostr.Event, raw []byte) (delivered int) {
	if !carried(ev.Kind) {
		r.cfg.Log.Error("relay: the bunker published an event of a kind that is not carried", "kind", ev.Kind)
		return 0
	}
	if raw == nil {
		raw = ev.AppendJSON(nil)
	}
	if len(raw) > r.lim.MaxFrame {
		r.cfg.Log.Error("relay: the bunker published an event over the size limit", "bytes", len(raw), "limit", r.lim.MaxFrame)
		return 0
	}
	ps := routedP(ev)
	if len(ps) == 0 {
		return 0
	}
	r.count.published.Add(1)
	took := make(map[*conn]struct{}, 1)
	// A REQ holds the lock for writing while it reads what is kept: it gets each event once, kept or live.
	r.routes.mu.RLock()
	defer r.routes.mu.RUnlock()
	r.kept.add(ev, raw, ps, r.cfg.Now())
	r.routes.visit(ev, ps, func(s *sub) {
		if s.c.send(eventMessage(s.head, raw)) {
			took[s.c] = struct{}{}
			s.c.answered(ps)
		}
	})
	r.count.delivered.Add(uint64(len(took)))
	return len(took)
}

// Listens reports that somebody is connected who listens for a `p` value.
func (r *Relay) Listens(p nostr.PubKey) bool {
	r.routes.mu.RLock()
	defer r.routes.mu.RUnlock()
	return len(r.routes.byP[p]) > 0
}

// Run keeps the relay tidy until ctx ends. Then it takes no more events, lets those in flight finish for a moment, ends
// all connections and returns nil once every goroutine of the relay has ended. It can be called once.
func (r *Relay) Run(ctx context.Context) error {
	r.mu.Lock()
	again := r.ran
	r.ran = true
	r.mu.Unlock()
	if again {
		return errors.New("signer relay: Run was called twice")
	}
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for n := 1; ; n++ {
		select {
		case <-ctx.Done():
			r.shutDown()
			return nil
		case <-ticker.C:
			r.tidy(n)
		}
	}
}

// sweepEvery is how many ticks lie between sweeps of the table of addresses.
const sweepEvery = 10

func (r *Relay) tidy(n int) {
	r.kept.sweep(r.cfg.Now())
	if n%sweepEvery == 0 {
		r.sources.sweep(time.Now())
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for c := range r.conns {
		if c.idle() {
			c.end(closeNormal, "idle: nothing was asked for")
		}
	}
}

func (r *Relay) shutDown() {
	r.mu.Lock()
	r.ended = true
	r.mu.Unlock()
	r.stop()
	worked := make(chan struct{})
	go func() {
		r.work.Wait()
		close(worked)
	}()
	timer := time.NewTimer(closeGrace)
	defer timer.Stop()
	select { // the OKs of what was committed still go out
	case <-worked:
	case <-timer.C:
	}
	r.mu.Lock()
	for c := range r.conns {
		c.end(closeGoingAway, "the bunker is going down")
	}
	r.mu.Unlock()
	r.handlers.Wait()
	<-worked
}

// errFull and errEnded are why a connection was not admitted.
var (
	errFull  = errors.New("this relay has as many connections as it takes: try again later")
	errEnded = errors.New("this relay is going down: try again later")
)

// admit gives c a place. When all are taken, the oldest connection that the bunker never answered loses its own:
// strangers cannot keep known clients out.
func (r *Relay) admit(c *conn) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended {
		return errEnded
	}
	if len(r.conns) >= r.lim.MaxConns {
		var victim *conn
		for other := range r.conns {
			if !other.proven.Load() && time.Since(other.born) >= r.lim.MinAge && (victim == nil || other.id < victim.id) {
				victim = other
			}
		}
		if victim == nil {
			r.count.turnedAway.Add(1)
			return errFull
		}
		delete(r.conns, victim)
		victim.drop()
		r.count.madeRoom.Add(1)
	}
	r.lastID++
	c.id = r.lastID
	r.conns[c] = struct{}{}
	r.handlers.Add(1)
	return nil
}

// forget takes c's place back.
func (r *Relay) forget(c *conn) {
	r.mu.Lock()
	delete(r.conns, c)
	r.mu.Unlock()
	r.handlers.Done()
}

// begin counts a piece of work that Run waits for, unless the relay is ending.
func (r *Relay) begin() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended {
		return false
	}
	r.work.Add(1)
	return true
}

func carried(k nostr.Kind) bool { return k == KindNostrConnect || k == KindAdmin }

// routedP returns the distinct keys that an event's first MaxRoutedP `p` tags name.
func routedP(ev *nostr.Event) []nostr.PubKey {
	var ps []nostr.PubKey
	n := 0
	for _, t := range ev.Tags {
		if t.Name() != "p" {
			continue
		}
		if n++; n > MaxRoutedP {
			break
		}
		var p nostr.PubKey
		if hex32(t.Value(), (*[32]byte)(&p)) && !contains(ps, p) {
			ps = append(ps, p)
		}
	}
	return ps
}

func contains(ps []nostr.PubKey, p nostr.PubKey) bool {
	for _, q := range ps {
		if p == q {
			return true
		}
	}
	return false
}

// String names the link, for people and for Relay.Cut.
func (l Link) String() string { return fmt.Sprintf("embedded relay, connection %d", l.Conn) }

// Cut ends the connection that a Link of this name (its String) stands for, as Link.Cut does; false means that there is
// none any more.
func (r *Relay) Cut(link, reason string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for c := range r.conns {
		if (Link{Conn: c.id}).String() == link {
			c.cutOff(reason)
			return true
		}
	}
	return false
}
