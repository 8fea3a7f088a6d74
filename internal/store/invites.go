package store

import (
	"context"
	"encoding/json"

	"nsecbunker/internal/bunker"
)

const inviteColumns = `i.tenant, i.id, i.secret_hash, i.for_pubkey, i.role, i.keys, i.name, i.invited_by, i.inviter, i.state, i.accepted_by,
i.accepted_at, i.expires_at, i.created_at, i.version, i.mac, i.tries`

func fillInvite(row scanner, i *bunker.Invite) (mac []byte, err error) {
	err = row.Scan((*string)(&i.Tenant), (*string)(&i.ID), b32{&i.SecretHash}, b32{(*[32]byte)(&i.For)}, small{(*uint8)(&i.Role)},
		keyList{&i.Keys}, &i.Name, &i.InvitedBy, b32{(*[32]byte)(&i.Inviter)}, (*string)(&i.State), b32{(*[32]byte)(&i.AcceptedBy)},
		&i.AcceptedAt, &i.ExpiresAt, &i.CreatedAt, &i.Version, &mac, &i.Tries)
	return mac, err
}

const (
	inviteByID = `SELECT ` + inviteColumns + ` FROM invite i WHERE i.tenant = $1 AND i.id = $2`
	invitesAll = `SELECT ` + inviteColumns + ` FROM invite i WHERE i.tenant = $1 AND i.id > $2 ORDER BY i.id LIMIT $3`
)

// Invites returns invitations in order of id, at most p.Limit after p.After.
func (s *Store) Invites(ctx context.Context, t bunker.TenantID, p Page) ([]bunker.Invite, error) {
	out, err := all(ctx, s, s.read, fillInvite, invitesAll, string(t), p.After, p.limit())
	return out, s.explain("listing invitations", err)
}

// Invite returns an invitation by its id.
func (tx *Tx) Invite(id bunker.InviteID) (*bunker.Invite, error) {
	i, err := one(tx.s, tx.q.QueryRowContext(tx.ctx, inviteByID, string(tx.head.Tenant), string(id)), fillInvite)
	return i, orNotFound(err, "invitation", string(id))
}

// Invites returns invitations in order of id.
func (tx *Tx) Invites(p Page) ([]bunker.Invite, error) {
	return all(tx.ctx, tx.s, tx.q, fillInvite, invitesAll, string(tx.head.Tenant), p.After, p.limit())
}

// PutInvite stores an invitation; for versions see PutKey.
func (tx *Tx) PutInvite(i *bunker.Invite) error {
	return tx.put(i, &i.Version, "invitation "+string(i.ID),
		`SELECT version FROM invite WHERE tenant = $1 AND id = $2`, []any{string(i.Tenant), string(i.ID)},
		`INSERT INTO invite (tenant, id, secret_hash, for_pubkey, role, keys, name, invited_by, inviter, state, accepted_by, accepted_at,
expires_at, created_at, version, mac, tries)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
ON CONFLICT (tenant, id) DO UPDATE SET state = excluded.state, accepted_by = excluded.accepted_by, accepted_at = excluded.accepted_at,
version = excluded.version, mac = excluded.mac, tries = excluded.tries`,
		func(mac []byte) []any {
			return []any{
				string(i.Tenant), string(i.ID), i.SecretHash[:], i.For[:], int64(i.Role), keysText(i.Keys), i.Name, i.InvitedBy,
				i.Inviter[:], string(i.State), i.AcceptedBy[:], i.AcceptedAt, i.ExpiresAt, i.CreatedAt, i.Version, mac, i.Tries,
			}
		})
}

// voidInvites revokes what is open: a copy of the store must not let anybody in.
func (tx *Tx) voidInvites() error {
	invites, err := all(tx.ctx, tx.s, tx.q, fillInvite, `SELECT `+inviteColumns+` FROM invite i WHERE i.tenant = $1 AND i.state = 'open'`,
		string(tx.head.Tenant))
	if err != nil {
		return err
	}
	for n := range invites {
		invites[n].State = bunker.InviteRevoked
		if err := tx.PutInvite(&invites[n]); err != nil {
			return err
		}
	}
	return nil
}

const motionColumns = `m.tenant, m.id, m.command, m.params, m.digest, m.key_id, m.moved_by, m.votes, m.state, m.expires_at, m.created_at,
m.version, m.mac`

