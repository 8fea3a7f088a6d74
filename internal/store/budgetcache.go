package store

import (
	"sync"

	"nsecbunker/internal/bunker"
)

// maxWindows is how many windows' uses are remembered; beyond that the log is counted,
// and all but those that run are read again.
const maxWindows = 16_384

// usedCache remembers how much of budgets' windows is used: what their rows say and
// what the log says (see budgetlog.go). Its zero value remembers nothing yet. Whoever
// changes it holds the store's writing lock, but for learnAt.
type usedCache struct {
	mu sync.Mutex
	// m has every window that the log speaks of; nil: nobody has read the log yet.
	m      map[usedKey]windowUsed
	bytes  int // of the log
	logged int // windows that it speaks of
	// all: every window that is not over and is not in m has no uses.
	all bool
	// epoch is another one whenever rows change but by the log; odd while they do.
	epoch uint64
	// stuck: counting the log has failed, and is tried again with the next uses.
	stuck bool
}

type usedKey struct {
	tenant bunker.TenantID
	window bunker.Window
}

// windowUsed is what is used of a window, and what of that the log says.
type windowUsed struct {
	n      int64
	logged int64
	limit  int64 // of the last use in the log
	until  int64 // unix ms; 0: never, or not known
}

// windowRow is a row of a window.
type windowRow struct {
	usedKey
	used, until int64
}

func (c *usedCache) loaded() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.m != nil
}

// load takes what both tables say; all: these are all rows of windows that are not over.
// If they are not, only what the log says is taken, and known does not tell it.
func (c *usedCache) load(log map[usedKey]spending, bytes int, rows []windowRow, all bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.m, c.bytes, c.logged, c.all = map[usedKey]windowUsed{}, bytes, len(log), all
	for k, s := range log {
		c.m[k] = windowUsed{n: unknown, logged: s.N, limit: s.Limit, until: s.Until}
		if all {
			c.m[k] = windowUsed{n: s.N, logged: s.N, limit: s.Limit, until: s.Until}
		}
	}
	if !all {
		return
	}
	for _, r := range rows {
		w := c.m[r.usedKey]
		w.n, w.until = w.n+r.used, r.until
		c.m[r.usedKey] = w
	}
}

// unknown is the n of a window of which only the log was read.
const unknown = -1

// known returns what is used of a window, if that is known.
func (c *usedCache) known(k usedKey) (n int64, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.m == nil {
		return 0, false
	}
	if w, ok := c.m[k]; ok {
		return w.n, w.n != unknown
	}
	return 0, c.all
}

// moment is the epoch to give to learnAt; ok is false while rows change, or nobody has
// read the log.
func (c *usedCache) moment() (epoch uint64, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.epoch, c.epoch%2 == 0 && c.m != nil
}

// learn takes what a window's row says and returns what is used of it.
func (c *usedCache) learn(k usedKey, row int64) int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.take(k, row)
}

// learnAt is learn of a row that was read since a moment; ok is false when rows have
// changed meanwhile.
func (c *usedCache) learnAt(k usedKey, row int64, epoch uint64) (n int64, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.epoch != epoch {
		return 0, false
	}
	return c.take(k, row), true
}

func (c *usedCache) take(k usedKey, row int64) int64 {
	w := c.m[k]
	w.n = row + w.logged
	if len(c.m) < 2*maxWindows { // else it is read again, until the log is counted
		c.m[k] = w
	}
	return w.n
}

// spent takes what a group has committed to the log.
func (c *usedCache) spent(p *spent) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.bytes += p.bytes
	for k, s := range p.m {
		w, ok := c.m[k]
		if !ok && !c.all {
			w.n = unknown
		}
		if w.logged == 0 {
			c.logged++
		}
		if w.n != unknown {
			w.n += s.N
		}
		w.logged, w.limit, w.until = w.logged+s.N, s.Limit, s.Until
		c.m[k] = w
	}
}

// full reports whether the log is to be counted, or windows are to be forgotten.
func (c *usedCache) full(tick bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if tick {
		return c.bytes > 0
	}
	return !c.stuck && (c.bytes >= maxSpentBytes || len(c.m) >= maxWindows)
}

// log returns what the log says.
func (c *usedCache) log() []spending {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := make([]spending, 0, c.logged)
	for k, w := range c.m {
		if w.logged > 0 {
			out = append(out, spending{tenant: k.tenant, Policy: k.window.Policy, Rule: k.window.Rule, Scope: k.window.Scope, Name: k.window.Name,
				N: w.logged, Limit: w.limit, Until: w.until})
		}
	}
	return out
}

// counting says that rows are going to change.
func (c *usedCache) counting() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.epoch |= 1
}

// counted says that the log is counted at a time (unix ms) and empty, or that this has
// failed.
func (c *usedCache) counted(ok bool, now int64) {
	if !ok {
		c.clear()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.epoch = c.epoch | 1 + 1
	if c.stuck = !ok; !ok || c.m == nil {
		return
	}
	crowded := len(c.m) >= maxWindows/2
	for k, w := range c.m {
		if crowded && w.until != 0 && w.until <= now || w.n == unknown {
			delete(c.m, k)
			continue
		}
		w.logged = 0
		c.m[k] = w
	}
	if c.bytes, c.logged = 0, 0; len(c.m) >= maxWindows*3/4 {
		c.m, c.all = map[usedKey]windowUsed{}, false
	}
}

// clear forgets everything.
func (c *usedCache) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.epoch = c.epoch | 1 + 1
	c.m, c.all, c.logged = nil, false, 0
}
