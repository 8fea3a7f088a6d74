package bunkertest

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"nsecbunker/nostr"
)

// Manners are how often, of a hundred, a relay does what it should not.
type Manners struct {
	DropEvent int // takes an event with OK and passes it to nobody
	LoseOK    int // passes it on and never says OK
	Refuse    int // OK false
	Double    int // passes it on twice
	Forge     int // passes on a forged copy first
	Delay     int // passes it on up to half a second later
	Cut       int // ends the connection at a message
	NoEOSE    int // takes a REQ and never says EOSE
	Closed    int // answers a REQ with CLOSED
	Reorder   int // keeps it back until another one has passed
	HalfOpen  int // from a message on, reads and says nothing more on the connection, and leaves it open
	Auth      int // takes nothing more on the connection before a proof (NIP-42)
	Skew      int // finds it too old or its REQ of the past, as a relay whose clock is an hour ahead
	// NoKind is a kind that it refuses, always.
	NoKind nostr.Kind
}

// Relay is a relay of somebody else over real sockets: it passes ephemeral
// events on to who asked for them, keeps them for those that come late, and
// counts what it saw.
type Relay struct {
	URL string

	mu      sync.Mutex
	rng     *rand.Rand
	manners Manners
	conns   map[*relayConn]struct{}
	stored  []*nostr.Event
	seen    map[nostr.ID]*nostr.Event
	held    []*nostr.Event // kept back by Reorder
	shut    bool
	work    sync.WaitGroup
}

type relayConn struct {
	r    *Relay
	ws   *websocket.Conn
	ctx  context.Context
	stop context.CancelFunc
	mu   sync.Mutex // of writing
	subs map[string]relayFilter

	// Under r.mu:
	dead      bool   // half-open
	challenge string // that is not answered yet
}

type relayFilter struct {
	P       []string `json:"#p"`
	Authors []string `json:"authors"`
	Kinds   []int64  `json:"kinds"`
	Since   int64    `json:"since"`
}

func (f relayFilter) matches(e *nostr.Event) bool {
	if len(f.Kinds) > 0 && !slices.Contains(f.Kinds, int64(e.Kind)) || e.CreatedAt < f.Since {
		return false
	}
	if len(f.Authors) > 0 {
		return slices.Contains(f.Authors, e.PubKey.String())
	}
	for _, t := range e.Tags {
		if t.Name() == "p" && slices.Contains(f.P, t.Value()) {
			return true
		}
	}
	return false
}

// keptByRelay is how many events a relay keeps for subscriptions that come late.
const keptByRelay = 2048

// NewRelay runs a relay with good manners until the test ends.
func NewRelay(t testing.TB) *Relay { return NewRudeRelay(t, 0, Manners{}) }

// NewRudeRelay runs a relay whose faults follow a seed.
func NewRudeRelay(t testing.TB, seed uint64, m Manners) *Relay {
	t.Helper()
	r := &Relay{
		rng: rand.New(rand.NewPCG(seed, 46)), manners: m,
		conns: map[*relayConn]struct{}{}, seen: map[nostr.ID]*nostr.Event{},
	}
	srv := httptest.NewServer(http.HandlerFunc(r.serve))
	r.URL = "ws" + srv.URL[len("http"):]
	t.Cleanup(func() {
		r.Kick()
		srv.Close()
		r.work.Wait()
	})
	return r
}

// Behave changes a relay's manners.
func (r *Relay) Behave(m Manners) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.manners = m
	if held := r.held; m.Reorder == 0 && len(held) > 0 { // the next one comes now
		r.held = nil
		r.work.Go(func() { r.pass(held, 0) })
	}
}

// Kick ends every connection.
func (r *Relay) Kick() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for c := range r.conns {
		c.stop()
	}
}

// Wake ends the connections that are half-open or wait for a proof, as time would.
func (r *Relay) Wake() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for c := range r.conns {
		if c.dead || c.challenge != "" {
			c.stop()
		}
	}
}

