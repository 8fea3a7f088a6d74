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
	// keepTexts is how long a question that is over still shows the text that was to
	// be encrypted: such a text is in no log, and is nobody's after the answer.
	keepTexts = time.Hour
)

// tooOld is the created_at (unix seconds) below which no event is accepted any
// more at now (unix ms), with the margin.
func tooOld(now int64) int64 {
	return now/1000 - int64((bunker.Freshness+bunker.Ahead+bunker.PruneMargin)/time.Second)
}

// Prune erases the bytes of replies whose request is too old to come again,
// removes the rows of those that were inserted [bunker.KeepRows] ago, parked ones whose
// question was over for so long, old questions, and kept versions beyond [MaxVersionBytes], batch by batch, until nothing is left to do or ctx ends. It
// returns how many rows it removed. While the clock is suspect it does nothing.
func (s *Store) Prune(ctx context.Context) (pruned int, err error) {
	for {
		c := s.Clock()
		if c.Suspect {
			return pruned, nil
		}
		changed, removed, err := s.pruneSome(ctx, c.Ledger.UnixMilli())
		if pruned += removed; err != nil {
			return pruned, s.explain("pruning", err)
		}
		if changed == 0 {
			n, err := s.pruneVersions(ctx)
			return pruned + n, s.explain("pruning kept versions", err)
		}
	}
}

// numbers reads numbers of rows in the open write transaction.
func (s *Store) numbers(ctx context.Context, query string, args ...any) ([]int64, error) {
	return scanAll(ctx, s.write, func(row scanner, no *int64) error { return row.Scan(no) }, query, args...)
}

func (s *Store) pruneSome(ctx context.Context, now int64) (changed, removed int, err error) {
	if err := s.CountBudgets(); err != nil {
		return 0, 0, err
	}
	var over int64 // windows of budgets
	err = s.update(ctx, func() error {
		changed, removed = 0, 0
		old, err := s.numbers(ctx, `SELECT no FROM request
WHERE state IN ('delivered', 'undeliverable') AND erased = 0 AND created_at < $1 ORDER BY created_at LIMIT $2`, tooOld(now), pruneBatch)
		if err != nil {
			return err
		}
		for _, no := range old {
			if _, err := s.write.ExecContext(ctx, `UPDATE reply SET bytes = NULL WHERE no BETWEEN 2 * CAST($1 AS BIGINT) AND 2 * CAST($1 AS BIGINT) + 1`, no); err != nil {
				return err
			}
			if _, err := s.write.ExecContext(ctx, `UPDATE request SET erased = 1 WHERE no = $1`, no); err != nil {
				return err
			}
		}
		gone, err := s.numbers(ctx, `SELECT no FROM request WHERE erased = 1 AND inserted_at <= $1 ORDER BY inserted_at LIMIT $2`,
			now-bunker.KeepRows.Milliseconds(), pruneBatch)
		if err != nil {
			return err
		}
		// What nobody could judge again, since the key that it was closed for is gone or was
		// locked all the time: its question is over for as long, and nobody waits for it.
		stuck, err := s.numbers(ctx, `SELECT r.no FROM request r JOIN approval a ON a.tenant = r.tenant AND a.id = r.question
WHERE r.state = 'parked' AND a.state <> 'pending' AND a.answered_at <= $1 ORDER BY a.answered_at LIMIT $2`, now-bunker.KeepRows.Milliseconds(), pruneBatch)
		if err != nil {
			return err
		}
		gone = append(gone, stuck...)
		for _, no := range gone {
			if _, err := s.write.ExecContext(ctx, `DELETE FROM reply WHERE no BETWEEN 2 * CAST($1 AS BIGINT) AND 2 * CAST($1 AS BIGINT) + 1`, no); err != nil {
				return err
			}
			if _, err := s.write.ExecContext(ctx, `DELETE FROM request WHERE no = $1`, no); err != nil {
				return err
			}
		}
		_, err = s.write.ExecContext(ctx, `UPDATE approval SET summary = $1 WHERE (tenant, id) IN (SELECT tenant, id FROM approval
WHERE state <> 'pending' AND answered_at <= $2 AND method IN ('nip44_encrypt', 'nip04_encrypt') AND length(summary) > 0 LIMIT $3)`, []byte{},
			now-keepTexts.Milliseconds(), pruneBatch)
		if err != nil {
			return err
		}
		res, err := s.write.ExecContext(ctx, `DELETE FROM approval WHERE (tenant, id) IN (SELECT tenant, id FROM approval
WHERE state <> 'pending' AND answered_at <= $1 ORDER BY answered_at LIMIT $2)
AND NOT EXISTS (SELECT 1 FROM request r WHERE r.state = 'parked' AND r.question = approval.id)`, now-keepAnswered.Milliseconds(), pruneBatch)
		if err != nil {
			return err
		}
		answered, err := res.RowsAffected()
		if err != nil {
			return err
		}
		if res, err = s.write.ExecContext(ctx, `DELETE FROM budget WHERE (tenant, policy, rule, scope, span) IN (
SELECT tenant, policy, rule, scope, span FROM budget WHERE ends_at > 0 AND ends_at <= $1 ORDER BY ends_at LIMIT $2)`,
			now-bunker.KeepRows.Milliseconds(), pruneBatch); err != nil {
			return err
		}
		over, err = res.RowsAffected()
		removed = len(gone) + int(answered) + int(over)
		changed = removed + len(old)
		return err
	})
	if over > 0 {
		s.forgetUses()
	}
	return changed, removed, err
}
