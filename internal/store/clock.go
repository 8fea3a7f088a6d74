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
	wall func() time.Time

	mu        sync.Mutex
	start     time.Time // with its monotonic reading
	committed int64     // unix ms of the last commit
	// Instances that share a store date by the database's clock: else one whose own is
	// wrong, or is set while it runs, would date the records of all. theirs is what that
	// said when ours, with its monotonic reading, said at; zero: it is not shared.
	theirs, at time.Time
}

// newClock takes the machine's clock.
func newClock(wall func() time.Time) *clock {
	c := &clock{start: wall()}
	c.wall = wall
	return c
}

// now is what the ledger's time is taken from.
func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.by(c.wall())
}

// by is now, by a reading of the machine's clock. The caller holds the lock.
func (c *clock) by(wall time.Time) time.Time {
	if c.theirs.IsZero() {
		return wall
	}
	return c.theirs.Add(wall.Sub(c.at))
}

// shared notes what the database's clock said between two readings of ours.
func (c *clock) shared(theirs, began, ended time.Time) {
	c.mu.Lock()
	c.theirs, c.at = theirs, began.Add(ended.Sub(began)/2)
	c.mu.Unlock()
}

// committedAt notes a commit's ledger time.
func (c *clock) committedAt(ms int64) {
	c.mu.Lock()
	c.committed = max(c.committed, ms)
	c.mu.Unlock()
}

// reset accepts the wall clock as it is, by an owner's word.
func (c *clock) reset(ms int64) {
	c.mu.Lock()
	c.start, c.committed = c.wall(), ms
	c.mu.Unlock()
}

func (c *clock) ledger() int64 {
	wall := c.now().UnixMilli()
	c.mu.Lock()
	defer c.mu.Unlock()
	return max(wall, c.committed)
}

func (c *clock) state() Clock {
	now := c.wall()
	c.mu.Lock()
	defer c.mu.Unlock()
	// Sub uses the monotonic readings where both times have one; Round(0)
	// takes them away.
	return c.judge(c.by(now), now.Round(0).Sub(c.start.Round(0))-now.Sub(c.start))
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
