package relay

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"nsecbunker/internal/dial"
)

// A relay that has stopped reading answers no ping either: the connection is
// there, and nothing comes back.
func TestHalfOpenConnectionIsNoticedAndMadeAgain(t *testing.T) {
	r := newRelay(t)
	r.hello = func(c *client) {
		if c.n == 0 {
			_, b, err := c.ws.Read(c.ctx)
			if err == nil {
				c.message(b) // one REQ and its EOSE, then silence
			}
			<-c.ctx.Done()
		}
	}
	b := run(t, func(c *Config) {
		c.Timing.PingEvery = 20 * time.Millisecond
		c.Timing.PongWait = 20 * time.Millisecond
	})
	b.want(keys(1), r)
	until(t, "the second connection", func() bool { return r.conns() >= 2 && b.of(r).State == Up })
}

// One that never answers a ping but sends something else lives.
func TestAnyMessageCountsAsASignOfLife(t *testing.T) {
	r := newRelay(t)
	r.hello = func(c *client) {
		_, b, err := c.ws.Read(c.ctx)
		if err != nil {
			return
		}
		c.message(b)
		for i := 0; c.ctx.Err() == nil && i < 200; i++ { // pings lie unread
			c.send(`["NOTICE","%d"]`, i)
			time.Sleep(5 * time.Millisecond)
		}
	}
	b := run(t, func(c *Config) {
		c.Timing.PingEvery = 10 * time.Millisecond
		c.Timing.PongWait = 200 * time.Millisecond
	})
	b.want(keys(1), r)
	// A connection that has all of them lived five times as long as a pong may take. (One that a
	// busy machine held up for that long is taken for dead, and another begins.)
	until(t, "the last notice", func() bool { return b.of(r).Notice == "199" })
}

func TestPingMeasuresLatency(t *testing.T) {
	r := newRelay(t)
	b := run(t, func(c *Config) { c.Timing.PingEvery = time.Millisecond })
	b.want(keys(1), r)
	b.waitState(r, Up)
	first := b.of(r).Latency
	until(t, "another measurement", func() bool { return b.of(r).Latency != first })
}

// While Handle works on one relay's event, that relay waits, is not taken for
// dead, and the others go on.
func TestSlowHandleHoldsUpItsOwnRelayOnly(t *testing.T) {
	slow, fast := newRelay(t), newRelay(t)
	release := make(chan struct{})
	var mu sync.Mutex
	count := map[string]int{}
	for _, r := range []*scripted{slow, fast} {
		r.script = func(c *client, label string, m []json.RawMessage) bool {
			if label == "REQ" {
				c.send(`["EVENT",%s,{"n":1}]`, m[1])
				c.send(`["EVENT",%s,{"n":2}]`, m[1])
			}
			return false
		}
	}
	b := run(t, func(c *Config) {
		c.Timing.EOSEWait = 50 * time.Millisecond
		c.Timing.PingEvery = 10 * time.Millisecond
		c.Timing.PongWait = 10 * time.Millisecond
		c.Handle = func(ctx context.Context, url string, _ RawEvent) {
			mu.Lock()
			count[url]++
			mu.Unlock()
			if url == slow.url {
				select {
				case <-release:
				case <-ctx.Done():
				}
			}
		}
	})
	// The other relay has normal time-outs of its own to keep; what counts is
	// that it gets everything while the slow one hangs.
	b.want(keys(1), slow, fast)
	until(t, "the fast relay", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return count[fast.url] >= 2 && count[slow.url] >= 1
	})
	held := func() [2]int {
		mu.Lock()
		defer mu.Unlock()
		return [2]int{count[slow.url], slow.conns()}
	}
	before := held()
	time.Sleep(150 * time.Millisecond) // three times all bounds of the slow one
	if now := held(); now != before {
		t.Errorf("while Handle worked: events and connections were %d and are %d", before, now)
	}
	close(release)
	b.waitState(slow, Up)
}

