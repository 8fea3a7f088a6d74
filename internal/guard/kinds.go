package guard

import "nsecbunker/nostr"

// baseline are the kinds that are fetched when a key is brought along: the profile,
// the follow list and the lists of NIP-51 and its neighbours. Those with a d tag are
// not among them: there can be any number, and a new one wipes nothing.
var baseline = [...]nostr.Kind{
	0, 3, 10000, 10001, 10002, 10003, 10004, 10005, 10006, 10007, 10009, 10012, 10013, 10015, 10017, 10018, 10019, 10020, 10030, 10050,
	10051, 10063, 10096, 10101, 10102, 17375,
}

// BaselineKinds returns the kinds that are fetched for a key that is brought along.
func BaselineKinds() []nostr.Kind { return append([]nostr.Kind(nil), baseline[:]...) }

// Fetched reports whether a kind is among BaselineKinds.
func Fetched(k nostr.Kind) bool {
	for _, b := range baseline {
		if b == k {
			return true
		}
	}
	return false
}
