package store

import (
	"context"
	"time"

	"nsecbunker/internal/audit"
	"nsecbunker/internal/bunker"
)

const (
	// MaxNotices is how many notices wait for one channel. What comes on top is not
	// stored: a message that counts so many of them is on its way.
	MaxNotices = 1000
	// keepNotices is how long notices that are done with are kept, so that their
	// source is not told twice and what failed is listed.
	keepNotices = 30 * 24 * time.Hour
)

const noticeColumns = `n.tenant, n.id, n.channel, n.kind, n.source, n.object, n.user_key, n.connection, n.at, n.due, n.state, n.batch,
n.tries, n.next_try, n.error, n.sent_at, n.used`

func fillNotice(row scanner, n *bunker.Notice) error {
	return row.Scan((*string)(&n.Tenant), (*string)(&n.ID), &n.Channel, (*string)(&n.Kind), &n.Source, &n.Object,
		b32{(*[32]byte)(&n.Key)}, (*string)(&n.Connection), &n.At, &n.Due, (*string)(&n.State), (*string)(&n.Batch), &n.Tries, &n.NextTry,
		&n.Error, &n.SentAt, yesno{&n.Used})
}

// Happened returns, in order, the records after a number that somebody may want
// to hear of: what admins, apps that connect, questions and the bunker itself
// did; not single requests. upTo is the number that was looked at last.
func (s *Store) Happened(ctx context.Context, t bunker.TenantID, after int64, limit int) (recs []bunker.AuditRecord, upTo int64, err error) {
	limit = Page{Limit: limit}.limit()
	err = s.snapshot(ctx, func(q querier) error {
		h, err := readHead(ctx, q, t, "")
		if err != nil {
			return err
		}
		upTo = h.ChainSeq
		if upTo <= after {
			return nil
		}
		recs, err = scanAll(ctx, q, func(row scanner, r *bunker.AuditRecord) error {
			var body []byte
			if err := row.Scan(&body); err != nil {
				return err
			}
			var err error
			*r, err = audit.ParseBody(body)
			return err
		}, `SELECT body FROM audit WHERE tenant = $1 AND seq > $2 AND (event_id IS NULL OR step = 'ask' OR action = 'connect')
ORDER BY seq LIMIT $3`, string(t), after, limit)
		if len(recs) == limit {
			upTo = recs[limit-1].Seq
		}
		return err
	})
	return recs, upTo, s.explain("reading what happened", err)
}

// Head returns the number of the last audit record.
func (s *Store) Head(ctx context.Context, t bunker.TenantID) (int64, error) {
	h, err := readHead(ctx, s.read, t, "")
	if err != nil {
		return 0, s.explain("reading the tenant", err)
	}
	return h.ChainSeq, nil
}

// NoticesSeen returns up to which audit record notices were made; ok is false
// where none ever was.
func (s *Store) NoticesSeen(ctx context.Context, t bunker.TenantID) (seq int64, ok bool, err error) {
	err = s.read.QueryRowContext(ctx, `SELECT seen FROM notify_state WHERE tenant = $1`, string(t)).Scan(&seq)
	if isNone(err) {
		return 0, false, nil
	}
	return seq, err == nil, s.explain("reading how far notices are", err)
}

// AddNotices stores notices, and that the log was read up to seen, together. A
// source that its channel has had is not stored again, nor what would be more
// than MaxNotices waiting there.
func (s *Store) AddNotices(ctx context.Context, t bunker.TenantID, seen int64, list []bunker.Notice) error {
	return s.explain("storing notices", s.update(ctx, func() error {
		_, err := s.write.ExecContext(ctx, `INSERT INTO notify_state (tenant, seen, vapid_public, vapid_secret) VALUES ($1, $2, '', $3)
ON CONFLICT (tenant) DO UPDATE SET seen = excluded.seen WHERE excluded.seen > notify_state.seen`, string(t), seen, []byte{})
		if err != nil {
			return err
		}
		for i := range list {
			n := &list[i]
			_, err := s.write.ExecContext(ctx, `INSERT INTO notice (tenant, id, channel, kind, source, object, user_key, connection, at, due, state,
batch, tries, next_try, error, sent_at, used) SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'waiting', '', 0, $10, '', 0, 0
WHERE EXISTS (SELECT 1 FROM notify_channel c WHERE c.tenant = $1 AND c.name = $3)
AND (SELECT count(*) FROM notice o WHERE o.tenant = $1 AND o.channel = $3 AND o.state = 'waiting') < $11
ON CONFLICT (tenant, channel, source) DO NOTHING`, string(t), string(n.ID), n.Channel, string(n.Kind), n.Source, n.Object, n.Key[:],
				string(n.Connection), n.At, n.Due, MaxNotices)
			if err != nil {
				return err
			}
		}
		return nil
	}))
}

