package relay

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestRequestNamesKindsKeysAndTenMinutesBack(t *testing.T) {
	r := newRelay(t)
	b := run(t, func(c *Config) { c.UserAgent = "nsecbunker/test" })
	b.want(keys(3), r)
	b.waitState(r, Up)
	reqs := r.requests()
	if len(reqs) != 1 {
		t.Fatalf("%d REQs", len(reqs))
	}
	slices.Sort(reqs[0].keys)
	if !slices.Equal(reqs[0].keys, hexes(keys(3))) || !slices.Equal(reqs[0].kinds, []int{24133, 24134}) {
		t.Errorf("REQ for %v of kinds %v", reqs[0].keys, reqs[0].kinds)
	}
	if want := clock.Add(-10 * time.Minute).Unix(); reqs[0].since != want {
		t.Errorf("since %d, want %d", reqs[0].since, want)
	}
	if r.agents[0] != "nsecbunker/test" {
		t.Errorf("user agent %q", r.agents[0])
	}
	s := b.of(r)
	if !s.Heard || s.Subs != 1 || s.Keys != 3 || !s.Wanted || s.Latency <= 0 || s.Connects != 1 || !s.Since.Equal(clock) {
		t.Errorf("status %+v", s)
	}
	until(t, "OnUp", func() bool { return b.upCount(r) == 1 })
}

func TestEventsAreHandedOnUnchangedInOrderDoublesIncluded(t *testing.T) {
	r := newRelay(t)
	raws := []string{
		`{"id":"forged","x":[{"y":"]}\"\\"}]}`, `{"id":"genuine"}`, `{ "id" : "genuine" }`, `{}`,
	}
	r.script = func(c *client, label string, m []json.RawMessage) bool {
		if label == "REQ" {
			for _, raw := range raws {
				c.send(`["EVENT", %s , %s ]`, m[1], raw)
			}
			c.eose(m)
			c.send(`["EVENT",%s,%s]`, m[1], `{"live":true}`)
		}
		return true
	}
	b := run(t, nil)
	b.want(keys(1), r)
	until(t, "events", func() bool { return len(b.handled()) == 5 })
	for i, got := range b.handled() {
		want := append(slices.Clone(raws), `{"live":true}`)[i]
		if got.raw != want || got.url != r.url {
			t.Errorf("event %d: %+v, want %s", i, got, want)
		}
	}
	if s := b.of(r); s.Events != 5 {
		t.Errorf("counted %d", s.Events)
	}
}

func TestEventsOfForeignSubscriptionsAreDropped(t *testing.T) {
	r := newRelay(t)
	r.script = func(c *client, label string, m []json.RawMessage) bool {
		if label == "REQ" {
			for _, id := range []string{"", "x", "s", "s0", "s2", "s01", "s+1", "s-1", "s99999999999999999999", "S1", " s1"} {
				c.send(`["EVENT",%q,{"id":"stray"}]`, id)
			}
			c.send(`["EVENT",%s,{"id":"ours"}]`, m[1])
			c.eose(m)
		}
		return true
	}
	b := run(t, nil)
	b.want(keys(1), r)
	b.waitState(r, Up)
	if got := b.handled(); len(got) != 1 || got[0].raw != `{"id":"ours"}` {
		t.Errorf("handled %v", got)
	}
	if s := b.of(r); s.Stray != 11 || s.Events != 1 {
		t.Errorf("status %+v", s)
	}
}

