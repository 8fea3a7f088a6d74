package vault

import (
	"bytes"
	"hash/maphash"
	"sync"
	"testing"

	"nsecbunker/internal/secret"
	"nsecbunker/nostr"
)

func newTalks(t testing.TB, n int) *conversations {
	t.Helper()
	a, err := secret.NewArena(1<<16, secret.Options{AllowSwap: true})
	must(t, err)
	t.Cleanup(a.Close)
	c, err := newConversations(a, n)
	must(t, err)
	return c
}

func talkOf(tenant uint32, own, peer byte) talk {
	return talk{tenant: tenant, own: nostr.PubKey{own}, peer: nostr.PubKey{peer}, scheme: NIP44}
}

func keyOf(b byte) *[32]byte { return (*[32]byte)(bytes.Repeat([]byte{b}, 32)) }

func (c *conversations) holds(t talk, b byte) bool {
	var out [32]byte
	return c.get(t, &out) && out == *keyOf(b)
}

func TestTheConversationUsedLongestAgoLeaves(t *testing.T) {
	c := newTalks(t, 3)
	for i := byte(1); i <= 3; i++ {
		c.put(talkOf(1, 0, i), keyOf(i))
	}
	if !c.holds(talkOf(1, 0, 1), 1) { // 1 is the newest now, 2 the oldest
		t.Fatal("1 is gone")
	}
	c.put(talkOf(1, 0, 4), keyOf(4))
	for i, want := range map[byte]bool{1: true, 2: false, 3: true, 4: true} {
		if c.holds(talkOf(1, 0, i), i) != want {
			t.Errorf("%d: kept %v", i, !want)
		}
	}
	c.put(talkOf(1, 0, 4), keyOf(9)) // known already
	if !c.holds(talkOf(1, 0, 4), 4) || len(c.index) != 3 {
		t.Error("a conversation has two keys")
	}
	other := talkOf(1, 0, 4)
	other.scheme = NIP04
	if c.holds(other, 4) {
		t.Error("the schemes share a key")
	}
}

func TestTalksOfOneHashDoNotShareAKey(t *testing.T) {
	c := newTalks(t, 3)
	first, second := talkOf(1, 1, 1), talkOf(1, 1, 2)
	c.put(first, keyOf(1))
	c.index[maphash.Comparable(c.seed, second)] = c.first // as if it had the hash of the first
	if c.holds(second, 1) {
		t.Fatal("a conversation got the key of another")
	}
	c.put(second, keyOf(2))
	if c.holds(first, 1) || !c.holds(second, 2) || len(c.index) != 1 || len(c.nodes) != 1 || len(c.free) != 0 {
		t.Errorf("of two talks with one hash the later one stays, in its place: %d in the index, %d places, %d free", len(c.index), len(c.nodes), len(c.free))
	}
}

func TestDroppedConversationsAreWiped(t *testing.T) {
	c := newTalks(t, 8)
	for own := byte(1); own <= 2; own++ {
		for peer := byte(1); peer <= 2; peer++ {
			c.put(talkOf(1, own, peer), keyOf(10*own+peer))
			c.put(talkOf(2, own, peer), keyOf(100+10*own+peer))
		}
	}
	c.drop(1, &nostr.PubKey{1})
	left := func() (n int) {
		must(t, c.block.Use(func(b []byte) {
			for i := 0; i < len(b); i += 32 {
				if !bytes.Equal(b[i:i+32], make([]byte, 32)) {
					n++
				}
			}
		}))
		return n
	}
	if n := left(); n != 6 || len(c.index) != 6 || c.holds(talkOf(1, 1, 1), 11) || !c.holds(talkOf(1, 2, 1), 21) || !c.holds(talkOf(2, 1, 1), 111) {
		t.Fatalf("%d keys in memory, %d in the index", n, len(c.index))
	}
	c.drop(1, nil)
	c.drop(3, nil)
	if n := left(); n != 4 || len(c.index) != 4 {
		t.Fatalf("%d keys in memory, %d in the index", n, len(c.index))
	}
	c.drop(2, nil)
	if n := left(); n != 0 || c.first != -1 || c.last != -1 || len(c.free) != 8 {
		t.Fatalf("%d keys in memory", n)
	}
	c.close()
	c.put(talkOf(1, 1, 1), keyOf(1))
	if c.holds(talkOf(1, 1, 1), 1) {
		t.Fatal("kept after the end")
	}
}

func TestConversationsStandManyAtOnce(t *testing.T) {
	c := newTalks(t, 16)
	var wg sync.WaitGroup
	for g := range byte(8) {
		wg.Go(func() {
			for i := range 2000 {
				b := byte(i*7+int(g)) % 40
				if i%97 == 0 {
					c.drop(1, &nostr.PubKey{b % 4})
				}
				var out [32]byte
				if c.get(talkOf(1, b%4, b), &out) {
					if out != *keyOf(b) {
						t.Error("another conversation's key")
						return
					}
					continue
				}
				c.put(talkOf(1, b%4, b), keyOf(b))
			}
		})
	}
	wg.Wait()
	if len(c.index)+len(c.free) != 16 {
		t.Fatalf("%d kept, %d free", len(c.index), len(c.free))
	}
}
