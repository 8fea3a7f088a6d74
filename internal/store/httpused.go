package store

import (
	"context"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr"
)

// MaxHTTPUsed is how many used authorizations are remembered at once: of two minutes,
// those that are still in their time.
const MaxHTTPUsed = 100_000

// UseHTTP notes that an authorization was used, before anything is done with it; first
// is false when it was used before. It is remembered until a time (unix ms).
func (s *Store) UseHTTP(ctx context.Context, t bunker.TenantID, id nostr.ID, until int64) (first bool, err error) {
	now := s.LedgerTime().UnixMilli()
	err = s.update(ctx, func() error {
		if _, err := s.write.ExecContext(ctx, `DELETE FROM http_used WHERE until < $1`, now); err != nil {
			return err
		}
		var n int64
		if err := s.write.QueryRowContext(ctx, `SELECT count(*) FROM http_used`).Scan(&n); err != nil {
			return err
		}
		if n >= MaxHTTPUsed {
			return bunker.Errorf(bunker.CodeRateLimited, "too many requests of scripts in two minutes; slow down")
		}
		res, err := s.write.ExecContext(ctx, `INSERT INTO http_used (tenant, event_id, until) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, string(t), id[:], until)
		if err != nil {
			return err
		}
		n, err = res.RowsAffected()
		first = n == 1
		return err
	})
	return first, s.explain("noting an authorization", err)
}
