package relay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"nsecbunker/nostr"
)

// prover answers challenges with n unsigned events, one a key; the relay of
// these tests looks at the tags only.
type prover struct {
	mu    sync.Mutex
	n     int
	err   error
	asked []string
}

func (p *prover) answer(_ context.Context, url, challenge string) ([]*nostr.Event, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = append(p.asked, challenge)
	var out []*nostr.Event
	for i := range p.n {
		out = append(out, &nostr.Event{
			ID: nostr.ID{0: byte(i + 1), 1: byte(len(p.asked)), 31: 42}, Kind: 22242,
			Tags: nostr.Tags{{"relay", url}, {"challenge", challenge}},
		})
	}
	return out, p.err
}

func (p *prover) challenges() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.asked)
}

// guarded makes r ask for AUTH before each REQ and EVENT until verdict, called
// with the number of the AUTH event on its connection, has said true.
func guarded(t *testing.T, r *scripted, early bool, verdict func(n int) bool) {
	type state struct {
		in   bool
		seen int
	}
	var mu sync.Mutex
	states := map[int]*state{}
	if early {
		r.hello = func(c *client) { c.send(`["AUTH","challenge-%d"]`, c.n) }
	}
	r.script = func(c *client, label string, m []json.RawMessage) bool {
		mu.Lock()
		defer mu.Unlock()
		s := states[c.n]
		if s == nil {
			s = &state{}
			states[c.n] = s
		}
		ask := func() {
			if !early {
				c.send(`["AUTH","challenge-%d"]`, c.n)
			}
		}
		switch {
		case label == "AUTH":
			var e struct {
				Kind int
				Tags [][]string
			}
			if json.Unmarshal(m[1], &e) != nil || e.Kind != 22242 || e.Tags[1][1] != fmt.Sprintf("challenge-%d", c.n) || e.Tags[0][1] != r.url {
				t.Errorf("AUTH with %s", m[1])
			}
			ok := verdict(s.seen)
			s.seen++
			s.in = s.in || ok
			c.ok(m, ok, "restricted: not you")
		case label == "REQ" && !s.in:
			ask()
			c.closed(text(m[1]), "auth-required: who are you")
		case label == "EVENT" && !s.in:
			ask()
			c.ok(m, false, "auth-required: who are you")
		default:
			return false
		}
		return true
	}
}

func yes(int) bool { return true }

func TestAuthenticatesAndSubscribesAgain(t *testing.T) {
	for _, early := range []bool{true, false} {
		r := newRelay(t)
		guarded(t, r, early, func(n int) bool { return n == 2 }) // one key of three is enough
		p := &prover{n: 3}
		b := run(t, func(c *Config) { c.Auth = p.answer })
		b.want(keys(2), r)
		b.waitState(r, Up)
		if s := b.of(r); !s.Authed || s.Connects != 1 || s.Err != "" || s.AuthErr != "" {
			t.Errorf("early=%v: status %+v", early, s)
		}
		if got := p.challenges(); len(got) != 1 {
			t.Errorf("early=%v: signed for %v", early, got)
		}
		r.dropAll()
		until(t, "authenticated anew", func() bool { return r.conns() == 2 && b.of(r).State == Up && b.of(r).Authed })
		b.stop()
	}
}

func TestPublicationIsSentAgainOnceAfterAuth(t *testing.T) {
	r := newRelay(t)
	guarded(t, r, false, yes)
	p := &prover{n: 1}
	b := run(t, func(c *Config) { c.Auth = p.answer })
	var o outcome
	id := b.publish(1, &o, r.url)
	if got := o.one(t); got != r.url+" true " {
		t.Error(got)
	}
	if got := r.received(); len(got) != 2 || got[0] != id.String() || got[1] != got[0] {
		t.Errorf("the relay got %v", got)
	}
	// A relay that goes on asking gets its second refusal taken as the answer.
	never := newRelay(t)
	never.script = func(c *client, label string, m []json.RawMessage) bool {
		switch label {
		case "EVENT":
			c.send(`["AUTH","x"]`)
			c.ok(m, false, "auth-required: again")
			return true
		case "AUTH":
			c.ok(m, true, "")
			return true
		}
		return false
	}
	var q outcome
	b.publish(2, &q, never.url)
	if got := q.one(t); got != never.url+" false auth-required: again" {
		t.Error(got)
	}
	if n := len(never.received()); n != 2 {
		t.Errorf("sent %d times", n)
	}
}

// go-nostr returns nil when AUTH fails.
func TestFailedAuthIsSaidAndTheSubscriptionTriedAgain(t *testing.T) {
	for name, c := range map[string]struct {
		prover  *prover
		verdict func(int) bool
		want    string
	}{
		"the relay refuses":  {&prover{n: 2}, func(int) bool { return false }, "the relay refused our AUTH: restricted: not you"},
		"we cannot sign":     {&prover{n: 1, err: errors.New("the bunker is sealed")}, yes, "we could not authenticate: the bunker is sealed"},
		"no key":             {&prover{}, yes, "we have no key to authenticate with"},
		"no Auth configured": {nil, yes, "not set up"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRelay(t)
			guarded(t, r, true, c.verdict)
			b := run(t, func(cfg *Config) {
				cfg.Timing.RateLimitedMin = 5 * time.Millisecond
				cfg.Timing.AuthWindow = time.Nanosecond
				if c.prover != nil {
					cfg.Auth = c.prover.answer
				}
			})
			b.want(keys(1), r)
			until(t, "the reason", func() bool { return strings.Contains(b.of(r).AuthErr, c.want) })
			until(t, "further tries", func() bool { return len(r.requests()) >= 4 })
			if s := b.of(r); s.State != Open || s.Heard || s.Authed || s.Connects != 1 {
				t.Errorf("status %+v", s)
			}
			var o outcome
			b.publish(1, &o, r.url)
			if got := o.one(t); !strings.Contains(got, "false auth-required: ") {
				t.Error(got)
			}
			r.mu.Lock()
			r.script = nil // the relay changes its mind
			r.mu.Unlock()
			b.waitState(r, Up)
		})
	}
}

