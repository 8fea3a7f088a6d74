package daemon

import (
	"sync"
	"testing"
)

// TestOneAlarmIsRaisedInAnOpening: of many rows read at once, of an opening that is
// over, and of none while sealed.
func TestOneAlarmIsRaisedInAnOpening(t *testing.T) {
	var a alarms
	var wg sync.WaitGroup
	raised := make(chan uint64, 100)
	for i := range 100 {
		wg.Go(func() {
			if opening := uint64(i % 2); a.first(opening) {
				raised <- opening
			}
		})
	}
	wg.Wait()
	close(raised)
	var got []uint64
	for opening := range raised {
		got = append(got, opening)
	}
	if len(got) != 1 || got[0] != 1 {
		t.Errorf("alarms in the openings %v, want one in 1", got)
	}
	if !a.first(2) || a.first(1) || a.first(2) {
		t.Error("the second opening has not one alarm of its own")
	}
}
