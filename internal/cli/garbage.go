package cli

import (
	"context"
	"math"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// heapAim (bytes) is what the heap may grow to before garbage is collected:
	// with what the runtime, SQLite and the program itself take (45 MB), the process
	// stays below 80 MB. Where little is alive, garbage is collected seldom.
	heapAim = 31 << 20
	// leastGrowth (percent of what is alive) is allowed even where much is: else
	// more time would go into looking for garbage than into requests.
	leastGrowth = 35
	// crowded is how much is alive only where many bunkers are hosted, and crowdedGrowth what is
	// allowed there: memory is bounded by the guests then, not by heapAim, and looking for garbage
	// at 40 % costs each request a sixth of its CPU.
	crowded       = 64 << 20
	crowdedGrowth = 200
	// mostGrowth is allowed where little is.
	mostGrowth = 300
	// tendEvery is how often that is looked at.
	tendEvery = time.Second
	// settledAfter (of these times) the bunker has started: what only starting needed
	// is given back.
	settledAfter = 2
)

// liveHeap is the size of what the last collection found alive.
const liveHeap = "/gc/heap/live:bytes"

// growth is how much (percent of live) the heap may grow before the next
// collection.
func growth(live uint64) int {
	switch {
	case live == 0:
		return mostGrowth
	case live >= crowded:
		return crowdedGrowth
	}
	return int(math.Min(mostGrowth, math.Max(leastGrowth, (heapAim-float64(live))*100/float64(live))))
}

// tendGarbage keeps the memory of the process within heapAim, where that can be
// had, until ctx ends, and gives back what starting left. Who sets GOGC knows better.
func (a *app) tendGarbage(ctx context.Context) {
	if a.getenv("GOGC") != "" {
		return
	}
	t := time.NewTicker(tendEvery)
	defer t.Stop()
	live := []metrics.Sample{{Name: liveHeap}}
	before := 100
	for n := 1; ; n++ {
		select {
		case <-ctx.Done():
			debug.SetGCPercent(100)
			return
		case <-t.C:
		}
		if n == settledAfter {
			debug.FreeOSMemory()
			_ = giveBackPages() // no /proc: then it stays
		}
		metrics.Read(live)
		if live[0].Value.Kind() != metrics.KindUint64 {
			return // a runtime that does not say
		}
		// Each change stops everything for a moment: only where it matters.
		if now := growth(live[0].Value.Uint64()); now != before && (now-before)*8/before != 0 {
			debug.SetGCPercent(now)
			before = now
		}
	}
}
