package admin

import (
	"context"
	"errors"
	"slices"

	"nsecbunker/internal/audit"
	"nsecbunker/internal/bunker"
	"nsecbunker/internal/vault"
)

// Openings opens guests with the house, many at once: what the command unseal does for each
// of them, in one reading of their rows and one transaction, with one record in the log of
// each. Nobody may be at the keys in memory of one (Deps.Memory) meanwhile.
type Openings struct {
	House bunker.TenantID
	Vault *vault.Vault
	Rows  OpeningRows
}

// OpeningRows are the rows of tenants that are opened. Their ids are in order.
type OpeningRows interface {
	// ProviderSlotsOf are the slots by which the house opens them.
	ProviderSlotsOf(ctx context.Context, ids []bunker.TenantID) ([]bunker.Slot, error)
	// Openings verifies every row of authority of tenants that are unsealed.
	Openings(ctx context.Context, ids []bunker.TenantID) (map[bunker.TenantID]Opening, error)
	// ChangeEach runs f for each of them, in one transaction.
	ChangeEach(ctx context.Context, ids []bunker.TenantID, by bunker.Principal, f func(bunker.TenantID, OpeningTx) error) error
	AddCheckpoints(ctx context.Context, list []audit.Signed) error
}

// OpeningTx is the part of the transaction that is one tenant's.
type OpeningTx interface {
	Audit(bunker.AuditRecord) error
	// Checkpoint is that of the log as it will be.
	Checkpoint() audit.Checkpoint
}

// Opening is what opening a tenant needs of its rows. The zero value opens nothing.
type Opening struct {
	Plain bool // set up, every row verified, nothing ordered while it was sealed, and Keys all of its keys
	Keys  []bunker.UserKey
	Audit []bunker.ServiceKey
	// Channels: its people are told of something.
	Channels bool
	Bad      error // the first row that was changed from outside; it is not plain then
}

// Opened is a guest that was opened.
type Opened struct {
	Tenant   bunker.TenantID
	NpubKeys bool // it has keys with npub login, which are heard from now on
	Channels bool // its people are told of something
	Warnings []string
	// Err is set where it was not opened, and will not be: a row was changed from outside.
	Err error
}

// Open opens those guests of some, in order of id, that nothing speaks against. The others
// stay sealed: they are for the command, one by one, which says what is wrong. err is what
// kept all of them from being opened, or is a fault of checkpoints alone.
func (o *Openings) Open(ctx context.Context, ids []bunker.TenantID) (opened []Opened, err error) {
	slots, err := o.Rows.ProviderSlotsOf(ctx, ids)
	if err != nil {
		return nil, err
	}
	with := map[bunker.TenantID]bunker.Slot{}
	var held []bunker.TenantID // that have their root key now, and no record of it yet
	for _, slot := range slots {
		if _, twice := with[slot.Tenant]; !twice && o.unseal(slot) == nil {
			with[slot.Tenant] = slot
			held = append(held, slot.Tenant)
		}
	}
	recorded := false
	defer func() { // without a record, the safe side is the sealed one
		if !recorded {
			for _, id := range held {
				err = errors.Join(err, o.Vault.Seal(id))
			}
		}
	}()
	rows, err := o.Rows.Openings(ctx, held)
	if err != nil {
		return nil, err
	}
	res := make(map[bunker.TenantID]*unsealResult, len(held))
	for _, id := range held {
		r := &unsealResult{Slot: with[id].Name}
		row := rows[id]
		if row.Plain && row.Bad == nil && o.take(&row, r) == nil {
			res[id] = r
			continue
		}
		if row.Bad != nil {
			opened = append(opened, Opened{Tenant: id, Err: tamperedWords(row.Bad)})
		}
		if err := o.Vault.Seal(id); err != nil {
			return nil, err
		}
	}
	held = slices.DeleteFunc(held, func(id bunker.TenantID) bool { return res[id] == nil })
	if len(held) == 0 {
		return opened, nil
	}
	heads := make([]audit.Checkpoint, 0, len(held))
	err = o.Rows.ChangeEach(ctx, held, System(), func(id bunker.TenantID, tx OpeningTx) error {
		slot := with[id]
		rec := unsealRecord(&slot, res[id].Unlocked)
		err := tx.Audit(bunker.AuditRecord{Action: "unseal", Step: "admin", Effect: bunker.Allow.String(), Object: rec.Object, Reason: rec.Reason})
		if err != nil {
			return err
		}
		heads = append(heads, tx.Checkpoint())
		return nil
	})
	if err != nil {
		return nil, err
	}
	recorded = true
	for _, id := range held {
		if err := o.Vault.EndUnseal(id); err != nil {
			return opened, err
		}
		row := rows[id]
		npub := slices.ContainsFunc(row.Keys, func(k bunker.UserKey) bool { return k.NpubLogin })
		opened = append(opened, Opened{Tenant: id, NpubKeys: npub, Channels: row.Channels, Warnings: res[id].Warnings})
	}
	return opened, o.checkpoint(ctx, heads)
}

// unseal takes a guest's root key into memory, as the house can open it.
func (o *Openings) unseal(slot bunker.Slot) error {
	root, err := o.Vault.OpenFromHouse(o.House, slot.Tenant, slot.ID, slot.Wrapped)
	if err != nil {
		return err
	}
	defer root.Destroy()
	var inner error
	err = root.Use(func(b []byte) { inner = o.Vault.BeginUnseal(slot.Tenant, b) })
	return errors.Join(err, inner)
}

// take takes a guest's keys into memory.
func (o *Openings) take(row *Opening, res *unsealResult) error {
	for _, k := range row.Audit {
		if err := o.Vault.LoadServiceKey(k); err != nil {
			return err
		}
	}
	for i := range row.Keys {
		if err := unlockKey(o.Vault, &row.Keys[i], res); err != nil {
			return err
		}
	}
	return nil
}

// checkpoint signs the ends of the logs. What cannot be signed, the next checkpoint covers.
func (o *Openings) checkpoint(ctx context.Context, heads []audit.Checkpoint) (err error) {
	signed := make([]audit.Signed, 0, len(heads))
	for _, c := range heads {
		pub, sig, failed := o.Vault.SignCheckpoint(bunker.TenantID(c.Tenant), c.Digest())
		if failed != nil {
			err = errors.Join(err, failed)
			continue
		}
		signed = append(signed, audit.Signed{Checkpoint: c, Key: pub, Sig: sig})
	}
	return errors.Join(err, o.Rows.AddCheckpoints(ctx, signed))
}
