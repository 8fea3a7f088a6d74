package store

import (
	"context"
	"time"

	"nsecbunker/internal/bunker"
)

const (
	// pruneBatch rows are erased or pruned in one transaction.
	pruneBatch = 500
	// keepAnswered is how long resolved questions are listed.
	keepAnswered = 30 * 24 * time.Hour
)

// tooOld is the created_at (unix seconds) below which no event is accepted any
// more at now (unix ms), with the margin.
func tooOld(now int64) int64 {
	return now/1000 - int64((bunker.Freshness+bunker.Ahead+bunker.PruneMargin)/time.Second)
}

// Prune erases the bytes of replies whose request is too old to come again,
// removes rows that are older still (and at least [bunker.KeepRows] by their
// insertion), and old questions. It returns how many rows went; call it again
// while that is not 0. Nothing is pruned while the clock is suspect.
func (s *Store) Prune(ctx context.Context) (int, error) {
	c := s.Clock()
	if c.Suspect {
		return 0, nil
	}
	now := c.Ledger.UnixMilli()
	var pruned int64
	err := s.update(ctx, func() error {
		pruned = 0
		for _, step := range []struct {
			text   string
			args   []any
			counts bool
		}{
			{`UPDATE reply SET bytes = NULL WHERE bytes IS NOT NULL AND event_id IN (SELECT event_id FROM request
WHERE state IN ('delivered', 'undeliverable') AND created_at < $1 ORDER BY created_at DESC LIMIT $2)`, []any{tooOld(now), pruneBatch}, false},
			{`DELETE FROM request WHERE event_id IN (SELECT event_id FROM request
WHERE state IN ('delivered', 'undeliverable') AND created_at < $1 AND inserted_at <= $2 ORDER BY created_at LIMIT $3)`,
				[]any{tooOld(now), now - bunker.KeepRows.Milliseconds(), pruneBatch}, true},
			{`DELETE FROM approval WHERE state <> 'pending' AND answered_at <= $1
AND NOT EXISTS (SELECT 1 FROM request r WHERE r.state = 'parked' AND r.question = approval.id)`, []any{now - keepAnswered.Milliseconds()}, true},
		} {
			res, err := s.write.ExecContext(ctx, step.text, step.args...)
			if err != nil {
				return err
			}
			n, err := res.RowsAffected()
			if err != nil {
				return err
			}
			if step.counts {
				pruned += n
			}
		}
		return nil
	})
	if err != nil {
		return 0, s.explain("pruning", err)
	}
	return int(pruned), nil
}
