package inbox

import (
	"testing"
	"time"

	"nsecbunker/nostr"
)

// Clients that rest are forgotten before there are too many to remember, and one
// that does not is held to its rate all the same.
func TestRatesOfClientsAtRestAreForgotten(t *testing.T) {
	r := newRates(1, 2, 1<<15)
	now := time.Unix(1_800_000_000, 0)
	busy := pair{client: nostr.PubKey{0xff, 0xff, 0xff}}
	client := func(i int) pair { return pair{client: nostr.PubKey{byte(i), byte(i >> 8), byte(i >> 16)}} }
	most, served := 0, 0
	for i := range 20_000 {
		now = now.Add(10 * time.Millisecond) // one use is made up for within a second, that of a hundred others
		if !r.admit("t", client(i), now) {
			t.Fatalf("client %d is refused its first request", i)
		}
		if r.admit("t", busy, now) {
			served++
		}
		most = max(most, len(r.m))
	}
	if most > leastRoom+1 {
		t.Errorf("%d clients were remembered, of whom some hundred were not at rest", most)
	}
	if served < 200 || served > 203 { // 200 seconds at one a second, and the burst
		t.Errorf("the busy client was served %d times in 200 s", served)
	}
	if r.over.take()["t"] != int64(20_000-served) {
		t.Error("what was too much is not counted")
	}
	small := newRates(0.000001, 1, 3)
	for i := range 10 {
		small.admit("t", client(i), now)
		if len(small.m) > 3 {
			t.Fatalf("%d of at most 3 are remembered", len(small.m))
		}
	}
}
