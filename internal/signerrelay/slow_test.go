package signerrelay

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"nsecbunker/nostr"
)

// rawApp speaks websocket by hand, to be rude in ways that a library is not.
type rawApp struct {
	t    *testing.T
	conn *net.TCPConn
	r    *bufio.Reader
}

func (b *bench) rawConnect() *rawApp {
	b.t.Helper()
	nc, err := net.Dial("tcp", b.server.Listener.Addr().String())
	if err != nil {
		b.t.Fatal(err)
	}
	conn := nc.(*net.TCPConn)
	b.t.Cleanup(func() { _ = conn.Close() })
	// A small window: what is not read soon waits at the relay's end.
	if err := conn.SetReadBuffer(4096); err != nil {
		b.t.Fatal(err)
	}
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		b.t.Fatal(err)
	}
	a := &rawApp{t: b.t, conn: conn, r: bufio.NewReader(conn)}
	a.write("GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")
	resp, err := http.ReadResponse(a.r, nil)
	if err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
		b.t.Fatal(resp, err)
	}
	return a
}

func (a *rawApp) write(s string) {
	a.t.Helper()
	if _, err := a.conn.Write([]byte(s)); err != nil {
		a.t.Fatal(err)
	}
}

// header is a frame's header with an empty mask (RFC 6455, section 5.2).
func header(first byte, length int) string {
	b := []byte{first, 0x80 | 127}
	b = binary.BigEndian.AppendUint64(b, uint64(length))
	return string(append(b, 0, 0, 0, 0))
}

func text(s string) string { return header(0x81, len(s)) + s }

// expectCut reads until the relay has ended the TCP connection.
func (a *rawApp) expectCut() {
	a.t.Helper()
	for {
		if _, err := a.r.ReadByte(); err != nil {
			if ne, ok := err.(net.Error); ok && ne.Timeout() {
				a.t.Fatal("the connection is still open")
			}
			return
		}
	}
}

// A relay whose writes block makes one stalled client everybody's problem.
func TestAStalledClientIsCutOffAndDelaysNobody(t *testing.T) {
	b := start(t, Limits{MaxQueueBytes: 2 << 20, MaxFrame: 1 << 19}, nil)
	stalled := b.rawConnect()
	stalled.write(text(req("s", appKey)))
	await(t, "it listens", func() bool { return b.relay.Stats().Subs == 1 })
	good := b.connect()
	good.listen("s", appKey)
	big := strings.Repeat("x", 256<<10)
	for i := 0; b.relay.Stats().Stalled == 0; i++ {
		if i == 1000 {
			t.Fatal("256 MiB wait for a client that does not read")
		}
		b.relay.Publish(answer(fmt.Sprint(i, big)), nil)
		if got := good.expectEvent("s"); !strings.HasPrefix(got, fmt.Sprint(i)) {
			t.Fatal("out of order")
		}
	}
	stalled.expectCut()
	await(t, "it is forgotten", func() bool {
		s := b.relay.Stats()
		return s.Conns == 1 && s.Subs == 1 && s.QueuedBytes == 0
	})
	good.quiet()
}

func TestAClientThatReadsTooSlowlyIsCutOffByTheWriteTimeout(t *testing.T) {
	b := start(t, Limits{WriteTimeout: 50 * time.Millisecond, MaxQueueBytes: 64 << 20}, nil)
	stalled := b.rawConnect()
	stalled.write(text(req("s", appKey)))
	await(t, "it listens", func() bool { return b.relay.Stats().Subs == 1 })
	for i := range 40 { // more than the kernel's buffers take, less than the queue
		b.relay.Publish(answer(fmt.Sprint(i, strings.Repeat("x", 1<<19))), nil)
	}
	await(t, "it is cut off", func() bool { s := b.relay.Stats(); return s.Stalled == 1 && s.Conns == 0 })
	stalled.expectCut()
}

func TestAClientThatDoesNotReadItsOKsIsCutOff(t *testing.T) {
	b := start(t, Limits{MaxQueue: 10, EventBurst: 1_000_000, WriteTimeout: time.Hour}, nil)
	a := b.rawConnect()
	frame := text(`["EVENT",` + string(request("x").AppendJSON(nil)) + `]`)
	for range 1_000_000 {
		if _, err := a.conn.Write([]byte(frame)); err != nil {
			break
		}
	}
	await(t, "it is cut off", func() bool { s := b.relay.Stats(); return s.Stalled >= 1 && s.Conns == 0 })
}

