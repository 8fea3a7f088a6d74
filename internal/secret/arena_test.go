package secret

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func newArena(tb testing.TB, size int) *Arena {
	tb.Helper()
	a, err := NewArena(size, Options{AllowSwap: true})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(a.Close)
	return a
}

func mustNew(tb testing.TB, a *Arena, n int) *Bytes {
	tb.Helper()
	s, err := a.New(n)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func lend(tb testing.TB, s *Bytes, f func(b []byte)) {
	tb.Helper()
	if err := s.Use(f); err != nil {
		tb.Fatal(err)
	}
}

func TestFromTakesACopyAndWipesItsSource(t *testing.T) {
	a := newArena(t, 8192)
	b := []byte("correct horse battery staple")
	s, err := a.From(b)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b, make([]byte, len(b))) {
		t.Error("the source was not wiped")
	}
	lend(t, s, func(b []byte) {
		if string(b) != "correct horse battery staple" || s.Len() != len(b) || cap(b) != len(b) {
			t.Errorf("lent %d bytes, capacity %d", len(b), cap(b))
		}
	})
	full := bytes.Repeat([]byte{1}, 9000)
	if _, err := a.From(full); !errors.Is(err, ErrSize) || full[0] != 0 {
		t.Errorf("%v: what did not fit must be wiped too", err)
	}
}

func TestNewSecretIsZeroAlsoWhereAnotherWas(t *testing.T) {
	a := newArena(t, 8192)
	for _, n := range []int{1, 31, 32, 33, 96, 2049, 4096, 8192} {
		s := mustNew(t, a, n)
		lend(t, s, func(b []byte) {
			if len(b) != n || !bytes.Equal(b, make([]byte, n)) {
				t.Errorf("%d bytes: not zero", n)
			}
			for i := range b {
				b[i] = 0xee
			}
		})
		s.Destroy()
	}
}

// The memory itself is looked at, since nobody can be lent it any more.
func TestDestroyWipesTheWholeSlot(t *testing.T) {
	a := newArena(t, 16384)
	for _, n := range []int{1, 32, 33, 96, 97, 2048, 5000} {
		s := mustNew(t, a, n)
		raw := s.bytes()
		raw = raw[:n]
		lend(t, s, func(b []byte) {
			for i := range b {
				b[i] = 0xee
			}
		})
		s.Destroy()
		if !bytes.Equal(raw, make([]byte, n)) {
			t.Errorf("%d bytes: not wiped", n)
		}
		if used, _ := a.Used(); used != 0 {
			t.Errorf("%d bytes: %d are still taken", n, used)
		}
		if err := s.Use(func([]byte) { t.Error("lent") }); !errors.Is(err, ErrDestroyed) {
			t.Errorf("%v, want ErrDestroyed", err)
		}
	}
}

func TestFullArenaSaysSoAndRecovers(t *testing.T) {
	a := newArena(t, 8192)
	for _, n := range []int{32, 96, 4096} {
		var all []*Bytes
		for {
			s, err := a.New(n)
			if err != nil {
				if !errors.Is(err, ErrFull) {
					t.Fatal(err)
				}
				break
			}
			all = append(all, s)
		}
		if want := 2 * (4096 / n); len(all) != want {
			t.Errorf("%d bytes: %d fit, want %d", n, len(all), want)
		}
		all[len(all)/2].Destroy()
		all[len(all)/2] = mustNew(t, a, n)
		for _, s := range all {
			s.Destroy()
		}
	}
	for _, n := range []int{0, -1, 8193} {
		if _, err := a.New(n); !errors.Is(err, ErrSize) {
			t.Errorf("%d bytes: %v, want ErrSize", n, err)
		}
	}
}

func TestDefaultArenaHoldsTwentyThousandPreparedKeysAndAsManyDerivedOnes(t *testing.T) {
	a := newArena(t, DefaultArena)
	for range 20000 {
		mustNew(t, a, 96)
		mustNew(t, a, 32)
	}
	for range 10000 {
		mustNew(t, a, 96)
		mustNew(t, a, 96)
	}
}

func TestArenaFitsTheUsualLimitOfLockedMemory(t *testing.T) {
	limit, ok := lockLimit()
	a, err := NewArena(DefaultArena, Options{})
	if err != nil {
		if ok && limit >= 8<<20 {
			t.Fatal(err)
		}
		if !strings.Contains(err.Error(), "RLIMIT_MEMLOCK") || !strings.Contains(err.Error(), "--allow-swap") {
			t.Errorf("the error does not say what to do: %v", err)
		}
		return
	}
	defer a.Close()
	if !a.Locked() {
		t.Error("not locked")
	}
}

func TestErrorOfLockingNamesTheLimitAndTheWayOut(t *testing.T) {
	err := lockError(DefaultArena, errors.New("no"))
	for _, want := range []string{"RLIMIT_MEMLOCK", "--allow-swap", "6144 KiB", "LimitMEMLOCK", "swap"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in: %v", want, err)
		}
	}
}

func TestSizeOfAnArenaIsBounded(t *testing.T) {
	for _, n := range []int{0, -1, MaxArena + 1} {
		if _, err := NewArena(n, Options{AllowSwap: true}); err == nil {
			t.Errorf("%d bytes were taken", n)
		}
	}
	a := newArena(t, 1)
	if _, size := a.Used(); size != 4096 {
		t.Errorf("%d bytes, want a page", size)
	}
}

