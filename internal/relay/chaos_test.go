package relay

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"nsecbunker/nostr"
)

// Whatever a relay does and whatever is wanted meanwhile: when it behaves again,
// exactly the wanted keys are heard there, on one connection, within the bounds.
func TestWhateverHappensTheWantedKeysAreHeardInTheEnd(t *testing.T) {
	reasons := []string{"error: x", "rate-limited: x", "auth-required: x", "invalid: x", "unsupported: x", "restricted: x", ""}
	for seed := range uint64(6) {
		rng := rand.New(rand.NewPCG(seed, 1))
		r := newRelay(t)
		var mu sync.Mutex
		calm := false
		r.hello = func(c *client) {
			mu.Lock()
			defer mu.Unlock()
			if !calm && rng.IntN(3) == 0 {
				c.send(`["AUTH","%d"]`, rng.IntN(3))
			}
		}
		r.script = func(c *client, label string, m []json.RawMessage) bool {
			mu.Lock()
			defer mu.Unlock()
			if label == "AUTH" {
				c.ok(m, rng.IntN(2) == 0, "x")
				return true
			}
			if calm || label != "REQ" {
				return false
			}
			switch rng.IntN(12) {
			case 0:
				c.closed(text(m[1]), reasons[rng.IntN(len(reasons))])
			case 1:
				c.eose(m)
				c.closed(text(m[1]), reasons[rng.IntN(len(reasons))])
			case 2:
				c.stop()
			case 3:
				c.send(`["EOSE","s999"]`)
				c.send(`["CLOSED","nothing","error: x"]`)
				return false
			case 4:
				return true // no EOSE
			default:
				return false
			}
			return true
		}
		p := &prover{n: 2}
		b := run(t, func(c *Config) {
			c.Auth = p.answer
			c.Timing.EOSEWait = 300 * time.Millisecond
			c.Timing.BackoffMax = 5 * time.Millisecond
			c.Timing.RateLimitedMin = time.Millisecond
			c.Timing.AuthWindow = time.Millisecond
		})
		all := keys(3000)
		mine := rand.New(rand.NewPCG(seed, 2)) // the relay's is behind its lock
		var want []nostr.PubKey
		for range 60 {
			from := mine.IntN(len(all))
			want = all[from:min(len(all), from+1+mine.IntN(1<<mine.IntN(12)))]
			b.want(want, r)
			time.Sleep(time.Duration(mine.IntN(10)) * time.Millisecond)
		}
		mu.Lock()
		calm = true
		mu.Unlock()
		until(t, "the wanted keys to be heard", func() bool {
			s, got := b.of(r), r.heard()
			for _, k := range hexes(want) {
				if _, ok := slices.BinarySearch(got, k); !ok {
					return false
				}
			}
			return s.State == Up && s.Keys == len(want)
		})
		c := r.last()
		c.mu.Lock()
		if c.load > MaxSubs {
			t.Errorf("seed %d: %d subscriptions", seed, c.load)
		}
		c.mu.Unlock()
		b.stop()
	}
}

// Keys come and go by the hundred while others stay: these are never unheard.
func TestKeysThatStayAreNeverUnheard(t *testing.T) {
	r := newRelay(t)
	rng := rand.New(rand.NewPCG(7, 7))
	all := keys(2000)
	stay := all[:20]
	guardHearing(t, r, func() []string { return hexes(stay) })
	b := run(t, nil)
	for range 150 {
		want := slices.Clone(stay)
		for _, k := range all[20:] {
			if rng.IntN(40) == 0 {
				want = append(want, k)
			}
		}
		b.want(want, r)
		time.Sleep(time.Duration(rng.IntN(3)) * time.Millisecond)
	}
	until(t, "rest", func() bool { return b.of(r).State == Up })
	if r.conns() != 1 {
		t.Errorf("%d connections", r.conns())
	}
}