func TestFloodOfEventsWaitsAtTheRelay(t *testing.T) {
	r := newRelay(t)
	const flood = 5000
	sent := make(chan struct{})
	r.script = func(c *client, label string, m []json.RawMessage) bool {
		if label == "REQ" {
			c.eose(m)
			go func() {
				defer close(sent)
				pad := strings.Repeat("x", 1000)
				for range flood {
					c.send(`["EVENT",%s,{"pad":"%s"}]`, m[1], pad)
				}
			}()
			return true
		}
		return false
	}
	var inside, total int
	var mu sync.Mutex
	b := run(t, func(c *Config) {
		c.Handle = func(context.Context, string, RawEvent) {
			mu.Lock()
			inside++
			if inside > 1 {
				t.Error("Handle is called twice at once for one relay")
			}
			mu.Unlock()
			mu.Lock()
			inside--
			total++
			mu.Unlock()
		}
	})
	b.want(keys(1), r)
	until(t, "every event", func() bool { mu.Lock(); defer mu.Unlock(); return total == flood })
	<-sent
	if r.conns() != 1 {
		t.Errorf("%d connections", r.conns())
	}
}

func TestOversizedMessageIsSkippedAndTheConnectionLives(t *testing.T) {
	r := newRelay(t)
	r.script = func(c *client, label string, m []json.RawMessage) bool {
		if label == "REQ" {
			pad := strings.Repeat("x", MaxFrame)
			c.send(`["EVENT",%s,{"pad":"%s"}]`, m[1], pad)
			fits := MaxFrame - len(`["EVENT",,{"pad":""}]`) - len(m[1])
			c.send(`["EVENT",%s,{"pad":"%s"}]`, m[1], pad[:fits])
			c.send(`["EVENT",%s,{"pad":"%s"}]`, m[1], pad[:fits+1])
			c.send(`["EVENT",%s,{"last":true}]`, m[1])
		}
		return false
	}
	b := run(t, nil)
	b.want(keys(1), r)
	b.waitState(r, Up)
	got := b.handled()
	if len(got) != 2 || len(got[0].raw) < MaxFrame-100 || got[1].raw != `{"last":true}` {
		t.Errorf("%d events handled", len(got))
	}
	if s := b.of(r); s.Oversized != 2 || r.conns() != 1 {
		t.Errorf("status %+v, %d connections", s, r.conns())
	}
}

func TestEndlessMessageIsGivenUp(t *testing.T) {
	endless := io.MultiReader(strings.NewReader(`["NOTICE","`), zeroes{})
	buf, over, err := slurp(nil, endless)
	if !errors.Is(err, errEndless) || !over || len(buf) > MaxFrame+1 {
		t.Errorf("%d bytes kept, over=%v, %v", len(buf), over, err)
	}
	exact := bytes.Repeat([]byte("x"), MaxFrame)
	buf, over, err = slurp(nil, bytes.NewReader(exact))
	if err != nil || over || !bytes.Equal(buf, exact) {
		t.Errorf("at the limit: %d bytes, over=%v, %v", len(buf), over, err)
	}
	if _, _, err = slurp(nil, io.MultiReader(bytes.NewReader(exact), strings.NewReader("y"), brokenReader{})); err == nil {
		t.Error("an error while skipping was lost")
	}
}

type zeroes struct{}

func (zeroes) Read(p []byte) (int, error) { return len(p), nil }

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, errors.New("broken") }

func TestGarbageIsIgnoredUpToABound(t *testing.T) {
	r := newRelay(t)
	r.script = func(c *client, label string, m []json.RawMessage) bool {
		if label == "REQ" {
			n := MaxGarbage
			if c.n == 0 {
				n++
			}
			for i := range n {
				if i%2 == 0 {
					c.send(`{"not":"ours"}`)
				} else {
					_ = c.ws.Write(c.ctx, websocket.MessageBinary, []byte(`["NOTICE","in binary"]`))
				}
			}
			for range 3 * MaxGarbage { // unknown labels are no garbage
				c.send(`["COUNT","s1",{"count":1}]`)
			}
		}
		return false
	}
	b := run(t, nil)
	b.want(keys(1), r)
	until(t, "the second connection", func() bool { return b.of(r).State == Up && r.conns() == 2 })
}

