package store

import (
	"cmp"
	"context"
	"slices"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr"
)

// Back-off between publishes of a reply that no relay has accepted: it doubles.
const (
	firstRetry = time.Second
	lastRetry  = time.Minute
)

// backoff is how long to wait after a number of tries.
func backoff(tries int64) time.Duration {
	d := firstRetry
	for range tries {
		if d *= 2; d >= lastRetry {
			return lastRetry
		}
	}
	return d
}

// dueRow is a reply to publish, with its tries.
type dueRow struct {
	stored bunker.Stored
	no     int64 // of the request
	tries  int64
}

// replyDue is the condition that a reply is to be sent at $1.
const replyDue = `((r.state = 'ready' AND p.part = 'final') OR (r.state = 'parked' AND p.part = 'auth_url' AND p.accepted_by = ''))
AND r.publish_until <= $1 AND p.next_try <= $1 AND p.bytes IS NOT NULL`

// Due takes up to limit replies that no relay has accepted and whose publisher's
// time is over, notes the try, and returns them: final replies of ready
// requests, and auth_urls of parked ones. What was ready for longer than
// [bunker.GiveUp] becomes undeliverable and is not returned. Where there are more than
// limit, each tenant has some of them.
func (s *Store) Due(ctx context.Context, limit int) ([]bunker.Stored, error) {
	now := s.clock.ledger()
	if due, err := s.anyDue(ctx, now); err != nil || !due {
		return nil, s.explain("looking for undelivered replies", err)
	}
	var out []bunker.Stored
	err := s.update(ctx, func() error {
		if err := s.giveUp(ctx, now); err != nil {
			return err
		}
		rows, err := scanAll(ctx, s.write, func(row scanner, d *dueRow) error {
			return fillStored(rest{row, []any{&d.no, &d.tries}}, &d.stored)
		}, `SELECT `+storedColumns+`, r.no, p.tries FROM request r `+repliesOf+`
WHERE `+replyDue+` AND r.no IN (SELECT t.no FROM (SELECT r.no, p.next_try,
row_number() OVER (PARTITION BY r.tenant ORDER BY p.next_try) AS turn FROM request r `+repliesOf+` WHERE `+replyDue+`) t
ORDER BY t.turn, t.next_try LIMIT $2) ORDER BY p.next_try`+s.sql.skipLocked, now, limit)
		if err != nil {
			return err
		}
		for _, d := range rows {
			wait := backoff(d.tries).Milliseconds()
			_, err := s.write.ExecContext(ctx, `UPDATE reply SET tries = tries + 1, next_try = $1 WHERE no = $2`,
				now+wait, replyNo(d.no, d.stored.Reply().Part))
			if err != nil {
				return err
			}
			_, err = s.write.ExecContext(ctx, `UPDATE request SET publisher = $1, publish_until = $2 WHERE no = $3`,
				s.instance, now+min(wait, publishFor.Milliseconds()), d.no)
			if err != nil {
				return err
			}
			out = append(out, d.stored)
		}
		return nil
	})
	if err != nil {
		return nil, s.explain("looking for undelivered replies", err)
	}
	return out, nil
}

// anyDue spares the sweep a write transaction when there is nothing to do.
func (s *Store) anyDue(ctx context.Context, now int64) (bool, error) {
	var n int
	err := s.read.QueryRowContext(ctx, `SELECT
(SELECT count(*) FROM (SELECT 1 FROM request WHERE state = 'ready' AND publish_until <= $1 LIMIT 1) ready)
+ (SELECT count(*) FROM (SELECT 1 FROM request r `+repliesOf+`
 WHERE r.state = 'parked' AND p.part = 'auth_url' AND p.accepted_by = '' AND r.publish_until <= $1 LIMIT 1) parked)`, now).Scan(&n)
	return n > 0, err
}

// rest scans a row whose last columns go elsewhere.
type rest struct {
	scanner
	last []any
}

func (r rest) Scan(dest ...any) error { return r.scanner.Scan(append(dest, r.last...)...) }

