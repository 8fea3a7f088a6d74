package bunker

import (
	"crypto/sha256"

	"nsecbunker/nostr"
)

// TokenState is the life of a token.
type TokenState string

const (
	// TokenOpen can be redeemed.
	TokenOpen TokenState = "open"
	// TokenSpent has no redemptions left.
	TokenSpent TokenState = "spent"
	// TokenRevoked was taken back, or voided by a restore.
	TokenRevoked TokenState = "revoked"
)

// Token is a one-time secret that, used in connect, makes a connection.
type Token struct {
	Tenant TenantID
	ID     TokenID
	Key    KeyID
	// Signer is the token's own signer key.
	Signer nostr.PubKey
	// SecretHash is SHA-256 of the secret; the secret has 160 random bits and
	// is shown once.
	SecretHash [32]byte
	Client     string // the name that connections made with it get
	Person     string
	// Permissions is the grant in NIP-46's form, "all" included.
	Permissions string
	// Policy is what connections made with it are put under; "" for none. What
	// Permissions grants stands beside it.
	Policy    PolicyID
	MaxUses   int64 // redemptions, at least 1
	Uses      int64
	State     TokenState
	ExpiresAt int64 // unix ms, 0: never
	// GrantFor is how long the grant lives after redemption, in ms; 0: for ever.
	GrantFor  int64
	CreatedBy string
	CreatedAt int64 // unix ms
	Version   int64
}

// HashSecret is how a token's secret is stored and looked up.
func HashSecret(secret string) [32]byte { return sha256.Sum256([]byte(secret)) }

// AuthorityRow implements [Authority].
func (t *Token) AuthorityRow() (TenantID, string, string, int64) {
	return t.Tenant, "token", string(t.ID), t.Version
}

// Canonical implements [Authority].
func (t *Token) Canonical() []byte {
	var c canon
	c.str(string(t.Key))
	c.bytes(t.Signer[:])
	c.bytes(t.SecretHash[:])
	c.str(t.Client)
	c.str(t.Person)
	c.str(t.Permissions)
	c.num(t.MaxUses)
	c.num(t.Uses)
	c.str(string(t.State))
	c.num(t.ExpiresAt)
	c.num(t.GrantFor)
	c.str(t.CreatedBy)
	c.num(t.CreatedAt)
	if t.Policy != "" { // rows from before there were policies keep their MAC
		c.str(string(t.Policy))
	}
	return c.b
}
