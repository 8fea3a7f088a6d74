package store

import (
	"context"
	"errors"
	"slices"

	"nsecbunker/internal/audit"
	"nsecbunker/internal/bunker"
)

// What is read and written when many tenants are opened at once: as for one, in as few
// statements as that takes.

// MaxOpeningKeys is how many keys of a tenant are read when it is opened beside others; one
// with more is opened alone, page by page.
const MaxOpeningKeys = MaxPage

// Opening is what opening a tenant needs of its rows. The zero value opens nothing.
type Opening struct {
	// Plain: the tenant is set up, every row of its authority is verified, nothing was ordered
	// while it was sealed, and Keys are all of its keys. Whatever is not plain has to be opened alone.
	Plain bool
	Keys  []bunker.UserKey
	Audit []bunker.ServiceKey // of role audit
	// Channels: its people are told of something.
	Channels bool
	// Bad is the first row that was changed from outside, bunker.ErrTampered. It is not plain.
	Bad error
}

// Openings is [Store.VerifyAll] of many tenants at once, which are unsealed and in order of
// id, and returns what opening each of them needs. A row that cannot be verified is of its
// tenant alone: that one is not plain.
func (s *Store) Openings(ctx context.Context, ids []bunker.TenantID) (map[bunker.TenantID]*Opening, error) {
	out := make(map[bunker.TenantID]*Opening, len(ids))
	if len(ids) == 0 {
		return out, nil
	}
	for _, id := range ids {
		out[id] = &Opening{}
	}
	from, to := ids[0], ids[len(ids)-1]
	err := s.snapshot(ctx, func(q querier) error {
		alone := map[bunker.TenantID]bool{}
		err := s.verifyTables(ctx, q, verifying{from: from, to: to, only: out, judge: func(row bunker.Authority, err error) error {
			id, _, _, _ := row.AuthorityRow()
			of := out[id]
			switch {
			case of == nil:
				return err // of nobody that can be told
			case err != nil && !errors.Is(err, bunker.ErrTampered) && !Sealed(err):
				return err
			case err != nil && of.Bad == nil && !Sealed(err): // one that was sealed meanwhile is not plain
				of.Bad = err
			}
			alone[id] = alone[id] || err != nil
			switch row := row.(type) {
			case *head:
				of.Plain = row.SetUp && row.pending == ""
			case *bunker.Channel:
				of.Channels = true
			case *bunker.UserKey:
				if len(of.Keys) < MaxOpeningKeys {
					of.Keys = append(of.Keys, *row)
				} else {
					alone[id] = true
				}
			}
			return nil
		}})
		if err != nil {
			return err
		}
		keys, err := scanAll(ctx, q, fillService, `SELECT `+serviceColumns+` FROM service_key
WHERE tenant BETWEEN $1 AND $2 AND role = $3 ORDER BY tenant, created_at, pubkey`, string(from), string(to), string(bunker.RoleAudit))
		for _, k := range keys {
			if of := out[k.Tenant]; of != nil {
				of.Audit = append(of.Audit, k)
			}
		}
		for id, of := range out {
			if alone[id] || !of.Plain {
				*of = Opening{Bad: of.Bad}
			}
		}
		return err
	})
	return out, s.explain("reading tenants that are opened", err)
}

// ProviderSlotsOf are the ways by which the house opens some of its guests, which are in
// order of id.
func (s *Store) ProviderSlotsOf(ctx context.Context, ids []bunker.TenantID) ([]bunker.Slot, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	out, err := scanAll(ctx, s.read, fillSlot, `SELECT `+slotColumns+` FROM slot WHERE kind = 'provider' AND tenant BETWEEN $1 AND $2 ORDER BY tenant, id`,
		string(ids[0]), string(ids[len(ids)-1]))
	out = slices.DeleteFunc(out, func(slot bunker.Slot) bool {
		_, is := slices.BinarySearch(ids, slot.Tenant)
		return !is
	})
	return out, s.explain("reading the provider's slots", err)
}

// Checkpoint is the one of the chain as the transaction leaves it, once that is committed and
// if nothing is added: not signed yet.
func (tx *Tx) Checkpoint() audit.Checkpoint {
	return audit.Checkpoint{Tenant: string(tx.head.Tenant), Incarnation: tx.head.incarnation(), Seq: tx.head.ChainSeq, Head: tx.head.ChainHead, Time: tx.now}
}
