package daemon

import (
	"slices"

	"nsecbunker/internal/relay"
)

// liveFirst orders relays for a bunker:// string: those that are heard right now before those that are not, and otherwise
// as they were named. Some libraries use only the first one, others wait for ever on a dead one (interop.md, 11).
func liveFirst(urls []string, status []relay.Status) []string {
	down := map[string]int{}
	for _, s := range status {
		if s.State != relay.Up {
			down[s.URL] = 1
		}
	}
	out := slices.Clone(urls)
	slices.SortStableFunc(out, func(a, b string) int { return down[a] - down[b] })
	return out
}