// go-nostr's pool is deaf for ever after a CLOSED other than auth-required.
func TestEveryClosedIsFollowedByANewSubscription(t *testing.T) {
	for _, reason := range []string{
		"error: shutting down idle subscription", "rate-limited: slow down", "restricted: no", "blocked: banned", "invalid: bad filter",
		"unsupported: filter", "mute: x", "pow: 20", "auth-required: who are you", "whatever", "", "auth-required",
	} {
		for _, when := range []string{"instead of EOSE", "after EOSE"} {
			t.Run(reason+" "+when, func(t *testing.T) {
				t.Parallel()
				r := newRelay(t)
				n := 0
				r.script = func(c *client, label string, m []json.RawMessage) bool {
					if label != "REQ" {
						return false
					}
					n++
					if n > 3 {
						return false
					}
					if when == "after EOSE" {
						c.eose(m)
					}
					c.closed(text(m[1]), reason)
					return true
				}
				b := run(t, func(c *Config) { c.Timing.RateLimitedMin = time.Millisecond })
				b.want(keys(2), r)
				until(t, "the fourth REQ and its EOSE", func() bool { return len(r.requests()) == 4 && b.of(r).State == Up })
				if r.conns() != 1 {
					t.Errorf("%d connections", r.conns())
				}
				if got := r.heard(); !slices.Equal(got, hexes(keys(2))) {
					t.Errorf("heard are %v", got)
				}
				ids := map[string]bool{}
				for _, q := range r.requests() {
					ids[q.id] = true
				}
				if len(ids) != 4 {
					t.Errorf("ids are reused: %v", ids)
				}
			})
		}
	}
}

func TestClosedSubscriptionIsShownAsNotHeard(t *testing.T) {
	r := newRelay(t)
	b := run(t, func(c *Config) { c.Timing.RateLimitedMin = time.Hour; c.Timing.BackoffMax = time.Hour })
	b.want(keys(1), r)
	b.waitState(r, Up)
	r.last().closed("s1", "rate-limited: too \x1b[31mmuch\n\u202e")
	b.waitState(r, Open)
	s := b.of(r)
	if s.Heard || !strings.Contains(s.Err, "rate-limited: too \uFFFD[31mmuch\uFFFD\uFFFD") {
		t.Errorf("status %+v", s)
	}
	// Another key, meanwhile, is heard at once.
	b.want(keys(2), r)
	until(t, "the second key", func() bool { return slices.Equal(r.heard(), hexes(keys(2)[1:])) })
}

func TestDelaysAfterClosedGrowAndAreBounded(t *testing.T) {
	p := newPeer(build(t, func(c *Config) { c.Timing = Timing{} }).Manager, "ws://a")
	l := newLink(p)
	l.born = time.Now()
	l.clock.born = l.born
	p.setWant(true, nil, nil)
	for reason, first := range map[string]time.Duration{"error: x": time.Second, "rate-limited: x": 10 * time.Second} {
		s := &sub{keys: keys(1), state: opening, id: "s1"}
		l.subs = []*sub{s}
		want := first
		for range 10 {
			s.state = opening
			l.closed("s1", reason)
			wait := s.at - l.now()
			if wait > want || wait < want/2-time.Second {
				t.Errorf("%s: waits %v, want %v to %v", reason, wait, want/2, want)
			}
			want = min(2*want, time.Minute)
		}
	}
}

func TestNoEOSEMeansANewConnection(t *testing.T) {
	r := newRelay(t)
	r.script = func(c *client, label string, _ []json.RawMessage) bool {
		return label == "REQ" && c.n < 2
	}
	b := run(t, func(c *Config) { c.Timing.EOSEWait = 50 * time.Millisecond })
	b.want(keys(1), r)
	until(t, "the third connection", func() bool { return r.conns() >= 3 && b.of(r).State == Up })
	until(t, "OnUp", func() bool { return b.upCount(r) >= 1 })
}

func TestLostConnectionIsMadeAgainAndSwept(t *testing.T) {
	r := newRelay(t)
	b := run(t, nil)
	b.want(keys(3), r)
	for n := 1; n <= 4; n++ {
		until(t, "up", func() bool { return r.conns() == n && b.of(r).State == Up && b.upCount(r) == n })
		reqs := r.requests()
		if got := reqs[len(reqs)-1].since; got != clock.Add(-SinceWindow).Unix() {
			t.Errorf("since %d after a reconnect", got)
		}
		r.dropAll()
	}
}

