package secret

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"unsafe"
)

const (
	// MaxArena is the largest arena, in bytes: more locked memory than that is
	// a mistake in a configuration, not a need.
	MaxArena = 1 << 30
	// DefaultArena is the size, in bytes, that fits Linux's usual limit of
	// locked memory (8 MiB) with room for the runtime. It holds over 20,000
	// prepared keys and as many conversation keys.
	DefaultArena = 6 << 20
)

// Options change how an arena takes its memory.
type Options struct {
	// AllowSwap goes on without locked memory when the system refuses it.
	AllowSwap bool
}

// Arena is a block of locked memory that secrets are kept in. All methods may
// be called concurrently.
type Arena struct {
	base   unsafe.Pointer // not a slice: nothing that prints by reflection may follow it
	size   int
	locked bool

	mu     sync.Mutex
	freed  sync.Cond // a Bytes was wiped
	pages  pages
	live   []*Bytes // every secret, each at its place
	used   int      // bytes taken, in whole slots
	closed bool
	memory *mapping
}

// NewArena takes size bytes (rounded up to whole pages) from the system,
// locked, left out of core dumps and wiped in forked children. It fails if the
// system refuses to lock and opt does not allow to swap; that error names the
// limit and the way out.
func NewArena(size int, opt Options) (*Arena, error) {
	if size < 1 || size > MaxArena {
		return nil, fmt.Errorf("memory for secrets: %d bytes asked for, 1 to %d are possible", size, MaxArena)
	}
	size = (size + pageSize - 1) / pageSize * pageSize
	m, err := mapMemory(size)
	if err != nil {
		return nil, fmt.Errorf("memory for secrets: %w", err)
	}
	lockErr := m.lock()
	if lockErr != nil && !opt.AllowSwap {
		return nil, errors.Join(lockError(size, lockErr), m.unmap())
	}
	a := &Arena{base: m.base(), size: size, locked: lockErr == nil, memory: m, pages: newPages(size / pageSize)}
	a.freed.L = &a.mu
	return a, nil
}

// lockError says what to do about memory that cannot be locked.
func lockError(size int, cause error) error {
	limit := "unknown"
	if n, ok := lockLimit(); ok {
		limit = fmt.Sprintf("%d KiB", n/1024)
	}
	return fmt.Errorf("locking %d KiB of memory for secrets: %w: the limit RLIMIT_MEMLOCK is %s; raise it "+
		"(ulimit -l, LimitMEMLOCK= in a systemd unit, docker run --ulimit memlock=-1), or start with --allow-swap "+
		"and accept that keys may reach the swap space", size/1024, cause, limit)
}

// Locked tells whether the memory is locked; false only with AllowSwap.
func (a *Arena) Locked() bool { return a.locked }

// Used returns how many bytes are taken (in whole slots) and how many there are.
func (a *Arena) Used() (used, size int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.used, a.size
}

// New takes room for a secret of n bytes, all zero. It fails with ErrSize,
// ErrFull, or ErrDestroyed after Close. The caller calls Destroy in the end.
func (a *Arena) New(n int) (*Bytes, error) {
	s := new(Bytes)
	if err := a.NewIn(s, n); err != nil {
		return nil, err
	}
	return s, nil
}

// NewIn is New for a Bytes that is a part of what owns it, as every key has one. s is unused,
// the zero value, and stays where it is.
func (a *Arena) NewIn(s *Bytes, n int) error {
	if n < 1 || n > a.size {
		return ErrSize
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return ErrDestroyed
	}
	off, slot, ok := a.pages.take(n)
	if !ok {
		return ErrFull
	}
	s.arena, s.off, s.slot, s.n, s.place = a, uint32(off), uint32(slot), uint32(n), int32(len(a.live)) // below MaxArena, each
	a.live = append(a.live, s)
	a.used += slot
	return nil
}

