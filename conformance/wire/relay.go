package wire

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/nbd-wtf/go-nostr"
)

// Script is how a scripted relay departs from what a relay ought to do; a nil function departs in nothing. Each returns
// true when it has dealt with the message itself. They are called one at a time for each connection.
type Script struct {
	Open  func(c *Conn)
	Req   func(c *Conn, sub string, filters []json.RawMessage) bool
	Event func(c *Conn, ev Event, raw json.RawMessage) bool
	Auth  func(c *Conn, ev Event) bool
}

// Relay is a relay that does what a test tells it to. It keeps events in memory, also ephemeral ones.
type Relay struct {
	URL    string
	server *httptest.Server

	mu     sync.Mutex
	script Script
	events []Event
	raw    map[string]json.RawMessage
	conns  map[*Conn]bool
	opened int
	reqs   int
	news   chan struct{}
}

// Conn is one connection to a scripted relay.
type Conn struct {
	Relay *Relay
	// Number counts the connections of the relay, from 1.
	Number int
	ws     *websocket.Conn
	write  sync.Mutex
	freeze chan struct{} // closed: it neither reads nor writes any more, and does not hang up either

	mu   sync.Mutex
	subs map[string][]filter
}

type filter struct {
	IDs     []string `json:"ids"`
	Authors []string `json:"authors"`
	Kinds   []int    `json:"kinds"`
	P       []string `json:"#p"`
	Since   *int64   `json:"since"`
	Until   *int64   `json:"until"`
	Limit   *int     `json:"limit"`
}

func (f *filter) matches(ev *Event) bool {
	in := func(list []string, v string) bool { return list == nil || slices.Contains(list, v) }
	p := f.P == nil
	for _, tag := range ev.Tags {
		p = p || len(tag) > 1 && tag[0] == "p" && slices.Contains(f.P, tag[1])
	}
	return p && in(f.IDs, ev.ID) && in(f.Authors, ev.PubKey) && (f.Kinds == nil || slices.Contains(f.Kinds, ev.Kind)) &&
		(f.Since == nil || int64(ev.CreatedAt) >= *f.Since) && (f.Until == nil || int64(ev.CreatedAt) <= *f.Until)
}

// NewRelay starts a relay on a port of its own; it ends with the test.
func NewRelay(t testing.TB, s Script) *Relay {
	r := &Relay{script: s, raw: map[string]json.RawMessage{}, conns: map[*Conn]bool{}, news: make(chan struct{})}
	r.server = httptest.NewServer(http.HandlerFunc(r.serve))
	r.URL = "ws" + strings.TrimPrefix(r.server.URL, "http")
	t.Cleanup(func() {
		r.HangUp()
		r.server.CloseClientConnections()
		r.server.Close()
	})
	return r
}

// SetScript changes how the relay behaves from now on.
func (r *Relay) SetScript(s Script) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.script = s
}

func (r *Relay) behaviour() Script {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.script
}

func (r *Relay) changed() {
	close(r.news)
	r.news = make(chan struct{})
}

func (r *Relay) serve(w http.ResponseWriter, req *http.Request) {
	ws, err := websocket.Accept(w, req, &websocket.AcceptOptions{InsecureSkipVerify: true})
	if err != nil {
		return
	}
	defer ws.CloseNow()
	ws.SetReadLimit(maxFrame)
	r.mu.Lock()
	r.opened++
	c := &Conn{Relay: r, Number: r.opened, ws: ws, freeze: make(chan struct{}), subs: map[string][]filter{}}
	r.conns[c] = true
	r.changed()
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		delete(r.conns, c)
		r.changed()
		r.mu.Unlock()
	}()
	if open := r.behaviour().Open; open != nil {
		open(c)
	}
	for {
		_, raw, err := ws.Read(context.Background())
		if err != nil {
			return
		}
		select {
		case <-c.freeze:
			<-req.Context().Done() // half-open: the socket stands, and nothing comes
			return
		default:
		}
		c.take(raw)
	}
}

func (c *Conn) take(raw []byte) {
	var frame []json.RawMessage
	var label, second string
	if json.Unmarshal(raw, &frame) != nil || len(frame) < 2 || json.Unmarshal(frame[0], &label) != nil {
		return
	}
	_ = json.Unmarshal(frame[1], &second) // EVENT and AUTH have none
	s := c.Relay.behaviour()
	switch label {
	case "REQ":
		c.takeReq(s, second, frame[2:])
	case "CLOSE":
		c.mu.Lock()
		delete(c.subs, second)
		c.mu.Unlock()
	case "EVENT", "AUTH":
		var ev Event
		if json.Unmarshal(frame[1], &ev) != nil {
			return
		}
		if label == "AUTH" {
			if s.Auth == nil || !s.Auth(c, ev) {
				c.OK(ev.ID, true, "")
			}
			return
		}
		if s.Event == nil || !s.Event(c, ev, frame[1]) {
			c.Relay.Store(ev, frame[1])
			c.OK(ev.ID, true, "")
		}
	}
}

func (c *Conn) takeReq(s Script, sub string, filters []json.RawMessage) {
	c.Relay.mu.Lock()
	c.Relay.reqs++
	c.Relay.changed()
	c.Relay.mu.Unlock()
	if s.Req != nil && s.Req(c, sub, filters) {
		return
	}
	for _, ev := range c.Listen(sub, filters) {
		c.Event(sub, c.Relay.rawOf(ev))
	}
	c.Say("EOSE", sub)
}