func TestRelayThatIsNotReadyYetIsTriedUntilItIs(t *testing.T) {
	r := newRelay(t)
	r.mu.Lock()
	r.refuse = 5
	r.mu.Unlock()
	var mu sync.Mutex
	var reasons []string
	var b *bench
	b = run(t, func(c *Config) {
		c.Timing.BackoffMax = 20 * time.Millisecond
		c.OnChange = func(string) {
			mu.Lock()
			defer mu.Unlock()
			reasons = append(reasons, b.of(r).Err)
		}
	})
	b.want(keys(1), r)
	b.waitState(r, Up)
	mu.Lock()
	defer mu.Unlock()
	if !slices.ContainsFunc(reasons, func(s string) bool { return strings.Contains(s, "the server answers 503") }) {
		t.Errorf("reasons %q", reasons)
	}
	if s := b.of(r); s.Connects != 1 || s.Err != "" {
		t.Errorf("status %+v", s)
	}
}

func TestAddingAndRemovingAKeyDoesNotAskForTheOthersAgain(t *testing.T) {
	r := newRelay(t)
	b := run(t, nil)
	all := keys(10_001)
	b.want(all[:10_000], r)
	b.waitState(r, Up)
	reqs := r.requests()
	if len(reqs) != 12 {
		t.Errorf("%d REQs for 10,000 keys, want 12", len(reqs))
	}
	var got []string
	for _, q := range reqs {
		if len(q.keys) > ChunkSize || q.size >= 64<<10 {
			t.Errorf("a REQ of %d keys and %d bytes", len(q.keys), q.size)
		}
		got = append(got, q.keys...)
	}
	slices.Sort(got)
	if !slices.Equal(got, hexes(all[:10_000])) {
		t.Error("the REQs do not name every key once")
	}

	b.want(all, r)
	until(t, "the new key", func() bool { return len(r.heard()) == 10_001 && b.of(r).Subs == 13 })
	if q := r.requests()[12]; len(q.keys) != 1 || q.keys[0] != hexes(all[10_000:])[0] {
		t.Errorf("the 13th REQ names %d keys", len(q.keys))
	}
	b.want(all[1:], r) // one key fewer: nothing needs to be asked
	b.want(all, r)     // and again: it never was unheard
	b.want(all[:10_000], r)
	until(t, "the CLOSE of the single key", func() bool { return len(r.heard()) == 10_000 })
	if n := len(r.requests()); n != 13 {
		t.Errorf("%d REQs in all, want 13", n)
	}
	if s := b.of(r); s.Connects != 1 || s.State != Up || s.Subs != 12 {
		t.Errorf("status %+v", s)
	}
}

// guardHearing fails the test when the client closes a subscription whose keys
// are wanted and heard by no other that has had its EOSE.
func guardHearing(t *testing.T, r *scripted, wanted func() []string) {
	var mu sync.Mutex
	confirmed := map[string][]string{}
	r.script = func(c *client, label string, m []json.RawMessage) bool {
		mu.Lock()
		defer mu.Unlock()
		id := fmt.Sprint(c.n, text(m[1]))
		switch label {
		case "REQ":
			c.mu.Lock()
			confirmed[id] = c.subs[text(m[1])]
			c.mu.Unlock()
		case "CLOSE":
			gone := confirmed[id]
			delete(confirmed, id)
			still := map[string]bool{}
			for _, keys := range confirmed {
				for _, k := range keys {
					still[k] = true
				}
			}
			for _, k := range wanted() {
				if slices.Contains(gone, k) && !still[k] {
					t.Errorf("%s is not heard after a CLOSE", k)
				}
			}
		}
		return false
	}
}

func TestManyAddedKeysAreMergedWithoutADeafMoment(t *testing.T) {
	r := newRelay(t)
	all := keys(60)
	guardHearing(t, r, func() []string { return hexes(all[:1]) })
	b := run(t, nil)
	for n := 1; n <= len(all); n++ {
		b.want(all[:n], r)
		until(t, "the key", func() bool { return b.of(r).Heard && len(slices.Compact(r.heard())) == n })
	}
	until(t, "merging", func() bool { return b.of(r).Subs <= MaxPartials+1 && len(r.heard()) == len(all) })
	c := r.last()
	c.mu.Lock()
	load := c.load
	c.mu.Unlock()
	// One partial more than may be, the merged one, those on their way when it was asked for, and
	// those that were asked for after their EOSE and before its own.
	if most := MaxPartials + 1 + 2*MaxOpening; load > most {
		t.Errorf("up to %d subscriptions at once, want at most %d", load, most)
	}
	asked := 0
	for _, q := range r.requests() {
		asked += len(q.keys)
	}
	if asked > 600 {
		t.Errorf("60 keys were asked for %d times in all", asked)
	}
}

