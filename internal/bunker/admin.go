package bunker

import (
	"fmt"

	"nsecbunker/nostr"
)

// Role is what an admin may do. The zero value may nothing.
type Role uint8

// The roles, each including the ones before it (security.md section 4, Roles).
const (
	NoRole Role = iota
	Viewer
	Approver
	Operator
	Owner
)

var roleNames = [...]string{NoRole: "none", Viewer: "viewer", Approver: "approver", Operator: "operator", Owner: "owner"}

func (r Role) String() string {
	if int(r) < len(roleNames) {
		return roleNames[r]
	}
	return "none"
}

// ParseRole reads viewer, approver, operator or owner.
func ParseRole(s string) (Role, error) {
	for i, n := range roleNames {
		if s == n && Role(i) != NoRole {
			return Role(i), nil
		}
	}
	return NoRole, fmt.Errorf("role %q is none of viewer, approver, operator, owner", s)
}

// MarshalText writes the role's word.
func (r Role) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads the role's word.
func (r *Role) UnmarshalText(b []byte) (err error) {
	*r, err = ParseRole(string(b))
	return err
}

// Admin is a person (an npub) with a role.
type Admin struct {
	Tenant  TenantID
	PubKey  nostr.PubKey
	Role    Role
	Name    string
	AddedBy string
	// Keys are the user keys that the role is for; empty: every key, and what is the
	// whole bunker's. The id of a key that is gone stays, or the list could become
	// empty.
	Keys []KeyID
	// ActiveAt is when the role begins (unix ms): naming a new owner by socket
	// and passphrase waits 24 h when other owners exist.
	ActiveAt int64
	// LegacyUntil is until when (unix ms) the person may use the first nsecBunker's
	// admin protocol; 0: not at all.
	LegacyUntil int64
	// Script: the person's commands may come over HTTP, signed as NIP-98 says.
	Script    bool
	CreatedAt int64 // unix ms
	Version   int64
}

// AuthorityRow implements [Authority].
func (a *Admin) AuthorityRow() (TenantID, string, string, int64) {
	return a.Tenant, "admin", a.PubKey.String(), a.Version
}

// Canonical implements [Authority].
func (a *Admin) Canonical() []byte {
	var c canon
	c.num(int64(a.Role))
	c.str(a.Name)
	c.str(a.AddedBy)
	c.num(a.ActiveAt)
	c.num(a.CreatedAt)
	// Rows that are older than scopes, and than other doors, keep their MAC.
	doors := a.LegacyUntil != 0 || a.Script
	if len(a.Keys) > 0 || doors {
		c.keys(a.Keys)
	}
	if doors {
		c.num(a.LegacyUntil)
		c.flag(a.Script)
	}
	return c.b
}

// Legacy reports whether the person may use the first nsecBunker's admin protocol.
func (a *Admin) Legacy(now int64) bool { return now < a.LegacyUntil }

// OwnsAll reports an owner of the whole bunker: one of some keys is no such owner.
func (a *Admin) OwnsAll() bool { return a.Role == Owner && len(a.Keys) == 0 }

// Door is the way a command or request came in.
type Door string

// The doors.
const (
	DoorSocket Door = "socket"
	DoorRelay  Door = "relay"
	DoorHTTP   Door = "http"
	DoorSystem Door = "system" // sweeps and timers of the bunker itself
	DoorDM     Door = "dm"     // a code in a direct message: one question, no, or once
	DoorLegacy Door = "legacy" // the first nsecBunker's admin protocol
)

// Principal is whoever causes something. The zero value is nobody.
type Principal struct {
	// Name is "local", "system", an npub, or "client <pubkey>".
	Name string
	Role Role
	Door Door
	// PubKey is the person's npub; zero for local and system.
	PubKey nostr.PubKey
	// Device is the confirmed browser or script that the person uses; "" without one.
	Device string
	// Keys are the user keys that the role is for; empty: every key, and what is
	// the whole bunker's.
	Keys []KeyID
	// Fresh: the caller proved himself anew for this very command (passphrase
	// over the socket, signed command over the relay).
	Fresh bool
}
