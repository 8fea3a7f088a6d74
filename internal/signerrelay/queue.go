package signerrelay

import (
	"sync"
	"sync/atomic"
)

// queue holds what waits to be written to one connection. Putting never blocks: a client that does not read fills its
// own queue and is cut off, and nobody else waits for it.
type queue struct {
	maxLen   int
	maxBytes int
	maxAll   int64
	all      *atomic.Int64 // bytes in the queues of all connections

	ready chan struct{} // one token: something was put

	mu     sync.Mutex
	items  []message
	bytes  int
	closed bool
}

func newQueue(lim *Limits, all *atomic.Int64) *queue {
	return &queue{
		maxLen: lim.MaxQueue, maxBytes: lim.MaxQueueBytes, maxAll: int64(lim.MaxQueuedBytes), all: all,
		ready: make(chan struct{}, 1),
	}
}

// put adds a message; false means that the queue is closed or full.
func (q *queue) put(m message) (ok, full bool) {
	n := m.size()
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return false, false
	}
	if len(q.items) >= q.maxLen || q.bytes+n > q.maxBytes {
		return false, true
	}
	if q.all.Add(int64(n)) > q.maxAll {
		q.all.Add(-int64(n))
		return false, true
	}
	q.items = append(q.items, m)
	q.bytes += n
	select {
	case q.ready <- struct{}{}:
	default:
	}
	return true, false
}

// next takes the oldest message. It stays counted until done, because it is still in memory while it is written.
func (q *queue) next() (m message, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.items) == 0 {
		return m, false
	}
	m = q.items[0]
	q.items[0] = message{}
	q.items = q.items[1:]
	if len(q.items) == 0 {
		q.items = nil // give the backing array back
	}
	return m, true
}

// done uncounts a message that was taken and written.
func (q *queue) done(m message) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return // close has uncounted everything
	}
	q.bytes -= m.size()
	q.all.Add(-int64(m.size()))
}

// close drops what is left.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return
	}
	q.closed = true
	q.all.Add(-int64(q.bytes))
	q.items, q.bytes = nil, 0
}
