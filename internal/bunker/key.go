package bunker

import "nsecbunker/nostr"

// KeyState is the life of a user key.
type KeyState string

const (
	// KeyActive can sign when it is not locked.
	KeyActive KeyState = "active"
	// KeyDeleting waits out its deletion period; it signs nothing and can be
	// brought back.
	KeyDeleting KeyState = "deleting"
)

// UserKey is a Nostr key that the bunker guards and signs with.
type UserKey struct {
	Tenant TenantID
	ID     KeyID
	Name   string // unique in the tenant
	PubKey nostr.PubKey
	State  KeyState
	// Locked: the plaintext is not in memory and stays out of it until
	// somebody unlocks the key. Durable: a restart does not undo it.
	Locked bool
	// NoExport holds for ever; it is part of the ciphertext's associated data
	// too, so that clearing the flag here opens nothing.
	NoExport bool
	// OwnPassphrase: the key has a second passphrase over the root key.
	OwnPassphrase bool
	// NpubLogin: the user key itself answers as a signer key (weaker, off by
	// default; security.md section 1).
	NpubLogin bool
	// AdminHere: the key's npub is an admin of this bunker.
	AdminHere bool
	// Paused: nothing is done for the key's apps, until PausedUntil (unix ms; 0: until
	// somebody ends it). The key stays where it is; see Locked.
	Paused      bool
	PausedUntil int64
	// Default is what happens when nothing matched: Ask, or Deny. Never Allow.
	Default Effect
	// GuardShare is how many percent of its entries a replaceable event may lose
	// unasked: 0 for the default, -1 for any number (internal/guard).
	GuardShare int64
	// Baseline says what is known of the replaceable events before the first that
	// was signed here.
	Baseline  Baseline
	DeleteAt  int64 // unix ms; 0 unless State is KeyDeleting
	CreatedAt int64 // unix ms
	Version   int64
	// Ciphertext is the secret key wrapped by the vault.
	Ciphertext []byte
}

// AuthorityRow implements [Authority].
func (k *UserKey) AuthorityRow() (TenantID, string, string, int64) {
	return k.Tenant, "user_key", string(k.ID), k.Version
}

// Canonical implements [Authority].
func (k *UserKey) Canonical() []byte {
	var c canon
	c.str(k.Name)
	c.bytes(k.PubKey[:])
	c.str(string(k.State))
	c.flag(k.Locked)
	c.flag(k.NoExport)
	c.flag(k.OwnPassphrase)
	c.flag(k.NpubLogin)
	c.flag(k.AdminHere)
	c.num(int64(k.Default))
	c.num(k.DeleteAt)
	c.num(k.CreatedAt)
	c.bytes(k.Ciphertext)
	if k.GuardShare != 0 || k.Baseline != BaselineEmpty { // rows of before there was a guard keep their MAC
		c.num(k.GuardShare)
		c.num(int64(k.Baseline))
	}
	if k.Paused { // rows older than pauses keep their MAC
		c.str("paused")
		c.num(k.PausedUntil)
	}
	return c.b
}

// PausedAt reports whether the key is paused at the time now (unix ms): a pause for
// a time ends by itself.
func (k *UserKey) PausedAt(now int64) bool {
	return k != nil && k.Paused && (k.PausedUntil == 0 || now < k.PausedUntil)
}

// ServiceRole says what a service key is for.
type ServiceRole string

const (
	// RoleSigner keys receive envelopes of apps (NIP-46's remote-signer key).
	RoleSigner ServiceRole = "signer"
	// RoleAdmin is the pubkey in the connection string.
	RoleAdmin ServiceRole = "admin"
	// RoleAudit signs checkpoints; it is wrapped by the root key.
	RoleAudit ServiceRole = "audit"
	// RoleNotifier sends notices by direct message and hears the answers.
	RoleNotifier ServiceRole = "notifier"
)

// ServiceKey is a key of the bunker's own: it never signs for a user.
type ServiceKey struct {
	Tenant     TenantID
	PubKey     nostr.PubKey
	Role       ServiceRole
	Ciphertext []byte
	CreatedAt  int64 // unix ms
}