func TestAuthWithoutAnAnswerEnds(t *testing.T) {
	r := newRelay(t)
	r.hello = func(c *client) { c.send(`["AUTH","x"]`) }
	r.script = func(c *client, label string, m []json.RawMessage) bool {
		if label == "EVENT" {
			c.ok(m, false, "auth-required: x")
		}
		return label == "AUTH" || label == "EVENT"
	}
	p := &prover{n: 2}
	b := run(t, func(c *Config) { c.Auth = p.answer; c.Timing.AuthWait = 50 * time.Millisecond })
	b.want(keys(1), r)
	b.waitState(r, Up) // its subscriptions need none
	until(t, "the reason", func() bool { return strings.Contains(b.of(r).AuthErr, "no OK to our AUTH within 50ms") })
	var o outcome
	b.publish(1, &o, r.url)
	if got := o.one(t); !strings.Contains(got, "auth-required: no OK to our AUTH") {
		t.Error(got)
	}
}

func TestAuthCallbackThatHangsHoldsUpNothing(t *testing.T) {
	r := newRelay(t)
	r.hello = func(c *client) { c.send(`["AUTH","x"]`) }
	b := run(t, func(c *Config) {
		c.Auth = func(ctx context.Context, _, _ string) ([]*nostr.Event, error) { <-ctx.Done(); return nil, ctx.Err() }
	})
	b.want(keys(1), r)
	b.waitState(r, Up)
	var o outcome
	b.publish(1, &o, r.url)
	if got := o.one(t); got != r.url+" true " {
		t.Error(got)
	}
}

func TestFloodOfChallengesCostsFewSignatures(t *testing.T) {
	r := newRelay(t)
	r.hello = func(c *client) {
		for i := range 500 {
			c.send(`["AUTH","%d"]`, i)
		}
		c.send(`["AUTH",""]`)
		c.send(`["AUTH","%s"]`, strings.Repeat("x", MaxChallenge+1))
	}
	r.script = func(c *client, label string, m []json.RawMessage) bool {
		if label == "AUTH" {
			c.ok(m, true, "")
		}
		return label == "AUTH"
	}
	p := &prover{n: 1}
	b := run(t, func(c *Config) { c.Auth = p.answer })
	b.want(keys(1), r)
	b.waitState(r, Up)
	var o outcome
	b.publish(1, &o, r.url)
	o.one(t)
	for _, c := range p.challenges() {
		if c == "" || len(c) > MaxChallenge {
			t.Errorf("signed %q", c)
		}
	}
	if n := len(p.challenges()); n > MaxAuths {
		t.Errorf("signed %d times", n)
	}
}

func TestTooManyAuthEventsAreNotSent(t *testing.T) {
	r := newRelay(t)
	r.hello = func(c *client) { c.send(`["AUTH","x"]`) }
	r.script = func(_ *client, label string, _ []json.RawMessage) bool {
		if label == "AUTH" {
			t.Error("sent")
		}
		return false
	}
	b := run(t, func(c *Config) {
		c.Auth = func(context.Context, string, string) ([]*nostr.Event, error) {
			return make([]*nostr.Event, MaxAuthEvents+1), nil
		}
	})
	b.want(keys(1), r)
	until(t, "the reason", func() bool { return strings.Contains(b.of(r).AuthErr, "more than 10000 keys") })
	b.waitState(r, Up)
}

// The relay's challenge changes while we sign the first: the last one counts.
func TestLastChallengeCounts(t *testing.T) {
	r := newRelay(t)
	second := make(chan struct{})
	var mu sync.Mutex
	var proved []string
	r.hello = func(c *client) { c.send(`["AUTH","first"]`) }
	r.script = func(c *client, label string, m []json.RawMessage) bool {
		if label == "AUTH" {
			var e nostr.Event
			if err := json.Unmarshal(m[1], &e); err != nil {
				t.Error(err)
			}
			mu.Lock()
			proved = append(proved, e.Tags[1][1])
			mu.Unlock()
			c.ok(m, true, "")
			return true
		}
		return false
	}
	p := &prover{n: 1}
	b := run(t, func(c *Config) {
		c.Auth = func(ctx context.Context, url, challenge string) ([]*nostr.Event, error) {
			if challenge == "first" {
				r.last().send(`["AUTH","second"]`)
				<-second
			}
			return p.answer(ctx, url, challenge)
		}
	})
	b.want(keys(1), r)
	b.waitState(r, Up)
	until(t, "the second challenge", func() bool {
		// a publication's OK comes behind it on the same connection
		var o outcome
		b.publish(1, &o, r.url)
		return strings.HasSuffix(o.one(t), "true ")
	})
	close(second)
	until(t, "authenticated", func() bool { return b.of(r).Authed })
	mu.Lock()
	defer mu.Unlock()
	if !slices.Equal(proved, []string{"second"}) {
		t.Errorf("proved %v", proved)
	}
}
