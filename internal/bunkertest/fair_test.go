package bunkertest

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"nsecbunker/internal/host"
	"nsecbunker/nostr/nip46"
)

// flooders are how many apps of one tenant ask without end, each with underway requests
// on their way.
const (
	flooders = 16
	underway = 16
)

// One tenant's apps ask without a pause; another's asks ten things, one after the other.
// None of those is lost, and each is answered before the flood was answered twice: the
// apps are in this process, too, and take turns with what they ask. (How long it takes is
// measured by bench tenants; that turns are taken is tested where they are.)
func TestOneTenantsFloodStandsNotBeforeAnothersRequests(t *testing.T) {
	t.Parallel()
	b := Start(t, Options{Config: Hosted})
	loud, quiet := b.Host("loud"), b.Host("quiet")
	for _, g := range []*Guest{loud, quiet} {
		b.Admin("tenant.quota", Params{"id": g.ID, "people": flooders, "keys": 1, "rate": 1 << 16})
		g.Do("key.add", Params{"name": "main"})
	}
	one := b.Connected(quiet.Link("main", "all"))
	one.Sign(1, "before")
	var answered atomic.Int64
	var flood sync.WaitGroup
	stop := make(chan struct{})
	for range flooders {
		a := b.Connected(loud.Link("main", "all"))
		for range underway {
			flood.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
					}
					if q := a.AskSign(1, "and another one"); !q.Answer().Failed() {
						answered.Add(1)
					}
				}
			})
		}
	}
	b.Until("a flood", func() bool { return answered.Load() > flooders*underway })
	var stood []int64
	for range 10 {
		before := answered.Load()
		one.Sign(1, "among many")
		stood = append(stood, answered.Load()-before)
	}
	close(stop)
	flood.Wait()
	slices.Sort(stood)
	if median := stood[len(stood)/2]; median > 2*flooders*underway {
		t.Errorf("%d of the flood's were answered meanwhile, of %d that were on their way", median, flooders*underway)
	}
	t.Logf("of a flood with %d on their way, %v were answered while one of another tenant was", flooders*underway, stood)
	b.VerifyOutside()
}

// What is beyond a tenant's requests a second is refused, whichever of its apps asks;
// another tenant's apps do not notice.
func TestBeyondItsRateATenantIsRefusedAndNoOther(t *testing.T) {
	t.Parallel()
	b := Start(t, Options{Config: Hosted})
	loud, quiet := b.Host("loud"), b.Host("quiet")
	b.Admin("tenant.quota", Params{"id": loud.ID, "people": 2, "keys": 1, "rate": 1})
	for _, g := range []*Guest{loud, quiet} {
		g.Do("key.add", Params{"name": "main"})
	}
	first, second := b.Connected(loud.Link("main", "all")), b.Connected(loud.Link("main", "all"))
	other := b.Connected(quiet.Link("main", "all"))
	b.Clock.Hold() // a slow machine asks no more than the rate
	admitted := 0
	for refused := false; !refused; admitted++ {
		if admitted > 20*host.Burst(1) {
			t.Fatalf("%d requests, and none was refused", admitted)
		}
		a := first
		if admitted%2 == 0 {
			a = second
		}
		err := a.Publish(a.Prepare(nip46.Ping).Event)
		if refused = err != nil; refused && !strings.Contains(err.Error(), "rate-limited: too many requests of this bunker") {
			t.Fatal(err)
		}
		other.Ask(nip46.Ping).Want("pong")
	}
	if admitted <= host.Burst(1) {
		t.Errorf("refused after %d requests, %d may come at once", admitted-1, host.Burst(1))
	}
	b.Pass(time.Minute)
	first.Sign(1, "a minute later")
	b.VerifyOutside()
}
