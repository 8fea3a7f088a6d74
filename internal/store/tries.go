package store

import (
	"context"

	"nsecbunker/internal/bunker"
)

// Tries returns how many tries of a passphrase are spent, and since when (unix
// ms); zero when none are. What the figures mean is internal/seal's.
func (s *Store) Tries(ctx context.Context, t bunker.TenantID, what string) (spent int, at int64, err error) {
	err = s.read.QueryRowContext(ctx, `SELECT n, at FROM kdf_attempt WHERE tenant = $1 AND what = $2 LIMIT 1`, string(t), what).Scan(&spent, &at)
	if isNone(err) {
		return 0, 0, nil
	}
	return spent, at, s.explain("reading tries", err)
}

// PutTries stores them, synced before it returns: ending the process gives no
// try back.
func (s *Store) PutTries(ctx context.Context, t bunker.TenantID, what string, spent int, at int64) error {
	return s.explain("counting tries", s.update(ctx, func() error {
		if _, err := s.write.ExecContext(ctx, `DELETE FROM kdf_attempt WHERE tenant = $1 AND what = $2`, string(t), what); err != nil {
			return err
		}
		if spent == 0 {
			return nil
		}
		_, err := s.write.ExecContext(ctx, `INSERT INTO kdf_attempt (tenant, what, at, n) VALUES ($1, $2, $3, $4)`, string(t), what, at, spent)
		return err
	}))
}
