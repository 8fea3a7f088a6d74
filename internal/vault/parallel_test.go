package vault

import (
	"bytes"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"nsecbunker/internal/bunker"
)

// TestNothingSignsAfterLockReturned: many requests at once, of every sort, while
// the key is locked and unlocked. Each request that succeeds must have begun
// before the lock returned.
func TestNothingSignsAfterLockReturned(t *testing.T) {
	stopped := func(v *Vault, k bunker.UserKey) error { return v.LockUserKey(self, k.ID) }
	all := func(v *Vault, _ bunker.UserKey) error { return v.LockAll(self) }
	seal := func(v *Vault, _ bunker.UserKey) error { return v.Seal(self) }
	for name, lock := range map[string]func(*Vault, bunker.UserKey) error{"lock": stopped, "lock all": all, "seal": seal} {
		t.Run(name, func(t *testing.T) { hammer(t, lock) })
	}
}

// rush is requests of every sort, many at once, until it is stopped.
type rush struct {
	// epoch is odd while the key is locked. A request that began and ended in one
	// odd epoch, and succeeded, was done with a locked key.
	epoch, done, refused atomic.Int64
	stop                 chan struct{}
	wg                   sync.WaitGroup
}

// run repeats op in a goroutine.
func (r *rush) run(t *testing.T, n int, op func() error) {
	r.wg.Go(func() {
		for {
			select {
			case <-r.stop:
				return
			default:
			}
			before := r.epoch.Load()
			err := op()
			switch {
			case err == nil:
				r.done.Add(1)
				if before%2 == 1 && r.epoch.Load() == before {
					t.Errorf("operation %d worked after the lock returned", n)
					return
				}
			case errors.Is(err, ErrLocked), errors.Is(err, ErrSealed):
				r.refused.Add(1)
			default:
				t.Errorf("operation %d: %v", n, err)
				return
			}
		}
	})
}

// wait returns when n more were counted.
func wait(t *testing.T, counter *atomic.Int64, n int64) {
	for goal := counter.Load() + n; counter.Load() < goal && !t.Failed(); {
		runtime.Gosched()
	}
}

// operations is every way to use a user key.
func operations(t *testing.T, v *Vault, k bunker.UserKey) []func() error {
	t.Helper()
	client, friend := stranger(t, v), stranger(t, v)
	c44, c04 := closed(t, friend, k.PubKey, "x")
	toLogin, _ := closed(t, client, k.PubKey, "x")
	request := envelope(t, client, k.PubKey, toLogin)
	f := floorOf()
	return []func() error{
		func() error { _, err := v.SignEvent(f, k.ID, note("x")); return err },
		func() error { _, err := v.Encrypt44(f, k.ID, friend.PubKey(), []byte("x")); return err },
		func() error { _, err := v.Encrypt04(f, k.ID, friend.PubKey(), []byte("x")); return err },
		func() error { _, err := v.Decrypt44(f, k.ID, friend.PubKey(), c44); return err },
		func() error { _, err := v.Decrypt04(f, k.ID, friend.PubKey(), c04); return err },
		func() error { _, err := v.OpenEnvelope(self, request); return err },
		func() error {
			_, err := v.CloseReply(self, k.PubKey, client.PubKey(), NIP44, false, []byte("x"), testNow)
			return err
		},
	}
}

func hammer(t *testing.T, lock func(*Vault, bunker.UserKey) error) {
	v := newVault(t)
	k := unlockedKey(t, v, npubLogin)
	s := service(t, v, bunker.RoleSigner)
	client := stranger(t, v).PubKey()
	r := &rush{stop: make(chan struct{})}
	for range 4 {
		for i, op := range operations(t, v, k) {
			r.run(t, i, op)
		}
	}
	r.wg.Go(func() { // the bunker's own keys speak all the time
		for {
			select {
			case <-r.stop:
				return
			default:
			}
			if _, err := v.CloseReply(self, s.PubKey, client, NIP44, false, []byte("x"), testNow); err != nil {
				t.Error(err)
				return
			}
		}
	})
	for range 12 {
		wait(t, &r.done, 20)
		must(t, lock(v, k))
		v.talks.mu.Lock()
		for _, i := range v.talks.index {
			if v.talks.nodes[i].talk.own == k.PubKey {
				t.Error("a conversation key outlived the lock")
			}
		}
		v.talks.mu.Unlock()
		r.epoch.Add(1)
		wait(t, &r.refused, 20)
		r.epoch.Add(1)
		if !v.Unsealed(self) {
			must(t, v.Unseal(self, bytes.Repeat([]byte{2}, 32)))
		}
		must(t, v.UnlockUserKey(k, nil))
	}
	close(r.stop)
	r.wg.Wait()
	t.Logf("%d operations done, %d refused", r.done.Load(), r.refused.Load())
}

func TestSignaturesAreMadeInParallel(t *testing.T) {
	v := newVault(t)
	k := unlockedKey(t, v)
	// While one request has the key, another gets it, too: the reader's side of the
	// lock is shared.
	te := v.tenants[self]
	te.mu.RLock()
	defer te.mu.RUnlock()
	_, err := v.SignEvent(floorOf(), k.ID, note("x"))
	must(t, err)
	_, err = v.Encrypt44(floorOf(), k.ID, stranger(t, v).PubKey(), []byte("x"))
	must(t, err)
}

func TestTheFloorAsksTheCallerWithoutHoldingTheVault(t *testing.T) {
	v := newVault(t)
	k := unlockedKey(t, v)
	f := floorOf()
	calls := 0
	f.OurHosts = func() []string { calls++; must(t, v.LockAll(self)); must(t, v.UnlockUserKey(k, nil)); return nil }
	tmpl := note("x")
	tmpl.Kind, tmpl.Tags = 27235, append(tmpl.Tags, []string{"u", "https://api.example"}, []string{"method", "GET"})
	_, err := v.SignEvent(f, k.ID, tmpl)
	must(t, err)
	if calls != 1 {
		t.Fatalf("asked %d times", calls)
	}
}

func BenchmarkSignEvent(b *testing.B) {
	v := newVault(b)
	k := unlockedKey(b, v)
	f, tmpl := floorOf(), note("hello")
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := v.SignEvent(f, k.ID, tmpl); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkOpenEnvelope(b *testing.B) {
	v := newVault(b)
	s := service(b, v, bunker.RoleSigner)
	client := stranger(b, v)
	c44, _ := closed(b, client, s.PubKey, `{"id":"1","method":"ping","params":[]}`)
	ev := envelope(b, client, s.PubKey, c44)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := v.OpenEnvelope(self, ev); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkVerifyRow(b *testing.B) {
	v := newVault(b)
	k := row(b, v)
	mac, err := v.Tag(&k)
	must(b, err)
	for b.Loop() {
		if err := v.Verify(&k, mac[:]); err != nil {
			b.Fatal(err)
		}
	}
}