// Shut takes the relay off the network, or brings it back.
func (r *Relay) Shut(shut bool) {
	r.mu.Lock()
	r.shut = shut
	r.mu.Unlock()
	if shut {
		r.Kick()
	}
}

// Seen returns every event that was sent to the relay, whatever it did with it.
func (r *Relay) Seen() []*nostr.Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make([]*nostr.Event, 0, len(r.seen))
	for _, e := range r.seen {
		out = append(out, e)
	}
	return out
}

// chance throws the dice; r.mu is held.
func (r *Relay) chance(percent int) bool { return percent > 0 && r.rng.IntN(100) < percent }

func (r *Relay) serve(w http.ResponseWriter, q *http.Request) {
	r.mu.Lock()
	shut := r.shut
	r.mu.Unlock()
	if shut {
		http.Error(w, "it is away", http.StatusServiceUnavailable)
		return
	}
	ws, err := websocket.Accept(w, q, &websocket.AcceptOptions{InsecureSkipVerify: true})
	if err != nil {
		return
	}
	defer func() { _ = ws.CloseNow() }()
	ws.SetReadLimit(4 << 20)
	ctx, stop := context.WithCancel(q.Context())
	defer stop()
	c := &relayConn{r: r, ws: ws, ctx: ctx, stop: stop, subs: map[string]relayFilter{}}
	r.mu.Lock()
	r.conns[c] = struct{}{}
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		delete(r.conns, c)
		r.mu.Unlock()
	}()
	for {
		_, b, err := ws.Read(ctx)
		if err != nil {
			return
		}
		var m []json.RawMessage
		if json.Unmarshal(b, &m) != nil || len(m) < 2 {
			return
		}
		if !c.take(m) {
			return
		}
	}
}

// take works on one message; false ends the connection.
func (c *relayConn) take(m []json.RawMessage) bool {
	var label string
	_ = json.Unmarshal(m[0], &label)
	c.r.mu.Lock()
	cut := c.r.chance(c.r.manners.Cut)
	c.dead = c.dead || c.r.chance(c.r.manners.HalfOpen)
	if c.challenge == "" && c.r.chance(c.r.manners.Auth) {
		c.challenge = strconv.FormatUint(c.r.rng.Uint64(), 16)
	}
	dead, challenge := c.dead, c.challenge
	c.r.mu.Unlock()
	if cut {
		return false
	}
	if dead {
		<-c.ctx.Done()
		return false
	}
	if challenge != "" {
		c.demand(label, challenge, m)
		return true
	}
	switch label {
	case "REQ":
		c.req(m)
	case "CLOSE":
		var id string
		_ = json.Unmarshal(m[1], &id)
		c.r.mu.Lock()
		delete(c.subs, id)
		c.r.mu.Unlock()
	case "EVENT":
		if e, err := nostr.ParseEvent(m[1]); err == nil {
			c.event(e)
		}
	}
	return true
}

// demand takes nothing but the proof that a relay may ask for (NIP-42).
func (c *relayConn) demand(label, challenge string, m []json.RawMessage) {
	const why = "auth-required: show who you are"
	switch label {
	case "AUTH":
		e, err := nostr.ParseEvent(m[1])
		if err != nil || e.Kind != 22242 || e.Tags.Find("challenge").Value() != challenge || e.Verify() != nil {
			return
		}
		c.r.mu.Lock()
		c.challenge = ""
		c.r.mu.Unlock()
		c.write("OK", e.ID.String(), true, "")
	case "REQ":
		var id string
		_ = json.Unmarshal(m[1], &id)
		c.write("AUTH", challenge)
		c.write("CLOSED", id, why)
	case "EVENT":
		if e, err := nostr.ParseEvent(m[1]); err == nil {
			c.write("AUTH", challenge)
			c.write("OK", e.ID.String(), false, why)
		}
	}
}