func TestRefusalsOfTheServerAreNamed(t *testing.T) {
	page := httptest.NewServer(http.NotFoundHandler())
	defer page.Close()
	moved := httptest.NewServer(http.RedirectHandler("http://127.0.0.1:1/", http.StatusFound))
	defer moved.Close()
	closing := newRelay(t)
	closing.hello = func(c *client) { _ = c.ws.Close(websocket.StatusPolicyViolation, "go \x1b away") }
	b := run(t, func(c *Config) { c.Timing.BackoffMin, c.Timing.BackoffMax = time.Hour, time.Hour })
	for url, want := range map[string]string{
		"ws" + strings.TrimPrefix(page.URL, "http"):  "404",
		"ws" + strings.TrimPrefix(moved.URL, "http"): "answers with a redirect to 127.0.0.1:1",
		closing.url:                "go \uFFFD away (1008)",
		"ws://localhost.invalid:1": "no such host",
	} {
		if err := b.Want(map[string][]pubKey{url: nil}); err != nil {
			t.Fatal(err)
		}
		until(t, want, func() bool {
			return slices.ContainsFunc(b.Status(), func(s Status) bool {
				return s.URL == url && s.State == Waiting && strings.Contains(s.Err, want) && s.NextTry.After(clock)
			})
		})
	}
}

func TestAddressRulesHoldForRelays(t *testing.T) {
	r := newRelay(t)
	strict, err := dial.New(dial.Config{})
	if err != nil {
		t.Fatal(err)
	}
	b := run(t, func(c *Config) { c.Dialer = strict })
	b.want(keys(1), r)
	until(t, "the refusal", func() bool { return strings.Contains(b.of(r).Err, "is a loopback address") })
	if r.conns() != 0 {
		t.Error("connected")
	}
	if err := strict.SetExceptions(nil, []string{r.srv.Listener.Addr().String()}); err != nil {
		t.Fatal(err)
	}
	b.waitState(r, Up)
}

func TestSecureRelayIsVerified(t *testing.T) {
	r := unstarted(t)
	r.srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	r.srv.StartTLS()
	r.url = "wss" + strings.TrimPrefix(r.srv.URL, "https")
	stranger := run(t, nil)
	stranger.want(keys(1), r)
	until(t, "the refusal", func() bool { return strings.Contains(stranger.of(r).Err, "certificate") })
	roots := x509.NewCertPool()
	roots.AddCert(r.srv.Certificate())
	b := run(t, func(c *Config) { c.TLS = &tls.Config{RootCAs: roots} })
	b.want(keys(1), r)
	b.waitState(r, Up)
}

func TestRelayWithTooManyForgedEventsIsCutOffLongerEachTime(t *testing.T) {
	r, honest := newRelay(t), newRelay(t)
	b := run(t, func(c *Config) { c.Timing.CutoffMin, c.Timing.CutoffMax = 50*time.Millisecond, time.Hour })
	b.want(keys(1), r, honest)
	b.waitState(r, Up)
	b.waitState(honest, Up)
	for range MaxBadSignatures {
		b.BadSignature(r.url)
	}
	b.BadSignature("wss://unknown.example")
	b.BadSignature("nonsense")
	if s := b.of(r); s.State != Up || s.BadSignatures != MaxBadSignatures {
		t.Fatalf("at the limit: %+v", s)
	}
	b.BadSignature(r.url + "/")
	until(t, "the cut, and its end", func() bool { return r.conns() == 2 && b.of(r).State == Up })
	p := b.peer(r.url)
	p.mu.Lock()
	p.cutoffs = 30 // the thirtieth time
	p.mu.Unlock()
	for range MaxBadSignatures + 1 {
		b.BadSignature(r.url)
	}
	b.waitState(r, CutOff)
	s := b.of(r)
	if !strings.Contains(s.Err, "forged") || s.NextTry.Sub(clock) < 50*time.Minute || s.NextTry.Sub(clock) > time.Hour {
		t.Errorf("status %+v", s)
	}
	var o outcome
	b.publish(1, &o, r.url, honest.url)
	until(t, "two results", func() bool { return len(o.all()) == 2 })
	for _, got := range o.all() {
		if strings.HasPrefix(got, r.url) != strings.Contains(got, "false error: the relay is cut off") {
			t.Error(got)
		}
	}
	if s := b.of(honest); s.State != Up || s.Connects != 1 {
		t.Errorf("the honest relay: %+v", s)
	}
}

