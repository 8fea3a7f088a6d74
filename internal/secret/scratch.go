package secret

import (
	"slices"
	"sync"
)

// scratchKept (bytes) is the longest buffer that is kept for the next one who
// needs some.
const scratchKept = 64 << 10

var scratches = sync.Pool{New: func() any { return new(Scratch) }}

// Scratch is room for what is made and done with in one function: a plaintext on
// its way into a ciphertext, say. It is on the heap, not locked, and used again
// and again, which makes less garbage; nothing of it may be kept. Borrow lends
// one, and Return wipes it and takes it back.
type Scratch struct {
	B []byte // appended to by the borrower, who stores what append returned
}

// Borrow returns an empty Scratch with room for n bytes at least.
func Borrow(n int) *Scratch {
	s := scratches.Get().(*Scratch)
	s.B = slices.Grow(s.B[:0], n)
	return s
}

// Return wipes all that s has room for, and takes it back. s must not be used afterwards.
func (s *Scratch) Return() {
	Wipe(s.B[:cap(s.B)])
	if cap(s.B) > scratchKept {
		s.B = nil
	}
	s.B = s.B[:0]
	scratches.Put(s)
}
