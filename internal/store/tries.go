package store

import (
	"context"

	"nsecbunker/internal/bunker"
)

// Tries returns how many tries of a passphrase are spent, and when they were
// counted (unix ms); zero for none. Whoever asks for passphrases keeps the
// limit; the store only sees to it that a restart gives no new tries.
func (s *Store) Tries(ctx context.Context, t bunker.TenantID, what string) (spent int, at int64, err error) {
	err = s.read.QueryRowContext(ctx, `SELECT spent, at FROM kdf_attempt WHERE tenant = $1 AND what = $2`, string(t), what).Scan(&spent, &at)
	if isNone(err) {
		return 0, 0, nil
	}
	return spent, at, s.explain("reading the tries of a passphrase", err)
}

// PutTries stores what [Store.Tries] returns; it is synced when it returns.
func (s *Store) PutTries(ctx context.Context, t bunker.TenantID, what string, spent int, at int64) error {
	return s.explain("counting a try", s.update(ctx, func() error {
		_, err := s.write.ExecContext(ctx, `INSERT INTO kdf_attempt (tenant, what, spent, at) VALUES ($1, $2, $3, $4)
ON CONFLICT (tenant, what) DO UPDATE SET spent = excluded.spent, at = excluded.at`, string(t), what, spent, at)
		return err
	}))
}

// SwapTries is PutTries where they still are what was read, spent and at. ok is false where
// they are not: another instance counted a try meanwhile.
func (s *Store) SwapTries(ctx context.Context, t bunker.TenantID, what string, was int, wasAt int64, spent int, at int64) (ok bool, err error) {
	err = s.update(ctx, func() error {
		res, err := s.write.ExecContext(ctx, `INSERT INTO kdf_attempt (tenant, what, spent, at) VALUES ($1, $2, $3, $4)
ON CONFLICT (tenant, what) DO UPDATE SET spent = excluded.spent, at = excluded.at WHERE kdf_attempt.spent = $5 AND kdf_attempt.at = $6`,
			string(t), what, spent, at, was, wasAt)
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		ok = n == 1
		return err
	})
	return ok && err == nil, s.explain("counting a try", err)
}