func TestWhatAllClientsHaveWaitingIsBounded(t *testing.T) {
	b := start(t, Limits{MaxQueuedBytes: 1 << 20, WriteTimeout: time.Hour}, nil)
	for range 3 {
		b.rawConnect().write(text(req("s", appKey)))
	}
	await(t, "they listen", func() bool { return b.relay.Stats().Subs == 3 })
	for i := 0; b.relay.Stats().Stalled < 3; i++ {
		if i == 1000 {
			t.Fatal("not cut off")
		}
		b.relay.Publish(answer(fmt.Sprint(i, strings.Repeat("x", 256<<10))), nil)
		if n := b.relay.Stats().QueuedBytes; n > 1<<20 {
			t.Fatalf("%d bytes wait", n)
		}
	}
	await(t, "they are forgotten", func() bool { s := b.relay.Stats(); return s.Conns == 0 && s.QueuedBytes == 0 })
}

func TestAClientThatDoesNotAnswerPingsIsForgotten(t *testing.T) {
	b := start(t, Limits{PingEvery: 10 * time.Millisecond, PongTimeout: 20 * time.Millisecond}, nil)
	dead := b.rawConnect()
	_, _ = dead.conn.Write([]byte(text(req("s", appKey)))) // a busy machine may let it end before that
	dead.expectCut()
	await(t, "it is forgotten", func() bool { s := b.relay.Stats(); return s.Conns == 0 && s.Subs == 0 })
}

func TestAFloodOfControlFramesEndsTheConnection(t *testing.T) {
	for name, first := range map[string]byte{"pings": 0x89, "pongs": 0x8a} {
		t.Run(name, func(t *testing.T) {
			b := start(t, Limits{}, nil)
			a := b.rawConnect()
			a.write(strings.Repeat(header(first, 0), ControlBurst/2))
			a.write(text(`["COUNT","still there?",{}]`))
			await(t, "an ordinary number is fine", func() bool { _, err := a.r.ReadString('?'); return err == nil })
			_, _ = a.conn.Write([]byte(strings.Repeat(header(first, 0), 100*ControlBurst)))
			a.expectCut()
		})
	}
}