// giveUp marks what was ready too long; every one is said in the log.
func (s *Store) giveUp(ctx context.Context, now int64) error {
	old, err := s.eventIDs(ctx, `SELECT event_id FROM request WHERE state = 'ready' AND publish_until <= $1 AND ready_at <= $2 LIMIT $3`,
		now, now-bunker.GiveUp.Milliseconds(), pruneBatch)
	if err != nil {
		return err
	}
	for _, id := range old {
		_, err := s.write.ExecContext(ctx, `UPDATE request SET state = 'undeliverable' WHERE event_id = $1 AND state = 'ready'`, id[:])
		if err != nil {
			return err
		}
		s.log.Warn("no relay took a reply in time; it is listed as undeliverable", "request", id)
	}
	return nil
}

// eventIDs reads ids in the open write transaction.
func (s *Store) eventIDs(ctx context.Context, query string, args ...any) ([]nostr.ID, error) {
	return scanAll(ctx, s.write, func(row scanner, id *nostr.ID) error { return row.Scan(b32{(*[32]byte)(id)}) }, query, args...)
}

// Revive takes an undeliverable request back to ready, to be sent at once: the
// same event came again, or an admin asks. It reports whether it did.
func (s *Store) Revive(ctx context.Context, id nostr.ID) (bool, error) {
	now := s.clock.ledger()
	revived := false
	err := s.update(ctx, func() error {
		res, err := s.write.ExecContext(ctx, `UPDATE request SET state = 'ready', ready_at = $1, publish_until = $1
WHERE event_id = $2 AND state = 'undeliverable' AND erased = 0`, now, id[:])
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return err
		}
		revived = true
		_, err = s.write.ExecContext(ctx, `UPDATE reply SET next_try = $1, tries = 0
WHERE no = (SELECT 2 * no + 1 FROM request WHERE event_id = $2)`, now, id[:])
		return err
	})
	return revived && err == nil, s.explain("reviving a reply", err)
}

// RetryNow makes every undelivered reply of a tenant due at once: a relay came
// back, or the tenant was unsealed.
func (s *Store) RetryNow(ctx context.Context, t bunker.TenantID) error {
	return s.hurry(ctx, ` AND tenant = $2`, string(t))
}

// RetryAllNow is RetryNow of every tenant.
func (s *Store) RetryAllNow(ctx context.Context) error { return s.hurry(ctx, "") }

// hurry makes undelivered replies due, of one tenant where of says so.
func (s *Store) hurry(ctx context.Context, of string, args ...any) error {
	args = append([]any{s.clock.ledger()}, args...)
	return s.explain("hurrying replies", s.update(ctx, func() error {
		_, err := s.write.ExecContext(ctx, `UPDATE reply SET next_try = $1 WHERE next_try > $1`+of+` AND no IN
(SELECT 2 * no + 1 FROM request WHERE state = 'ready' UNION ALL SELECT 2 * no FROM request WHERE state = 'ready')`, args...)
		if err != nil {
			return err
		}
		_, err = s.write.ExecContext(ctx, `UPDATE request SET publish_until = $1 WHERE state = 'ready' AND publish_until > $1`+of+`
AND EXISTS (SELECT 1 FROM reply p WHERE p.no = 2 * request.no + 1 AND p.tries > 0)`, args...)
		return err
	}))
}

// Undelivered is a request whose reply reached no relay in time.
type Undelivered struct {
	Event      nostr.ID
	Connection bunker.ConnectionID
	Method     string
	CreatedAt  int64 // unix seconds
	ReadyAt    int64 // unix ms
	Erased     bool  // too old: the reply cannot be sent any more
}