// votes scans the votes of a motion, stored as JSON.
type votes struct{ to *[]bunker.Vote }

// Scan implements [sql.Scanner].
func (v votes) Scan(src any) error {
	*v.to = nil
	s, ok := src.(string)
	if !ok || s == "" {
		return nil
	}
	return json.Unmarshal([]byte(s), v.to)
}

func fillMotion(row scanner, m *bunker.Motion) (mac []byte, err error) {
	err = row.Scan((*string)(&m.Tenant), (*string)(&m.ID), &m.Command, &m.Params, b32{&m.Digest}, (*string)(&m.Key), &m.MovedBy,
		votes{&m.Votes}, (*string)(&m.State), &m.ExpiresAt, &m.CreatedAt, &m.Version, &mac)
	return mac, err
}

const (
	motionByID   = `SELECT ` + motionColumns + ` FROM motion m WHERE m.tenant = $1 AND m.id = $2`
	motionByWhat = `SELECT ` + motionColumns + ` FROM motion m WHERE m.tenant = $1 AND m.digest = $2 AND m.state = 'open'`
	motionsOpen  = `SELECT ` + motionColumns + ` FROM motion m WHERE m.tenant = $1 AND m.state = 'open' AND m.id > $2 ORDER BY m.id LIMIT $3`
)

// Motions returns what is open, in order of id.
func (s *Store) Motions(ctx context.Context, t bunker.TenantID, p Page) ([]bunker.Motion, error) {
	out, err := all(ctx, s, s.read, fillMotion, motionsOpen, string(t), p.After, p.limit())
	return out, s.explain("listing motions", err)
}

// Motion returns a motion by its id.
func (s *Store) Motion(ctx context.Context, t bunker.TenantID, id bunker.MotionID) (*bunker.Motion, error) {
	m, err := one(s, s.read.QueryRowContext(ctx, motionByID, string(t), string(id)), fillMotion)
	return m, s.explain("reading a motion", orNotFound(err, "motion", string(id)))
}

// Motion returns a motion by its id.
func (tx *Tx) Motion(id bunker.MotionID) (*bunker.Motion, error) {
	m, err := one(tx.s, tx.q.QueryRowContext(tx.ctx, motionByID, string(tx.head.Tenant), string(id)), fillMotion)
	return m, orNotFound(err, "motion", string(id))
}

// OpenMotion returns the open motion about what has the digest; nil for none.
func (tx *Tx) OpenMotion(digest [32]byte) (*bunker.Motion, error) {
	m, err := one(tx.s, tx.q.QueryRowContext(tx.ctx, motionByWhat, string(tx.head.Tenant), digest[:]), fillMotion)
	if isNone(err) {
		return nil, nil
	}
	return m, err
}

// Motions returns what is open, in order of id.
func (tx *Tx) Motions(p Page) ([]bunker.Motion, error) {
	return all(tx.ctx, tx.s, tx.q, fillMotion, motionsOpen, string(tx.head.Tenant), p.After, p.limit())
}

// PutMotion stores a motion; for versions see PutKey.
func (tx *Tx) PutMotion(m *bunker.Motion) error {
	return tx.put(m, &m.Version, "motion "+string(m.ID),
		`SELECT version FROM motion WHERE tenant = $1 AND id = $2`, []any{string(m.Tenant), string(m.ID)},
		`INSERT INTO motion (tenant, id, command, params, digest, key_id, moved_by, votes, state, expires_at, created_at, version, mac)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
ON CONFLICT (tenant, id) DO UPDATE SET votes = excluded.votes, state = excluded.state, version = excluded.version, mac = excluded.mac`,
		func(mac []byte) []any {
			return []any{
				string(m.Tenant), string(m.ID), m.Command, blob(m.Params), m.Digest[:], string(m.Key), m.MovedBy, string(m.VotesText()),
				string(m.State), m.ExpiresAt, m.CreatedAt, m.Version, mac,
			}
		})
}

// voidMotions withdraws what is open, after a restore.
func (tx *Tx) voidMotions() error {
	for {
		open, err := tx.Motions(Page{})
		if err != nil || len(open) == 0 {
			return err
		}
		for n := range open {
			open[n].State = bunker.MotionWithdrawn
			if err := tx.PutMotion(&open[n]); err != nil {
				return err
			}
		}
	}
}
