package relay

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"go.uber.org/goleak"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/dial"
	"nsecbunker/nostr"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// scripted is a relay over a real websocket that does what the test says, and
// by default what NIP-01 says: EOSE to a REQ, OK true to an EVENT.
type scripted struct {
	t   *testing.T
	srv *httptest.Server
	url string

	// script sees each message of a client first; true: no default answer.
	script func(c *client, label string, m []json.RawMessage) bool
	// hello sees each connection before its first message.
	hello func(c *client)
	// refuse is how many handshakes are answered with 503.
	refuse int

	mu      sync.Mutex
	clients []*client
	reqs    []request
	agents  []string
	events  []string // ids, in order of arrival
}

type request struct {
	conn  int
	id    string
	keys  []string
	kinds []int
	since int64
	size  int
}

type client struct {
	r    *scripted
	n    int // which connection this is, from 0
	ws   *websocket.Conn
	ctx  context.Context
	stop context.CancelFunc

	mu   sync.Mutex
	subs map[string][]string // open ones: id → keys
	load int                 // largest number of open ones
}

func newRelay(t *testing.T) *scripted {
	t.Helper()
	r := unstarted(t)
	r.start()
	return r
}

func unstarted(t *testing.T) *scripted {
	t.Helper()
	r := &scripted{t: t}
	r.srv = httptest.NewUnstartedServer(http.HandlerFunc(r.serve))
	r.url = "ws://" + r.srv.Listener.Addr().String()
	t.Cleanup(func() {
		r.dropAll()
		r.srv.Close()
	})
	return r
}

func (r *scripted) start() { r.srv.Start() }

func (r *scripted) serve(w http.ResponseWriter, q *http.Request) {
	r.mu.Lock()
	refuse := r.refuse > 0
	r.refuse--
	r.mu.Unlock()
	if refuse {
		http.Error(w, "not ready", http.StatusServiceUnavailable)
		return
	}
	ws, err := websocket.Accept(w, q, nil)
	if err != nil {
		return
	}
	ws.SetReadLimit(1 << 22)
	ctx, stop := context.WithCancel(q.Context())
	defer stop()
	defer func() { _ = ws.CloseNow() }()
	r.mu.Lock()
	c := &client{r: r, n: len(r.clients), ws: ws, ctx: ctx, stop: stop, subs: map[string][]string{}}
	r.clients = append(r.clients, c)
	r.agents = append(r.agents, q.UserAgent())
	hello := r.hello
	r.mu.Unlock()
	if hello != nil {
		hello(c)
	}
	for {
		_, b, err := ws.Read(ctx)
		if err != nil || ctx.Err() != nil { // what came before the end is read all the same, sometimes
			return
		}
		c.message(b)
	}
}

func (c *client) message(b []byte) {
	var m []json.RawMessage
	var label string
	if json.Unmarshal(b, &m) != nil || json.Unmarshal(m[0], &label) != nil {
		c.r.t.Errorf("the client sent %.200q", b)
		return
	}
	c.r.record(c, label, m, len(b))
	c.r.mu.Lock()
	script := c.r.script
	c.r.mu.Unlock()
	if script != nil && script(c, label, m) {
		return
	}
	switch label {
	case "REQ":
		c.eose(m)
	case "EVENT":
		c.ok(m, true, "")
	}
}

func (r *scripted) record(c *client, label string, m []json.RawMessage, size int) {
	switch label {
	case "REQ":
		var f struct {
			Kinds []int    `json:"kinds"`
			P     []string `json:"#p"`
			Since int64    `json:"since"`
		}
		if len(m) != 3 || json.Unmarshal(m[2], &f) != nil {
			r.t.Errorf("a REQ with %d elements", len(m))
			return
		}
		r.mu.Lock()
		r.reqs = append(r.reqs, request{c.n, text(m[1]), f.P, f.Kinds, f.Since, size})
		r.mu.Unlock()
		c.mu.Lock()
		if _, twice := c.subs[text(m[1])]; twice {
			r.t.Errorf("the subscription %s is replaced while it lives", m[1])
		}
		c.subs[text(m[1])] = f.P
		c.load = max(c.load, len(c.subs))
		c.mu.Unlock()
	case "CLOSE":
		c.mu.Lock()
		delete(c.subs, text(m[1]))
		c.mu.Unlock()
	case "EVENT":
		r.mu.Lock()
		r.events = append(r.events, eventID(m[1]))
		r.mu.Unlock()
	}
}

func text(m json.RawMessage) string {
	var s string
	_ = json.Unmarshal(m, &s)
	return s
}

func quoted(s string) string {
	b, _ := json.Marshal(s) // a string always can
	return string(b)
}

func eventID(m json.RawMessage) string {
	var e struct{ ID string }
	_ = json.Unmarshal(m, &e)
	return e.ID
}

func (c *client) send(format string, args ...any) {
	_ = c.ws.Write(c.ctx, websocket.MessageText, fmt.Appendf(nil, format, args...)) // a client that went is not this test's fault
}

func (c *client) eose(m []json.RawMessage) { c.send(`["EOSE",%s]`, m[1]) }

func (c *client) ok(m []json.RawMessage, ok bool, text string) {
	c.send(`["OK",%s,%v,%s]`, quoted(eventID(m[1])), ok, quoted(text))
}