func TestRefusedMergeLeavesThePartsHeard(t *testing.T) {
	r := newRelay(t)
	r.script = func(c *client, label string, m []json.RawMessage) bool {
		var f struct {
			P []string `json:"#p"`
		}
		if label == "REQ" && json.Unmarshal(m[2], &f) == nil && len(f.P) > 1 {
			c.closed(text(m[1]), "rate-limited: no")
			return true
		}
		return false
	}
	b := run(t, nil)
	all := keys(14)
	for n := 1; n <= len(all); n++ {
		b.want(all[:n], r)
		until(t, "the key", func() bool { return len(r.heard()) >= n && b.of(r).State == Up })
	}
	if got := r.heard(); !slices.Equal(got, hexes(all)) {
		t.Errorf("heard are %d", len(got))
	}
}

func TestNotTooManyRequestsAreOpenAtOnce(t *testing.T) {
	r := newRelay(t)
	var mu sync.Mutex
	waiting := 0
	hold := make(chan struct{})
	r.script = func(c *client, label string, m []json.RawMessage) bool {
		if label != "REQ" {
			return false
		}
		mu.Lock()
		waiting++
		if waiting > MaxOpening {
			t.Errorf("%d REQs without an EOSE", waiting)
		}
		mu.Unlock()
		go func() {
			<-hold
			mu.Lock()
			waiting--
			mu.Unlock()
			c.eose(m)
		}()
		return true
	}
	b := run(t, nil)
	b.want(keys(8*ChunkSize), r)
	until(t, "the first REQs", func() bool { return len(r.requests()) == MaxOpening })
	if s := b.of(r); s.State != Open || s.Heard {
		t.Errorf("status %+v", s)
	}
	close(hold)
	b.waitState(r, Up)
	if n := len(r.requests()); n != 8 {
		t.Errorf("%d REQs", n)
	}
}

// A relay that is silent about filters over its limit, as strfry is.
func TestRelayThatTakesOnlySmallFiltersGetsSmallOnes(t *testing.T) {
	for _, answer := range []string{"silence", "invalid: filter too large"} {
		t.Run(answer, func(t *testing.T) {
			r := newRelay(t)
			r.script = func(c *client, label string, m []json.RawMessage) bool {
				var f struct {
					P []string `json:"#p"`
				}
				if label != "REQ" || json.Unmarshal(m[2], &f) != nil || len(f.P) <= 250 {
					return false
				}
				if answer == "silence" {
					c.send(`["NOTICE","ERROR: bad req: filter too large"]`)
				} else {
					c.closed(text(m[1]), answer)
				}
				return true
			}
			b := run(t, func(c *Config) {
				if answer == "silence" { // which is waited for; an answer that a busy machine keeps back is none
					c.Timing.EOSEWait = time.Second
				}
			})
			b.want(keys(1000), r)
			until(t, "every key", func() bool { return b.of(r).State == Up && len(r.heard()) == 1000 })
			if answer != "silence" && r.conns() != 1 {
				t.Errorf("%d connections", r.conns())
			}
		})
	}
}

func TestMoreKeysThanTheRelayTakesAreReported(t *testing.T) {
	r := newRelay(t)
	r.script = func(c *client, label string, m []json.RawMessage) bool {
		var f struct {
			P []string `json:"#p"`
		}
		if label != "REQ" || json.Unmarshal(m[2], &f) != nil || len(f.P) <= MinChunk {
			return false
		}
		c.closed(text(m[1]), "unsupported: filter too large")
		return true
	}
	b := run(t, func(c *Config) { c.Timing.BackoffMax = time.Millisecond })
	b.want(keys(900), r)
	until(t, "smaller subscriptions", func() bool { return b.of(r).State == Up })
	b.want(keys(900+MaxSubs*MinChunk), r)
	until(t, "as many as go", func() bool { s := b.of(r); return s.Subs == MaxSubs && strings.Contains(s.Err, "are not heard there") })
	if s := b.of(r); s.Heard || s.State != Open {
		t.Errorf("status %+v", s)
	}
	b.want(keys(900), r)
	until(t, "what is left", func() bool { s := b.of(r); return s.Heard && len(r.heard()) == 900 })
}

