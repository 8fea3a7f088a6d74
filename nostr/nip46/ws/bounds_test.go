package ws_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"nsecbunker/nostr"
	"nsecbunker/nostr/nip42"
	"nsecbunker/nostr/nip46"
	"nsecbunker/nostr/nip46/internal/nip46test"
	"nsecbunker/nostr/nip46/ws"
)

// pipes is a network in memory, whose time is the bubble's.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
}

func (p pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}
func (p pipes) Close() error   { return nil }
func (p pipes) Addr() net.Addr { return &net.TCPAddr{} }

// inBubble serves sockets with handle and gives a client that reaches it; dials
// is told the time of every attempt and may refuse it.
func inBubble(t *testing.T, dials func(time.Time) bool, handle func(context.Context, *websocket.Conn)) *http.Client {
	t.Helper()
	p := pipes{make(chan net.Conn), make(chan struct{})}
	var serving sync.WaitGroup
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		serving.Add(1) // the server forgets who was hijacked
		defer serving.Done()
		socket, err := websocket.Accept(w, r, nil)
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = socket.CloseNow() }()
		handle(t.Context(), socket)
	})}
	serving.Go(func() { _ = server.Serve(p) })
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		if !dials(time.Now()) {
			return nil, errors.New("refused")
		}
		here, there := net.Pipe()
		select {
		case p.conns <- there:
			return here, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		close(p.done)
		_ = server.Close()
		serving.Wait()
	})
	return &http.Client{Transport: transport}
}

func TestADeadLinkIsNoticedWithinHalfAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		again := make(chan time.Time, 10)
		client := inBubble(t, func(at time.Time) bool { again <- at; return true }, func(ctx context.Context, s *websocket.Conn) {
			<-ctx.Done() // it is connected, and reads and says nothing
		})
		p := newPool(t, ws.Config{Client: client})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		s, err := nip46.NewSession(nip46test.NewArena(t))
		if err != nil {
			t.Fatal(err)
		}
		stop := make(chan struct{})
		go func() {
			defer close(stop)
			if end, err := p.Subscribe(t.Context(), []string{"ws://r.example"}, nip46.Filter{P: s.Client()}, func(*nostr.Event) {}); err == nil {
				defer end()
			}
			time.Sleep(2 * time.Minute)
		}()
		<-ctx.Done()
		first, second := <-again, <-again
		if gap := second.Sub(first); gap > 30*time.Second {
			t.Errorf("noticed after %v", gap)
		}
		<-stop
	})
}

func TestTheBackOffGrowsToAMinuteAndNoFurther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var times []time.Time
		client := inBubble(t, func(at time.Time) bool {
			mu.Lock()
			defer mu.Unlock()
			times = append(times, at)
			return false
		}, nil)
		p := newPool(t, ws.Config{Client: client})
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Minute)
		defer cancel()
		if _, err := p.Subscribe(ctx, []string{"ws://r.example"}, nip46.Filter{}, func(*nostr.Event) {}); err == nil {
			t.Error("it listens to nobody")
		}
		mu.Lock()
		defer mu.Unlock()
		var longest time.Duration
		for i, at := range times[1:] {
			gap := at.Sub(times[i])
			longest = max(longest, gap)
			if gap < ws.MinBackoff || gap > ws.MaxBackoff {
				t.Errorf("attempt %d came after %v", i+2, gap)
			}
		}
		if longest < ws.MaxBackoff/2 {
			t.Errorf("it grew to %v only", longest)
		}
	})
}

