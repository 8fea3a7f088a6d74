package vault

import (
	"crypto/sha256"
	"sync"
	"time"

	"nsecbunker/internal/bunker"
)

const (
	// MadeFor is how long a ciphertext counts as made here for a connection
	// (security.md section 2, kinds 13 and 4).
	MadeFor = 10 * time.Minute
	// MaxMade is how many ciphertexts are remembered in all; the oldest leave.
	MaxMade = 65536
	// MaxMadePerConnection is how many are remembered of one connection, so that
	// no app can push out what others made: a message to a group of that many.
	MaxMadePerConnection = 1024
)

// made remembers digests of ciphertexts for a while. It is a queue in order of
// age, with the number of each connection's entries.
type made struct {
	mu    sync.Mutex
	until map[[32]byte]time.Time
	queue []madeEntry // oldest first, from head on
	head  int
	count map[bunker.ConnectionID]int
}

type madeEntry struct {
	digest [32]byte
	conn   bunker.ConnectionID
}

func newMade() *made {
	return &made{until: make(map[[32]byte]time.Time), count: make(map[bunker.ConnectionID]int)}
}

func madeDigest(conn bunker.ConnectionID, content string) [32]byte {
	return sha256.Sum256(joined(string(conn), content))
}

func (m *made) add(conn bunker.ConnectionID, content string, now time.Time) {
	d := madeDigest(conn, content)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.expire(now)
	if _, ok := m.until[d]; ok || m.count[conn] >= MaxMadePerConnection {
		return
	}
	if len(m.until) >= MaxMade {
		m.pop()
	}
	m.until[d] = now.Add(MadeFor)
	m.queue = append(m.queue, madeEntry{d, conn})
	m.count[conn]++
}

func (m *made) has(conn bunker.ConnectionID, content string, now time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	until, ok := m.until[madeDigest(conn, content)]
	return ok && now.Before(until)
}

// expire forgets what is too old.
func (m *made) expire(now time.Time) {
	for m.head < len(m.queue) && !now.Before(m.until[m.queue[m.head].digest]) {
		m.pop()
	}
}

// pop forgets the oldest entry.
func (m *made) pop() {
	e := m.queue[m.head]
	m.head++
	delete(m.until, e.digest)
	if m.count[e.conn]--; m.count[e.conn] == 0 {
		delete(m.count, e.conn)
	}
	if m.head > len(m.queue)/2 { // move up, so that the queue does not grow for ever
		m.queue = append(m.queue[:0], m.queue[m.head:]...)
		m.head = 0
	}
}

// MadeCiphertext reports whether content was encrypted here for this connection
// within MadeFor. It is remembered in memory only: after a restart, or on
// another instance, the answer is no.
func (v *Vault) MadeCiphertext(conn bunker.ConnectionID, content string) bool {
	return v.made.has(conn, content, v.now())
}
