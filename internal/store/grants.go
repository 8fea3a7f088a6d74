package store

import (
	"context"
	"database/sql"

	"nsecbunker/internal/bunker"
)

const grantColumns = `g.tenant, g.id, g.connection, g.effect, g.permissions, g.op_digest, g.approval, g.answers, g.max_uses, g.uses,
g.expires_at, g.given_by, g.created_at, g.ended, g.version, g.policy, g.mac`

func fillGrant(row scanner, g *bunker.Grant) (mac []byte, err error) {
	var approval sql.NullString
	err = row.Scan((*string)(&g.Tenant), (*string)(&g.ID), (*string)(&g.Connection), small{(*uint8)(&g.Effect)}, &g.Permissions,
		b32{&g.OpDigest}, &approval, &g.Answers, &g.MaxUses, &g.Uses, &g.ExpiresAt, &g.GivenBy, &g.CreatedAt, yesno{&g.Ended},
		&g.Version, (*string)(&g.Policy), &mac)
	g.Approval = bunker.ApprovalID(approval.String)
	return mac, err
}

func grantArgs(g *bunker.Grant, mac []byte) []any {
	var approval any
	if g.Approval != "" {
		approval = string(g.Approval)
	}
	return []any{
		string(g.Tenant), string(g.ID), string(g.Connection), int64(g.Effect), g.Permissions, g.OpDigest[:], approval, g.Answers,
		g.MaxUses, g.Uses, g.ExpiresAt, g.GivenBy, g.CreatedAt, num(g.Ended), g.Version, string(g.Policy), mac,
	}
}

const (
	grantByID       = `SELECT ` + grantColumns + ` FROM connection_grant g WHERE g.tenant = $1 AND g.id = $2`
	grantOfQuestion = `SELECT ` + grantColumns + ` FROM connection_grant g WHERE g.tenant = $1 AND g.approval = $2`
	grantPut        = `INSERT INTO connection_grant (tenant, id, connection, effect, permissions, op_digest, approval, answers, max_uses, uses,
expires_at, given_by, created_at, ended, version, policy, mac)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)`
	grantsLive = `SELECT ` + grantColumns + ` FROM connection_grant g WHERE g.tenant = $1 AND g.connection = $2 AND g.ended = 0`
	// grantUseful leaves out what cannot allow anything any more: of an app that is
	// asked about often there are thousands. Refusals are always read, and verified.
	// It lacks its last word, the time.
	grantUseful = `(g.effect <> 2 OR g.max_uses = 0 OR g.uses < g.max_uses) AND (g.effect <> 2 OR g.expires_at = 0 OR g.expires_at > `
	grantsView  = grantsLive + ` AND ` + grantUseful + `$3)`
	grantsPage  = `SELECT ` + grantColumns + ` FROM connection_grant g
WHERE g.tenant = $1 AND g.connection = $2 AND g.id > $3 ORDER BY g.id LIMIT $4`
)

// Grants returns a connection's grants, ended ones too, in order of id.
func (s *Store) Grants(ctx context.Context, t bunker.TenantID, c bunker.ConnectionID, p Page) ([]bunker.Grant, error) {
	out, err := all(ctx, s, s.read, fillGrant, grantsPage, string(t), string(c), p.After, p.limit())
	return out, s.explain("listing grants", err)
}

// GrantOf returns the grant that a question's answer gave.
func (s *Store) GrantOf(ctx context.Context, t bunker.TenantID, q bunker.ApprovalID) (*bunker.Grant, error) {
	g, err := one(s, s.read.QueryRowContext(ctx, grantOfQuestion, string(t), string(q)), fillGrant)
	return g, s.explain("reading an answer", orNotFound(err, "grant", string(q)))
}

// Grant returns a grant by its id.
func (tx *Tx) Grant(id bunker.GrantID) (*bunker.Grant, error) {
	g, err := one(tx.s, tx.q.QueryRowContext(tx.ctx, grantByID, string(tx.head.Tenant), string(id)), fillGrant)
	return g, orNotFound(err, "grant", string(id))
}

// Grants returns a connection's grants, ended ones too, in order of id.
func (tx *Tx) Grants(c bunker.ConnectionID, p Page) ([]bunker.Grant, error) {
	return all(tx.ctx, tx.s, tx.q, fillGrant, grantsPage, string(tx.head.Tenant), string(c), p.After, p.limit())
}

// PutGrant stores a grant; for versions see PutKey. Its connection gets a new
// version too, so that decisions in flight are made anew.
func (tx *Tx) PutGrant(g *bunker.Grant) error {
	if err := tx.putGrant(g); err != nil {
		return err
	}
	return tx.bumpConnection(g.Connection)
}

func (tx *Tx) putGrant(g *bunker.Grant) error {
	return tx.put(g, &g.Version, "grant "+string(g.ID),
		`SELECT version FROM connection_grant WHERE tenant = $1 AND id = $2`, []any{string(g.Tenant), string(g.ID)},
		grantPut+`
ON CONFLICT (tenant, id) DO UPDATE SET effect = excluded.effect, permissions = excluded.permissions, max_uses = excluded.max_uses,
expires_at = excluded.expires_at, ended = excluded.ended, version = excluded.version, mac = excluded.mac`,
		func(mac []byte) []any { return grantArgs(g, mac) })
}

// Withdraw ends what a connection has open: its pending questions become
// withdrawn, its unspent grants with a limit (the answers "once" among them)
// end. Standing refusals stay.
func (tx *Tx) Withdraw(c bunker.ConnectionID) error {
	if err := tx.s.withdraw(tx.ctx, tx.conn(), tx.head, c, tx.now); err != nil {
		return err
	}
	tx.wrote = true
	return tx.bumpConnection(c)
}

// withdraw is Withdraw without the connection's new version, for groups too.
func (s *Store) withdraw(ctx context.Context, w writer, h *head, c bunker.ConnectionID, now int64) error {
	if err := s.withdrawQuestions(ctx, w, h, c, now); err != nil {
		return err
	}
	return s.endGrants(ctx, w, h, c, func(g *bunker.Grant) bool {
		return g.Effect == bunker.Allow && (g.MaxUses != 0 || g.OpDigest != [32]byte{})
	})
}

// withdrawQuestions withdraws a connection's open questions.
func (s *Store) withdrawQuestions(ctx context.Context, w writer, h *head, c bunker.ConnectionID, now int64) error {
	_, err := w.ExecContext(ctx, `UPDATE approval SET state = 'withdrawn', answered_at = $1
WHERE tenant = $2 AND connection = $3 AND state = 'pending'`, now, string(h.Tenant), string(c))
	return err
}

// endGrants ends those of a connection's grants that which picks.
func (s *Store) endGrants(ctx context.Context, w writer, h *head, c bunker.ConnectionID, which func(*bunker.Grant) bool) error {
	grants, err := all(ctx, s, w, fillGrant, grantsLive, string(h.Tenant), string(c))
	if err != nil {
		return err
	}
	for i := range grants {
		g := &grants[i]
		if !which(g) {
			continue
		}
		g.Ended = true
		g.Version++
		mac, err := s.tag(g, h.SetUp)
		if err != nil {
			return err
		}
		_, err = w.ExecContext(ctx, `UPDATE connection_grant SET ended = 1, version = $1, mac = $2 WHERE tenant = $3 AND id = $4`,
			g.Version, mac, string(g.Tenant), string(g.ID))
		if err != nil {
			return err
		}
	}
	return nil
}
