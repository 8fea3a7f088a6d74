package signerrelay

import (
	"context"
	"time"

	"golang.org/x/sync/semaphore"
)

// places bounds the bytes of events that are being read or worked on. One half is for everybody, the other for
// connections that the bunker has answered before, so that a flood from strangers leaves room for known clients.
type places struct {
	open     *semaphore.Weighted
	reserved *semaphore.Weighted
	share    int // of open, for one address
}

func newPlaces(lim *Limits) *places {
	half := int64(lim.MaxInFlightBytes / 2)
	return &places{open: semaphore.NewWeighted(half), reserved: semaphore.NewWeighted(half), share: int(half) / ipShare}
}

// hold is what one message has taken. It belongs to one goroutine at a time; release gives all of it back.
type hold struct {
	p        *places
	c        *conn
	open     int
	reserved int
	counted  int // for src
}

func (p *places) hold(c *conn) *hold { return &hold{p: p, c: c} }

func (h *hold) size() int { return h.open + h.reserved }

// grow takes what is missing to n bytes, if it is there.
func (h *hold) grow(n int) bool { return h.take(n, h.p.open.TryAcquire) }

// await is grow that waits until then, or until ctx ends.
func (h *hold) await(ctx context.Context, until time.Time, n int) bool {
	return h.take(n, func(n int64) bool {
		if h.p.open.TryAcquire(n) {
			return true
		}
		ctx, cancel := context.WithDeadline(ctx, until)
		defer cancel()
		return h.p.open.Acquire(ctx, n) == nil
	})
}

func (h *hold) take(n int, acquire func(int64) bool) bool {
	n -= h.size()
	if n <= 0 {
		return true
	}
	known := h.c.proven.Load()
	if known && h.p.reserved.TryAcquire(int64(n)) {
		h.reserved += n
		return true
	}
	if !known {
		if !h.c.src.grow(n, h.p.share) {
			return false
		}
		h.counted += n
	}
	if !acquire(int64(n)) {
		return false // what was counted is given back by release
	}
	h.open += n
	return true
}

func (h *hold) release() {
	if h.open > 0 {
		h.p.open.Release(int64(h.open))
	}
	if h.reserved > 0 {
		h.p.reserved.Release(int64(h.reserved))
	}
	if h.counted > 0 {
		h.c.src.shrink(h.counted)
	}
	h.open, h.reserved, h.counted = 0, 0, 0
}
