package vault

import (
	"crypto/rand"
	"errors"
	"fmt"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/secret"
)

// What the house of a hosted instance keeps for its tenants: their service keys and
// setup codes under its service key, and, of those whose owner agreed, a way to their
// root key under its root key.

// NewTenantService makes a service key for another tenant, opens it, and returns it
// wrapped under the house's. The tenant is known from then on, until Forget.
func (v *Vault) NewTenantService(house, id bunker.TenantID) (wrapped []byte, err error) {
	raw := make([]byte, keySize)
	rand.Read(raw)
	err = v.withService(house, wrapTenants, func(key []byte) { wrapped = Wrap(key, tenantPlace(house, id, "service key"), raw) })
	if err != nil {
		secret.Wipe(raw)
		return nil, err
	}
	return wrapped, v.OpenService(id, raw) // which wipes it
}

// OpenTenantService opens what NewTenantService made. Errors: bunker.ErrTampered.
func (v *Vault) OpenTenantService(house, id bunker.TenantID, wrapped []byte) error {
	raw, err := v.openTenant(house, id, "service key", wrapped)
	if err != nil {
		return err
	}
	return v.OpenService(id, raw)
}

// TakeTenantService is NewTenantService with a key (32 bytes, wiped) that a tenant has
// already: it was restored, or comes from elsewhere.
func (v *Vault) TakeTenantService(house, id bunker.TenantID, raw []byte) (wrapped []byte, err error) {
	defer secret.Wipe(raw)
	if len(raw) != keySize || house == id {
		return nil, fmt.Errorf("the service key of %s: %w", id, ErrFormat)
	}
	err = v.withService(house, wrapTenants, func(key []byte) { wrapped = Wrap(key, tenantPlace(house, id, "service key"), raw) })
	if err != nil {
		return nil, err
	}
	return wrapped, v.OpenService(id, raw)
}

// TenantService returns a tenant's service key for its backup; the caller wipes it.
func (v *Vault) TenantService(house, id bunker.TenantID, wrapped []byte) ([]byte, error) {
	return v.openTenant(house, id, "service key", wrapped)
}

// CloseSetupCode wraps a tenant's setup code for the house; OpenSetupCode opens it.
func (v *Vault) CloseSetupCode(house, id bunker.TenantID, code []byte) (wrapped []byte, err error) {
	err = v.withService(house, wrapTenants, func(key []byte) { wrapped = Wrap(key, tenantPlace(house, id, "setup code"), code) })
	return wrapped, err
}

// OpenSetupCode opens what CloseSetupCode made. The caller wipes it.
func (v *Vault) OpenSetupCode(house, id bunker.TenantID, wrapped []byte) ([]byte, error) {
	return v.openTenant(house, id, "setup code", wrapped)
}

func (v *Vault) openTenant(house, id bunker.TenantID, what string, wrapped []byte) (plain []byte, err error) {
	var bad error
	err = v.withService(house, wrapTenants, func(key []byte) { plain, bad = Unwrap(key, tenantPlace(house, id, what), wrapped, nil) })
	if err == nil && bad != nil {
		err = fmt.Errorf("the %s of %s: %w (%w)", what, id, bunker.ErrTampered, bad)
	}
	return plain, err
}

func tenantPlace(house, id bunker.TenantID, what string) Place {
	return Place{Tenant: string(house), Table: "tenant", Row: string(id), Purpose: what}
}

// WrapForHouse wraps a tenant's root key, which is in memory, under the house's: for a
// slot of kind provider. Both must be unsealed.
func (v *Vault) WrapForHouse(house, id bunker.TenantID, slot bunker.SlotID) (wrapped []byte, err error) {
	h, err := v.tenant(house)
	if err != nil {
		return nil, err
	}
	if house == id {
		return nil, errors.New("vault: the house cannot be opened with itself")
	}
	err = v.WithRootKey(id, func(root []byte) error {
		return h.withRoot(func(r *keyring) error {
			return r.with(openTenants, func(key []byte) { wrapped = Wrap(key, providerPlace(house, id, slot), root) })
		})
	})
	return wrapped, err
}

// OpenFromHouse returns a tenant's root key out of its slot of kind provider; the
// caller destroys it. Errors: ErrSealed (the house), bunker.ErrTampered.
func (v *Vault) OpenFromHouse(house, id bunker.TenantID, slot bunker.SlotID, wrapped []byte) (*secret.Bytes, error) {
	h, err := v.tenant(house)
	if err != nil {
		return nil, err
	}
	if len(wrapped) != keySize+WrapOverhead {
		return nil, fmt.Errorf("the slot %s: %w (%w)", slot, bunker.ErrTampered, ErrFormat)
	}
	room, err := v.arena.New(keySize)
	if err != nil {
		return nil, err
	}
	var bad error
	err = h.withRoot(func(r *keyring) error {
		return r.with(openTenants, func(key []byte) {
			_ = room.Use(func(b []byte) { _, bad = Unwrap(key, providerPlace(house, id, slot), wrapped, b) }) // ours alone: it cannot be gone
		})
	})
	if err == nil && bad != nil {
		err = fmt.Errorf("the slot %s: %w (%w)", slot, bunker.ErrTampered, bad)
	}
	if err != nil {
		room.Destroy()
		return nil, err
	}
	return room, nil
}

func providerPlace(house, id bunker.TenantID, slot bunker.SlotID) Place {
	return Place{Tenant: string(id), Table: "slot", Row: string(slot), Purpose: "root key for " + string(house)}
}

// Forget wipes everything of a tenant, after waiting for what is under way; it is not
// known afterwards.
func (v *Vault) Forget(id bunker.TenantID) {
	v.mu.Lock()
	t := v.tenants[id]
	delete(v.tenants, id)
	v.mu.Unlock()
	if t == nil {
		return
	}
	t.mu.Lock()
	v.sealLocked(t)
	gone := make([]serviceKey, 0, len(t.services))
	for pub, s := range t.services {
		gone = append(gone, s)
		delete(t.services, pub)
		v.forgetService(pub)
	}
	t.service.destroy()
	t.service = nil
	t.mu.Unlock()
	for _, s := range gone {
		s.Destroy()
	}
}
