package store

import (
	"sync"
	"time"
)

const (
	// clockBehind is how far the wall clock may be behind ledger time.
	clockBehind = 5 * time.Minute
	// clockGap is how far wall and monotonic clock may part while running.
	clockGap = time.Minute
)

// Clock says whether the machine's clock can be believed (security.md section
// 3). Suspect: nothing is purged or deleted. Behind: nothing is signed either.
type Clock struct {
	Suspect bool
	Behind  bool
	// Ledger is max(wall, last committed).
	Ledger time.Time
	Why    string // a sentence, when suspect
}

// clock compares the wall clock with the ledger and with the monotonic clock.
type clock struct {
	now func() time.Time

	mu        sync.Mutex
	start     time.Time // with its monotonic reading
	committed int64     // unix ms of the last commit
}

func newClock(now func() time.Time) *clock { return &clock{now: now, start: now()} }

// committedAt notes a commit's ledger time.
func (c *clock) committedAt(ms int64) {
	c.mu.Lock()
	c.committed = max(c.committed, ms)
	c.mu.Unlock()
}

// reset accepts the wall clock as it is, by an owner's word.
func (c *clock) reset(ms int64) {
	c.mu.Lock()
	c.start, c.committed = c.now(), ms
	c.mu.Unlock()
}

func (c *clock) ledger() int64 {
	wall := c.now().UnixMilli()
	c.mu.Lock()
	defer c.mu.Unlock()
	return max(wall, c.committed)
}

func (c *clock) state() Clock {
	now := c.now()
	c.mu.Lock()
	defer c.mu.Unlock()
	// Sub uses the monotonic readings where both times have one; Round(0)
	// takes them away.
	return c.judge(now, now.Round(0).Sub(c.start.Round(0))-now.Sub(c.start))
}

// judge says what a wall time means that is gap ahead of the monotonic clock.
func (c *clock) judge(now time.Time, gap time.Duration) Clock {
	now = now.Round(0)
	last := time.UnixMilli(c.committed)
	st := Clock{Ledger: now}
	if last.After(now) {
		st.Ledger = last
	}
	switch behind := last.Sub(now); {
	case behind > clockBehind:
		st.Suspect, st.Behind = true, true
		st.Why = "the machine's clock is behind the last record by " + behind.Round(time.Second).String() + "; set the clock, or let an owner accept it"
	case gap > clockGap || gap < -clockGap:
		st.Suspect = true
		st.Why = "the machine's clock jumped by " + gap.Round(time.Second).String() + " while running; set it, or let an owner accept it"
	}
	return st
}

// LedgerTime is max(wall clock, last commit): what every deadline is held
// against.
func (s *Store) LedgerTime() time.Time { return time.UnixMilli(s.clock.ledger()) }

// Clock says whether the machine's clock can be believed.
func (s *Store) Clock() Clock { return s.clock.state() }
