package store

import (
	"context"
	"encoding/json"
	"fmt"

	"nsecbunker/internal/bunker"
)

const headColumns = `h.tenant, h.set_up, h.stopped, h.default_effect, h.reviewed, h.refuse_before, h.incarnation, h.incarnation_no,
h.version, h.mac, h.chain_seq, h.chain_head, h.ledger_time, h.pending, h.pending_mac, h.quorum, h.quota, h.standing`

// head is a tenant's head row.
type head struct {
	bunker.TenantState
	mac        []byte
	pending    string
	pendingMAC []byte
}

func (h *head) fields() []any {
	return []any{
		(*string)(&h.Tenant), yesno{&h.SetUp}, yesno{&h.Stopped}, small{(*uint8)(&h.Default)}, yesno{&h.Reviewed}, &h.RefuseBefore,
		&h.Incarnation, &h.IncarnationNo, &h.Version, &h.mac, &h.ChainSeq, b32{&h.ChainHead}, &h.LedgerTime, &h.pending, &h.pendingMAC, quorumText{&h.Quorum},
		quotaText{&h.Quota, &h.Tenant}, (*string)(&h.Standing),
	}
}

// quorumText scans a quorum, stored as JSON ("" for none). What cannot be read is an
// error: nothing would mean one person.
type quorumText struct{ to *bunker.Quorum }

// Scan implements [sql.Scanner].
func (q quorumText) Scan(src any) error {
	*q.to = bunker.Quorum{}
	s, ok := src.(string)
	if !ok {
		return fmt.Errorf("a stored quorum is no text but %T", src)
	}
	if s == "" {
		return nil
	}
	return json.Unmarshal([]byte(s), q.to)
}

func textOfQuorum(q bunker.Quorum) string {
	if q == (bunker.Quorum{}) {
		return ""
	}
	b, err := json.Marshal(q)
	if err != nil {
		panic(err) // numbers always marshal
	}
	return string(b)
}

// readHead reads a tenant's head without looking at its MAC: numbers of the
// chain, ledger time and version, which decide nothing by themselves.
func readHead(ctx context.Context, q querier, t bunker.TenantID, lock string) (*head, error) {
	return fillHead(q.QueryRowContext(ctx, headOf+lock, string(t)), t)
}

const headOf = `SELECT ` + headColumns + ` FROM tenant_head h WHERE h.tenant = $1`

func fillHead(row scanner, t bunker.TenantID) (*head, error) {
	var h head
	if err := row.Scan(h.fields()...); err != nil {
		return nil, orNotFound(err, "tenant", string(t))
	}
	return &h, nil
}

// fillHeadRow is fillHead of many.
func fillHeadRow(row scanner, h *head) (mac []byte, err error) {
	err = row.Scan(h.fields()...)
	return h.mac, err
}

// Tenant returns the tenant's state. For a tenant that is sealed or not set up
// nothing of it is verified, and verified is false: good for status and for
// finding out what to do next, not for deciding.
func (s *Store) Tenant(ctx context.Context, t bunker.TenantID) (st bunker.TenantState, verified bool, err error) {
	h, err := readHead(ctx, s.read, t, "")
	if err != nil {
		return st, false, s.explain("reading the tenant", err)
	}
	if !h.SetUp && len(h.mac) == 0 {
		// Not set up: there is no MAC yet, also in the moment of the set-up in which
		// the vault has its root key already and the row is not written.
		return h.TenantState, false, nil
	}
	switch err := s.verify(&h.TenantState, h.mac); {
	case err == nil:
		return h.TenantState, true, nil
	case Sealed(err):
		return h.TenantState, false, nil
	default:
		return st, false, err
	}
}

const tenantInsert = `INSERT INTO tenant_head (tenant, set_up, stopped, default_effect, reviewed, refuse_before,
incarnation, incarnation_no, version, chain_seq, chain_head, ledger_time, pending)
VALUES ($1, 0, 0, $2, 1, 0, $3, 1, 1, 0, $4, 0, '')`

// createTenant makes the head row of a new store's tenant: a new chain, in the
// first incarnation.
func (s *Store) createTenant(ctx context.Context, t bunker.TenantID) error {
	_, err := s.write.ExecContext(ctx, tenantInsert+` ON CONFLICT (tenant) DO NOTHING`,
		string(t), int64(bunker.Ask), newIncarnation(), make([]byte, 32))
	if err != nil {
		return fmt.Errorf("creating the tenant: %w", err)
	}
	return nil
}
