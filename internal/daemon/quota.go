package daemon

import (
	"sync/atomic"
	"time"

	"nsecbunker/internal/bunker"
)

// quotaFor is how long a tenant's quota is taken as it was read: a change by the
// provider, on whatever instance, holds after it.
const quotaFor = 5 * time.Second

// readQuota is a quota and when it was read.
type readQuota struct {
	bunker.Quota
	at time.Time // of the process's own clock
}

// quota is a tenant's as it was read last. Its zero value was not read.
type quota struct{ last atomic.Pointer[readQuota] }

// quotaNow is what the tenant may use, for what is counted in memory. What is counted
// in the store reads it there.
func (t *tenant) quotaNow() bunker.Quota {
	now := time.Now()
	last := t.quota.last.Load()
	if last != nil && now.Sub(last.at) < quotaFor {
		return last.Quota
	}
	st, _, err := t.store.Tenant(t.life, t.id)
	switch {
	case err == nil:
		last = &readQuota{st.Quota, now}
		t.quota.last.Store(last)
	case last == nil:
		return bunker.Quota{}
	}
	return last.Quota
}
