package bunker

import "time"

// Freshness of requests, by ledger time (ledger.md). Arrival and commit use the
// same figures; rows are kept longer than any event that could still be
// accepted, or a pruned row could be signed anew.
const (
	// Freshness is how old a request's event may be.
	Freshness = 10 * time.Minute
	// Ahead is how far in the future it may be dated.
	Ahead = 5 * time.Minute
	// PruneMargin is added before a row is pruned.
	PruneMargin = 5 * time.Minute
	// KeepRows is how long a row stays at least, by its insertion.
	KeepRows = 48 * time.Hour
	// NoticeWindow is how far off a known client's clock may be for it to be
	// told so. It is far shorter than KeepRows: an event that was answered once
	// still has its row, so the notice is never a second reply.
	NoticeWindow = 24 * time.Hour
	// GiveUp is how long an undelivered reply is sent again.
	GiveUp = 10 * time.Minute
	// SubscribeBack is how far back relays are asked for requests.
	SubscribeBack = 10 * time.Minute
)

// Fresh reports whether an event dated createdAt (unix seconds) may be worked
// on at now (unix ms).
func Fresh(createdAt, now int64) bool {
	age := now/1000 - createdAt
	return age <= int64(Freshness/time.Second) && age >= -int64(Ahead/time.Second)
}

// Noticeable reports whether a stale event is near enough that its sender can be
// told of the difference.
func Noticeable(createdAt, now int64) bool {
	age := now/1000 - createdAt
	return age <= int64(NoticeWindow/time.Second) && age >= -int64(NoticeWindow/time.Second)
}
