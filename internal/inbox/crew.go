package inbox

import (
	"runtime"
	"sync"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/host"
)

// crew is the few goroutines that requests are verified and judged on. Signing takes a large
// stack, which a goroutine for each request would have to grow, and would hold
// while it waits for its commit: a crew does it once, and 500 requests in flight
// need no more memory for it than one. More of them than processors would only
// take turns. Tenants take turns, too: most of what a request costs is here, so it
// is here that one's flood does not stand before another's request.
type crew struct {
	mu    sync.Mutex
	some  sync.Cond // there are jobs, or it ends
	jobs  host.Turns[*job]
	idle  int
	state crewState
	hands sync.WaitGroup
}

type crewState uint8

const (
	notBegun crewState = iota
	working
	ended
)

type job struct {
	do   func()
	done chan struct{}
}

func newCrew() *crew {
	c := &crew{}
	c.some.L = &c.mu
	return c
}

// start begins the work, once.
func (c *crew) start() {
	for range 2 * runtime.GOMAXPROCS(0) {
		c.hands.Go(c.work)
	}
	c.mu.Lock()
	c.state = working
	c.mu.Unlock()
}

func (c *crew) work() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		j, ok := c.jobs.Next()
		switch {
		case ok:
			c.mu.Unlock()
			j.do()
			close(j.done)
			// What goes on costs little. Without this it would wait until the scheduler takes
			// the processor away from a flood's jobs: ten milliseconds, at each of its steps.
			runtime.Gosched()
			c.mu.Lock()
		case c.state == ended:
			return
		default:
			c.idle++
			c.some.Wait()
			c.idle--
		}
	}
}

// stop ends the crew when what it has taken on is done.
func (c *crew) stop() {
	c.mu.Lock()
	c.state = ended
	c.mu.Unlock()
	c.some.Broadcast()
	c.hands.Wait()
}

// run has f done for a tenant by one of the crew, when its turn comes, and returns when
// it is; where there is no crew yet, or none any more, it does it itself.
func (c *crew) run(t bunker.TenantID, f func()) {
	c.mu.Lock()
	if c.state != working {
		c.mu.Unlock()
		f()
		return
	}
	j := &job{f, make(chan struct{})}
	c.jobs.Add(t, j)
	wake := c.idle > 0
	c.mu.Unlock()
	if wake {
		c.some.Signal()
	}
	<-j.done
}