func (c *relayConn) req(m []json.RawMessage) {
	var id string
	var f relayFilter
	if json.Unmarshal(m[1], &id) != nil || len(m) < 3 || json.Unmarshal(m[2], &f) != nil {
		return
	}
	c.r.mu.Lock()
	closed, silent := c.r.chance(c.r.manners.Closed), c.r.chance(c.r.manners.NoEOSE)
	var late []*nostr.Event
	if !closed {
		c.subs[id] = f
		if c.r.chance(c.r.manners.Skew) { // of what is new a relay does not ask how old it is
			f.Since += int64(skew / time.Second)
		}
		for _, e := range c.r.stored {
			if f.matches(e) {
				late = append(late, e)
			}
		}
	}
	c.r.mu.Unlock()
	if closed {
		c.write("CLOSED", id, "error: not now")
		return
	}
	for _, e := range late {
		c.write("EVENT", id, e)
	}
	if !silent {
		c.write("EOSE", id)
	}
}

// skew is how far a relay's clock is ahead that is wrong.
const skew = time.Hour

// event is one event's way through the relay.
func (c *relayConn) event(e *nostr.Event) {
	r := c.r
	r.mu.Lock()
	_, known := r.seen[e.ID]
	r.seen[e.ID] = e
	if r.chance(r.manners.Refuse) || r.manners.NoKind != 0 && e.Kind == r.manners.NoKind {
		r.mu.Unlock()
		c.write("OK", e.ID.String(), false, "rate-limited: slow down")
		return
	}
	if r.chance(r.manners.Skew) {
		r.mu.Unlock()
		c.write("OK", e.ID.String(), false, "invalid: created_at is too far in the past")
		return
	}
	dropped, mute := r.chance(r.manners.DropEvent), r.chance(r.manners.LoseOK)
	var wait time.Duration
	if r.chance(r.manners.Delay) {
		wait = time.Duration(r.rng.IntN(500)) * time.Millisecond
	}
	copies := []*nostr.Event{e}
	if r.chance(r.manners.Double) {
		copies = append(copies, e)
	}
	if r.chance(r.manners.Forge) {
		forged := *e
		forged.Sig[7] ^= 1
		copies = append([]*nostr.Event{&forged}, copies...)
	}
	if !dropped && !known {
		r.stored = append(r.stored, e)
		if len(r.stored) > keptByRelay {
			r.stored = r.stored[1:]
		}
	}
	if !dropped { // what was kept back passes after this one
		if r.chance(r.manners.Reorder) && len(r.held) == 0 {
			r.held, copies = copies, nil
		} else {
			copies, r.held = append(copies, r.held...), nil
		}
	}
	r.mu.Unlock()
	if !dropped && len(copies) > 0 {
		r.work.Go(func() { r.pass(copies, wait) })
	}
	if !mute {
		c.write("OK", e.ID.String(), true, "")
	}
}

func (r *Relay) pass(copies []*nostr.Event, wait time.Duration) {
	if wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		<-timer.C
	}
	type target struct {
		c  *relayConn
		id string
	}
	for _, e := range copies {
		var to []target
		r.mu.Lock()
		for c := range r.conns {
			for id, f := range c.subs {
				if f.matches(e) {
					to = append(to, target{c, id})
				}
			}
		}
		r.mu.Unlock()
		for _, t := range to {
			t.c.write("EVENT", t.id, e)
		}
	}
}

func (c *relayConn) write(parts ...any) {
	b, err := json.Marshal(parts)
	if err != nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	ctx, cancel := context.WithTimeout(c.ctx, 5*time.Second)
	defer cancel()
	_ = c.ws.Write(ctx, websocket.MessageText, b)
}

// Hand gives the relay an event as if a client had sent it, whatever the
// relay's manners: it is passed on once.
func (r *Relay) Hand(e *nostr.Event) {
	r.mu.Lock()
	r.seen[e.ID] = e
	r.stored = append(r.stored, e)
	r.mu.Unlock()
	r.work.Go(func() { r.pass([]*nostr.Event{e}, 0) })
}

// Pass gives whoever listens an event now, and keeps and counts nothing.
func (r *Relay) Pass(e *nostr.Event) { r.pass([]*nostr.Event{e}, 0) }
