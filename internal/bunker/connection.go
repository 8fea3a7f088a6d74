package bunker

import (
	"nsecbunker/nostr"
)

// ConnectionState is the life of a connection.
type ConnectionState string

// The states of a connection. Everything but active answers with a refusal
// that says why; only a key that was never a connection is a stranger.
const (
	ConnPending   ConnectionState = "pending"
	ConnActive    ConnectionState = "active"
	ConnSuspended ConnectionState = "suspended"
	ConnEnded     ConnectionState = "ended" // by the app's logout
	ConnRevoked   ConnectionState = "revoked"
	ConnExpired   ConnectionState = "expired"
)

// ClientMetadata is what a client says of itself: a display hint, never
// authority (NIP-46, Client metadata).
type ClientMetadata struct {
	Name  string `json:"name,omitempty"`
	URL   string `json:"url,omitempty"`
	Image string `json:"image,omitempty"`
}

// Connection is the lasting relation client × user key.
type Connection struct {
	Tenant TenantID
	ID     ConnectionID
	Key    KeyID
	// Signer is the key that hears this client and answers it: fixed at birth.
	Signer nostr.PubKey
	Client nostr.PubKey
	State  ConnectionState
	Token  TokenID // "" for nostrconnect and npub login
	// Name is the admin's; Metadata is the client's own claim.
	Name   string
	Person string
	// Relays are where the client hears us; empty: the tenant's relays.
	Relays []string
	// SwitchTo are the relays that the client is told to use when it asks
	// (switch_relays); empty: the tenant's.
	SwitchTo []string
	// ResumeAt, of a suspended connection, is when it is active again by itself (unix
	// ms); 0: never. Of a revoked one it is when that was: see [Connection.Reopens].
	ResumeAt  int64
	ExpiresAt int64 // unix ms, 0: never
	CreatedAt int64 // unix ms
	Version   int64

	// Not authority, outside the MAC:

	Metadata ClientMetadata
	LastUsed int64 // unix ms
	Uses     int64
	// SeatDay is the last day (unix ms / 24 h) on which something was allowed that
	// needs a seat; kept only where there is a quota.
	SeatDay int64
}

// AuthorityRow implements [Authority].
func (c *Connection) AuthorityRow() (TenantID, string, string, int64) {
	return c.Tenant, "connection", string(c.ID), c.Version
}

// Canonical implements [Authority].
func (c *Connection) Canonical() []byte {
	var b canon
	b.str(string(c.Key))
	b.bytes(c.Signer[:])
	b.bytes(c.Client[:])
	b.str(string(c.State))
	b.str(string(c.Token))
	b.str(c.Name)
	b.str(c.Person)
	b.list(c.Relays)
	b.num(c.ExpiresAt)
	b.num(c.CreatedAt)
	if c.ResumeAt != 0 || len(c.SwitchTo) > 0 { // older rows keep their MAC
		b.num(c.ResumeAt)
		b.list(c.SwitchTo)
	}
	return b.b
}

// Revoke shuts the app out from now (unix ms) on.
func (c *Connection) Revoke(now int64) { c.State, c.ResumeAt = ConnRevoked, now }

// Reopens reports whether a good link lets the app in again that a connection shut out or
// that left. After a revocation only one that was made later does: whoever still held another
// would let himself in again.
func (c *Connection) Reopens(t *Token) bool {
	switch c.State {
	case ConnEnded, ConnExpired:
		return true
	case ConnRevoked:
		return c.ResumeAt != 0 && t.CreatedAt > c.ResumeAt
	}
	return false
}

// StateAt is the state that counts at the time now (unix ms): a suspension for a time
// ends by itself, and so does a connection with an end.
func (c *Connection) StateAt(now int64) ConnectionState {
	state := c.State
	if state == ConnSuspended && c.ResumeAt != 0 && now >= c.ResumeAt {
		state = ConnActive
	}
	if (state == ConnActive || state == ConnPending) && c.ExpiresAt != 0 && now >= c.ExpiresAt {
		state = ConnExpired
	}
	return state
}
