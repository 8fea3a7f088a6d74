package lease

import (
	"crypto/sha256"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr"
)

// Part is the part that a key of the bunker's own belongs to, of so many. It is by a
// hash: whoever chooses keys does not choose where they go.
func Part(p nostr.PubKey, parts int) int {
	sum := sha256.Sum256(p[:])
	return (int(sum[0])<<8 | int(sum[1])) % parts
}

// live are the instances that count, with those that drain or without.
func live(st *bunker.Standing, dead time.Duration, draining bool) (out []bunker.Instance) {
	for _, i := range st.Instances {
		if st.Now-i.Beat < dead.Milliseconds() && (draining || !i.Draining) {
			out = append(out, i)
		}
	}
	return out
}

// Plan is what an instance does about leases.
type Plan struct {
	Take int // at most so many of those that nobody holds who lives
	Give int // so many of its own
	All  bool
}

// plan gives each instance that lives the same share, one more or less. Who has too many
// gives them up; nobody takes what another one holds and can still work off.
func plan(st *bunker.Standing, me bunker.InstanceID, dead time.Duration, draining bool) Plan {
	if draining {
		return Plan{All: true}
	}
	alive := live(st, dead, false)
	working := map[bunker.InstanceID]bool{me: true}
	for _, i := range alive {
		working[i.ID] = true
	}
	mine, free := 0, 0
	for _, of := range st.Leases {
		switch {
		case of == me:
			mine++
		case !working[of]:
			free++
		}
	}
	share := (len(st.Leases) + len(working) - 1) / len(working)
	switch {
	case mine > share:
		return Plan{Give: mine - share}
	case mine < share:
		return Plan{Take: min(share-mine, free)}
	}
	return Plan{}
}
