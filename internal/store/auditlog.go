package store

import (
	"context"
	"errors"
	"fmt"
	"math"

	"nsecbunker/internal/audit"
	"nsecbunker/internal/bunker"
	"nsecbunker/nostr"
)

// RecordFilter chooses audit records; a zero field does not filter.
type RecordFilter struct {
	Since, Until int64 // unix ms; Until is exclusive, 0: no end
	Key          nostr.PubKey
	Connection   bunker.ConnectionID
	Principal    string
	Action       string
	Effect       string
	Before       int64 // number of the record to go back from, exclusive; 0: the newest
	Limit        int   // 0: MaxPage
	// Keys, when not empty: only records about these keys, or about their connections.
	Keys []bunker.KeyID
	// Person is the digest that records have for a name.
	Person string
}

// Records returns the audit records that a filter chooses, newest first. They
// are as stored; [Store.VerifyAudit] says whether the chain is whole.
func (s *Store) Records(ctx context.Context, t bunker.TenantID, f RecordFilter) ([]bunker.AuditRecord, error) {
	key := ""
	if !f.Key.IsZero() {
		key = f.Key.String()
	}
	before := f.Before
	if before == 0 {
		before = math.MaxInt64 // and not an OR, by which each page would be read from the newest record on
	}
	out, err := scanAll(ctx, s.read, func(row scanner, r *bunker.AuditRecord) error {
		var body []byte
		if err := row.Scan(&body); err != nil {
			return err
		}
		var err error
		*r, err = audit.ParseBody(body)
		return err
	}, `SELECT body FROM audit WHERE tenant = $1 AND seq < $2 AND time >= $3 AND (CAST($4 AS BIGINT) = 0 OR time < $4)
AND ($5 = '' OR principal = $5) AND ($6 = '' OR action = $6) AND ($7 = '' OR user_key = $7) AND ($8 = '' OR connection = $8)
AND ($9 = '' OR effect = $9) AND ($10 = '' OR `+s.recordOfKeys()+`) AND ($11 = '' OR person = $11) ORDER BY seq DESC LIMIT $12`, string(t), before, f.Since, f.Until,
		f.Principal, f.Action, key, string(f.Connection), f.Effect, keysText(f.Keys), f.Person, Page{Limit: f.Limit}.limit())
	return out, s.explain("reading the audit log", err)
}

// recordOfKeys holds for a record that is about one of the keys in $10, a list as
// keysText makes it. A record that names neither key nor connection is nobody's.
func (s *Store) recordOfKeys() string {
	return `(user_key IN (SELECT ` + s.sql.hexOf + `k.pubkey` + s.sql.hexEnd + ` FROM user_key k WHERE k.tenant = $1 AND $10 LIKE '%"' || k.id || '"%')
OR user_key = '' AND connection IN (SELECT c.id FROM connection c WHERE c.tenant = $1 AND $10 LIKE '%"' || c.key_id || '"%'))`
}

// AuditLines returns the chain as stored, the records after a number, in order:
// what an export is made of. At most MaxPage at once.
func (s *Store) AuditLines(ctx context.Context, t bunker.TenantID, after int64, limit int) ([]audit.Line, error) {
	out, err := scanAll(ctx, s.read, func(row scanner, l *audit.Line) error { return row.Scan(&l.Body, b32{&l.Hash}) },
		`SELECT body, hash FROM audit WHERE tenant = $1 AND seq > $2 ORDER BY seq LIMIT $3`, string(t), after, Page{Limit: limit}.limit())
	return out, s.explain("reading the audit log", err)
}

// Checkpoints returns the checkpoints of records after a number, in order, at
// most MaxPage at once.
func (s *Store) Checkpoints(ctx context.Context, t bunker.TenantID, after int64, limit int) ([]audit.Signed, error) {
	out, err := scanAll(ctx, s.read, fillCheckpoint, `SELECT `+checkpointColumns+` FROM checkpoint
WHERE tenant = $1 AND seq > $2 ORDER BY seq LIMIT $3`, string(t), after, Page{Limit: limit}.limit())
	return out, s.explain("reading the checkpoints", err)
}

// snapshot runs f in one read transaction.
func (s *Store) snapshot(ctx context.Context, f func(querier) error) (err error) {
	conn, err := s.read.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	if _, err := conn.ExecContext(ctx, s.sql.beginRead); err != nil {
		return err
	}
	defer func() {
		_, end := conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
		if noTransaction(end) {
			end = nil
		}
		err = errors.Join(err, end)
	}()
	return f(conn)
}