// Undeliverable lists a tenant's undeliverable requests, newest first, at most
// MaxPage.
func (s *Store) Undeliverable(ctx context.Context, t bunker.TenantID) ([]Undelivered, error) {
	out, err := scanAll(ctx, s.read, func(row scanner, u *Undelivered) error {
		return row.Scan(b32{(*[32]byte)(&u.Event)}, (*string)(&u.Connection), &u.Method, &u.CreatedAt, &u.ReadyAt, yesno{&u.Erased})
	}, `SELECT r.event_id, r.connection, r.method, r.created_at, r.ready_at, r.erased FROM request r
WHERE r.tenant = $1 AND r.state = 'undeliverable' ORDER BY r.created_at DESC, r.event_id LIMIT $2`, string(t), MaxPage)
	return out, s.explain("listing undelivered replies", err)
}

// DueParked returns up to limit parked requests that are to be judged again:
// their question is resolved, their time to be answered is over, or a newer
// request took their question over. Approval.EventID then names the newer one. Where
// there are more than limit, each tenant has some of them.
func (s *Store) DueParked(ctx context.Context, limit int) ([]bunker.Parked, error) {
	out, err := scanAll(ctx, s.read, func(row scanner, p *bunker.Parked) error {
		return row.Scan(append([]any{(*string)(&p.Tenant), b32{(*[32]byte)(&p.EventID)}, &p.Envelope, &p.Link}, approvalFields(&p.Approval)...)...)
	}, `SELECT r.tenant, r.event_id, r.envelope, r.link, `+approvalColumns+`
FROM request r JOIN approval a ON a.tenant = r.tenant AND a.id = r.question
WHERE r.state = 'parked' AND (a.state <> 'pending' OR a.reply_by <= $1 OR a.event_id <> r.event_id)
ORDER BY row_number() OVER (PARTITION BY r.tenant ORDER BY r.inserted_at, r.event_id), r.inserted_at, r.event_id LIMIT $2`, s.clock.ledger(), limit)
	return out, s.explain("looking for parked requests", err)
}

// ExpireApprovals resolves the questions whose time is over, each with its
// record, and returns how many (at most MaxPage a call). While the clock is
// suspect it does nothing: a question that a jump ended would not come back.
func (s *Store) ExpireApprovals(ctx context.Context) (int, error) {
	c := s.Clock()
	if c.Suspect {
		return 0, nil
	}
	now := c.Ledger.UnixMilli()
	old, err := scanAll(ctx, s.read, fillApproval, `SELECT `+approvalColumns+` FROM approval a
WHERE a.state = 'pending' AND a.question_until <= $1 ORDER BY a.question_until, a.tenant LIMIT $2`, now, MaxPage)
	if err != nil || len(old) == 0 {
		return 0, s.explain("looking for expired questions", err)
	}
	slices.SortStableFunc(old, func(a, b bunker.Approval) int { return cmp.Compare(a.Tenant, b.Tenant) })
	n := 0
	for len(old) > 0 {
		t := old[0].Tenant
		end := 0
		for end < len(old) && old[end].Tenant == t {
			end++
		}
		done, err := s.expire(ctx, t, old[:end])
		if n += done; err != nil {
			return n, err
		}
		old = old[end:]
	}
	return n, nil
}

func (s *Store) expire(ctx context.Context, t bunker.TenantID, old []bunker.Approval) (n int, err error) {
	by := bunker.Principal{Name: "system", Door: bunker.DoorSystem}
	err = s.Change(ctx, t, by, func(tx *Tx) error {
		n = 0
		for i := range old {
			a := &old[i]
			done, err := tx.execN(`UPDATE approval SET state = 'expired', answered_at = $1
WHERE tenant = $2 AND id = $3 AND state = 'pending' AND question_until <= $1`, tx.now, string(t), string(a.ID))
			if err != nil {
				return err
			}
			if done == 0 {
				continue // answered meanwhile
			}
			n++
			err = tx.Audit(bunker.AuditRecord{
				Action: "approval.expire", Object: string(a.ID), Event: a.EventID.String(), Connection: string(a.Connection),
				Reason: "nobody answered in time",
			})
			if err != nil {
				return err
			}
		}
		tx.wrote = n > 0
		return nil
	})
	return n, err
}
