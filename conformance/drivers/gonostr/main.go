// Command gonostr drives github.com/nbd-wtf/go-nostr's NIP-46 client.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"runtime"

	"github.com/coder/websocket"
	"github.com/nbd-wtf/go-nostr"
	"github.com/nbd-wtf/go-nostr/nip46"

	"nsecbunker/conformance/drivers/serve"
)

func main() {
	// On several processors the library loses requests: RPC's goroutine offers hasWorked to a select that may not wait yet
	// (nip46/client.go:271), and then nobody takes the reply, nor any later one. With one processor the select mostly comes
	// first; on a busy machine it does not, so that there is a second relay, whose offer comes later each time.
	runtime.GOMAXPROCS(1)
	late, err := lateRelay()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	serve.Run(func() serve.Session {
		ctx, cancel := context.WithCancel(context.Background())
		return &session{ctx: ctx, cancel: cancel, late: late}
	})
}

// lateRelay serves a relay that hangs up on everybody, and returns its URL: the library connects to it anew for each request,
// which takes longer than RPC needs to come to its select.
func lateRelay() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	go func() {
		_ = http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if ws, err := websocket.Accept(w, r, nil); err == nil {
				_ = ws.CloseNow()
			}
		}))
	}()
	return "ws://" + l.Addr().String(), nil
}

type session struct {
	ctx    context.Context
	cancel context.CancelFunc
	client *nip46.BunkerClient
	late   string
}

// Do implements serve.Session.
func (s *session) Do(op string, a serve.Args) (any, error) {
	switch op {
	case "connect":
		return nil, s.connect(a)
	case "get_public_key":
		return s.client.GetPublicKey(s.ctx)
	case "ping":
		return "pong", s.client.Ping(s.ctx)
	case "sign_event":
		var ev nostr.Event
		if err := json.Unmarshal(a.Event, &ev); err != nil {
			return nil, err
		}
		err := s.client.SignEvent(s.ctx, &ev)
		return json.RawMessage(ev.String()), err
	case "nip04_encrypt":
		return s.client.NIP04Encrypt(s.ctx, a.Peer, a.Text)
	case "nip04_decrypt":
		return s.client.NIP04Decrypt(s.ctx, a.Peer, a.Text)
	case "nip44_encrypt":
		return s.client.NIP44Encrypt(s.ctx, a.Peer, a.Text)
	case "nip44_decrypt":
		return s.client.NIP44Decrypt(s.ctx, a.Peer, a.Text)
	case "rpc":
		return s.client.RPC(s.ctx, a.Method, a.Params)
	case "close":
		s.cancel()
		return nil, nil
	}
	return nil, serve.Lacks("no function for " + op)
}

func (s *session) connect(a serve.Args) (err error) {
	switch {
	case a.Perms != nil:
		return serve.Lacks("ConnectBunker sends no permissions")
	case a.Metadata != nil:
		return serve.Lacks("ConnectBunker sends no metadata")
	case a.Envelope != "":
		return serve.Lacks("the envelope cannot be chosen")
	}
	s.client, err = nip46.ConnectBunker(s.ctx, a.Key, a.URI+"&relay="+url.QueryEscape(s.late), nil, func(string) {})
	return err
}
