package nostr

import (
	"slices"
	"testing"
)

// However keys are given, a set has each of them once, in order, and no other.
func TestASetOfPubKeysHasEachOnce(t *testing.T) {
	given := []PubKey{{3}, {1}, {2}, {1}, {3, 1}}
	before := slices.Clone(given)
	s := PubKeysOf(given)
	if want := (PubKeys{{1}, {2}, {3}, {3, 1}}); !slices.Equal(s, want) {
		t.Errorf("the set is %v, want %v", s, want)
	}
	if !slices.Equal(given, before) {
		t.Error("the keys that were given were moved")
	}
	for i, p := range s {
		if at, ok := s.Index(p); !ok || at != i {
			t.Errorf("key %d is found at %d (%v)", i, at, ok)
		}
	}
	if s.Has(PubKey{4}) || s.Has(PubKey{}) || PubKeys(nil).Has(PubKey{1}) {
		t.Error("a key is found that is in no set")
	}
}

// Keys in order are not copied: the ring and each relay have one list together.
func TestKeysInOrderAreTheSetThemselves(t *testing.T) {
	given := []PubKey{{1}, {2}, {3}}
	if s := PubKeysOf(given); &s[0] != &given[0] {
		t.Error("keys in order were copied")
	}
	if s := PubKeysOf(nil); len(s) != 0 {
		t.Errorf("no keys make a set of %d", len(s))
	}
}
