package inbox

import (
	"context"
	"time"

	"nsecbunker/internal/adminwire"
	"nsecbunker/internal/bunker"
	"nsecbunker/nostr"
)

// Door is where messages of one tenant's administrators go.
type Door interface {
	// Of is the tenant.
	Of() bunker.TenantID
	// Known reports a key that has a session: it has reserved capacity.
	Known(client nostr.PubKey) bool
	// Take works on a verified event to the admin key, and returns when it was
	// answered, or will not be.
	Take(ctx context.Context, link string, ev *nostr.Event) (ok bool, reason string)
}

const (
	// adminPlaces is how many messages of sessions are worked on at once, and
	// adminVisitors how many of those who are not logged in; both apart from those of
	// apps. A command can take seconds. Tenants take turns at both, as their apps do.
	adminPlaces   = 256
	adminVisitors = 8
	// maxAdminWaiting is how many messages of one tenant's admins may wait for a place.
	maxAdminWaiting = 64
	// adminSeen and visitorsSeen are how many ids of verified events of each are
	// remembered. Strangers do not push out those of sessions: a relay that repeats
	// what it heard spends nothing of theirs.
	adminSeen    = 1 << 15
	visitorsSeen = 1 << 12
)

// admins is what is volatile about messages to the admin key.
type admins struct {
	known, visitors visitorsOf
	strangers       *strangers // their budget for each link, apart from that of unknown apps
}

// visitorsOf is the places and ids of one kind of comers.
type visitorsOf struct {
	places *places
	seen   *seen
}

func newAdmins(l Limits, now time.Time) *admins {
	return &admins{
		known:     visitorsOf{newPlaces(adminPlaces, adminPlaces/keptShare, few), newSeen(adminSeen, now)},
		visitors:  visitorsOf{newPlaces(adminVisitors, adminVisitors/keptShare, 1), newSeen(visitorsSeen, now)},
		strangers: newStrangers(l),
	}
}

// toDoor takes one event to an admin key: size, time, then signature, then not
// yet seen. Strangers' events are bounded by link before anything is computed.
func (in *Inbox) toDoor(ctx context.Context, door Door, link string, ev *nostr.Event, size int) Verdict {
	if ev.Kind != adminwire.Kind && ev.Kind != adminwire.KindOld {
		return refused("blocked: not for this bunker")
	}
	if size > adminwire.MaxEvent {
		return refused("invalid: the event is too large")
	}
	now := in.Now()
	if away := now.Sub(time.Unix(ev.CreatedAt, 0)); away > adminwire.MaxSkew || away < -adminwire.MaxSkew {
		return refused("invalid: created_at is too far from now; check the clock")
	}
	from := &in.admins.known
	if !door.Known(ev.PubKey) {
		if !in.admins.strangers.admit(linkTo{link, door.Of()}, now) {
			return refused("rate-limited: too many events; slow down")
		}
		from = &in.admins.visitors
	}
	if from.seen.has(ev.ID) {
		return accepted // another relay brought it; who sends again closes a new event
	}
	switch from.places.enter(ctx, door.Of(), maxAdminWaiting, in.stopped) {
	case crowded:
		return refused("rate-limited: too many messages to this bunker's admin key at once; slow down")
	case without:
		return refused("error: the bunker is shutting down, or the link ended; send it again")
	}
	defer from.places.leave(door.Of())
	if err := ev.Verify(); err != nil {
		in.BadSignature(link)
		return refused("invalid: " + err.Error())
	}
	if !from.seen.first(ev.ID, now) {
		return accepted
	}
	ok, reason := door.Take(ctx, link, ev)
	return Verdict{OK: ok, Reason: reason}
}