// WaitingNotices returns notices that wait, the ones to be tried first first, at
// most MaxNotices.
func (s *Store) WaitingNotices(ctx context.Context, t bunker.TenantID) ([]bunker.Notice, error) {
	out, err := scanAll(ctx, s.read, fillNotice, `SELECT `+noticeColumns+` FROM notice n
WHERE n.tenant = $1 AND n.state = 'waiting' ORDER BY n.next_try, n.at, n.id LIMIT $2`, string(t), MaxNotices)
	return out, s.explain("reading notices", err)
}

// TryNotices notes a try before it is made: which message carries the notices,
// and when it is tried again if nothing more is heard.
func (s *Store) TryNotices(ctx context.Context, t bunker.TenantID, batch bunker.NoticeID, ids []bunker.NoticeID, again int64) error {
	return s.explain("noting a try", s.update(ctx, func() error {
		for _, id := range ids {
			_, err := s.write.ExecContext(ctx, `UPDATE notice SET batch = $1, tries = tries + 1, next_try = $2
WHERE tenant = $3 AND id = $4 AND state = 'waiting'`, string(batch), again, string(t), string(id))
			if err != nil {
				return err
			}
		}
		return nil
	}))
}

// EndNotices stores what became of notices: sent, moot, failed, or still waiting
// with the reason why.
func (s *Store) EndNotices(ctx context.Context, t bunker.TenantID, ids []bunker.NoticeID, state bunker.NoticeState, why string) error {
	now := s.clock.ledger()
	return s.explain("noting what became of a notice", s.update(ctx, func() error {
		for _, id := range ids {
			_, err := s.write.ExecContext(ctx, `UPDATE notice SET state = $1, error = $2, sent_at = CASE WHEN $1 = 'sent' THEN $3 ELSE sent_at END
WHERE tenant = $4 AND id = $5 AND state = 'waiting'`, string(state), why, now, string(t), string(id))
			if err != nil {
				return err
			}
		}
		return nil
	}))
}

// SentTo returns how many messages went to a channel since a time, and when the
// last one went (unix ms).
func (s *Store) SentTo(ctx context.Context, t bunker.TenantID, channel string, since int64) (n int, last int64, err error) {
	err = s.read.QueryRowContext(ctx, `SELECT count(DISTINCT batch), coalesce(max(sent_at), 0) FROM notice
WHERE tenant = $1 AND channel = $2 AND state = 'sent' AND sent_at > $3`, string(t), channel, since).Scan(&n, &last)
	return n, last, s.explain("counting what was sent", err)
}

// FailedNotices returns the notices that were given up, newest first, at most
// MaxPage.
func (s *Store) FailedNotices(ctx context.Context, t bunker.TenantID) ([]bunker.Notice, error) {
	out, err := scanAll(ctx, s.read, fillNotice, `SELECT `+noticeColumns+` FROM notice n
WHERE n.tenant = $1 AND n.state = 'failed' ORDER BY n.at DESC, n.id LIMIT $2`, string(t), MaxPage)
	return out, s.explain("listing failed notices", err)
}

// ToldQuestions returns the notices of questions that went to a channel by a
// message and whose code was not used, newest first, at most MaxPage.
func (s *Store) ToldQuestions(ctx context.Context, t bunker.TenantID, channel string) ([]bunker.Notice, error) {
	out, err := scanAll(ctx, s.read, fillNotice, `SELECT `+noticeColumns+` FROM notice n JOIN approval a ON a.tenant = n.tenant AND a.id = n.object
WHERE n.tenant = $1 AND n.channel = $2 AND n.kind = 'question' AND n.batch <> '' AND n.used = 0 AND a.state = 'pending'
ORDER BY n.at DESC, n.id LIMIT $3`, string(t), channel, MaxPage)
	return out, s.explain("looking for questions that were told", err)
}

// UseCode marks the code of a notice as used and reports whether it was not
// before: it is good once, on every instance.
func (s *Store) UseCode(ctx context.Context, t bunker.TenantID, id bunker.NoticeID) (bool, error) {
	used := false
	err := s.update(ctx, func() error {
		res, err := s.write.ExecContext(ctx, `UPDATE notice SET used = 1 WHERE tenant = $1 AND id = $2 AND used = 0`, string(t), string(id))
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		used = n == 1
		return err
	})
	return used && err == nil, s.explain("using a code", err)
}

// PruneNotices removes notices that are done with and old.
func (s *Store) PruneNotices(ctx context.Context, t bunker.TenantID) error {
	if s.Clock().Suspect {
		return nil
	}
	before := s.clock.ledger() - keepNotices.Milliseconds()
	return s.explain("pruning notices", s.update(ctx, func() error {
		_, err := s.write.ExecContext(ctx, `DELETE FROM notice WHERE (tenant, id) IN (SELECT tenant, id FROM notice
WHERE tenant = $1 AND state <> 'waiting' AND at < $2 ORDER BY at LIMIT $3)`, string(t), before, pruneBatch)
		return err
	}))
}
