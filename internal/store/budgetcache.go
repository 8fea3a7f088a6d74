package store

import (
	"sync"

	"nsecbunker/internal/bunker"
)

// maxWindows is how many windows' uses are remembered; beyond that all are read
// again.
const maxWindows = 16_384

// usedCache remembers how much of budgets' windows is used, so that a request under
// a policy does not read it each time. It is a hint: every charge is guarded by the
// row itself, and whatever else changes rows of budgets, in this process or beside
// it, has all of it forgotten. Its zero value remembers nothing yet.
type usedCache struct {
	mu    sync.Mutex
	m     map[usedKey]int64
	moves uint64
}

type usedKey struct {
	tenant bunker.TenantID
	window bunker.Window
}

// get returns what is remembered, and the moment to give to put.
func (c *usedCache) get(k usedKey) (n int64, ok bool, moment uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n, ok = c.m[k]
	return n, ok, c.moves
}

// put remembers what was read after moment began, unless something was charged or
// forgotten since.
func (c *usedCache) put(k usedKey, n int64, moment uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if moment != c.moves {
		return
	}
	if c.m == nil || len(c.m) >= maxWindows {
		c.m = map[usedKey]int64{}
	}
	c.m[k] = n
}

// charged counts what an entry spent, once it is committed; of one that is not, or
// whose outcome is unknown, the windows are forgotten.
func (c *usedCache) charged(e *bunker.Entry, committed bool) {
	if len(e.Charges) == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.moves++
	for i := range e.Charges {
		k := usedKey{e.Tenant, e.Charges[i].Window}
		n, ok := c.m[k]
		switch {
		case ok && committed:
			c.m[k] = n + 1
		case ok:
			delete(c.m, k)
		}
	}
}

// clear forgets everything.
func (c *usedCache) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.moves++
	c.m = nil
}
