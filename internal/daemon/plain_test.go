package daemon

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
)

// serving runs a server of the edge with bounds of the test's, and returns its address.
func serving(t *testing.T, h http.Handler, change func(*http.Server)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	servingAt(t, l, h, change)
	return l.Addr().String()
}

func servingAt(t *testing.T, l net.Listener, h http.Handler, change func(*http.Server)) {
	t.Helper()
	s := newServer(h, slog.New(slog.DiscardHandler))
	change(s)
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	t.Cleanup(func() {
		s.Close()
		<-done
	})
}

// pipes is a network in memory, on which time passes as a test's bubble has it.
type pipes struct {
	conns chan net.Conn
	ended chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.ended:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { close(p.ended); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

// client comes over it.
func (p *pipes) client() *http.Client {
	return &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(context.Context, string, string) (net.Conn, error) {
		here, there := net.Pipe()
		p.conns <- there
		return here, nil
	}}}
}

// say opens a connection and says something.
func say(t *testing.T, addr, text string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	return c
}

// ends waits until the other side has ended a connection.
func ends(t *testing.T, c net.Conn) {
	t.Helper()
	if _, err := io.Copy(io.Discard, c); err != nil && !isReset(err) {
		t.Fatal(err)
	}
}

func isReset(err error) bool {
	_, ok := err.(*net.OpError)
	return ok
}

// A body that nobody reads is waited for, too: it comes before the next request.
func TestNoConnectionIsHeldByABodyThatDoesNotCome(t *testing.T) {
	t.Parallel()
	h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusMethodNotAllowed) })
	addr := serving(t, h, func(s *http.Server) {
		if s.ReadTimeout != bodyTimeout || s.WriteTimeout != answerTimeout {
			t.Errorf("a request may take %s to come, its answer %s", s.ReadTimeout, s.WriteTimeout)
		}
		s.ReadTimeout = 50 * time.Millisecond
	})
	ends(t, say(t, addr, "POST /admin/ HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\nhalf"))
}

func TestNoConnectionIsHeldByWhoDoesNotRead(t *testing.T) {
	t.Parallel()
	ended := make(chan error, 1)
	h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		var err error
		for err == nil { // more than fits between here and there
			_, err = w.Write(make([]byte, 1<<20))
		}
		ended <- err
	})
	addr := serving(t, h, func(s *http.Server) { s.WriteTimeout = 50 * time.Millisecond })
	say(t, addr, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	<-ended
}

// An answer that takes longer than the request may take to come is waited for; and a
// websocket has no such bounds.
func TestTheBoundsOfRequestsEndNoAnswerAndNoWebsocket(t *testing.T) {
	t.Parallel()
	synctest.Test(t, boundsEndNoAnswerAndNoWebsocket)
}

func boundsEndNoAnswerAndNoWebsocket(t *testing.T) {
	const short = 20 * time.Millisecond
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			select {
			case <-r.Context().Done():
			case <-time.After(5 * short):
				_, _ = io.WriteString(w, "done")
			}
			return
		}
		ws, err := websocket.Accept(w, r, nil)
		if err != nil {
			t.Error(err)
			return
		}
		defer ws.CloseNow()
		kind, b, err := ws.Read(t.Context())
		if err == nil {
			err = ws.Write(t.Context(), kind, b)
		}
		if err != nil {
			t.Errorf("the websocket ended: %v", err)
		}
	})
	on := func(read, write time.Duration) *http.Client {
		p := &pipes{make(chan net.Conn), make(chan struct{})}
		servingAt(t, p, h, func(s *http.Server) { s.ReadTimeout, s.WriteTimeout = read, write })
		return p.client()
	}
	res, err := on(short, 100*short).Get("http://bunker.example/slow")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if b, err := io.ReadAll(res.Body); err != nil || string(b) != "done" {
		t.Errorf("answered %q (%v)", b, err)
	}
	ws, _, err := websocket.Dial(t.Context(), "ws://bunker.example", &websocket.DialOptions{HTTPClient: on(short, short)})
	if err != nil {
		t.Fatal(err)
	}
	defer ws.CloseNow()
	<-time.After(5 * short)
	if err := ws.Write(t.Context(), websocket.MessageText, []byte("hello")); err != nil {
		t.Fatal(err)
	}
	if _, b, err := ws.Read(t.Context()); err != nil || string(b) != "hello" {
		t.Errorf("heard %q (%v)", b, err)
	}
}

func TestOfTooManyConnectionsTheOldestMakesRoom(t *testing.T) {
	t.Parallel()
	const most = 4
	held := make(chan struct{})
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") == "" {
			_, _ = io.WriteString(w, "ok")
			return
		}
		ws, err := websocket.Accept(w, r, nil)
		if err != nil {
			t.Error(err)
			return
		}
		defer ws.CloseNow()
		<-held
	})
	conns := newPlainConns(most)
	addr := serving(t, h, func(s *http.Server) { s.ConnState = conns.state })
	for range 3 * most { // they are not counted
		ws, _, err := websocket.Dial(t.Context(), "ws://"+addr, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer ws.CloseNow()
	}
	defer close(held)
	var idle []net.Conn
	for range 3 * most {
		idle = append(idle, say(t, addr, "GET / HTTP/1.1\r\n"))
	}
	for range 5 {
		c := say(t, addr, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
		if b, err := io.ReadAll(c); err != nil || len(b) == 0 {
			t.Fatalf("nobody answers beside idle connections: %v", err)
		}
	}
	for _, c := range idle[:2*most] {
		ends(t, c)
	}
	conns.mu.Lock()
	defer conns.mu.Unlock()
	if n := conns.byAge.Len(); n > most || n != len(conns.at) {
		t.Errorf("%d connections are counted, %d by name; want at most %d", n, len(conns.at), most)
	}
}
