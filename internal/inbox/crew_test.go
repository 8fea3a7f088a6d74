package inbox

import (
	"sync"
	"sync/atomic"
	"testing"
)

// Whatever is asked for is done exactly once: before the crew begins, while it
// works, and after it has ended.
func TestACrewDoesEverythingOnce(t *testing.T) {
	c := newCrew()
	var did atomic.Int64
	one := func() { did.Add(1) }
	c.run(one)
	c.start()
	const n = 500
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() { c.run(one) })
	}
	c.run(one)
	c.stop() // while some still ask
	wg.Wait()
	c.run(one)
	if did.Load() != n+3 {
		t.Errorf("%d of %d", did.Load(), n+3)
	}
}