// From moves b into the arena: b is copied and wiped, also when there is an error.
func (a *Arena) From(b []byte) (*Bytes, error) {
	defer Wipe(b)
	s, err := a.New(len(b))
	if err != nil {
		return nil, err
	}
	if err := s.Use(func(dst []byte) { copy(dst, b) }); err != nil {
		return nil, err
	}
	return s, nil
}

// Close wipes every secret, waiting for those that are lent out, and gives the
// memory back. Afterwards every secret is destroyed and New fails.
func (a *Arena) Close() {
	a.mu.Lock()
	already := a.closed
	a.closed = true
	a.mu.Unlock()
	if already {
		return
	}
	for {
		a.mu.Lock()
		var s *Bytes
		if n := len(a.live); n > 0 {
			s = a.live[n-1]
		}
		a.mu.Unlock()
		if s == nil {
			break
		}
		s.Destroy()
	}
	Wipe(unsafe.Slice((*byte)(a.base), a.size))
	// Unmapping memory that is ours cannot fail, and if it did, it is wiped.
	_ = a.memory.unmap()
}

// dead is set in Bytes.state by the first Destroy.
const dead = int64(1) << 62

// Bytes is one secret in an arena. All methods may be called concurrently.
type Bytes struct {
	arena *Arena
	state atomic.Int64 // how many have it on loan, plus dead
	// Ten thousand keys are twenty thousand of these, which the garbage collector looks at again
	// and again: they take 32 bytes, and point at nothing but the arena.
	off   uint32 // where it starts in the arena
	slot  uint32 // bytes taken there
	n     uint32
	place int32 // in arena.live; wiped: in none. Under arena.mu
}

// wiped is the place of a secret that is no more.
const wiped = -1

// bytes is the memory itself.
func (s *Bytes) bytes() []byte {
	return unsafe.Slice((*byte)(unsafe.Add(s.arena.base, s.off)), s.n)
}

// Beside is New in the arena of s.
func (s *Bytes) Beside(n int) (*Bytes, error) { return s.arena.New(n) }

// Len returns the length in bytes, also after Destroy.
func (s *Bytes) Len() int { return int(s.n) }

// Use lends the secret to f. The slice is valid until f returns, and f must
// not keep it, a part of it or a copy. Several may have the same secret on loan
// at once; who writes to it agrees with the others. Use returns ErrDestroyed,
// without a call of f, once Destroy was called.
func (s *Bytes) Use(f func(b []byte)) error {
	if s.state.Add(1)&dead != 0 {
		s.release()
		return ErrDestroyed
	}
	defer s.release()
	f(s.bytes())
	return nil
}

// release gives a loan back; the last loan of a destroyed secret wipes it.
func (s *Bytes) release() {
	if s.state.Add(-1) == dead {
		s.wipe()
	}
}

// Destroy wipes the secret and gives its room back. It waits for everybody who
// has it on loan, so it must not be called by a function that does; new loans
// are refused at once. Calling it again does no harm.
func (s *Bytes) Destroy() {
	// The loan that Destroy takes keeps others from wiping before dead is set.
	s.state.Add(1)
	s.state.Or(dead)
	s.release()
	s.arena.mu.Lock()
	defer s.arena.mu.Unlock()
	for s.place != wiped {
		s.arena.freed.Wait()
	}
}

// wipe zeroes the whole slot and frees it, once.
func (s *Bytes) wipe() {
	a := s.arena
	a.mu.Lock()
	defer a.mu.Unlock()
	if s.place == wiped {
		return
	}
	Wipe(unsafe.Slice((*byte)(unsafe.Add(a.base, s.off)), s.slot))
	a.pages.give(int(s.off), int(s.slot))
	a.used -= int(s.slot)
	last := len(a.live) - 1
	a.live[s.place] = a.live[last]
	a.live[s.place].place = s.place
	a.live[last] = nil
	a.live = a.live[:last]
	s.place = wiped
	a.freed.Broadcast()
}