func TestAClientThatAnswersPingsStays(t *testing.T) {
	b := start(t, Limits{PingEvery: 20 * time.Millisecond, PongTimeout: patience}, nil)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	pings := 0
	enough := make(chan struct{})
	tr := &http.Transport{DisableKeepAlives: true}
	ws, _, err := websocket.Dial(ctx, b.server.URL, &websocket.DialOptions{
		HTTPClient: &http.Client{Transport: tr},
		OnPingReceived: func(context.Context, []byte) bool {
			if pings++; pings == 5 {
				close(enough)
			}
			return true
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ws.CloseNow() }()
	ws.CloseRead(ctx)
	<-enough
	if b.relay.Stats().Conns != 1 {
		t.Error("it was cut off")
	}
}

func TestAMessageMustArriveInTimeHoweverManyPiecesItHas(t *testing.T) {
	for name, send := range map[string]string{
		"half a frame":            header(0x81, 1000) + "[",
		"fragments without end":   header(0x01, 1) + "[" + strings.Repeat(header(0x00, 0), 50),
		"a frame never completed": header(0x81, 900<<10) + strings.Repeat("x", 500<<10),
	} {
		t.Run(name, func(t *testing.T) {
			b := start(t, Limits{FrameTimeout: 50 * time.Millisecond}, nil)
			a := b.rawConnect()
			_, _ = a.conn.Write([]byte(send)) // the relay may end it before all is written
			a.expectCut()
			await(t, "it is forgotten", func() bool { return b.relay.Stats().Conns == 0 })
			if !b.relay.places.open.TryAcquire(int64(b.relay.lim.MaxInFlightBytes / 2)) {
				t.Error("its memory is still counted")
			}
		})
	}
}

func TestRudeFramesEndTheConnection(t *testing.T) {
	for name, send := range map[string]string{
		"no mask":            "\x81\x02hi",
		"reserved bits":      header(0xf1, 0),
		"unknown opcode":     header(0x83, 0),
		"a length of 2^63":   "\x81\xff\x80\x00\x00\x00\x00\x00\x00\x00",
		"a terabyte to come": header(0x81, 1<<40) + strings.Repeat("x", 2<<20),
		"a long ping":        header(0x89, 126) + strings.Repeat("x", 126),
		"a bare end":         header(0x80, 0),
	} {
		t.Run(name, func(t *testing.T) {
			b := start(t, Limits{}, nil)
			a := b.rawConnect()
			_, _ = a.conn.Write([]byte(send)) // the relay may end it before all is written
			a.expectCut()
			await(t, "it is forgotten", func() bool { return b.relay.Stats().Conns == 0 })
		})
	}
}

func TestAnIdleConnectionEndsAndAListeningOneStays(t *testing.T) {
	b := start(t, Limits{}, nil)
	listening, idle := b.connect(), b.connect()
	listening.listen("s", appKey)
	b.relay.mu.Lock()
	for c := range b.relay.conns { // neither has said anything for that long
		c.lastRead.Add(-int64(b.relay.lim.IdleTimeout))
	}
	b.relay.mu.Unlock()
	await(t, "the idle one is gone", func() bool { return b.relay.Stats().Conns == 1 })
	idle.expectEnd(websocket.StatusNormalClosure)
	listening.quiet()
}

func TestMemoryOfRequestsInFlightIsBoundedAndKnownClientsHaveTheirOwn(t *testing.T) {
	free := make(chan struct{})
	stuck := func(_ context.Context, _ Link, _ string, ev *nostr.Event) (bool, string) {
		if ev.Content == "first" {
			return true, ""
		}
		<-free
		return true, ""
	}
	defer close(free)
	const half = 64 * MinCost
	b := start(t, Limits{MaxInFlightBytes: 2 * half, MaxFrame: 8 * MinCost, MaxWait: 20 * time.Millisecond}, stuck)
	known := b.connect()
	rq := request("first")
	known.sendEvent(rq)
	known.expect("OK", rq.ID.String(), true)
	known.listen("s", appKey)
	b.relay.Publish(answer("hello"), nil)
	known.expectEvent("s")

	stranger := b.connect()
	for i := range half / MinCost {
		stranger.sendEvent(event(KindNostrConnect, key(9), fmt.Sprint(i), signerKey))
	}
	refused := event(KindNostrConnect, key(9), "one more", signerKey)
	stranger.sendEvent(refused)
	stranger.expectReason("rate-limited: ", "OK", refused.ID.String(), false)
	// A long message is not even read.
	stranger.send(strings.Repeat("x", 7*MinCost))
	stranger.expectReason("rate-limited: ", "NOTICE")
	stranger.expectEnd(websocket.StatusTryAgainLater)

	for i := range half / MinCost {
		known.sendEvent(request(fmt.Sprint(i)))
	}
	await(t, "all of the known client's are taken", func() bool { return b.relay.Stats().InFlight == 2*half/MinCost })
}

func TestOneAddressGetsAQuarterOfThePlacesForStrangers(t *testing.T) {
	free := make(chan struct{})
	defer close(free)
	const half = 64 * MinCost
	b := start(t, Limits{MaxInFlightBytes: 2 * half, MaxFrame: 8 * MinCost, MaxWait: 20 * time.Millisecond},
		func(context.Context, Link, string, *nostr.Event) (bool, string) { <-free; return true, "" })
	from := func(addr string) *app {
		ws, _, err := b.dial(addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = ws.CloseNow() })
		return &app{t: t, ws: ws}
	}
	a := from("192.0.2.1")
	for i := range half / MinCost / ipShare {
		a.sendEvent(request(fmt.Sprint(i)))
	}
	one := request("one more")
	for _, a := range []*app{a, from("192.0.2.1")} {
		a.sendEvent(one)
		a.expectReason("rate-limited: ", "OK", one.ID.String(), false)
	}
	other := from("192.0.2.2")
	other.sendEvent(one)
	await(t, "the other address has its places", func() bool { return b.relay.Stats().InFlight == half/MinCost/ipShare+1 })
}

func TestRatesOfOneAddressHoldOverItsConnections(t *testing.T) {
	b := start(t, Limits{EventRatePerIP: 1e-6, EventBurstPerIP: 1, ReqRatePerIP: 1e-6, ReqBurstPerIP: 1, MaxWait: time.Millisecond}, nil)
	var apps []*app
	for _, addr := range []string{"192.0.2.1", "192.0.2.1", "192.0.2.2"} {
		ws, _, err := b.dial(addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = ws.CloseNow() })
		apps = append(apps, &app{t: t, ws: ws})
	}
	rq := request("x")
	id := rq.ID.String()
	for i, a := range apps {
		a.sendEvent(rq)
		a.send(req("s", appKey))
		if i == 1 {
			a.expectReason("rate-limited: ", "OK", id, false)
			a.expectReason("rate-limited: ", "CLOSED", "s")
			continue
		}
		for range 2 { // the OK comes from another goroutine
			if msg := a.expect(); msg[0] != "EOSE" && msg[2] != true {
				t.Error(msg)
			}
		}
	}
}
