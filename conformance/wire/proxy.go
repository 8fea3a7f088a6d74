package wire

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"
)

// Proxy stands between clients and a relay, on a port of its own: it hears what both say, and can be unplugged.
type Proxy struct {
	URL      string
	upstream string
	addr     string

	mu    sync.Mutex
	srv   *http.Server
	conns map[*websocket.Conn]struct{}
	taps  map[string]*Tap // by the client's pubkey
	said  []string        // the last frames, shortened
}

// Bounds of what a Proxy remembers for a test that failed.
const (
	framesKept = 60
	frameShown = 120
)

// NewProxy makes a proxy at addr for the relay at upstream (ws://…), and plugs it in.
func NewProxy(addr, upstream string) (*Proxy, error) {
	p := &Proxy{URL: "ws://" + addr, upstream: upstream, addr: addr, conns: map[*websocket.Conn]struct{}{}, taps: map[string]*Tap{}}
	return p, p.Plug()
}

// Plug accepts connections.
func (p *Proxy) Plug() error {
	l, err := net.Listen("tcp", p.addr)
	if err != nil {
		return err
	}
	srv := &http.Server{Handler: p}
	p.mu.Lock()
	p.srv = srv
	p.mu.Unlock()
	go func() { _ = srv.Serve(l) }() // it ends when it is unplugged
	return nil
}

// Unplug ends all connections and refuses new ones, as a relay that went away.
func (p *Proxy) Unplug() {
	p.mu.Lock()
	defer p.mu.Unlock()
	_ = p.srv.Close()
	for c := range p.conns {
		_ = c.CloseNow()
	}
	clear(p.conns)
}

// Tap returns what a client, whose key it is given, and the signer key say to each other from now on.
func (p *Proxy) Tap(client Key, signer string) *Tap {
	t := &Tap{client: client, signer: signer, told: map[string][]Reply{}, seen: map[string]bool{}}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.taps[client.Pub] = t
	return t
}

// ServeHTTP implements http.Handler.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
		u, err := url.Parse("http" + strings.TrimPrefix(p.upstream, "ws"))
		if err != nil {
			panic(err) // a URL of ours
		}
		httputil.NewSingleHostReverseProxy(u).ServeHTTP(w, r)
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	up, _, err := websocket.Dial(ctx, p.upstream, nil)
	if err != nil {
		http.Error(w, fmt.Sprintf("the relay behind it is gone: %v", err), http.StatusBadGateway)
		return
	}
	defer up.CloseNow()
	down, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true})
	if err != nil {
		return
	}
	defer down.CloseNow()
	name := r.RemoteAddr[strings.LastIndexByte(r.RemoteAddr, ':')+1:]
	p.note(name + " connects")
	defer func() { p.note(name + " ends") }()
	p.mu.Lock()
	p.conns[down], p.conns[up] = struct{}{}, struct{}{}
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.conns, down)
		delete(p.conns, up)
	}()
	go func() {
		defer cancel()
		p.pump(ctx, name+"←", up, down)
	}()
	p.pump(ctx, name+"→", down, up)
}

func (p *Proxy) pump(ctx context.Context, way string, from, to *websocket.Conn) {
	from.SetReadLimit(maxFrame)
	for {
		kind, raw, err := from.Read(ctx)
		if err != nil {
			return
		}
		p.hear(raw)
		err = to.Write(ctx, kind, raw)
		p.note(fmt.Sprintf("%s %s %.*s", time.Now().Format("05.000"), way, frameShown, raw))
		if err != nil {
			p.note(fmt.Sprintf("%s %s cannot be passed on: %v", time.Now().Format("05.000"), way, err))
			return
		}
	}
}

func (p *Proxy) note(line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.said = append(p.said, line)
	if len(p.said) > 2*framesKept {
		p.said = append([]string(nil), p.said[framesKept:]...)
	}
}

// Tail is the last frames that passed, and the connections that began and ended.
func (p *Proxy) Tail() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.said[max(0, len(p.said)-framesKept):], "\n")
}

func (p *Proxy) hear(raw []byte) {
	var frame []json.RawMessage
	var ev Event
	if strings.HasPrefix(string(raw), `["OK"`) {
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, t := range p.taps {
			t.verdict(string(raw))
		}
		return
	}
	if json.Unmarshal(raw, &frame) != nil || len(frame) < 2 || string(frame[0]) != `"EVENT"` || json.Unmarshal(frame[len(frame)-1], &ev) != nil {
		return
	}
	client := ev.PubKey
	p.mu.Lock()
	t := p.taps[client]
	if t == nil {
		if tag := ev.Tags.Find("p"); tag != nil {
			t = p.taps[tag[1]]
		}
	}
	p.mu.Unlock()
	if t != nil {
		t.take(ev)
	}
}
