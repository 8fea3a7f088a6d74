package ws_test

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

	"nsecbunker/nostr"
	"nsecbunker/nostr/nip42"
)

// manners are how a relay behaves. The zero value is a good one.
type manners struct {
	auth    bool   // wants a proof of the key before anything
	closes  int    // how many REQs are answered with CLOSED
	reason  string // of CLOSED
	noEOSE  bool   // never sends EOSE
	mute    bool   // takes everything and answers nothing
	refuse  string // the text of OK false to every event
	double  bool   // sends a forged copy before every event, and each event twice
	garbage bool   // sends nonsense before every answer
}

// relay is a small relay with real sockets on loopback.
type relay struct {
	t      *testing.T
	url    string
	server *httptest.Server

	mu      sync.Mutex
	manners manners
	peers   map[*peer]bool
	dials   int
	reqs    int
	proofs  []nostr.PubKey
	events  []*nostr.Event
	changed chan struct{} // replaced whenever something happens
}

type peer struct {
	relay     *relay
	socket    *websocket.Conn
	write     sync.Mutex
	challenge string
	proven    bool
	subs      map[string]string // id → p
}

func newRelay(t *testing.T, m manners) *relay {
	t.Helper()
	r := &relay{t: t, manners: m, peers: make(map[*peer]bool), changed: make(chan struct{})}
	r.server = httptest.NewServer(http.HandlerFunc(r.serve))
	r.url = "ws" + strings.TrimPrefix(r.server.URL, "http")
	t.Cleanup(func() {
		r.kick()
		r.server.Close()
	})
	return r
}

// set changes the manners.
func (r *relay) set(change func(*manners)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change(&r.manners)
}

// kick cuts every connection.
func (r *relay) kick() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for p := range r.peers {
		_ = p.socket.CloseNow()
	}
}

// until waits for a state of the relay.
func (r *relay) until(what string, ok func() bool) {
	r.t.Helper()
	limit := time.After(30 * time.Second)
	for {
		r.mu.Lock()
		done, changed := ok(), r.changed
		r.mu.Unlock()
		if done {
			return
		}
		select {
		case <-changed:
		case <-limit:
			r.t.Fatalf("it never came to be: %s", what)
		}
	}
}

// count reads something of the relay.
func (r *relay) count(f func() int) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return f()
}

func (r *relay) happened(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f()
	close(r.changed)
	r.changed = make(chan struct{})
}

func (r *relay) serve(w http.ResponseWriter, req *http.Request) {
	socket, err := websocket.Accept(w, req, &websocket.AcceptOptions{InsecureSkipVerify: true})
	if err != nil {
		return
	}
	socket.SetReadLimit(4 << 20)
	p := &peer{relay: r, socket: socket, challenge: nip42.NewChallenge(), subs: make(map[string]string)}
	r.happened(func() { r.peers[p] = true; r.dials++ })
	defer r.happened(func() { delete(r.peers, p) })
	r.mu.Lock()
	auth := r.manners.auth
	r.mu.Unlock()
	if auth {
		p.send("AUTH", p.challenge)
	}
	for {
		_, b, err := socket.Read(context.Background())
		if err != nil {
			return
		}
		var parts []json.RawMessage
		if json.Unmarshal(b, &parts) != nil || len(parts) < 2 {
			r.t.Errorf("the client sent %s", b)
			return
		}
		p.take(parts)
	}
}

func (p *peer) send(parts ...any) {
	b, err := json.Marshal(parts)
	if err != nil {
		p.relay.t.Error(err)
		return
	}
	p.write.Lock()
	defer p.write.Unlock()
	_ = p.socket.Write(context.Background(), websocket.MessageText, b)
}

func (p *peer) take(parts []json.RawMessage) {
	r := p.relay
	r.mu.Lock()
	m := r.manners
	r.mu.Unlock()
	if m.mute {
		return
	}
	if m.garbage {
		p.send("NOTICE", 5)
		p.send("EOSE", "nobody's")
		p.send("OK", strings.Repeat("0", 64), true, "")
		p.send("EVENT", "nobody's", map[string]any{"id": 5})
		p.send("HELLO")
		_ = p.socket.Write(context.Background(), websocket.MessageText, []byte(`["EVENT",`))
		_ = p.socket.Write(context.Background(), websocket.MessageBinary, []byte{0, 1, 2})
	}
	switch string(parts[0]) {
	case `"AUTH"`:
		p.prove(parts[1])
	case `"REQ"`:
		p.request(m, parts)
	case `"CLOSE"`:
		var id string
		_ = json.Unmarshal(parts[1], &id)
		r.happened(func() { delete(p.subs, id) })
	case `"EVENT"`:
		p.event(m, parts[1])
	}
}

func (p *peer) prove(raw json.RawMessage) {
	e, err := nostr.ParseEvent(raw)
	if err == nil {
		err = nip42.Check(e, p.challenge, time.Now(), p.relay.url)
	}
	if err != nil {
		p.relay.t.Errorf("the proof is wrong: %v", err)
		return
	}
	p.relay.happened(func() { p.proven = true; p.relay.proofs = append(p.relay.proofs, e.PubKey) })
	p.send("OK", e.ID.String(), true, "")
}

func (p *peer) request(m manners, parts []json.RawMessage) {
	r := p.relay
	var id string
	var filter struct {
		Kinds []int    `json:"kinds"`
		P     []string `json:"#p"`
	}
	if json.Unmarshal(parts[1], &id) != nil || json.Unmarshal(parts[2], &filter) != nil || len(filter.P) != 1 || !slices.Equal(filter.Kinds, []int{24133}) {
		r.t.Errorf("the filter is wrong: %s", parts[2])
		return
	}
	if m.auth && !p.proven {
		p.send("CLOSED", id, "auth-required: prove it")
		return
	}
	closed := false
	r.happened(func() {
		r.reqs++
		if closed = r.manners.closes > 0; closed {
			r.manners.closes--
			return
		}
		p.subs[id] = filter.P[0]
	})
	switch {
	case closed:
		p.send("CLOSED", id, m.reason)
	case !m.noEOSE:
		p.send("EOSE", id)
	}
}

func (p *peer) event(m manners, raw json.RawMessage) {
	r := p.relay
	e, err := nostr.ParseEvent(raw)
	if err != nil || e.Verify() != nil {
		r.t.Errorf("the client sent a bad event: %v", err)
		return
	}
	if m.auth && !p.proven {
		p.send("OK", e.ID.String(), false, "auth-required: prove it")
		return
	}
	if m.refuse != "" {
		p.send("OK", e.ID.String(), false, m.refuse)
		return
	}
	type target struct {
		p  *peer
		id string
	}
	var to []target
	r.happened(func() {
		r.events = append(r.events, e)
		for other := range r.peers {
			for id, key := range other.subs {
				if e.Tags.Find("p").Value() == key {
					to = append(to, target{other, id})
				}
			}
		}
	})
	p.send("OK", e.ID.String(), true, "")
	for _, t := range to {
		if m.double {
			forged := *e
			forged.Sig[0] ^= 1
			t.p.send("EVENT", t.id, &forged)
			t.p.send("EVENT", t.id, e)
		}
		t.p.send("EVENT", t.id, e)
	}
}
