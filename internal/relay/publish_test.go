package relay

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr"
)

func TestResultIsTheRelaysAnswer(t *testing.T) {
	for _, c := range []struct {
		ok   bool
		text string
		want string
	}{
		{true, "", "true "},
		{true, "duplicate: already have this event", "true duplicate: already have this event"},
		{false, "duplicate: already have this event", "true duplicate: already have this event"},
		{false, "blocked: you are banned", "false blocked: you are banned"},
		{false, "rate-limited: slow\ndown", "false rate-limited: slow\uFFFDdown"},
		{false, "mute: nobody listens", "false mute: nobody listens"},
		{false, "", "false "},
		{false, "auth-required: who are you", "false auth-required: who are you"}, // no Auth is set
	} {
		r := newRelay(t)
		r.script = func(cl *client, label string, m []json.RawMessage) bool {
			if label == "EVENT" {
				cl.ok(m, c.ok, c.text)
				cl.ok(m, !c.ok, "again") // only the first counts
				return true
			}
			return false
		}
		b := run(t, nil)
		b.want(keys(1), r)
		b.waitState(r, Up)
		var o outcome
		id := b.publish(1, &o, r.url)
		if got := o.one(t); got != r.url+" "+c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
		if got := r.received(); len(got) != 1 || got[0] != id.String() {
			t.Errorf("the relay got %v", got)
		}
		s := b.of(r)
		if s.Published != 1 || s.Accepted+s.Refused != 1 || s.Dropped != 0 || s.Queued != 0 {
			t.Errorf("status %+v", s)
		}
		b.stop()
		if got := o.all(); len(got) != 1 {
			t.Errorf("%d results: %v", len(got), got)
		}
	}
}

func TestUrlsAreToldApartByTheirNormalForm(t *testing.T) {
	r := newRelay(t)
	b := run(t, nil)
	var o outcome
	b.publish(1, &o, r.url+"/", r.url, strings.ToUpper(r.url[:2])+r.url[2:], "http://a.example", "")
	until(t, "results", func() bool { return len(o.all()) == 3 })
	got := strings.Join(o.all(), "\n")
	if !strings.Contains(got, r.url+"/ true") || strings.Count(got, "false invalid: ") != 2 {
		t.Errorf("results %q", got)
	}
	if n := len(r.received()); n != 1 {
		t.Errorf("sent %d times", n)
	}
}

func TestWhatIsNoEventIsNotSent(t *testing.T) {
	r := newRelay(t)
	b := run(t, nil)
	for _, raw := range []string{"", "{", "[]", `"x"`, "{}\n", "{" + strings.Repeat(" ", MaxFrame) + "}"} {
		var o outcome
		b.Publish(t.Context(), bunker.SelfHosted, [32]byte{}, []byte(raw), []string{r.url}, o.take)
		if got := o.all(); len(got) != 1 || !strings.Contains(got[0], "false invalid: ") {
			t.Errorf("%.10q: %v", raw, got)
		}
	}
}

func TestNoAnswerIsAResultWithinItsTime(t *testing.T) {
	r := newRelay(t)
	r.script = func(_ *client, label string, _ []json.RawMessage) bool { return label == "EVENT" }
	b := run(t, func(c *Config) { c.Timing.OKWait = 50 * time.Millisecond })
	b.want(keys(1), r)
	b.waitState(r, Up)
	var o outcome
	id := b.publish(1, &o, r.url)
	if got := o.one(t); got != r.url+" false error: no OK within 50ms" {
		t.Error(got)
	}
	r.last().send(`["OK","%s",true,""]`, id) // too late
	b.publish(2, &o, r.url)
	until(t, "the second", func() bool { return len(o.all()) == 2 })
	if s := b.of(r); s.Queued != 0 || s.Dropped != 2 {
		t.Errorf("status %+v", s)
	}
}

