package host

import (
	"encoding/json"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr"
)

const (
	// EndNotice is how long a bunker that somebody has set up must have been held before it
	// can be ended, so that its people hear of it and take their keys along.
	EndNotice = 24 * time.Hour
	// MaxFirstAdmins is how many npubs can be named for a new bunker.
	MaxFirstAdmins = 10
	// MaxLabel is the longest label of a tenant, in characters.
	MaxLabel = 60
	// MaxWhy is the longest reason for a standing, in characters.
	MaxWhy = 200
)

// Tenant is a bunker of a hosted instance as its provider has it: nothing of its
// keys, policies or admins but who may set it up.
type Tenant struct {
	ID    bunker.TenantID
	Label string // the provider's word
	Order string // what it was made for; "" for none
	// Admins are those who may set it up; each is an owner then.
	Admins   []nostr.PubKey
	AdminKey nostr.PubKey
	// Service is its service key and Setup its setup code, both wrapped for the
	// house. Setup is nil once it is set up, both are after the end.
	Service, Setup []byte
	Why            string // of the standing, for the tenant's people
	CreatedAt      int64  // unix ms
	HeldAt         int64  // unix ms, since when it does not work; 0: it does
	EndedAt        int64  // unix ms; 0: it has not ended
	Version        int64

	// Of the tenant's own row; nothing after the end:

	SetUp    bool
	Standing bunker.TenantStanding
	Quota    bunker.Quota
}

// State is how far a tenant is.
type State string

// The states of a tenant.
const (
	Waiting   State = "waiting" // made, not set up
	Active    State = "active"
	ReadOnly  State = "read-only"
	Suspended State = "suspended"
	Ended     State = "ended"
)

// State returns how far it is.
func (t *Tenant) State() State {
	switch {
	case t.EndedAt != 0:
		return Ended
	case t.Standing == bunker.StandingReadOnly:
		return ReadOnly
	case t.Standing == bunker.StandingSuspended:
		return Suspended
	case !t.SetUp:
		return Waiting
	}
	return Active
}

// MayEnd reports whether it can be ended at a time (unix ms); err is a sentence.
func (t *Tenant) MayEnd(now int64) error {
	switch {
	case t.EndedAt != 0:
		return bunker.Errorf(bunker.CodeConflict, "the bunker %s has ended", t.ID)
	case !t.SetUp:
		return nil // nobody has put anything there
	case t.HeldAt == 0:
		return bunker.Errorf(bunker.CodeConflict, "the bunker %s works; suspend it first, so that its people hear of it and can export", t.ID).
			WithHint("nsecbunker tenant suspend %s --why REASON", t.ID)
	case now < t.HeldAt+EndNotice.Milliseconds():
		return bunker.Errorf(bunker.CodeConflict, "the bunker %s was suspended less than 24 hours ago; its people need that time to export", t.ID)
	}
	return nil
}

// Canonical is what a tenant's MAC is over: all that its own row does not protect
// otherwise.
func (t *Tenant) Canonical() []byte {
	b, err := json.Marshal([]any{t.ID, t.Label, t.Order, t.Admins, t.AdminKey, t.Why, t.CreatedAt, t.HeldAt, t.EndedAt, t.Version})
	if err != nil {
		panic(err) // texts and numbers always marshal
	}
	return b
}