func TestOtherKindsAreSubscribedAnew(t *testing.T) {
	r := newRelay(t)
	b := run(t, nil)
	b.want(keys(1), r)
	b.waitState(r, Up)
	if err := b.Want(map[string][]pubKey{r.url: keys(1)}, 24133); err != nil {
		t.Fatal(err)
	}
	until(t, "a REQ of one kind", func() bool {
		reqs := r.requests()
		return slices.Equal(reqs[len(reqs)-1].kinds, []int{24133}) && b.of(r).State == Up
	})
	if err := b.Want(map[string][]pubKey{r.url: keys(1)}, 24133, 24133); err != nil {
		t.Fatal(err)
	}
	if n := r.conns(); n != 2 {
		t.Errorf("%d connections", n)
	}
}

func TestRelayThatIsNotWantedAnyMoreIsLeft(t *testing.T) {
	r, stays := newRelay(t), newRelay(t)
	b := run(t, func(c *Config) { c.Timing.IdleClose = 20 * time.Millisecond })
	b.want(keys(2), r, stays)
	b.waitState(r, Up)
	b.waitState(stays, Up)
	b.want(keys(2), stays)
	until(t, "the CLOSE", func() bool { return len(r.heard()) == 0 })
	until(t, "the end of the connection", func() bool { return r.last().ctx.Err() != nil })
	until(t, "its status to go", func() bool { return len(b.Status()) == 1 })
	if s := b.of(stays); s.State != Up || s.Connects != 1 {
		t.Errorf("the other relay: %+v", s)
	}
	b.want(keys(2), r, stays)
	b.waitState(r, Up)
}

func TestWantedRelayWithoutKeysIsConnected(t *testing.T) {
	r := newRelay(t)
	b := run(t, func(c *Config) { c.Timing.IdleClose = time.Millisecond })
	b.want(nil, r)
	b.waitState(r, Up)
	until(t, "OnUp", func() bool { return b.upCount(r) == 1 })
	if len(r.requests()) != 0 || b.of(r).Connects != 1 {
		t.Errorf("REQs %v", r.requests())
	}
}

func TestWantNamesWhatCannotBe(t *testing.T) {
	b := build(t, nil)
	w := map[string][]pubKey{"http://a.example": nil, "wss://good.example": keys(1), "WSS://GOOD.example:443/": keys(2)}
	err := b.Want(w)
	if err == nil || !strings.Contains(err.Error(), "http://a.example") {
		t.Errorf("got %v", err)
	}
	s := b.Status()
	if len(s) != 1 || s[0].URL != "wss://good.example" || s[0].Keys != 2 {
		t.Errorf("status %+v", s)
	}
	many := map[string][]pubKey{}
	for i := range MaxRelays + 2 {
		many[fmt.Sprintf("wss://r%03d.example", i)] = nil
	}
	if err := b.Want(many); err == nil || strings.Count(err.Error(), "at most 256 relays") != 2 {
		t.Errorf("got %v", err)
	}
	if n := len(slices.DeleteFunc(b.Status(), func(s Status) bool { return !s.Wanted })); n != MaxRelays {
		t.Errorf("%d relays wanted", n)
	}
	if err := b.Want(map[string][]pubKey{"wss://a.example": keys(MaxKeys + 3)}); err == nil || !strings.Contains(err.Error(), "3 keys are not heard") {
		t.Errorf("got %v", err)
	}
	if MaxKeys > (MaxSubs-1)*ChunkSize {
		t.Error("MaxKeys do not fit into the subscriptions")
	}
}
