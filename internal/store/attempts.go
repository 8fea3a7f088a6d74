package store

import (
	"context"
	"time"

	"nsecbunker/internal/bunker"
)

// Attempt counts a try of a passphrase before it is tried, so that neither a
// crash nor a restart gives new ones: at most limit tries of what in each span.
// Over it, it fails with CodeRateLimited and says when the next one is.
func (s *Store) Attempt(ctx context.Context, t bunker.TenantID, what string, limit int, span time.Duration) error {
	now := s.clock.ledger()
	err := s.update(ctx, func() error {
		var n int
		var oldest, last int64
		err := s.write.QueryRowContext(ctx, `SELECT count(*), coalesce(min(at), 0), coalesce(max(n), 0) FROM kdf_attempt
WHERE tenant = $1 AND what = $2 AND at > $3`, string(t), what, now-span.Milliseconds()).Scan(&n, &oldest, &last)
		if err != nil {
			return err
		}
		if n >= limit {
			wait := time.Duration(oldest+span.Milliseconds()-now) * time.Millisecond
			return bunker.Errorf(bunker.CodeRateLimited, "too many wrong passphrases; the next try is in %s", wait.Round(time.Second))
		}
		_, err = s.write.ExecContext(ctx, `INSERT INTO kdf_attempt (tenant, what, at, n) VALUES ($1, $2, $3, $4)`, string(t), what, now, last+1)
		return err
	})
	return s.explain("counting a try", err)
}

// AttemptSucceeded forgets the tries: the passphrase was right.
func (s *Store) AttemptSucceeded(ctx context.Context, t bunker.TenantID, what string) error {
	return s.explain("forgetting tries", s.update(ctx, func() error {
		_, err := s.write.ExecContext(ctx, `DELETE FROM kdf_attempt WHERE tenant = $1 AND what = $2`, string(t), what)
		return err
	}))
}
