package vault

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/secret"
	"nsecbunker/nostr"
)

// DefaultConversationKeys is how many conversation keys are kept when Config
// does not say: 16,384 of 32 bytes are 512 KiB of the arena. Without its key a
// request costs a multiplication more, half as much again as all the rest, so
// that it is worth to have those of ten thousand apps.
const DefaultConversationKeys = 16_384

// MaxConversationKeys bounds Config.ConversationKeys: 32 MiB of the arena.
const MaxConversationKeys = 1 << 20

// Config is what a vault is made of.
type Config struct {
	Arena *secret.Arena    // required; the vault takes room in it, and does not close it
	Now   func() time.Time // required
	// ConversationKeys is how many of them are kept; 0: DefaultConversationKeys.
	ConversationKeys int
}

// Vault holds the plaintext of keys. All methods may be called concurrently.
type Vault struct {
	arena *secret.Arena
	now   func() time.Time
	talks *conversations
	made  *made

	mu      sync.RWMutex // never held while a tenant's lock is waited for
	tenants map[bunker.TenantID]*tenant
	opened  uint32 // tenants so far
	// services are the pubkeys of the service keys of every tenant.
	services map[nostr.PubKey]struct{}
}

// New returns an empty vault. It fails when Config is incomplete, or with the
// arena's errors.
func New(c Config) (*Vault, error) {
	if c.Arena == nil || c.Now == nil {
		return nil, errors.New("vault: Arena and Now are required")
	}
	if c.ConversationKeys == 0 {
		c.ConversationKeys = DefaultConversationKeys
	}
	if c.ConversationKeys < 1 || c.ConversationKeys > MaxConversationKeys {
		return nil, fmt.Errorf("vault: %d conversation keys; 1 to %d are possible", c.ConversationKeys, MaxConversationKeys)
	}
	talks, err := newConversations(c.Arena, c.ConversationKeys)
	if err != nil {
		return nil, fmt.Errorf("vault: room for %d conversation keys: %w", c.ConversationKeys, err)
	}
	return &Vault{
		arena: c.Arena, now: c.Now, talks: talks, made: newMade(),
		tenants:  make(map[bunker.TenantID]*tenant),
		services: make(map[nostr.PubKey]struct{}),
	}, nil
}

// Close wipes everything. Afterwards no tenant is known.
func (v *Vault) Close() {
	v.mu.Lock()
	all := v.tenants
	v.tenants = make(map[bunker.TenantID]*tenant)
	v.services = make(map[nostr.PubKey]struct{})
	v.mu.Unlock()
	for _, t := range all {
		t.mu.Lock()
		v.sealLocked(t)
		for pub, s := range t.services {
			s.Destroy()
			delete(t.services, pub)
		}
		t.service.destroy()
		t.service = nil
		t.mu.Unlock()
	}
	v.talks.close()
}

// String says what it is, and nothing of what it holds.
func (v *Vault) String() string { return secret.Placeholder }

// tenant returns a known tenant.
func (v *Vault) tenant(id bunker.TenantID) (*tenant, error) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	if t := v.tenants[id]; t != nil {
		return t, nil
	}
	return nil, unknownTenant(id)
}
