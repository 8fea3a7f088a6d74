package nostr

import (
	"encoding/binary"
	"sync/atomic"

	"nsecbunker/nostr/internal/secp"
)

// Lifted remembers where on the curve public keys lie whose signatures were good. The
// next signature of such a key is verified without lifting it (BIP-340's lift_x), which is a
// square root and some tenth of a verification.
//
// What it remembers is a hint: a coordinate is believed only if it solves the curve's
// equation for the key at hand, so that nothing in here can make a bad signature good.
// Several goroutines may use it; the zero value remembers nothing.
type Lifted struct{ sets []liftedSet }

const (
	// liftedKeys is how many public keys a bunker remembers the points of.
	liftedKeys = 1 << 14
	// liftedWays is how many places a public key may be remembered at.
	liftedWays = 4
)

// liftedSet is the places of the public keys that begin alike. Nothing in it is a pointer,
// and half of one key's words with half of another's are just no point.
type liftedSet struct {
	oldest atomic.Uint32 // counts up: the place that is taken next, where all are
	places [liftedWays]struct {
		head atomic.Uint64    // the first bytes of the key
		y    [4]atomic.Uint64 // big-endian words
	}
}

// NewLifted returns one with room for liftedKeys.
func NewLifted() *Lifted { return &Lifted{make([]liftedSet, liftedKeys/liftedWays)} }

// Verify is Event.Verify.
func (l *Lifted) Verify(e *Event) error {
	if e.ComputeID() != e.ID {
		return ErrID
	}
	var y [32]byte
	known := l.look(&e.PubKey, &y)
	was := y
	if !secp.VerifyAt((*[64]byte)(&e.Sig), (*[32]byte)(&e.PubKey), &y, e.ID[:]) {
		return ErrSig
	}
	if !known || y != was {
		l.keep(&e.PubKey, &y)
	}
	return nil
}

func (l *Lifted) set(p *PubKey) (s *liftedSet, head uint64) {
	if len(l.sets) == 0 {
		return nil, 0
	}
	return &l.sets[binary.BigEndian.Uint64(p[8:])%uint64(len(l.sets))], binary.BigEndian.Uint64(p[:])
}

// index is the place of the key that begins with head, or -1.
func (s *liftedSet) index(head uint64) int {
	for i := range s.places {
		if s.places[i].head.Load() == head {
			return i
		}
	}
	return -1
}

// look fills y with what is remembered of p.
func (l *Lifted) look(p *PubKey, y *[32]byte) bool {
	s, head := l.set(p)
	if s == nil {
		return false
	}
	i := s.index(head)
	if i < 0 {
		return false
	}
	for w := range s.places[i].y {
		binary.BigEndian.PutUint64(y[8*w:], s.places[i].y[w].Load())
	}
	return true
}

// keep remembers y in place of what was known of p, or at an empty place, or in place of
// whoever was remembered first.
func (l *Lifted) keep(p *PubKey, y *[32]byte) {
	s, head := l.set(p)
	if s == nil {
		return
	}
	i := s.index(head)
	if i < 0 {
		i = s.index(0)
	}
	if i < 0 {
		i = int(s.oldest.Add(1) % liftedWays)
	}
	s.places[i].head.Store(head)
	for w := range s.places[i].y {
		s.places[i].y[w].Store(binary.BigEndian.Uint64(y[8*w:]))
	}
}