// One relay neither reads nor answers, one is not there, one is black: the
// fourth gets everything at once.
func TestStalledRelayDelaysNoOther(t *testing.T) {
	good, stalled := newRelay(t), newRelay(t)
	stalled.hello = func(c *client) { <-c.ctx.Done() }
	b := run(t, func(c *Config) { c.Timing.OKWait = time.Minute })
	b.want(keys(1), good, stalled)
	b.waitState(good, Up)
	until(t, "the stalled one", func() bool { return stalled.conns() == 1 })
	pad := strings.Repeat("x", 40_000)
	var mu sync.Mutex
	accepted := map[string]int{}
	refused := map[string]int{}
	const n = 600
	sent := make(chan struct{}, 32)
	for i := range n {
		sent <- struct{}{}
		id, _ := event(i)
		raw := fmt.Appendf(nil, `{"id":"%s","pad":"%s"}`, id, pad)
		b.Publish(context.Background(), bunker.SelfHosted, id, raw, []string{stalled.url, good.url, "ws://127.0.0.1:1"}, func(url string, ok bool, _ string) {
			mu.Lock()
			defer mu.Unlock()
			if ok {
				accepted[url]++
			} else {
				refused[url]++
			}
			if url == good.url {
				<-sent
			}
		})
	}
	until(t, "the good relay to have all", func() bool { mu.Lock(); defer mu.Unlock(); return accepted[good.url] == n })
	s := b.of(stalled)
	p := b.peer(stalled.url)
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.held) > MaxQueue || p.heldBytes > MaxQueueBytes || s.Dropped == 0 {
		t.Errorf("held %d publications, %d bytes; dropped %d", len(p.held), p.heldBytes, s.Dropped)
	}
}

func TestQueueIsBoundedInNumberAndBytes(t *testing.T) {
	r := newRelay(t)
	r.hello = func(c *client) { <-c.ctx.Done() }
	b := run(t, func(c *Config) { c.Timing.OKWait = time.Minute })
	b.want(nil, r)
	b.waitState(r, Up)
	var o outcome
	for i := range MaxQueue + 5 {
		b.publish(i, &o, r.url)
	}
	if got := o.all(); len(got) != 5 || !strings.Contains(got[0], "too much is waiting") {
		t.Errorf("%d refused at once, want 5", len(got))
	}
	b.stop()
	if got := o.all(); len(got) != MaxQueue+5 || !strings.Contains(got[len(got)-1], "shutting down") {
		t.Errorf("%d results in the end", len(got))
	}

	big := newRelay(t)
	big.hello = r.hello
	c := run(t, func(c *Config) { c.Timing.OKWait = time.Minute })
	c.want(nil, big)
	c.waitState(big, Up)
	raw := []byte("{" + strings.Repeat(" ", 1<<20) + "}")
	var p outcome
	for i := range 20 {
		id, _ := event(i)
		c.Publish(t.Context(), bunker.SelfHosted, id, raw, []string{big.url}, p.take)
	}
	if got := p.all(); len(got) != 20-MaxQueueBytes/len(raw) {
		t.Errorf("%d refused at once", len(got))
	}
}

func TestRelayThatIsDownIsAnsweredForAtOnce(t *testing.T) {
	b := run(t, func(c *Config) { c.Timing.BackoffMin, c.Timing.BackoffMax = time.Hour, time.Hour })
	const dead = "ws://127.0.0.1:1"
	if err := b.Want(map[string][]pubKey{dead: keys(1)}); err != nil {
		t.Fatal(err)
	}
	until(t, "the failure", func() bool { return b.Status()[0].State == Waiting })
	p := b.peer(dead)
	p.mu.Lock()
	p.retryAt = time.Now().Add(time.Hour) // the delay is random
	p.mu.Unlock()
	var o outcome
	b.publish(1, &o, dead)
	if got := o.all(); len(got) != 1 || !strings.Contains(got[0], "false error: the relay is down: ") || !strings.Contains(got[0], "refused") {
		t.Errorf("got %v", got)
	}
}

