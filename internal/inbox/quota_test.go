package inbox

import (
	"testing"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/host"
)

func TestATenantHasItsRequestsASecondAndNoMore(t *testing.T) {
	var q bunker.Quota
	tenant := &Tenant{ID: "a", Quota: func() bunker.Quota { return q }}
	now := time.Unix(1_800_000_000, 0)
	of := func(n int) (admitted int) {
		for range n {
			if tenant.admit(now) {
				admitted++
			}
		}
		return admitted
	}
	if of(10) != 0 {
		t.Error("something is worked on without a quota")
	}
	q.Rate = 5
	if got, want := of(1000), host.Burst(5); got != want {
		t.Errorf("%d at once, not %d", got, want)
	}
	now = now.Add(3 * time.Second)
	if got := of(100); got != 15 {
		t.Errorf("%d in 3 seconds", got)
	}
	q.Rate = 50
	now = now.Add(time.Second)
	if got := of(1000); got < 5 || got > 50+host.Burst(5) {
		t.Errorf("%d in the second after the quota was raised", got)
	}
	now = now.Add(time.Hour)
	if got := of(5000); got != host.Burst(50) {
		t.Errorf("%d at once, under the raised one", got)
	}
	q.Unlimited = true
	if of(5000) != 5000 {
		t.Error("something is refused without a bound")
	}
}