func TestDestroyWaitsForLendersAndRefusesNewOnes(t *testing.T) {
	s := mustNew(t, newArena(t, 4096), 32)
	lent, end, destroyed := make(chan struct{}), make(chan struct{}), make(chan struct{})
	var returned atomic.Bool
	go func() {
		_ = s.Use(func(b []byte) {
			b[0] = 1
			close(lent)
			<-end
			if b[0] != 1 {
				t.Error("wiped while it was lent")
			}
			if returned.Load() {
				t.Error("Destroy returned while it was lent")
			}
		})
	}()
	<-lent
	go func() {
		s.Destroy()
		returned.Store(true)
		close(destroyed)
	}()
	for s.Use(func([]byte) {}) == nil { // until Destroy has begun
		time.Sleep(time.Microsecond)
	}
	close(end)
	<-destroyed
	s.Destroy()
}

func TestCloseDestroysEverythingAndStaysClosed(t *testing.T) {
	a := newArena(t, 1<<16)
	var all []*Bytes
	for i := range 50 {
		all = append(all, mustNew(t, a, 1+i*20))
	}
	held, end := make(chan struct{}), make(chan struct{})
	go func() {
		_ = all[7].Use(func(b []byte) {
			close(held)
			<-end
			b[0] = 1 // still there
		})
	}()
	<-held
	closed := make(chan struct{})
	go func() { a.Close(); close(closed) }()
	for { // until Close has begun
		if _, err := a.New(1); errors.Is(err, ErrDestroyed) {
			break
		}
	}
	close(end)
	<-closed
	for _, s := range all {
		if err := s.Use(func([]byte) { t.Error("lent") }); !errors.Is(err, ErrDestroyed) {
			t.Errorf("%v, want ErrDestroyed", err)
		}
		s.Destroy()
	}
	if _, err := a.From([]byte{1}); !errors.Is(err, ErrDestroyed) {
		t.Errorf("%v, want ErrDestroyed", err)
	}
	a.Close()
}

func TestPanicOfALenderGivesTheLoanBack(t *testing.T) {
	s := mustNew(t, newArena(t, 4096), 32)
	func() {
		defer func() { _ = recover() }()
		_ = s.Use(func([]byte) { panic("x") })
	}()
	s.Destroy() // would wait for ever
}

// Secrets of all sizes come and go; each holds its own mark until the end, no
// two overlap, and the count of taken bytes is right.
func TestSecretsNeverOverlap(t *testing.T) {
	a := newArena(t, 256<<10)
	r := rand.New(rand.NewPCG(3, 4))
	type owned struct {
		s    *Bytes
		mark byte
	}
	var live []owned
	check := func(o owned) {
		lend(t, o.s, func(b []byte) {
			for i, c := range b {
				if c != o.mark {
					t.Fatalf("byte %d of %d is %d, want %d", i, len(b), c, o.mark)
				}
			}
		})
	}
	sizes := []int{1, 16, 32, 32, 33, 64, 96, 96, 96, 100, 200, 500, 1024, 2048, 3000, 4096, 9000}
	full := 0
	for i := range 60000 {
		if r.IntN(100) < 55 {
			s, err := a.New(sizes[r.IntN(len(sizes))])
			if err != nil {
				full++
			} else {
				o := owned{s, byte(i | 1)}
				lend(t, s, func(b []byte) {
					for j := range b {
						if b[j] != 0 {
							t.Fatal("a new secret is not zero")
						}
						b[j] = o.mark
					}
				})
				live = append(live, o)
			}
		}
		if len(live) > 0 && (r.IntN(100) < 50 || full > 50) {
			n := r.IntN(len(live))
			check(live[n])
			live[n].s.Destroy()
			live[n] = live[len(live)-1]
			live = live[:len(live)-1]
			full = 0
		}
	}
	for _, o := range live {
		check(o)
		o.s.Destroy()
	}
	if used, _ := a.Used(); used != 0 {
		t.Errorf("%d bytes are still taken", used)
	}
	mustNew(t, a, 256<<10) // all pages are free and in one piece
}

func TestManyUseDestroyAndCreateAtOnce(t *testing.T) {
	a := newArena(t, 1<<20)
	shared := mustNew(t, a, 64)
	var all sync.WaitGroup
	for g := range 8 {
		all.Go(func() {
			for i := range 300 {
				s, err := a.From(bytes.Repeat([]byte{byte(g + 1)}, 1+(g*37+i)%200))
				if err != nil {
					t.Error(err)
					return
				}
				_ = s.Use(func(b []byte) {
					if b[0] != byte(g+1) {
						t.Error("somebody else's secret")
					}
				})
				_ = shared.Use(func(b []byte) { _ = b[0] })
				go s.Destroy()
				s.Destroy()
			}
		})
	}
	all.Wait()
	shared.Destroy()
	if used, _ := a.Used(); used != 0 {
		t.Errorf("%d bytes are still taken", used)
	}
}

func BenchmarkUse(b *testing.B) {
	s := mustNew(b, newArena(b, 4096), 32)
	b.ReportAllocs()
	for b.Loop() {
		_ = s.Use(func([]byte) {})
	}
}

func BenchmarkNewDestroy(b *testing.B) {
	a := newArena(b, DefaultArena)
	b.ReportAllocs()
	for b.Loop() {
		mustNew(b, a, 96).Destroy()
	}
}
