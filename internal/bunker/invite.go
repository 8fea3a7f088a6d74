package bunker

import "nsecbunker/nostr"

// InviteID names an invitation.
type InviteID string

// NewInviteID returns a fresh random id.
func NewInviteID() InviteID { return InviteID("i" + randomID(idBytes)) }

// InviteState is the life of an invitation. One past its time is as if it were
// revoked.
type InviteState string

// The states of an invitation.
const (
	InviteOpen     InviteState = "open"
	InviteAccepted InviteState = "accepted"
	InviteRevoked  InviteState = "revoked"
)

// Invite lets one person become an admin.
type Invite struct {
	Tenant TenantID
	ID     InviteID
	// SecretHash is SHA-256 of the secret, which is shown once; zero when For alone
	// may accept, without a secret.
	SecretHash [32]byte
	// For is whose invitation it is; zero: of whoever has the secret.
	For  nostr.PubKey
	Role Role
	Keys []KeyID // as Admin.Keys
	Name string
	// InvitedBy is the principal's name, Inviter his npub; zero for the machine.
	InvitedBy  string
	Inviter    nostr.PubKey
	State      InviteState
	AcceptedBy nostr.PubKey
	AcceptedAt int64 // unix ms
	ExpiresAt  int64 // unix ms
	CreatedAt  int64 // unix ms
	Version    int64

	// Tries counts wrong secrets; not in the MAC.
	Tries int64
}

// AuthorityRow implements [Authority].
func (i *Invite) AuthorityRow() (TenantID, string, string, int64) {
	return i.Tenant, "invite", string(i.ID), i.Version
}

// Canonical implements [Authority].
func (i *Invite) Canonical() []byte {
	var c canon
	c.bytes(i.SecretHash[:])
	c.bytes(i.For[:])
	c.num(int64(i.Role))
	c.keys(i.Keys)
	c.str(i.Name)
	c.str(i.InvitedBy)
	c.bytes(i.Inviter[:])
	c.str(string(i.State))
	c.bytes(i.AcceptedBy[:])
	c.num(i.AcceptedAt)
	c.num(i.ExpiresAt)
	c.num(i.CreatedAt)
	return c.b
}
