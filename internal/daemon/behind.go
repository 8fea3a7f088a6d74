package daemon

import (
	"context"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"nsecbunker/internal/bunker"
)

// behind are the tenants whose memory is behind the store: another instance changed something
// while a command was at it here, or the store did not answer. The zero value has none.
type behind struct {
	n  atomic.Int64 // of them, with those that are being brought in line
	mu sync.Mutex
	of map[bunker.TenantID]struct{}
}

func (b *behind) put(id bunker.TenantID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.of == nil {
		b.of = map[bunker.TenantID]struct{}{}
	}
	if _, is := b.of[id]; !is {
		b.of[id] = struct{}{}
		b.n.Add(1)
	}
}

// take takes one out, and reports that it was there. It counts on until done is called.
func (b *behind) take(id bunker.TenantID) (was bool, done func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, was = b.of[id]; !was {
		return false, func() {}
	}
	delete(b.of, id)
	return true, func() { b.n.Add(-1) }
}

func (b *behind) all() []bunker.TenantID {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Collect(maps.Keys(b.of))
}

// catchUpNow brings the tenant's memory in line, if it is behind and no command is at it: what
// was a change's end on another instance holds for the next request here. Who comes while
// somebody is at that waits for him.
func (t *tenant) catchUpNow(ctx context.Context) {
	if t.together == nil || t.together.behind.n.Load() == 0 {
		return
	}
	t.catching.Lock()
	defer t.catching.Unlock()
	if !t.memory.TryLock() {
		return
	}
	t.memory.Unlock()
	was, done := t.together.behind.take(t.id)
	defer done()
	if was {
		t.bringInLine(ctx)
	}
}
