package vault

import (
	"crypto/rand"
	"crypto/subtle"
	"fmt"
	"sync"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/secret"
	"nsecbunker/nostr"
)

// tenant is the keys of one bunker. Every use of a key holds mu for reading
// until its result is made; lock and seal hold it for writing, so they wait for
// what is under way, and nothing that begins later finds the key.
//
// Nothing slow and nothing of a caller's runs under mu.
type tenant struct {
	id bunker.TenantID
	no uint32 // of this vault's tenants, counted as they are opened: never that of another

	mu       sync.RWMutex
	service  *keyring // nil before OpenService
	root     *keyring // nil while sealed
	services map[nostr.PubKey]serviceKey
	users    map[bunker.KeyID]*userKey
	pubs     map[nostr.PubKey]bunker.KeyID // of users
	audit    nostr.PubKey                  // zero: not loaded
	openings uint64                        // how often it was unsealed
	opening  bool                          // it is being unsealed: user keys wait for EndUnseal
}

// purpose is an index into a keyring.
type purpose int

// Purposes of the service key's subkeys, then of the root key's.
const (
	wrapService purpose = iota
	markFlags
	wrapChannels
	wrapTenants
	servicePurposes
)

const (
	wrapUser purpose = iota
	wrapAudit
	markRows
	closeReplies
	closeSummaries
	digests
	closeVersions
	answerCodes
	openTenants
	rootPurposes
)

var (
	serviceLabels = [servicePurposes]string{"wrap service keys", "mark flags", "wrap channel secrets", "wrap tenants' keys"}
	rootLabels    = [rootPurposes]string{"wrap user keys", "wrap audit key", "mark rows", "close replies", "close summaries", "digests", "close versions", "answer codes", "open tenants"}
)

// keyring is a key and its subkeys.
type keyring struct {
	key *secret.Bytes
	sub []*secret.Bytes
}

// newKeyring copies key, which is 32 bytes.
func newKeyring(a *secret.Arena, t bunker.TenantID, key []byte, labels []string) (*keyring, error) {
	if len(key) != keySize {
		return nil, fmt.Errorf("a wrapping key has %d bytes in place of %d", len(key), keySize)
	}
	k := &keyring{}
	add := func(b []byte) (*secret.Bytes, error) {
		s, err := a.From(b)
		if err != nil {
			k.destroy()
			return nil, fmt.Errorf("keeping the bunker's keys: %w", err)
		}
		return s, nil
	}
	var err error
	if k.key, err = add(append([]byte(nil), key...)); err != nil {
		return nil, err
	}
	for _, l := range labels {
		s, err := add(DeriveKey(key, "nsecbunker/vault/1", string(t), l))
		if err != nil {
			return nil, err
		}
		k.sub = append(k.sub, s)
	}
	return k, nil
}

func (k *keyring) destroy() {
	if k == nil {
		return
	}
	if k.key != nil {
		k.key.Destroy()
	}
	for _, s := range k.sub {
		s.Destroy()
	}
}

