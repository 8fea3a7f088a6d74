package admin

import (
	"testing"

	"nsecbunker/internal/adminwire"
	"nsecbunker/internal/bunker"
)

// TestJudgeCopy: what is in the own store is never a copy's, whatever it says; anything else
// of this life or a newer one stops, and of an older one warns once.
func TestJudgeCopy(t *testing.T) {
	own, ok := bunker.Announced(nil).Add("mine", 50, 0)
	if !ok {
		t.Fatal("nothing could be kept")
	}
	running := bunker.TenantState{Incarnation: "i5", IncarnationNo: 5, RefuseBefore: 100}
	chosen := running // for which a stop ended that the highest number of all had caused
	chosen.IncarnationNo = adminwire.MaxLife + 1
	stopped := running
	stopped.Stopped = true
	for name, c := range map[string]struct {
		st    bunker.TenantState
		heard heardCopies
		what  CopyParams
		want  CopyVerdict
	}{
		"its own":                        {running, heardCopies{}, CopyParams{Said: "mine", Life: 5, Incarnation: "i5", At: 200}, CopyNone},
		"its own, of another life":       {running, heardCopies{}, CopyParams{Said: "mine", Life: 9, Incarnation: "i9", At: 200}, CopyNone},
		"a copy":                         {running, heardCopies{}, CopyParams{Said: "x", Life: 5, Incarnation: "i5", At: 200}, CopyStopsThis},
		"another life, the same number":  {running, heardCopies{}, CopyParams{Said: "x", Life: 5, Incarnation: "other", At: 200}, CopyStopsThis},
		"a newer life":                   {running, heardCopies{}, CopyParams{Said: "x", Life: 6, Incarnation: "i6", At: 1}, CopyStopsThis},
		"an older life":                  {running, heardCopies{}, CopyParams{Said: "x", Life: 4, Incarnation: "i4", At: 200}, CopyOlder},
		"an older life, again":           {running, heardCopies{Older: "i4"}, CopyParams{Said: "y", Life: 4, Incarnation: "i4", At: 300}, CopyKnown},
		"another older life":             {running, heardCopies{Older: "i4"}, CopyParams{Said: "y", Life: 3, Incarnation: "i3", At: 300}, CopyOlder},
		"of before this life":            {running, heardCopies{}, CopyParams{Said: "x", Life: 4, Incarnation: "i4", At: 100}, CopyNone},
		"the highest life that there is": {running, heardCopies{}, CopyParams{Said: "x", Life: adminwire.MaxLife, Incarnation: "f", At: 200}, CopyStopsThis},
		"and never again":                {chosen, heardCopies{}, CopyParams{Said: "x", Life: adminwire.MaxLife, Incarnation: "f", At: 200}, CopyOlder},
		"stopped for it":                 {stopped, heardCopies{Stopped: &HeardCopy{Life: 6}}, CopyParams{Said: "y", Life: 6, Incarnation: "i6", At: 200}, CopyNone},
		"stopped for an older one":       {stopped, heardCopies{Stopped: &HeardCopy{Life: 5}}, CopyParams{Said: "y", Life: 6, Incarnation: "i6", At: 200}, CopyStopsThis},
		"stopped by a person":            {stopped, heardCopies{}, CopyParams{Said: "y", Life: 5, Incarnation: "i5", At: 200}, CopyStopsThis},
	} {
		if got := judgeCopy(&c.st, own, &c.heard, &c.what); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}