// Listen notes a subscription and returns what is stored for it, so that a script can answer a REQ in its own way.
func (c *Conn) Listen(sub string, raw []json.RawMessage) (stored []Event) {
	var filters []filter
	for _, b := range raw {
		var f filter
		if json.Unmarshal(b, &f) == nil {
			filters = append(filters, f)
		}
	}
	c.Relay.mu.Lock() // no event gets lost between what is stored and what comes
	defer c.Relay.mu.Unlock()
	c.mu.Lock()
	c.subs[sub] = filters
	c.mu.Unlock()
	for _, ev := range c.Relay.events {
		if slices.ContainsFunc(filters, func(f filter) bool { return f.matches(&ev) }) {
			stored = append(stored, ev)
		}
	}
	return stored
}

func (r *Relay) rawOf(ev Event) json.RawMessage {
	r.mu.Lock()
	defer r.mu.Unlock()
	if raw := r.raw[ev.ID]; raw != nil {
		return raw
	}
	return json.RawMessage(ev.String())
}

// Store keeps an event and hands it to whoever listens for it.
func (r *Relay) Store(ev Event, raw json.RawMessage) {
	r.mu.Lock()
	if r.raw[ev.ID] == nil {
		r.raw[ev.ID] = raw
		r.events = append(r.events, ev)
	}
	r.changed()
	r.mu.Unlock()
	r.Hand(ev, raw)
}

// Hand hands an event to whoever listens for it, and keeps nothing.
func (r *Relay) Hand(ev Event, raw json.RawMessage) {
	for _, c := range r.Conns() {
		c.Hand(ev, raw)
	}
}

// Hand hands an event to the connection, if it listens for it.
func (c *Conn) Hand(ev Event, raw json.RawMessage) {
	for _, sub := range c.listening(&ev) {
		c.Event(sub, raw)
	}
}

func (c *Conn) listening(ev *Event) (subs []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for sub, filters := range c.subs {
		if slices.ContainsFunc(filters, func(f filter) bool { return f.matches(ev) }) {
			subs = append(subs, sub)
		}
	}
	return subs
}

// Bunkers returns the connections on which somebody listens for admins too: the bunker's, not those of its clients.
func (r *Relay) Bunkers() (list []*Conn) {
	for _, c := range r.Conns() {
		if c.listensFor(adminKind) {
			list = append(list, c)
		}
	}
	return list
}

// adminKind is the kind of the bunker's admin sessions.
const adminKind = 24134

func (c *Conn) listensFor(kind int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, filters := range c.subs {
		if slices.ContainsFunc(filters, func(f filter) bool { return slices.Contains(f.Kinds, kind) }) {
			return true
		}
	}
	return false
}

// Conns returns the open connections.
func (r *Relay) Conns() (list []*Conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for c := range r.conns {
		list = append(list, c)
	}
	return list
}

// Opened counts the connections so far, and Reqs the REQs.
func (r *Relay) Opened() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.opened
}

// Reqs counts the REQs so far.
func (r *Relay) Reqs() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.reqs
}

// Await waits until done is true of the relay; it is looked at after each change.
func (r *Relay) Await(patience time.Duration, done func() bool) bool {
	deadline := time.After(patience)
	for {
		r.mu.Lock()
		news := r.news
		r.mu.Unlock()
		if done() {
			return true
		}
		select {
		case <-news:
		case <-deadline:
			return done()
		}
	}
}

// Hears reports whether somebody listens on the relay for envelopes to p.
func (r *Relay) Hears(p string) bool {
	ev := Event{Kind: Kind, CreatedAt: nostr.Now(), Tags: nostr.Tags{{"p", p}}}
	for _, c := range r.Conns() {
		if len(c.listening(&ev)) > 0 {
			return true
		}
	}
	return false
}

// HangUp ends every connection.
func (r *Relay) HangUp() {
	for _, c := range r.Conns() {
		_ = c.ws.CloseNow()
	}
}

// HangUp ends the connection.
func (c *Conn) HangUp() { _ = c.ws.CloseNow() }

// Freeze makes the connection half-open.
func (c *Conn) Freeze() { close(c.freeze) }

// Say sends a message.
func (c *Conn) Say(parts ...any) {
	b, err := json.Marshal(parts)
	if err != nil {
		panic(err) // texts and booleans
	}
	c.Raw(string(b))
}

// OK answers an event.
func (c *Conn) OK(id string, ok bool, reason string) { c.Say("OK", id, ok, reason) }

// Event sends an event's bytes as they are.
func (c *Conn) Event(sub string, raw json.RawMessage) {
	name, err := json.Marshal(sub)
	if err != nil {
		panic(err) // a text
	}
	c.Raw(`["EVENT",` + string(name) + `,` + string(raw) + `]`)
}

// Raw sends a frame as it is.
func (c *Conn) Raw(frame string) {
	select {
	case <-c.freeze:
		return
	default:
	}
	c.write.Lock()
	defer c.write.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	_ = c.ws.Write(ctx, websocket.MessageText, []byte(frame)) // who is gone misses it
}

// CloseSubs ends every subscription of the connection with a reason, as relays do at their will.
func (c *Conn) CloseSubs(reason string) {
	c.mu.Lock()
	var subs []string
	for sub := range c.subs {
		subs = append(subs, sub)
	}
	clear(c.subs)
	c.mu.Unlock()
	for _, sub := range subs {
		c.Say("CLOSED", sub, reason)
	}
}
