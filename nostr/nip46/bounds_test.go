package nip46

import (
	"encoding/binary"
	"testing"

	"nsecbunker/nostr"
)

func TestTheMemoryOfIDsIsBounded(t *testing.T) {
	var s seenSet
	id := func(n int) (id nostr.ID) {
		binary.BigEndian.PutUint64(id[:], uint64(n))
		return id
	}
	for n := range 3 * maxSeen {
		if !s.add(id(n)) || s.add(id(n)) || !s.has(id(n)) {
			t.Fatalf("id %d is not noted once", n)
		}
	}
	if len(s.ids) != maxSeen || len(s.ring) != maxSeen {
		t.Errorf("%d ids are remembered", len(s.ids))
	}
	if s.has(id(2*maxSeen-1)) || !s.has(id(2*maxSeen)) {
		t.Error("not the oldest were forgotten")
	}
}

func TestABunkerThatRepeatsItselfFillsNoMemory(t *testing.T) {
	remote := mustKey(t, fiatjaf)
	c := &Client{session: Session{Remote: remote}, calls: map[string]chan Reply{"1": make(chan Reply, maxReplies)}}
	for range 10 * maxReplies {
		c.deliver(remote, Success("1", "x"))
		c.deliver(remote, Success("unknown", "x"))
		c.deliver(nostr.PubKey{}, Success("1", "x"))
	}
	if n := len(c.calls["1"]); n != maxReplies {
		t.Errorf("%d replies wait", n)
	}
}