// eachAudit calls f with every record of the chain and every checkpoint, right
// after its record. It stops at f's error.
func eachAudit(ctx context.Context, q querier, t bunker.TenantID, f func(*audit.Line, *audit.Signed) error) (err error) {
	held, err := checkpoints(ctx, q, t)
	if err != nil {
		return err
	}
	rows, err := q.QueryContext(ctx, `SELECT seq, body, hash FROM audit WHERE tenant = $1 ORDER BY seq`, string(t))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	give := func(upTo int64) error { // checkpoints of records up to a number
		for len(held) > 0 && held[0].Seq <= upTo {
			if err := f(nil, &held[0]); err != nil {
				return err
			}
			held = held[1:]
		}
		return nil
	}
	for rows.Next() {
		var seq int64
		var l audit.Line
		if err := rows.Scan(&seq, &l.Body, b32{&l.Hash}); err != nil {
			return err
		}
		if err := errors.Join(give(seq-1), f(&l, nil), give(seq)); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for i := range held { // of records that are gone: verifying names them
		if err := f(nil, &held[i]); err != nil {
			return err
		}
	}
	return nil
}

// VerifyAudit checks the whole chain, the stored checkpoints, and those that
// the caller holds, against the audit key (zero: each checkpoint's own), and
// the chain's end against the tenant's head.
func (s *Store) VerifyAudit(ctx context.Context, t bunker.TenantID, key nostr.PubKey, held []audit.Signed) (audit.Report, error) {
	var rep audit.Report
	err := s.snapshot(ctx, func(q querier) error {
		v := audit.NewVerifier(string(t), key, held)
		err := eachAudit(ctx, q, t, func(l *audit.Line, c *audit.Signed) error {
			if c != nil {
				v.Checkpoint(*c)
			} else {
				v.Add(*l)
			}
			return nil
		})
		if err != nil {
			return err
		}
		rep = v.Report()
		h, err := readHead(ctx, q, t, "")
		if err != nil {
			return err
		}
		switch {
		case h.ChainSeq > rep.Seq:
			rep.Faults = append(rep.Faults, audit.Fault{What: audit.Cut, Seq: rep.Seq + 1, Last: h.ChainSeq,
				Text: fmt.Sprintf("the end of the chain was cut off: it stops at record %d, and %d were written", rep.Seq, h.ChainSeq)})
		case h.ChainSeq < rep.Seq, h.ChainHead != rep.Head:
			rep.Faults = append(rep.Faults, audit.Fault{What: audit.Rewrote, Seq: rep.Seq, Last: rep.Seq,
				Text: fmt.Sprintf("the chain's end does not fit the tenant's head: records up to %d were written by something else", rep.Seq)})
		}
		return nil
	})
	return rep, s.explain("verifying the audit log", err)
}

const checkpointColumns = `tenant, seq, incarnation, head, time, audit_key, sig`

func fillCheckpoint(row scanner, c *audit.Signed) error {
	var sig []byte
	err := row.Scan(&c.Tenant, &c.Seq, &c.Incarnation, b32{&c.Head}, &c.Time, b32{(*[32]byte)(&c.Key)}, &sig)
	if err != nil {
		return err
	}
	if len(sig) != len(c.Sig) {
		return fmt.Errorf("the checkpoint at record %d has a signature of %d bytes", c.Seq, len(sig))
	}
	c.Sig = nostr.Sig(sig)
	return nil
}

// maxCheckpoints of a tenant are read, the newest: one every ten minutes for
// nearly two years.
const maxCheckpoints = 100_000

func checkpoints(ctx context.Context, q querier, t bunker.TenantID) ([]audit.Signed, error) {
	return scanAll(ctx, q, fillCheckpoint, `SELECT `+checkpointColumns+` FROM
(SELECT `+checkpointColumns+` FROM checkpoint WHERE tenant = $1 ORDER BY seq DESC LIMIT $2) newest ORDER BY seq`, string(t), maxCheckpoints)
}

// NextCheckpoint is the chain's head as a checkpoint to sign; ok is false when
// the last one says the same already.
func (s *Store) NextCheckpoint(ctx context.Context, t bunker.TenantID) (c audit.Checkpoint, ok bool, err error) {
	err = s.snapshot(ctx, func(q querier) error {
		h, err := readHead(ctx, q, t, "")
		if err != nil {
			return err
		}
		c = audit.Checkpoint{Tenant: string(t), Incarnation: h.incarnation(), Seq: h.ChainSeq, Head: h.ChainHead, Time: s.clock.ledger()}
		var last int64
		err = q.QueryRowContext(ctx, `SELECT coalesce(max(seq), 0) FROM checkpoint WHERE tenant = $1`, string(t)).Scan(&last)
		ok = last < h.ChainSeq
		return err
	})
	return c, ok, s.explain("reading the chain's head", err)
}

// LastCheckpoint returns the newest checkpoint, nil where there is none.
func (s *Store) LastCheckpoint(ctx context.Context, t bunker.TenantID) (*audit.Signed, error) {
	var c audit.Signed
	err := fillCheckpoint(s.read.QueryRowContext(ctx, `SELECT `+checkpointColumns+` FROM checkpoint WHERE tenant = $1 ORDER BY seq DESC LIMIT 1`,
		string(t)), &c)
	if isNone(err) {
		return nil, nil
	}
	return &c, s.explain("reading the last checkpoint", err)
}

// AddCheckpoint stores a signed checkpoint; a second one at the same record is
// ignored.
func (s *Store) AddCheckpoint(ctx context.Context, c audit.Signed) error {
	return s.AddCheckpoints(ctx, []audit.Signed{c})
}

// AddCheckpoints is AddCheckpoint of many, in one transaction.
func (s *Store) AddCheckpoints(ctx context.Context, list []audit.Signed) error {
	if len(list) == 0 {
		return nil
	}
	rows := make([][]any, len(list))
	for i := range list {
		c := &list[i]
		rows[i] = []any{c.Tenant, c.Seq, c.Incarnation, c.Head[:], c.Time, c.Key[:], c.Sig[:]}
	}
	return s.explain("storing checkpoints", s.update(ctx, func() error {
		return s.insertRows(ctx, `INSERT INTO checkpoint (`+checkpointColumns+`) VALUES `, rows, ` ON CONFLICT (tenant, seq) DO NOTHING`)
	}))
}
