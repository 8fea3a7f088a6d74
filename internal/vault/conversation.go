package vault

import (
	"hash/maphash"
	"sync"

	"nsecbunker/internal/secret"
	"nsecbunker/nostr"
)

// Scheme is how an envelope or a ciphertext is encrypted.
type Scheme uint8

// The schemes. The zero value is none.
const (
	NIP44 Scheme = iota + 1
	NIP04
)

func (s Scheme) String() string {
	switch s {
	case NIP44:
		return "nip44"
	case NIP04:
		return "nip04"
	}
	return "none"
}

// talk names a conversation key: which key of ours, whose, with whom, for what. It holds no
// pointer, so that ten thousand of them are nothing for the collector to follow.
type talk struct {
	tenant    uint32 // its number in this vault
	own, peer nostr.PubKey
	scheme    Scheme
}

// conversations keeps the conversation keys that were used last, in one block
// of the arena. Finding one costs a map lookup and a copy of 32 bytes, so one
// mutex serves many cores; making one costs a scalar multiplication, and is done
// outside.
type conversations struct {
	mu    sync.Mutex
	block *secret.Bytes // place i at [32i, 32i+32)
	seed  maphash.Seed
	index map[uint64]int32 // by the talk's hash: its node has the talk itself
	most  int              // places; 0: it is closed
	nodes []node           // of the places that were used: they come as they are needed
	first int32            // used last; -1: none
	last  int32            // used longest ago
	free  []int32
}

type node struct {
	talk       talk
	prev, next int32
}

func newConversations(a *secret.Arena, n int) (*conversations, error) {
	block, err := a.New(n * keySize)
	if err != nil {
		return nil, err
	}
	return &conversations{block: block, most: n, seed: maphash.MakeSeed(), index: make(map[uint64]int32), first: -1, last: -1}, nil
}

// get copies the key into out, and reports whether it was there.
func (c *conversations) get(t talk, out *[keySize]byte) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	i, ok := c.index[maphash.Comparable(c.seed, t)]
	if !ok || c.nodes[i].talk != t {
		return false
	}
	c.unlink(i)
	c.push(i)
	return c.block.Use(func(b []byte) { copy(out[:], b[int(i)*keySize:]) }) == nil
}

// put keeps a key; the one used longest ago leaves for it. The caller holds the
// lock of the tenant for reading, so that a lock or seal under way comes after.
func (c *conversations) put(t talk, key *[keySize]byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.most == 0 {
		return // it is closed
	}
	at := maphash.Comparable(c.seed, t)
	if i, ok := c.index[at]; ok && c.nodes[i].talk == t {
		return // another request was faster, with the same result
	} else if ok { // never in practice: two talks with one hash
		c.remove(i)
	}
	switch {
	case len(c.free) > 0:
	case len(c.nodes) < c.most:
		c.free = append(c.free, int32(len(c.nodes)))
		c.nodes = append(c.nodes, node{})
	default:
		c.remove(c.last)
	}
	i := c.free[len(c.free)-1]
	err := c.block.Use(func(b []byte) { copy(b[int(i)*keySize:], key[:]) })
	if err != nil {
		return // the arena is closed: nothing is kept
	}
	c.free = c.free[:len(c.free)-1]
	c.nodes[i].talk = t
	c.index[at] = i
	c.push(i)
}

// drop wipes the keys of one of a tenant's keys, or, with nil, all of them.
func (c *conversations) drop(tenant uint32, own *nostr.PubKey) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := c.first; i >= 0; {
		n := &c.nodes[i]
		next := n.next
		if n.talk.tenant == tenant && (own == nil || n.talk.own == *own) {
			c.remove(i)
		}
		i = next
	}
}

func (c *conversations) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.block.Destroy()
	c.index = make(map[uint64]int32)
	c.first, c.last = -1, -1
	c.most, c.free, c.nodes = 0, nil, nil
}

// remove wipes place i and frees it.
func (c *conversations) remove(i int32) {
	c.unlink(i)
	delete(c.index, maphash.Comparable(c.seed, c.nodes[i].talk))
	c.nodes[i] = node{}
	_ = c.block.Use(func(b []byte) { secret.Wipe(b[int(i)*keySize : (int(i)+1)*keySize]) }) // destroyed: wiped already
	c.free = append(c.free, i)
}

func (c *conversations) unlink(i int32) {
	n := &c.nodes[i]
	if n.prev >= 0 {
		c.nodes[n.prev].next = n.next
	} else {
		c.first = n.next
	}
	if n.next >= 0 {
		c.nodes[n.next].prev = n.prev
	} else {
		c.last = n.prev
	}
}

func (c *conversations) push(i int32) {
	n := &c.nodes[i]
	n.prev, n.next = -1, c.first
	if c.first >= 0 {
		c.nodes[c.first].prev = i
	} else {
		c.last = i
	}
	c.first = i
}
