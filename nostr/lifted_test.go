package nostr

import (
	"errors"
	"sync"
	"testing"
)

// many returns events of n authors.
func many(t *testing.T, n int) (all []*Event) {
	for range n {
		all = append(all, signed(t))
	}
	return all
}

// remembered counts the keys in l.
func (l *Lifted) remembered() (n int) {
	for i := range l.sets {
		for j := range l.sets[i].places {
			if l.sets[i].places[j].head.Load() != 0 {
				n++
			}
		}
	}
	return n
}

func TestWhatIsRememberedOfAKeyChangesNoVerdict(t *testing.T) {
	l := NewLifted()
	for _, e := range many(t, 3) {
		forged, changed, other := *e, *e, *e
		forged.Sig[40] ^= 1
		changed.Content += "."
		other.PubKey[31] ^= 1
		other.ID = other.ComputeID()
		y := [32]byte{}
		check := func(when string) {
			t.Helper()
			for name, want := range map[*Event]error{e: nil, &forged: ErrSig, &changed: ErrID, &other: ErrSig} {
				if err := l.Verify(name); !errors.Is(err, want) || err != name.Verify() {
					t.Errorf("%s: %v, want %v", when, err, want)
				}
			}
		}
		if err := l.Verify(&forged); err != ErrSig || l.look(&e.PubKey, &y) {
			t.Errorf("a forged signature: %v, %x is remembered", err, y)
		}
		check("unknown")
		if !l.look(&e.PubKey, &y) || y == [32]byte{} {
			t.Fatal("a good signature's key is not remembered")
		}
		check("known")
		for _, wrong := range [][32]byte{{}, {31: 2}, {0: 0xff, 31: 0xfe}, e.PubKey, y} {
			if wrong == y {
				wrong[31] ^= 2
			}
			l.keep(&e.PubKey, &wrong)
			check("with another key's point")
			if got := [32]byte{}; !l.look(&e.PubKey, &got) || got != y {
				t.Errorf("%x was not put right: %x", wrong, got)
			}
		}
	}
}

func TestKeysThatAreRememberedAreBounded(t *testing.T) {
	l := &Lifted{make([]liftedSet, 2)}
	all := many(t, 5*liftedWays)
	for range 3 {
		for _, e := range all {
			if err := l.Verify(e); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n := l.remembered(); n < liftedWays || n > 2*liftedWays {
		t.Errorf("%d keys are remembered, in room for %d", n, 2*liftedWays)
	}
	if n := len(NewLifted().sets) * liftedWays; n != liftedKeys {
		t.Errorf("there is room for %d keys, want %d", n, liftedKeys)
	}
	var none Lifted
	if err := none.Verify(all[0]); err != nil || none.remembered() != 0 {
		t.Errorf("the zero value: %v", err)
	}
}

// All of one set, at once: a coordinate may be read while another one is written.
func TestKeysAreRememberedByManyAtOnce(t *testing.T) {
	l := &Lifted{make([]liftedSet, 1)}
	var all sync.WaitGroup
	events := many(t, 2*liftedWays)
	for range 4 {
		all.Go(func() {
			for range 20 {
				for _, e := range events {
					if err := l.Verify(e); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	all.Wait()
}