// Forged events a window apart are no flood.
func TestOldForgeriesAreForgotten(t *testing.T) {
	r := newRelay(t)
	b := run(t, func(c *Config) { c.Timing.BadWindow = time.Nanosecond })
	b.want(keys(1), r)
	b.waitState(r, Up)
	for range 10 * MaxBadSignatures {
		b.BadSignature(r.url)
	}
	if s := b.of(r); s.State != Up || s.Connects != 1 || s.BadSignatures != 10*MaxBadSignatures {
		t.Errorf("status %+v", s)
	}
}

// A relay that ends the connection before the forgeries are found is cut off
// all the same.
func TestHangingUpDoesNotSaveAForger(t *testing.T) {
	r := newRelay(t)
	b := run(t, func(c *Config) {
		c.Timing.CutoffMin = time.Hour
		c.Timing.BackoffMin, c.Timing.BackoffMax = time.Minute, time.Minute
	})
	b.want(keys(1), r)
	b.waitState(r, Up)
	r.dropAll()
	b.waitState(r, Waiting)
	for range MaxBadSignatures + 1 {
		b.BadSignature(r.url)
	}
	if left := b.peer(r.url).cutFor(); left < 50*time.Minute {
		t.Errorf("cut off for %v", left)
	}
}

func TestHooksMayBlockWithoutHoldingUpARelay(t *testing.T) {
	r := newRelay(t)
	release := make(chan struct{})
	b := run(t, func(c *Config) {
		c.OnUp = func(string) { <-release }
		c.OnChange = func(string) { <-release }
	})
	defer close(release)
	b.want(keys(1), r)
	b.waitState(r, Up)
	for n := range 5 {
		r.dropAll()
		until(t, "up again", func() bool { return r.conns() == n+2 && b.of(r).State == Up })
	}
	var o outcome
	b.publish(1, &o, r.url)
	o.one(t)
	b.hooks.mu.Lock()
	defer b.hooks.mu.Unlock()
	if n := len(b.hooks.pending); n > 2 {
		t.Errorf("%d calls wait", n)
	}
}

func TestManagerNeedsItsPartsAndRunsOnce(t *testing.T) {
	d, err := dial.New(dial.Config{})
	if err != nil {
		t.Fatal(err)
	}
	handle := func(context.Context, string, RawEvent) {}
	for name, cfg := range map[string]Config{
		"no dialer": {Handle: handle, Now: time.Now},
		"no handle": {Dialer: d, Now: time.Now},
		"no clock":  {Dialer: d, Handle: handle},
	} {
		if _, err := New(cfg); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	b := run(t, nil)
	if err := b.Run(t.Context()); err == nil {
		t.Error("ran twice")
	}
	b.stop()
	if err := b.Run(t.Context()); err == nil {
		t.Error("ran again")
	}
}

func TestTimeBoundsMeetThePromises(t *testing.T) {
	d := Timing{}.withDefaults()
	if d.PingEvery+d.PongWait > 30*time.Second {
		t.Error("a dead link may stay unnoticed for more than 30 s")
	}
	if d.BackoffMax > time.Minute || d.OKWait > 7*time.Second || d.EOSEWait > 15*time.Second {
		t.Errorf("%+v", d)
	}
	for n := range 100 {
		if got := spreadOut(d.BackoffMin, d.BackoffMax, n); got < 0 || got > d.BackoffMax {
			t.Errorf("attempt %d waits %v", n, got)
		}
	}
	if got := doubled(time.Second, time.Minute, 3); got != 8*time.Second {
		t.Errorf("doubled: %v", got)
	}
	if got := (Timing{OKWait: 1}).withDefaults(); got.OKWait != 1 || got.AuthWait != 7*time.Second {
		t.Errorf("%+v", got)
	}
}
