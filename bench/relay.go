package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/coder/websocket"
)

const (
	// relayReadLimit (bytes) is the largest message that the relay reads: a REQ for
	// every signer key.
	relayReadLimit = 8 << 20
	// relayQueue is how many messages wait for one connection.
	relayQueue = 1 << 14
)

// relay is a relay of somebody else, in a process of its own: it passes each event
// to those who listen for its `p`, by one look-up in a map, stores nothing and
// believes everybody. What a real relay does more, it does in its own time, and
// its time is not what is measured.
func relay(ctx context.Context, args []string) error {
	f := flag.NewFlagSet("relay", flag.ContinueOnError)
	listen := f.String("listen", "127.0.0.1:4898", "where it listens")
	if err := f.Parse(args); err != nil {
		return err
	}
	l, err := net.Listen("tcp", *listen)
	if err != nil {
		return err
	}
	fmt.Println("ready")
	srv := &http.Server{Handler: &postbox{to: map[string][]*listener{}}, ReadHeaderTimeout: time.Second, BaseContext: func(net.Listener) context.Context { return ctx }}
	go func() {
		<-ctx.Done()
		_ = srv.Close() // ends Serve, which says why
	}()
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// postbox knows who listens for what.
type postbox struct {
	mu sync.RWMutex
	to map[string][]*listener // by the pubkey in `p`
}

// listener is one subscription of one connection.
type listener struct {
	sub string
	out chan<- []byte
}

// ServeHTTP implements [http.Handler]: every path is the relay.
func (p *postbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ws, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true, CompressionMode: websocket.CompressionDisabled})
	if err != nil {
		return
	}
	defer ws.CloseNow()
	ws.SetReadLimit(relayReadLimit)
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	out := make(chan []byte, relayQueue)
	go func() {
		defer cancel()
		for {
			select {
			case <-ctx.Done():
				return
			case m := <-out:
				if ws.Write(ctx, websocket.MessageText, m) != nil {
					return
				}
			}
		}
	}()
	mine := map[string]*listener{}
	defer func() { p.leave(mine) }()
	for {
		_, m, err := ws.Read(ctx)
		if err != nil {
			return
		}
		if err := p.take(m, mine, out); err != nil {
			fmt.Fprintln(os.Stderr, "bench: the relay was sent", err)
			return
		}
	}
}

func (p *postbox) take(m []byte, mine map[string]*listener, out chan<- []byte) error {
	if bytes.HasPrefix(m, []byte(`["EVENT",`)) {
		return p.pass(m[len(`["EVENT",`):len(m)-1], out)
	}
	var parts []json.RawMessage
	var what, sub string
	if err := json.Unmarshal(m, &parts); err != nil || len(parts) < 2 {
		return fmt.Errorf("%.80s", m)
	}
	if err := errors.Join(json.Unmarshal(parts[0], &what), json.Unmarshal(parts[1], &sub)); err != nil {
		return fmt.Errorf("%.80s", m)
	}
	switch what {
	case "CLOSE":
		return nil // the connection ends soon after
	case "REQ":
	default:
		return fmt.Errorf("%.80s", m)
	}
	p.mu.Lock()
	for _, text := range parts[2:] {
		var filter struct {
			P []string `json:"#p"`
		}
		if err := json.Unmarshal(text, &filter); err != nil {
			p.mu.Unlock()
			return err
		}
		for _, pub := range filter.P {
			if mine[pub] == nil {
				mine[pub] = &listener{sub: sub, out: out}
				p.to[pub] = append(p.to[pub], mine[pub])
			}
		}
	}
	p.mu.Unlock()
	out <- fmt.Appendf(nil, `["EOSE",%q]`, sub)
	return nil
}

// pass hands an event to those who listen, and says OK.
func (p *postbox) pass(event []byte, out chan<- []byte) error {
	id, pub := after(event, `"id":"`), after(event, `["p","`)
	if id == "" || pub == "" {
		return fmt.Errorf("%.200s", event)
	}
	p.mu.RLock()
	to := p.to[pub]
	for _, l := range to {
		select {
		case l.out <- append(fmt.Appendf(nil, `["EVENT",%q,`, l.sub), append(event, ']')...):
		default: // it does not read: a relay waits for nobody
		}
	}
	p.mu.RUnlock()
	out <- fmt.Appendf(nil, `["OK",%q,true,""]`, id)
	return nil
}

// after returns the 64 characters behind the first mark in text.
func after(text []byte, mark string) string {
	const size = 64
	at := bytes.Index(text, []byte(mark))
	if at < 0 || len(text) < at+len(mark)+size {
		return ""
	}
	return string(text[at+len(mark) : at+len(mark)+size])
}

func (p *postbox) leave(mine map[string]*listener) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for pub, l := range mine {
		var left []*listener
		for _, other := range p.to[pub] {
			if other != l {
				left = append(left, other)
			}
		}
		if p.to[pub] = left; left == nil {
			delete(p.to, pub)
		}
	}
}
