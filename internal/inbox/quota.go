package inbox

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/host"
)

// rateOf is how much of its requests a second a tenant has used.
type rateOf struct {
	mu      sync.Mutex
	limiter *rate.Limiter
}

// admit spends one request of the tenant's quota.
func (t *Tenant) admit(now time.Time) bool {
	q := t.Quota()
	if q.Unlimited {
		return true
	}
	if q.Rate <= 0 {
		return false
	}
	t.rate.mu.Lock()
	defer t.rate.mu.Unlock()
	switch l := t.rate.limiter; {
	case l == nil:
		t.rate.limiter = rate.NewLimiter(rate.Limit(q.Rate), host.Burst(q.Rate))
	case l.Limit() != rate.Limit(q.Rate):
		l.SetLimitAt(now, rate.Limit(q.Rate))
		l.SetBurstAt(now, host.Burst(q.Rate))
	}
	return t.rate.limiter.AllowN(now, 1)
}

// waiting is how many of the tenant's requests may wait for a place; 0: no bound.
func (t *Tenant) waiting(l Limits) int {
	if t.Quota().Unlimited {
		return 0
	}
	return l.TenantWaiting
}

// fullEvery is how often it is recorded, and told, that somebody found no seat.
const fullEvery = 24 * time.Hour

// noSeat records that somebody found no seat, if that was not done in the last day.
func (in *Inbox) noSeat(ctx context.Context, t *Tenant, why string) {
	now, last := in.Now().Unix(), t.full.Load()
	if last != 0 && now-last < int64(fullEvery/time.Second) || !t.full.CompareAndSwap(last, now) {
		return
	}
	err := t.Diary.Once(ctx, bunker.AuditRecord{
		Principal: "clients", Door: string(bunker.DoorRelay), Action: bunker.SeatsFull, Effect: bunker.Deny.String(), Rule: bunker.SeatsRule, Reason: why,
	}, fullEvery)
	if err != nil {
		t.full.CompareAndSwap(now, last)
		in.Log.Error("that there was no seat could not be recorded", "error", err)
	}
}
