package signerrelay

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"go.uber.org/goleak"

	"nsecbunker/internal/secret"
	"nsecbunker/nostr"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds every wait of the tests; nothing asserts how long something took.
const patience = 2 * time.Minute

// key is a pubkey for tests that need no signature: the relay leaves those to the bunker.
func key(n int) (p nostr.PubKey) {
	copy(p[:], fmt.Sprintf("%032d", n))
	return p
}

var (
	signerKey = key(1)
	adminKey  = key(2)
	appKey    = key(1000)
)

func ours(p nostr.PubKey) bool { return p == signerKey || p == adminKey }

// event makes an event with a right id and no signature.
func event(kind nostr.Kind, from nostr.PubKey, content string, to ...nostr.PubKey) *nostr.Event {
	ev := &nostr.Event{PubKey: from, CreatedAt: time.Now().Unix(), Kind: kind, Content: content, Tags: nostr.Tags{}}
	for _, p := range to {
		ev.Tags = append(ev.Tags, nostr.Tag{"p", p.String()})
	}
	ev.ID = ev.ComputeID()
	return ev
}

func request(content string) *nostr.Event {
	return event(KindNostrConnect, appKey, content, signerKey)
}

func answer(content string) *nostr.Event {
	return event(KindNostrConnect, signerKey, content, appKey)
}

// bench is a relay that runs, behind a real HTTP server.
type bench struct {
	t      *testing.T
	relay  *Relay
	server *httptest.Server
	stop   func() // ends the relay and waits for it
}

type deliverFunc = func(context.Context, Link, string, *nostr.Event) (bool, string)

func accept(context.Context, Link, string, *nostr.Event) (bool, string) { return true, "" }

// fakeIP is the header by which tests choose the address that they come from.
const fakeIP = "X-Test-Addr"

func start(t *testing.T, lim Limits, deliver deliverFunc) *bench {
	t.Helper()
	if deliver == nil {
		deliver = accept
	}
	r, err := New(Config{
		URL:  func() []string { return []string{"wss://relay.bunker.example"} },
		Ours: ours, Deliver: deliver, Now: time.Now, Limits: lim,
		ClientIP: func(req *http.Request) netip.Addr {
			addr, err := netip.ParseAddr(req.Header.Get(fakeIP))
			if err != nil {
				return netip.Addr{}
			}
			return addr
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- r.Run(ctx) }()
	b := &bench{t: t, relay: r, server: httptest.NewServer(r)}
	b.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ran; err != nil {
			t.Error(err)
		}
		b.server.Close()
	})
	t.Cleanup(b.stop)
	return b
}

// app is a client on the wire.
type app struct {
	t  *testing.T
	ws *websocket.Conn
}

func (b *bench) dial(from string) (*websocket.Conn, *http.Response, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	header := http.Header{"Origin": {"https://any.app.example"}}
	if from != "" {
		header.Set(fakeIP, from)
	}
	// A client of its own: goleak sees the idle connections of the shared one.
	tr := &http.Transport{DisableKeepAlives: true}
	ws, resp, err := websocket.Dial(ctx, b.server.URL, &websocket.DialOptions{HTTPHeader: header, HTTPClient: &http.Client{Transport: tr}})
	if err == nil {
		ws.SetReadLimit(-1)
	}
	return ws, resp, err
}

func (b *bench) connect() *app {
	b.t.Helper()
	ws, _, err := b.dial("")
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = ws.CloseNow() })
	return &app{t: b.t, ws: ws}
}

func (a *app) send(text string) {
	a.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := a.ws.Write(ctx, websocket.MessageText, []byte(text)); err != nil {
		a.t.Fatal(err)
	}
}

func (a *app) sendEvent(ev *nostr.Event) {
	a.t.Helper()
	a.send(`["EVENT",` + string(ev.AppendJSON(nil)) + `]`)
}

// next returns the next message, or the error that ended the connection.
func (a *app) next() (msg []any, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_, b, err := a.ws.Read(ctx)
	if err != nil {
		return nil, err
	}
	return msg, json.Unmarshal(b, &msg)
}

// expect returns the next message, which must begin with want.
func (a *app) expect(want ...any) []any {
	a.t.Helper()
	msg, err := a.next()
	if err != nil {
		a.t.Fatalf("waiting for %v: %v", want, err)
	}
	for i, w := range want {
		if i >= len(msg) || msg[i] != w {
			a.t.Fatalf("got %v, want %v", msg, want)
		}
	}
	return msg
}

// expectReason expects want and then a reason that begins with prefix.
func (a *app) expectReason(prefix string, want ...any) {
	a.t.Helper()
	msg := a.expect(want...)
	reason, _ := msg[len(want)].(string)
	if !strings.HasPrefix(reason, prefix) {
		a.t.Fatalf("reason %q, want one that begins with %q", reason, prefix)
	}
	if len(reason) <= len(prefix) {
		a.t.Fatalf("reason %q says nothing", reason)
	}
}

// expectEnd reads until the connection ends, and wants this close code.
func (a *app) expectEnd(code websocket.StatusCode) {
	a.t.Helper()
	for {
		if _, err := a.next(); err != nil {
			if got := websocket.CloseStatus(err); got != code {
				a.t.Fatalf("closed with %v (%v), want %v", got, err, code)
			}
			return
		}
	}
}

// expectEvent expects an event on a subscription and returns its content.
func (a *app) expectEvent(sub string) string {
	a.t.Helper()
	msg := a.expect("EVENT", sub)
	return msg[2].(map[string]any)["content"].(string)
}

// quiet shows that nothing is on its way: what comes next is the answer to this.
func (a *app) quiet() {
	a.t.Helper()
	a.send(`["COUNT","still there?",{}]`)
	a.expectReason("unsupported: ", "CLOSED", "still there?")
}

func (a *app) listen(sub string, ps ...nostr.PubKey) {
	a.t.Helper()
	a.send(req(sub, ps...))
	a.expect("EOSE", sub)
}

func req(sub string, ps ...nostr.PubKey) string {
	var b bytes.Buffer
	fmt.Fprintf(&b, `["REQ",%q,{"kinds":[24133],"#p":[`, sub)
	for i, p := range ps {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "%q", p.String())
	}
	b.WriteString(`]}]`)
	return b.String()
}

// await waits until something is so.
func await(t *testing.T, what string, is func() bool) {
	t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	again := time.NewTicker(2 * time.Millisecond)
	defer again.Stop()
	for !is() {
		select {
		case <-again.C:
		case <-deadline.C:
			t.Fatalf("never so: %s", what)
		}
	}
}

// realKey makes a key that can sign, for NIP-42.
func realKey(t *testing.T) *nostr.SecretKey {
	t.Helper()
	arena, err := secret.NewArena(1<<16, secret.Options{AllowSwap: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(arena.Close)
	k, err := nostr.GenerateKey(arena)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func get(t *testing.T, method, url string, header http.Header) (*http.Response, string) {
	t.Helper()
	rq, err := http.NewRequest(method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	rq.Header = header
	tr := &http.Transport{DisableKeepAlives: true}
	resp, err := tr.RoundTrip(rq)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

func httpRequest(remote string) *http.Request {
	rq := httptest.NewRequest(http.MethodGet, "/", nil)
	rq.RemoteAddr = remote
	return rq
}
