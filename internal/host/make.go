package host

import (
	"strconv"
	"unicode/utf8"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr"
)

// Spec is a bunker that is to be made.
type Spec struct {
	// Order is what it is made for: for one order there is one bunker, however often it
	// is asked for. "": by hand.
	Order string
	Label string
	// Admins are those who may set it up; none: whoever has the setup code.
	Admins []nostr.PubKey
	// Quota is what it may use; the zero value lets nobody sign.
	Quota bunker.Quota
}

// MaxOrder is the longest name of an order, in bytes.
const MaxOrder = 128

// Check reports the first thing of a spec that cannot be. Errors are *bunker.Error.
func (s *Spec) Check() error {
	if len(s.Order) > MaxOrder {
		return bunker.Errorf(bunker.CodeInvalid, "an order's name has at most %d bytes", MaxOrder).In("order")
	}
	if utf8.RuneCountInString(s.Label) > MaxLabel {
		return bunker.Errorf(bunker.CodeInvalid, "a label has at most %d characters", MaxLabel).In("label")
	}
	if len(s.Admins) > MaxFirstAdmins {
		return bunker.Errorf(bunker.CodeInvalid, "%s first admins at most; the owner names the others later", strconv.Itoa(MaxFirstAdmins)).In("admins")
	}
	seen := map[nostr.PubKey]bool{}
	for _, p := range s.Admins {
		if p.IsZero() || seen[p] {
			return bunker.Errorf(bunker.CodeInvalid, "an admin is named twice, or is no key").In("admins")
		}
		seen[p] = true
	}
	return nil
}

// Bunker is a bunker as whoever ordered it gets it.
type Bunker struct {
	Tenant           bunker.TenantID
	ConnectionString string // no secret
	SetupCode        string // "" once it is set up
	Again            bool   // it was made before, for the same order
}