func TestARelayThatAsksForProofsForEverGetsSixteen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answers := 0
		client := inBubble(t, func(time.Time) bool { return true }, func(ctx context.Context, s *websocket.Conn) {
			write := func(text string) bool { return s.Write(ctx, websocket.MessageText, []byte(text)) == nil }
			var asking sync.WaitGroup
			defer asking.Wait()
			asking.Go(func() {
				for write(`["AUTH","` + nip42.NewChallenge() + `"]`) {
					time.Sleep(10 * time.Millisecond)
				}
			})
			for {
				_, b, err := s.Read(ctx)
				if err != nil {
					return
				}
				text := string(b)
				if strings.HasPrefix(text, `["AUTH",`) {
					answers++
					e, err := nostr.ParseEvent([]byte(text[len(`["AUTH",`) : len(text)-1]))
					if err != nil || !write(`["OK","`+e.ID.String()+`",true,""]`) {
						return
					}
				}
			}
		})
		s, err := nip46.NewSession(nip46test.NewArena(t))
		if err != nil {
			t.Fatal(err)
		}
		p := newPool(t, ws.Config{Client: client, Auth: s.Auth})
		stop, err := p.Subscribe(t.Context(), []string{"ws://r.example"}, nip46.Filter{P: s.Client()}, func(*nostr.Event) {})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Second)
		stop()
		p.Close()
		synctest.Wait()
		if answers != 16 {
			t.Errorf("%d proofs were given", answers)
		}
	})
}

func TestARelayThatDoesNotReadIsDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := inBubble(t, func(time.Time) bool { return true }, func(ctx context.Context, s *websocket.Conn) { <-ctx.Done() })
		dropped := make(chan string, 100)
		p := newPool(t, ws.Config{Client: client, Notice: func(_, text string) { dropped <- text }})
		ctx, cancel := context.WithTimeout(t.Context(), ws.EOSEPatience+time.Second)
		defer cancel()
		stop, err := p.Subscribe(ctx, []string{"ws://r.example"}, nip46.Filter{}, func(*nostr.Event) {})
		if err != nil {
			t.Fatal(err)
		}
		defer stop()
		done, cancel := context.WithCancel(t.Context())
		cancel()
		for range 100 { // a REQ and a CLOSE each: more than may wait
			if _, err := p.Subscribe(done, []string{"ws://r.example"}, nip46.Filter{}, func(*nostr.Event) {}); err == nil {
				t.Error("it listens without time to")
			}
		}
		if text := <-dropped; text != "it does not read what is sent to it" {
			t.Errorf("%q", text)
		}
	})
}

func TestARelayThatNeverSaysThatItTookAnEventIsNotWaitedForForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := inBubble(t, func(time.Time) bool { return true }, func(ctx context.Context, s *websocket.Conn) {
			for {
				if _, _, err := s.Read(ctx); err != nil {
					return
				}
			}
		})
		s, err := nip46.NewSession(nip46test.NewArena(t))
		if err != nil {
			t.Fatal(err)
		}
		e, err := s.Auth("x", "y", time.Now())
		if err != nil {
			t.Fatal(err)
		}
		p := newPool(t, ws.Config{Client: client})
		start := time.Now()
		err = p.Publish(t.Context(), []string{"ws://r.example"}, e)
		if err == nil || !strings.Contains(err.Error(), "did not say that it took the event") || time.Since(start) != ws.PublishTimeout {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

func TestAFrameOverTheBoundEndsTheLink(t *testing.T) {
	t.Parallel()
	r := newRelay(t, manners{})
	p := newPool(t, ws.Config{})
	stop, err := p.Subscribe(soon(t), []string{r.url}, nip46.Filter{Kind: nip46.Kind}, func(*nostr.Event) {})
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	say := func(size int) {
		r.mu.Lock()
		var all []*peer
		for p := range r.peers {
			all = append(all, p)
		}
		r.mu.Unlock()
		for _, p := range all {
			p.send("NOTICE", strings.Repeat("x", size-len(`["NOTICE",""]`)))
		}
	}
	say(ws.MaxFrame)
	say(ws.MaxFrame)
	if r.count(func() int { return r.dials }) != 1 {
		t.Error("a frame at the bound ended the link")
	}
	say(ws.MaxFrame + 1)
	r.until("it came back", func() bool { return r.dials == 2 })
}
