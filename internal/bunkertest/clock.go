package bunkertest

import (
	"sync"
	"time"
	"unsafe"
)

// Clock is a machine's clock that runs, and that a test moves or holds. The zero value
// is right.
type Clock struct {
	mu     sync.Mutex
	held   time.Time     // what it stands still at; zero: it runs
	passed time.Duration // both readings
	set    time.Duration // the wall clock alone
}

// Now is the time with its monotonic reading, as time.Now gives it.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.held
	if now.IsZero() {
		now = time.Now()
	}
	return setWall(now.Add(c.passed), c.set)
}

// Hold lets it stand still: from now on time passes by Pass alone, however long what the test
// does may take on a busy machine.
func (c *Clock) Hold() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.held = time.Now()
}

// Pass lets time pass.
func (c *Clock) Pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.passed += d
}

// Set moves the hands, as somebody does who sets a clock: no time passes.
func (c *Clock) Set(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.set += d
}

// setWall moves the wall reading of t and leaves the monotonic one. There is no
// other way to make such a time than to know how one is laid out; the check
// fails where a Go release lays it out anew.
func setWall(t time.Time, d time.Duration) time.Time {
	moved := t.Add(d)
	(*struct {
		wall uint64
		ext  int64
		loc  *time.Location
	})(unsafe.Pointer(&moved)).ext -= int64(d)
	if moved.Sub(t) != 0 || moved.Round(0).Sub(t.Round(0)) != d {
		panic("bunkertest: a time.Time has another layout than this package knows")
	}
	return moved
}
