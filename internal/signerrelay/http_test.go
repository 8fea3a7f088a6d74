package signerrelay

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"nsecbunker/nostr/nip11"
)

func TestTheInformationDocumentStatesTheLimitsThatHold(t *testing.T) {
	b := start(t, Limits{}, nil)
	b.relay.cfg.Info = nip11.Document{Name: "my bunker", Version: "1"}
	resp, body := get(t, http.MethodGet, b.server.URL, http.Header{"Accept": {nip11.ContentType}, "Origin": {"https://app.example"}})
	d, err := nip11.Parse([]byte(body))
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatal(resp.Status, err)
	}
	if resp.Header.Get("Content-Type") != nip11.ContentType || resp.Header.Get("Access-Control-Allow-Origin") != "*" {
		t.Error(resp.Header)
	}
	want := nip11.Limitation{
		MaxMessageLength: DefaultMaxFrame, MaxSubscriptions: DefaultMaxSubs, MaxLimit: DefaultMaxKeptPerKey,
		MaxSubIDLength: MaxSubID, MaxEventTags: DefaultMaxTags, MaxContentLength: DefaultMaxFrame, RestrictedWrites: true,
	}
	if *d.Limitation != want || d.Name != "my bunker" || len(d.SupportedNIPs) != 4 {
		t.Errorf("%+v %+v", d, d.Limitation)
	}
}

func TestBrowsersGetAPageAndPagesMayAsk(t *testing.T) {
	b := start(t, Limits{}, nil)
	resp, body := get(t, http.MethodGet, b.server.URL, http.Header{"Accept": {"text/html,*/*"}})
	if resp.StatusCode != http.StatusOK || body != page || !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/plain") {
		t.Error(resp.Status, resp.Header, body)
	}
	resp, _ = get(t, http.MethodOptions, b.server.URL, http.Header{"Origin": {"https://app.example"}})
	if resp.StatusCode != http.StatusNoContent || resp.Header.Get("Access-Control-Allow-Methods") == "" || resp.Header.Get("Access-Control-Allow-Headers") == "" {
		t.Error(resp.Status, resp.Header)
	}
	resp, _ = get(t, http.MethodPost, b.server.URL, http.Header{})
	if resp.StatusCode != http.StatusMethodNotAllowed {
		t.Error(resp.Status)
	}
	if len(resp.Cookies()) != 0 {
		t.Error("a cookie")
	}
}

func TestABrokenUpgradeIsRefusedAndTakesNoPlace(t *testing.T) {
	b := start(t, Limits{}, nil)
	resp, _ := get(t, http.MethodGet, b.server.URL, http.Header{"Upgrade": {"h2c, WebSocket"}})
	if resp.StatusCode != http.StatusUpgradeRequired {
		t.Error(resp.Status)
	}
	await(t, "no place is taken", func() bool { return b.relay.Stats().Conns == 0 })
}

func TestConnectionsOfOneAddressAreBounded(t *testing.T) {
	b := start(t, Limits{MaxConnsPerIP: 2, ConnRatePerIP: 1000}, nil)
	dial := func(addr string, want int) func() {
		t.Helper()
		ws, resp, err := b.dial(addr)
		if want != http.StatusSwitchingProtocols {
			if err == nil || resp == nil || resp.StatusCode != want || resp.Header.Get("Retry-After") == "" {
				t.Fatalf("from %s: %v %v, want %d", addr, resp, err, want)
			}
			return nil
		}
		if err != nil {
			t.Fatalf("from %s: %v", addr, err)
		}
		t.Cleanup(func() { _ = ws.CloseNow() })
		return func() { _ = ws.CloseNow() }
	}
	leave := dial("2001:db8::1", 101)
	dial("2001:db8::2", 101)
	dial("2001:db8::3", 429) // one /64 is one address
	dial("2001:db8:0:1::1", 101)
	dial("192.0.2.1", 101)
	dial("192.0.2.1", 101)
	dial("::ffff:192.0.2.1", 429)
	dial("192.0.2.2", 101)
	for range 5 {
		dial("127.0.0.1", 101) // the machine itself is not counted
		dial("", 101)
	}
	leave()
	await(t, "a place is free", func() bool {
		b.relay.sources.mu.Lock()
		defer b.relay.sources.mu.Unlock()
		for _, s := range b.relay.sources.byIP {
			if s.key.Addr().Is6() && s.conns == 1 && s.key.String() == "2001:db8::/64" {
				return true
			}
		}
		return false
	})
	dial("2001:db8::3", 101)
	if s := b.relay.Stats(); s.TurnedAway != 2 || s.Addresses != 4 {
		t.Errorf("%+v", s)
	}
}

func TestNewConnectionsOfOneAddressHaveARate(t *testing.T) {
	b := start(t, Limits{MaxConnsPerIP: 3, ConnRatePerIP: 1e-6}, nil)
	for i := range 4 {
		ws, _, err := b.dial("192.0.2.1")
		if (err == nil) != (i < 3) {
			t.Fatalf("connection %d: %v", i, err)
		}
		if err == nil {
			_ = ws.CloseNow()
		}
		await(t, "it is gone", func() bool { return b.relay.Stats().Conns == 0 })
	}
}

func TestAFullRelayMakesRoomAtTheExpenseOfTheOldestUnknownConnection(t *testing.T) {
	b := start(t, Limits{MaxConns: 3, MinAge: time.Nanosecond}, nil)
	known := b.connect()
	rq := request("x")
	known.sendEvent(rq)
	known.expect("OK", rq.ID.String(), true)
	known.listen("s", appKey)
	if b.relay.Publish(answer("x"), nil) != 1 {
		t.Fatal("not delivered")
	}
	known.expectEvent("s")
	spy := b.connect() // listens for the same key, but it is not its own
	spy.listen("s", appKey)
	b.relay.Publish(answer("y"), nil)
	known.expectEvent("s")
	spy.expectEvent("s")
	second := b.connect()
	b.connect().quiet()
	if _, err := spy.next(); err == nil {
		t.Error("the oldest unknown connection is still there")
	}
	b.connect().quiet()
	if _, err := second.next(); err == nil {
		t.Error("the next oldest is still there")
	}
	known.quiet()
	if s := b.relay.Stats(); s.Conns != 3 || s.MadeRoom != 2 {
		t.Errorf("%+v", s)
	}
}

func TestConnectionsOverTLSAreServedAndCut(t *testing.T) {
	b := start(t, Limits{MaxConns: 1, MinAge: time.Nanosecond}, nil)
	b.server.Close()
	b.server = httptest.NewTLSServer(b.relay)
	dial := func() *app {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		tr := b.server.Client().Transport.(*http.Transport).Clone()
		tr.DisableKeepAlives = true
		ws, _, err := websocket.Dial(ctx, b.server.URL, &websocket.DialOptions{HTTPClient: &http.Client{Transport: tr}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = ws.CloseNow() })
		return &app{t: t, ws: ws}
	}
	first := dial()
	first.listen("s", appKey)
	b.relay.Publish(answer("x"), nil)
	first.expectEvent("s")
	dial().quiet()
	if _, err := first.next(); err == nil {
		t.Error("it made no room")
	}
}

func TestAFullRelayOfYoungConnectionsTurnsAway(t *testing.T) {
	b := start(t, Limits{MaxConns: 2, MinAge: time.Hour}, nil)
	b.connect()
	b.connect()
	if _, resp, err := b.dial(""); err == nil || resp.StatusCode != http.StatusServiceUnavailable {
		t.Fatal(resp, err)
	}
}
