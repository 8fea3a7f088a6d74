package bunker

import (
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// Shared is a bunker that many tests use at once: it starts with the first that asks for it, and ends with the last that
// holds it. Nobody restarts or seals it.
type Shared struct {
	mu      sync.Mutex
	holders int
	b       *Bunker
	h       *host
}

// Hold keeps the bunker for the time of a test, before its t.Parallel.
func (s *Shared) Hold(t testing.TB) {
	s.mu.Lock()
	s.holders++
	s.mu.Unlock()
	t.Cleanup(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.holders--; s.holders == 0 && s.h != nil {
			s.h.end()
			s.b, s.h = nil, nil
		}
	})
}

// For returns the bunker as the test sees it: what fails, fails that test.
func (s *Shared) For(t testing.TB, args ...string) *Bunker {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.b == nil {
		dir, err := os.MkdirTemp("", "nsecbunker-shared-")
		if err != nil {
			t.Fatal(err)
		}
		s.h = &host{TB: t, dir: dir}
		s.b = New(s.h, args...)
		s.b.Run() // a failure here is the first test's
	}
	return s.b.For(t)
}

// For is the same bunker in the hands of another test.
func (b *Bunker) For(t testing.TB) *Bunker {
	c := *b
	c.t = t
	return &c
}

// host is the owner of a shared bunker: the process of all tests, not the one that came first.
type host struct {
	testing.TB
	dir  string
	n    int
	ends []func()
}

// TempDir makes a folder that lives as long as the bunker.
func (h *host) TempDir() string {
	h.n++
	dir := filepath.Join(h.dir, "d"+string(rune('0'+h.n)))
	if err := os.Mkdir(dir, 0o700); err != nil {
		h.Fatal(err)
	}
	return dir
}

// Cleanup is called when the last test has let go.
func (h *host) Cleanup(f func()) { h.ends = append(h.ends, f) }

// Failed: each test reports for itself.
func (h *host) Failed() bool { return false }

func (h *host) end() {
	for i := range h.ends {
		h.ends[len(h.ends)-1-i]()
	}
	_ = os.RemoveAll(h.dir)
}
