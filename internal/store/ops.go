package store

import (
	"context"

	"nsecbunker/internal/bunker"
)

// MaxOps is how many ids of changes are kept for a tenant.
const MaxOps = 100_000

const opByID = `SELECT person, op, command, digest, at, result FROM admin_op WHERE tenant = $1 AND person = $2 AND op = $3`

func fillOp(row scanner, o *bunker.MadeChange) error {
	return row.Scan(&o.Person, &o.Op, &o.Command, b32{&o.Digest}, &o.At, &o.Result)
}

// MadeChange returns the change of that id; ok is false when it was not made.
func (s *Store) MadeChange(ctx context.Context, t bunker.TenantID, person, id string) (o bunker.MadeChange, ok bool, err error) {
	err = fillOp(s.read.QueryRowContext(ctx, opByID, string(t), person, id), &o)
	if isNone(err) {
		return o, false, nil
	}
	return o, err == nil, s.explain("looking for a change", err)
}

// PutMadeChange notes, in the transaction that makes it, that a change was made. It fails
// with CodeConflict when it was made before. Those made before a time (unix ms)
// are forgotten.
func (tx *Tx) PutMadeChange(o *bunker.MadeChange, forget int64) error {
	if err := tx.exec(`DELETE FROM admin_op WHERE tenant = $1 AND at < $2`, string(tx.head.Tenant), forget); err != nil {
		return err
	}
	var n int
	if err := tx.q.QueryRowContext(tx.ctx, `SELECT count(*) FROM admin_op WHERE tenant = $1`, string(tx.head.Tenant)).Scan(&n); err != nil {
		return err
	}
	if n >= MaxOps {
		return bunker.Errorf(bunker.CodeRateLimited, "%d changes were ordered from afar in a day, the most that are remembered; try again later, or in the terminal", n)
	}
	err := tx.exec(`INSERT INTO admin_op (tenant, person, op, command, digest, at, result) VALUES ($1, $2, $3, $4, $5, $6, NULL)`,
		string(tx.head.Tenant), o.Person, o.Op, o.Command, o.Digest[:], tx.now)
	if troubleOf(err) == duplicate {
		return conflict("this change was made already").WithCause(err)
	}
	return err
}

// PutMadeResult keeps what a change returned.
func (s *Store) PutMadeResult(ctx context.Context, t bunker.TenantID, person, id string, result []byte) error {
	return s.explain("keeping the result of a change", s.update(ctx, func() error {
		_, err := s.write.ExecContext(ctx, `UPDATE admin_op SET result = $1 WHERE tenant = $2 AND person = $3 AND op = $4`,
			result, string(t), person, id)
		return err
	}))
}
