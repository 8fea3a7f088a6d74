package bunker

import (
	"encoding/hex"

	"nsecbunker/nostr"
)

// Baseline says what is known of a key's replaceable events from before the first
// that was signed here.
type Baseline uint8

const (
	// BaselineEmpty: the key was made here, so there is nothing before.
	BaselineEmpty Baseline = iota
	// BaselineUnknown: the key was brought along, and nothing was fetched.
	BaselineUnknown
	// BaselineFetched: relays that have the key's lists were asked for them; what
	// they did not have of the kinds that they were asked for, there is not.
	BaselineFetched
)

// KeptSource says where a kept version comes from.
type KeptSource string

const (
	// KeptSigned was signed here for an app, or for an admin.
	KeptSigned KeptSource = "signed"
	// KeptFetched was found on a relay, with a good signature.
	KeptFetched KeptSource = "fetched"
)

// Address is the keyed digest of key, kind and d tag: a d tag is content, and
// stands nowhere in the open.
type Address [32]byte

func (a Address) String() string { return hex.EncodeToString(a[:]) }

// KeptVersion is a version of a replaceable event that the bunker keeps, to compare
// the next one with and to bring it back (internal/guard). It has no authority.
type KeptVersion struct {
	Tenant  TenantID
	Key     KeyID
	Kind    nostr.Kind
	Address Address
	// Seq numbers the versions of one address, from 1 on.
	Seq       int64
	CreatedAt int64 // unix seconds, the event's own
	EventID   nostr.ID
	Source    KeptSource
	// Connection that it was signed for; "" for an admin's, and what was fetched.
	Connection ConnectionID
	KeptAt     int64 // unix ms
	// Seen: a person agreed to what it lost, or ordered it, or it was fetched. What
	// is lost in small steps is counted from here.
	Seen bool
	// Current: relays hold this one, as far as is known here. Lists say so; it is not
	// stored.
	Current bool
	// Sealed is the event as JSON, under the root key.
	Sealed []byte
}

// LastVersion is what the guard compares with.
type LastVersion struct {
	// Current is the version that relays hold: the one with the latest created_at;
	// nil when none is kept.
	Current *KeptVersion
	// Seq is the number of the newest version, 0 without one. The next one's is
	// higher by one, or its commit is decided anew.
	Seq int64
}
