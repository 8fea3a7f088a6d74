package nostr

import (
	"bytes"
	"slices"
)

// PubKeys is a set of public keys, in their order and each once. It takes 32 bytes a key,
// less than half of what a map does, and holds no pointer: of ten thousand keys that are
// alive all the time it is nothing for the garbage collector to look at. Nobody changes it.
type PubKeys []PubKey

// PubKeysOf makes a set of keys: the same ones, if they are in order already, and a copy else.
func PubKeysOf(keys []PubKey) PubKeys {
	for i := 1; i < len(keys); i++ {
		if comparePubKeys(keys[i-1], keys[i]) >= 0 {
			keys = slices.Clone(keys)
			slices.SortFunc(keys, comparePubKeys)
			return PubKeys(slices.Clip(slices.Compact(keys)))
		}
	}
	return PubKeys(keys)
}

// Index returns the place of p, and whether it is there.
func (s PubKeys) Index(p PubKey) (i int, ok bool) {
	return slices.BinarySearchFunc(s, p, comparePubKeys)
}

// Has reports whether p is one of them.
func (s PubKeys) Has(p PubKey) bool {
	_, ok := s.Index(p)
	return ok
}

func comparePubKeys(a, b PubKey) int { return bytes.Compare(a[:], b[:]) }
