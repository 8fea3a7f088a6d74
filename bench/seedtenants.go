package main

import (
	"context"
	"errors"
	"fmt"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/daemon"
	"nsecbunker/internal/host"
	"nsecbunker/internal/store"
)

// tenantsChange is how many tenants are made in one change of the house.
const tenantsChange = 100

// othersFile and pacedFile are what the load needs to know to be the first, and the second
// guest's apps.
const (
	othersFile = "bench-others.json"
	pacedFile  = "bench-paced.json"
)

// guests makes n tenants in a folder that fill made, each set up, with a slot that the
// house opens, one user key and some apps. The load can be those of the first one, of the
// second, and one of every hundredth.
func (s *seeder) guests(ctx context.Context, n, apps int) error {
	var sample []client
	for i := 0; i < n; i += tenantsChange {
		var made []*host.Tenant
		err := s.store.Change(ctx, bunker.SelfHosted, daemon.System(), func(tx *store.Tx) error {
			for j := range min(tenantsChange, n-i) {
				h, err := s.guest(tx, i+j)
				if err != nil {
					return err
				}
				made = append(made, h)
			}
			return tx.Audit(bunker.AuditRecord{Action: "bench.seed"})
		})
		if err != nil {
			return err
		}
		for j, h := range made {
			list, err := s.fillGuest(ctx, h.ID, apps)
			if err != nil {
				return fmt.Errorf("tenant %d: %w", i+j, err)
			}
			if file, is := map[int]string{0: othersFile, 1: pacedFile}[i+j]; is {
				if err := writeClients(s.dir, file, list); err != nil {
					return err
				}
			}
			if (i+j)%sampleEvery == 0 {
				sample = append(sample, list[0])
			}
			s.vault.Forget(h.ID)
		}
	}
	return writeClients(s.dir, sampleFile, sample)
}

// guest makes a tenant, not set up.
func (s *seeder) guest(tx *store.Tx, i int) (h *host.Tenant, err error) {
	h = &host.Tenant{ID: bunker.NewTenantID(), Label: fmt.Sprintf("tenant %05d", i), CreatedAt: tx.Now(), Quota: bunker.Quota{People: 10, Keys: 1, Rate: 1 << 20}}
	if h.Service, err = s.vault.NewTenantService(bunker.SelfHosted, h.ID); err != nil {
		return nil, err
	}
	pub, wrapped, err := s.vault.NewServiceKey(h.ID, bunker.RoleAdmin)
	if err != nil {
		return nil, err
	}
	h.AdminKey = pub
	return h, tx.AddTenant(h, &bunker.ServiceKey{Tenant: h.ID, PubKey: pub, Role: bunker.RoleAdmin, Ciphertext: wrapped, CreatedAt: tx.Now()}, h.Quota)
}

// fillGuest sets a tenant up and gives it a key and apps.
func (s *seeder) fillGuest(ctx context.Context, id bunker.TenantID, apps int) (out []client, err error) {
	if err := s.vault.NewRootKey(id); err != nil {
		return nil, err
	}
	slot := bunker.Slot{Tenant: id, ID: bunker.NewSlotID(), Kind: bunker.SlotProvider, Name: "provider", CreatedAt: 1}
	if slot.Wrapped, err = s.vault.WrapForHouse(bunker.SelfHosted, id, slot.ID); err != nil {
		return nil, err
	}
	of := *s
	of.tenant = id
	err = s.store.Change(ctx, id, daemon.System(), func(tx *store.Tx) error {
		st := tx.Tenant()
		st.SetUp, st.Reviewed, st.Default = true, true, bunker.Deny
		if err := errors.Join(tx.PutTenant(st), tx.PutSlot(&slot)); err != nil {
			return err
		}
		if _, err := of.service(tx, bunker.RoleAudit); err != nil {
			return err
		}
		for i := range apps {
			if err := of.addClient(tx, &out, i, 1); err != nil {
				return err
			}
		}
		return tx.Audit(bunker.AuditRecord{Action: "bench.seed"})
	})
	return out, err
}