func TestOtherRelaysAreConnectedForPublishingAndLeftAgain(t *testing.T) {
	r := newRelay(t)
	b := run(t, func(c *Config) { c.Timing.IdleClose = 20 * time.Millisecond })
	var o outcome
	b.publish(1, &o, r.url)
	if got := o.one(t); got != r.url+" true " {
		t.Error(got)
	}
	if s := b.of(r); s.Wanted || len(r.requests()) != 0 {
		t.Errorf("status %+v", s)
	}
	until(t, "the end", func() bool { return r.last().ctx.Err() != nil && len(b.Status()) == 0 })
	b.publish(2, &o, r.url)
	until(t, "the second", func() bool { return len(o.all()) == 2 })
	if b.upCount(r) != 0 {
		t.Error("OnUp for a relay that is not wanted")
	}
	// One that is not there: the result comes with the failure to connect.
	var p outcome
	b.publish(3, &p, "ws://127.0.0.1:1")
	if got := p.one(t); !strings.Contains(got, "false error: the relay is down: ") {
		t.Error(got)
	}
}

func TestTemporaryConnectionsAreBounded(t *testing.T) {
	b := run(t, func(c *Config) { c.Timing.BackoffMin = time.Hour; c.Timing.BackoffMax = time.Hour })
	var o outcome
	for i := range MaxTemporary + 3 {
		b.publish(i, &o, fmt.Sprintf("ws://127.0.0.1:1/%d", i))
	}
	until(t, "all results", func() bool { return len(o.all()) == MaxTemporary+3 })
	if got := strings.Count(strings.Join(o.all(), "\n"), "besides the wanted ones"); got != 3 {
		t.Errorf("%d refused", got)
	}
	if n := len(b.Status()); n != MaxTemporary {
		t.Errorf("%d relays", n)
	}
}

// One of several bunkers that publishes to many relays leaves places for the others.
func TestTemporaryConnectionsAreSharedOut(t *testing.T) {
	b := run(t, func(c *Config) {
		c.Timing.BackoffMin, c.Timing.BackoffMax, c.Timing.IdleClose = time.Hour, time.Hour, time.Hour
		c.Several = true
	})
	refused := func(of bunker.TenantID, n int) int {
		var o outcome
		id, raw := event(n)
		for i := range n {
			b.Publish(t.Context(), of, id, raw, []string{fmt.Sprintf("ws://127.0.0.1:1/%s/%d", of, i)}, o.take)
		}
		until(t, "all results", func() bool { return len(o.all()) == n })
		return strings.Count(strings.Join(o.all(), "\n"), "besides the wanted ones")
	}
	if n := refused("greedy", MaxTemporary); n != MaxTemporary-MaxTemporaryEach {
		t.Errorf("%d of the greedy one's were refused", n)
	}
	if n := refused("modest", MaxTemporaryEach); n != 0 {
		t.Errorf("%d of the other's were refused", n)
	}
	for i := range 3 {
		refused(bunker.TenantID(fmt.Sprint(i)), MaxTemporaryEach)
	}
	if n := len(b.Status()); n != MaxTemporary {
		t.Errorf("%d relays in all", n)
	}
}

// The connection breaks between the event and its OK: the same bytes again.
func TestUnansweredEventIsSentAgainOnTheNextConnection(t *testing.T) {
	r := newRelay(t)
	r.script = func(c *client, label string, _ []json.RawMessage) bool {
		if label == "EVENT" && c.n < 2 {
			c.stop()
			return true
		}
		return false
	}
	b := run(t, nil)
	b.want(keys(1), r)
	b.waitState(r, Up)
	var o outcome
	id := b.publish(1, &o, r.url)
	if got := o.one(t); got != r.url+" true " {
		t.Error(got)
	}
	got := r.received()
	if len(got) != 3 {
		t.Errorf("the relay got %v", got)
	}
	for _, have := range got {
		if have != id.String() {
			t.Errorf("the relay got %s", have)
		}
	}
}

func TestOrderIsKept(t *testing.T) {
	r := newRelay(t)
	r.script = func(c *client, label string, _ []json.RawMessage) bool {
		if label == "EVENT" && c.n == 0 && len(r.received()) == 50 {
			c.stop()
			return true
		}
		return false
	}
	b := run(t, nil)
	b.want(nil, r)
	b.waitState(r, Up)
	var o outcome
	var want []string
	for i := range 200 {
		want = append(want, b.publish(i, &o, r.url).String())
	}
	until(t, "all", func() bool { return len(o.all()) == 200 })
	rank := map[string]int{}
	for i, id := range want {
		rank[id] = i
	}
	last := -1
	for i, id := range r.received() {
		if rank[id] != last+1 && !(i >= 50 && rank[id] <= last) {
			t.Fatalf("%d. arrived number %d after %d", i, rank[id], last)
		}
		last = rank[id]
	}
}

