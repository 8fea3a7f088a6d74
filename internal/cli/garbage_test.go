package cli

import (
	"runtime/metrics"
	"testing"
)

func TestTheHeapStaysWithinItsAimAndNeverCollectsAllTheTime(t *testing.T) {
	for live, want := range map[uint64]int{
		0: mostGrowth, 1 << 20: mostGrowth, 10 << 20: 210, 15 << 20: 106, 18 << 20: 72, 20 << 20: 55, 22 << 20: 40, 24 << 20: leastGrowth, 40 << 20: leastGrowth,
		crowded - 1: leastGrowth, crowded: crowdedGrowth, 1 << 40: crowdedGrowth,
	} {
		if got := growth(live); got != want {
			t.Errorf("%d MiB alive may grow by %d %%, want %d %%", live>>20, got, want)
		}
		if total := live + live*uint64(growth(live))/100; live <= heapAim*100/(100+leastGrowth) && total > heapAim {
			t.Errorf("%d MiB alive grow to %d MiB", live>>20, total>>20)
		}
	}
	s := []metrics.Sample{{Name: liveHeap}}
	if metrics.Read(s); s[0].Value.Kind() != metrics.KindUint64 {
		t.Error("this Go does not say how much is alive: see tendGarbage")
	}
}
