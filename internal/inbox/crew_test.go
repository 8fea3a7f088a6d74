package inbox

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"nsecbunker/internal/bunker"
)

// Whatever is asked for is done exactly once: before the crew begins, while it
// works, and after it has ended.
func TestACrewDoesEverythingOnce(t *testing.T) {
	c := newCrew()
	var did atomic.Int64
	one := func() { did.Add(1) }
	c.run("a", one)
	c.start()
	const n = 500
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { c.run(bunker.TenantID(rune('a'+i%7)), one) })
	}
	c.run("a", one)
	c.stop() // while some still ask
	wg.Wait()
	c.run("a", one)
	if did.Load() != n+3 {
		t.Errorf("%d of %d", did.Load(), n+3)
	}
}

// With a thousand jobs of one tenant before it, another's is done after those that are
// in hand, and as many more.
func TestACrewTakesTenantsInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrew()
		c.start()
		gate := make(chan struct{})
		var did atomic.Int64
		var other atomic.Bool
		for range 1000 {
			go c.run("a", func() { <-gate; did.Add(1) })
		}
		synctest.Wait()
		hands := 1000 - c.jobs.Len()
		go c.run("b", func() { other.Store(true) })
		synctest.Wait()
		for range 2 * hands { // one after another: no hand is held up between taking a job and doing it
			gate <- struct{}{}
			synctest.Wait()
		}
		if hands < 1 || !other.Load() {
			t.Errorf("another's is not done after %d of the flood, with %d hands", did.Load(), hands)
		}
		close(gate)
		synctest.Wait()
		if did.Load() != 1000 {
			t.Errorf("%d of 1000 were done", did.Load())
		}
		c.stop()
	})
}

// Whoever's job is done goes on before the crew has worked off what else waits: a flood that
// leaves the crew no pause keeps nobody from his next step.
func TestWhoseJobIsDoneGoesOnBeforeTheFlood(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // the crew, and all who wait for it
	c := newCrew()
	c.start()
	defer c.stop()
	const flood = 500
	gate := make(chan struct{})
	var asked sync.WaitGroup
	var did atomic.Int64
	var at, on int64
	waiting := func(n int) {
		for there := -1; there != n; runtime.Gosched() {
			c.mu.Lock()
			there = c.jobs.Len()
			c.mu.Unlock()
		}
	}
	for range 2 { // the crew's hands are full
		held := make(chan struct{})
		asked.Go(func() { c.run("loud", func() { close(held); <-gate }) })
		<-held
	}
	for range flood {
		asked.Go(func() { c.run("loud", func() { did.Add(1) }) })
	}
	waiting(flood)
	asked.Go(func() {
		c.run("quiet", func() { at = did.Load() })
		on = did.Load()
	})
	waiting(flood + 1)
	close(gate)
	asked.Wait()
	if on-at > flood/4 {
		t.Errorf("of the flood's %d jobs %d were done between the end of another's and his next step", flood, on-at)
	}
}

func BenchmarkCrew(b *testing.B) {
	c := newCrew()
	c.start()
	defer c.stop()
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			c.run("a", func() {})
		}
	})
}