// closed ends a subscription as a relay does.
func (c *client) closed(id, text string) {
	c.mu.Lock()
	delete(c.subs, id)
	c.mu.Unlock()
	c.send(`["CLOSED",%s,%s]`, quoted(id), quoted(text))
}

func (r *scripted) dropAll() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.clients {
		c.stop()
	}
}

func (r *scripted) conns() int { r.mu.Lock(); defer r.mu.Unlock(); return len(r.clients) }

func (r *scripted) last() *client {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.clients) == 0 {
		return nil
	}
	return r.clients[len(r.clients)-1]
}

func (r *scripted) requests() []request {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.reqs)
}

func (r *scripted) received() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.events)
}

// heard lists the keys of the newest connection's subscriptions, each once per
// subscription that names it.
func (r *scripted) heard() []string {
	c := r.last()
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []string
	for _, keys := range c.subs {
		out = append(out, keys...)
	}
	slices.Sort(out)
	return out
}

// bench is a running Manager and what it told.
type bench struct {
	*Manager
	t    *testing.T
	stop func()

	mu      sync.Mutex
	events  []delivered
	ups     map[string]int
	changes map[string]int
}

type delivered struct{ url, raw string }

// clock is a fixed time, so that a since can be compared.
var clock = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// run starts a Manager that may dial loopback. The default time-outs are those
// of the product; a test shortens the one that it is about.
func run(t *testing.T, change func(*Config)) *bench {
	t.Helper()
	b := build(t, change)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx) }()
	b.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	t.Cleanup(b.stop)
	until(t, "running", func() bool {
		b.Manager.mu.Lock()
		defer b.Manager.mu.Unlock()
		return b.state == started
	})
	return b
}

func build(t *testing.T, change func(*Config)) *bench {
	t.Helper()
	d, err := dial.New(dial.Config{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, ups: map[string]int{}, changes: map[string]int{}, stop: func() {}}
	cfg := Config{
		Dialer: d,
		Now:    func() time.Time { return clock },
		Handle: func(_ context.Context, url string, ev RawEvent) {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.events = append(b.events, delivered{url, string(ev)})
		},
		OnUp:     func(url string) { b.mu.Lock(); defer b.mu.Unlock(); b.ups[url]++ },
		OnChange: func(url string) { b.mu.Lock(); defer b.mu.Unlock(); b.changes[url]++ },
		Timing:   Timing{BackoffMin: time.Millisecond, ClosedMin: time.Millisecond},
	}
	if change != nil {
		change(&cfg)
	}
	if b.Manager, err = New(cfg); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *bench) want(keys []nostr.PubKey, relays ...*scripted) {
	b.t.Helper()
	w := map[string][]nostr.PubKey{}
	for _, r := range relays {
		w[r.url] = keys
	}
	if err := b.Want(w); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) of(r *scripted) Status {
	for _, s := range b.Status() {
		if s.URL == r.url {
			return s
		}
	}
	return Status{}
}

func (b *bench) waitState(r *scripted, want State) {
	b.t.Helper()
	until(b.t, string(want), func() bool { return b.of(r).State == want })
}

func (b *bench) handled() []delivered {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.events)
}

func (b *bench) upCount(r *scripted) int { b.mu.Lock(); defer b.mu.Unlock(); return b.ups[r.url] }

// outcome collects the results of publications.
type outcome struct {
	mu   sync.Mutex
	list []string // "url ok reason"
}

func (o *outcome) take(url string, ok bool, reason string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.list = append(o.list, fmt.Sprintf("%s %v %s", url, ok, reason))
}

func (o *outcome) all() []string { o.mu.Lock(); defer o.mu.Unlock(); return slices.Clone(o.list) }

// one waits for the first result.
func (o *outcome) one(t *testing.T) string {
	t.Helper()
	until(t, "a result", func() bool { return len(o.all()) > 0 })
	return o.all()[0]
}

// patience only ends a test that hangs.
const patience = 2 * time.Minute

// until waits for a thing itself.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("waited %s for: %s", patience, what)
		}
		time.Sleep(time.Millisecond)
	}
}

// keys makes n different p values.
func keys(n int) []nostr.PubKey {
	out := make([]nostr.PubKey, n)
	for i := range out {
		out[i] = nostr.PubKey{1: byte(i >> 16), 2: byte(i >> 8), 3: byte(i), 31: 1}
	}
	return out
}

func hexes(keys []nostr.PubKey) []string {
	out := make([]string, len(keys))
	for i, k := range keys {
		out[i] = hex.EncodeToString(k[:])
	}
	slices.Sort(out)
	return out
}

// event makes the n-th event; its signature is of no concern here.
func event(n int) (nostr.ID, []byte) {
	id := nostr.ID{0: byte(n >> 8), 1: byte(n), 31: 7}
	return id, fmt.Appendf(nil, `{"id":"%s","kind":24133,"content":"%d"}`, id, n)
}

func (b *bench) publish(n int, o *outcome, urls ...string) nostr.ID {
	id, raw := event(n)
	b.Publish(context.Background(), bunker.SelfHosted, id, raw, urls, o.take)
	return id
}

type pubKey = nostr.PubKey