func TestGivenUpPublicationIsNotSent(t *testing.T) {
	r := newRelay(t)
	b := run(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	id, raw := event(1)
	var o outcome
	b.Publish(ctx, bunker.SelfHosted, id, raw, []string{r.url}, o.take)
	if got := o.one(t); !strings.Contains(got, "given up") {
		t.Error(got)
	}
	b.publish(2, &o, r.url)
	until(t, "the other", func() bool { return len(o.all()) == 2 })
	if got := r.received(); len(got) != 1 {
		t.Errorf("the relay got %v", got)
	}
}

func TestNothingIsTakenBeforeOrAfterRun(t *testing.T) {
	r := newRelay(t)
	b := build(t, nil)
	var o outcome
	b.publish(1, &o, r.url)
	b.want(keys(1), r) // this is remembered
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- b.Run(ctx) }()
	b.waitState(r, Up)
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	b.publish(2, &o, r.url)
	if got := o.all(); len(got) != 2 || !strings.Contains(got[0], "not running") || !strings.Contains(got[1], "not running") {
		t.Errorf("got %v", got)
	}
	b.want(nil)
	if n := len(r.received()); n != 0 {
		t.Errorf("sent %d", n)
	}
}

// Everything at once: each publication has exactly one result.
func TestEveryPublicationHasExactlyOneResult(t *testing.T) {
	r := newRelay(t)
	r.script = func(c *client, label string, m []json.RawMessage) bool {
		if label != "EVENT" {
			return false
		}
		switch n := len(r.received()); {
		case n%17 == 0:
			c.stop()
		case n%5 == 0:
			return true // no answer
		case n%3 == 0:
			c.ok(m, false, "error: no")
		default:
			c.ok(m, true, "")
			c.ok(m, true, "")
		}
		return true
	}
	b := run(t, func(c *Config) { c.Timing.OKWait = 30 * time.Millisecond; c.Timing.BackoffMax = time.Millisecond })
	b.want(keys(1), r)
	var mu sync.Mutex
	results := map[int]int{}
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := range 200 {
				n := w*1000 + i
				id, raw := event(n % 50) // several with the same id
				b.Publish(context.Background(), bunker.SelfHosted, id, raw, []string{r.url}, func(string, bool, string) {
					mu.Lock()
					defer mu.Unlock()
					results[n]++
				})
			}
		})
	}
	wg.Wait()
	b.stop()
	if len(results) != 800 {
		t.Errorf("%d of 800 have a result", len(results))
	}
	for n, times := range results {
		if times != 1 {
			t.Errorf("%d has %d results", n, times)
		}
	}
	s := b.of(r)
	if s.Accepted+s.Refused+s.Dropped != 800 || s.Queued != 0 {
		t.Errorf("status %+v", s)
	}
}

func TestConnectionMadeForPublishingIsKeptWhenTheRelayIsWanted(t *testing.T) {
	r := newRelay(t)
	b := run(t, nil)
	var o outcome
	ev := &nostr.Event{ID: nostr.ID{9}, Kind: 24133, Tags: nostr.Tags{}, Content: "x"}
	b.PublishEvent(t.Context(), bunker.SelfHosted, ev, []string{r.url}, o.take)
	if got := o.one(t); got != r.url+" true " {
		t.Error(got)
	}
	if got := r.received(); len(got) != 1 || got[0] != ev.ID.String() {
		t.Errorf("the relay got %v", got)
	}
	b.want(keys(2), r)
	until(t, "the subscription", func() bool { return slices.Equal(r.heard(), hexes(keys(2))) && b.of(r).State == Up })
	if n := r.conns(); n != 1 {
		t.Errorf("%d connections", n)
	}
}
