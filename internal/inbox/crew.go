package inbox

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// crew is the few goroutines that requests are verified and judged on. Signing takes a large
// stack, which a goroutine for each request would have to grow, and would hold
// while it waits for its commit: a crew does it once, and 500 requests in flight
// need no more memory for it than one. More of them than processors would only
// take turns.
type crew struct {
	jobs    chan *job
	quit    chan struct{}
	working atomic.Bool
	hands   sync.WaitGroup
}

type job struct {
	do   func()
	done chan struct{}
}

func newCrew() *crew { return &crew{jobs: make(chan *job), quit: make(chan struct{})} }

// start begins the work, once.
func (c *crew) start() {
	for range 2 * runtime.GOMAXPROCS(0) {
		c.hands.Go(c.work)
	}
	c.working.Store(true)
}

func (c *crew) work() {
	for {
		select {
		case j := <-c.jobs:
			j.do()
			close(j.done)
		case <-c.quit:
			return
		}
	}
}

// stop ends the crew when what it has taken on is done.
func (c *crew) stop() {
	close(c.quit)
	c.hands.Wait()
}

// run has f done by one of the crew and returns when it is; where there is none
// yet, or none any more, it does it itself.
func (c *crew) run(f func()) {
	if !c.working.Load() {
		f()
		return
	}
	j := &job{f, make(chan struct{})}
	select {
	case c.jobs <- j:
		<-j.done
	case <-c.quit:
		f()
	}
}