// OpenService takes the key (32 bytes, wiped) that wraps a tenant's signer and
// admin keys. From then on the vault knows the tenant; it is sealed until Unseal.
func (v *Vault) OpenService(id bunker.TenantID, wrappingKey []byte) error {
	defer secret.Wipe(wrappingKey)
	ring, err := newKeyring(v.arena, id, wrappingKey, serviceLabels[:])
	if err != nil {
		return fmt.Errorf("opening the service key: %w", err)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.tenants[id] != nil {
		ring.destroy()
		return held(fmt.Sprintf("the service key of bunker %q is already open", id))
	}
	v.opened++
	v.tenants[id] = &tenant{
		id: id, no: v.opened, service: ring,
		services: make(map[nostr.PubKey]serviceKey),
		users:    make(map[bunker.KeyID]*userKey),
		pubs:     make(map[nostr.PubKey]bunker.KeyID),
	}
	return nil
}

// Unseal copies the root key (32 bytes) in. It does not know whether it is the
// right one: that the rows of authority verify shows it. Unsealing twice is an
// error.
func (v *Vault) Unseal(id bunker.TenantID, rootKey []byte) error {
	return v.unseal(id, rootKey, false)
}

// BeginUnseal is Unseal for who still has to verify rows, to unlock keys and to record it:
// until EndUnseal no user key signs, encrypts or decrypts; whoever asks for that gets
// ErrSealed. Seal ends it, too.
func (v *Vault) BeginUnseal(id bunker.TenantID, rootKey []byte) error {
	return v.unseal(id, rootKey, true)
}

// EndUnseal lets user keys be used: the unseal has its record.
func (v *Vault) EndUnseal(id bunker.TenantID) error {
	t, err := v.tenant(id)
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.opening = false
	return nil
}

func (v *Vault) unseal(id bunker.TenantID, rootKey []byte, opening bool) error {
	t, err := v.tenant(id)
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.root != nil {
		return bunker.Errorf(bunker.CodeConflict, "the bunker is already unsealed")
	}
	ring, err := newKeyring(v.arena, id, rootKey, rootLabels[:])
	if err != nil {
		return fmt.Errorf("unsealing: %w", err)
	}
	t.root, t.opening = ring, opening
	t.openings++
	return nil
}

// NewRootKey makes a fresh root key and unseals with it: for setting a tenant up.
// It never replaces one that is in memory.
func (v *Vault) NewRootKey(id bunker.TenantID) error {
	var raw [keySize]byte
	defer secret.Wipe(raw[:])
	rand.Read(raw[:])
	return v.Unseal(id, raw[:])
}

// Seal waits for what is under way, then wipes the root key, all user keys, the
// audit key and every conversation key of the tenant. Signer and admin keys stay.
func (v *Vault) Seal(id bunker.TenantID) error {
	t, err := v.tenant(id)
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	v.sealLocked(t)
	return nil
}

// Opening numbers the time between an unseal and the next seal; 0 while sealed.
func (v *Vault) Opening(id bunker.TenantID) uint64 {
	t, err := v.tenant(id)
	if err != nil {
		return 0
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	if t.root == nil {
		return 0
	}
	return t.openings
}

// SealOpening is Seal for who found out something in one opening: a later one, of
// which it says nothing, stays.
func (v *Vault) SealOpening(id bunker.TenantID, opening uint64) error {
	t, err := v.tenant(id)
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.root != nil && t.openings == opening {
		v.sealLocked(t)
	}
	return nil
}

func (v *Vault) sealLocked(t *tenant) {
	for _, u := range t.users {
		u.destroy()
	}
	if s, ok := t.services[t.audit]; ok {
		s.Destroy()
		delete(t.services, t.audit)
		v.forgetService(t.audit)
		t.audit = nostr.PubKey{}
	}
	t.root.destroy()
	t.root, t.opening = nil, false
	v.talks.drop(t.no, nil)
}

// Unsealed reports whether the root key is in memory.
func (v *Vault) Unsealed(id bunker.TenantID) bool {
	t, err := v.tenant(id)
	if err != nil {
		return false
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.root != nil
}

// IsRoot reports whether key is the root key in memory; false while sealed.
func (v *Vault) IsRoot(id bunker.TenantID, key []byte) (same bool) {
	t, err := v.tenant(id)
	if err != nil {
		return false
	}
	err = t.withRoot(func(r *keyring) error {
		return r.key.Use(func(root []byte) { same = subtle.ConstantTimeCompare(root, key) == 1 })
	})
	return err == nil && same
}

// WithRootKey lends the root key to f, to be wrapped for a slot. f gets a copy
// in locked memory, which is wiped afterwards, because f may be slow. It fails
// with ErrSealed or what f returns.
func (v *Vault) WithRootKey(id bunker.TenantID, f func(root []byte) error) error {
	t, err := v.tenant(id)
	if err != nil {
		return err
	}
	scratch, err := v.arena.New(keySize)
	if err != nil {
		return fmt.Errorf("lending the root key: %w", err)
	}
	defer scratch.Destroy()
	err = t.withRoot(func(r *keyring) error {
		return r.key.Use(func(key []byte) {
			_ = scratch.Use(func(b []byte) { copy(b, key) }) // ours alone: it cannot be gone
		})
	})
	if err != nil {
		return err
	}
	var inner error
	if err := scratch.Use(func(b []byte) { inner = f(b) }); err != nil {
		return err
	}
	return inner
}

// closed reports that no user key may be used. The caller holds the lock.
func (t *tenant) closed() bool { return t.root == nil || t.opening }

// withRoot calls f with the lock held for reading; ErrSealed while sealed.
func (t *tenant) withRoot(f func(*keyring) error) error {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if t.root == nil {
		return sealed()
	}
	return f(t.root)
}

// with lends a subkey. The caller holds the tenant's lock.
func (k *keyring) with(p purpose, f func(key []byte)) error { return k.sub[p].Use(f) }
