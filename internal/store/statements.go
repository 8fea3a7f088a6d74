package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// The statements of a group commit, prepared once on the write handle.

type stmtID int

const (
	stmtBegin stmtID = iota
	stmtCommit
	stmtRollback
	stmtSave
	stmtRelease
	stmtUndo
	stmtBeside
	stmtReadHead
	stmtHead
	stmtRequest
	stmtReady
	stmtReplay
	stmtToken
	stmtConnection
	stmtConnectionUpdate
	stmtMetadata
	stmtGrant
	stmtSpend
	stmtCharge
	stmtWindow
	stmtSpent
	stmtUses
	stmtSeat
	stmtApproval
	stmtOpen
	stmtKnocks
	stmtJoin
	stmtAudit
	stmtReply
	stmtAccepted
	stmtDelivered
	stmtDeliveredNo
	stmtUsed
	stmtKeep
	stmtKeepLess
	stmtCount
)

// basisHolds is the part of a statement that makes it do nothing when what the
// decision read has moved: connection, key and token with their versions.
const basisHolds = `($19 = '' OR EXISTS (SELECT 1 FROM connection WHERE tenant = $2 AND id = $19 AND version = $14))
AND ($20 = '' OR EXISTS (SELECT 1 FROM user_key WHERE tenant = $2 AND id = $20 AND version = $15))
AND ($21 = '' OR EXISTS (SELECT 1 FROM token WHERE tenant = $2 AND id = $21 AND version = $22))`

var statements = [stmtCount]struct{ name, text string }{
	stmtBegin:    {name: "begin"}, // see dialect.text
	stmtCommit:   {"commit", "COMMIT"},
	stmtRollback: {"rollback", "ROLLBACK"},
	stmtSave:     {"savepoint", "SAVEPOINT entry"},
	stmtRelease:  {"release", "RELEASE SAVEPOINT entry"},
	stmtUndo:     {"undo", "ROLLBACK TO SAVEPOINT entry"},
	stmtBeside:   {name: "beside"},
	stmtReadHead: {"read head", headOf},
	stmtHead:     {"head", headChain},
	// The request's row: the claim. No row is written when the event has one,
	// or when what was read has moved.
	stmtRequest: {"request", `INSERT INTO request (event_id, tenant, signer, client, connection, method, op_digest, created_at, state, envelope,
relays, question, tenant_version, connection_version, key_version, publisher, publish_until, inserted_at, ready_at, link)
SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $18, $23
WHERE ` + basisHolds + ` ON CONFLICT (event_id) DO NOTHING`},
	// The same for most requests: ready, and nothing of what was read has moved.
	stmtReady: {"request", `INSERT INTO request (event_id, tenant, signer, client, connection, method, op_digest, created_at, state,
relays, question, tenant_version, connection_version, key_version, publisher, publish_until, inserted_at, ready_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'ready', $9, '', $10, $11, $12, $13, $14, $15, $16) ON CONFLICT (event_id) DO NOTHING`},
	// parked → ready: the question is resolved, its time is up, or a newer
	// request took it over.
	stmtReplay: {"replay", `UPDATE request SET state = 'ready', envelope = NULL, link = '', relays = $1, tenant_version = $2, connection_version = $3,
key_version = $4, publisher = $5, publish_until = $6, ready_at = $7
WHERE event_id = $8 AND tenant = $9 AND state = 'parked'
AND NOT EXISTS (SELECT 1 FROM approval a WHERE a.tenant = request.tenant AND a.id = request.question
 AND a.state = 'pending' AND a.reply_by > $7 AND a.event_id = request.event_id)
AND ($10 = '' OR EXISTS (SELECT 1 FROM connection WHERE tenant = $9 AND id = $10 AND version = $3))
AND ($11 = '' OR EXISTS (SELECT 1 FROM user_key WHERE tenant = $9 AND id = $11 AND version = $4)) RETURNING no`},
	stmtToken: {"token", `UPDATE token SET uses = $1, state = $2, version = $3, mac = $4
WHERE tenant = $5 AND id = $6 AND version = $7 AND state = 'open' AND uses + 1 = $1 AND $1 <= max_uses
AND (expires_at = 0 OR expires_at > $8)`},
	stmtConnection: {"connection", connectionPut + ` ON CONFLICT DO NOTHING`},
	stmtConnectionUpdate: {"connection update", `UPDATE connection SET state = $1, token = $2, name = $3, person = $4, relays = $5, expires_at = $6,
version = $7, mac = $8, metadata = $9, resume_at = $13, switch_to = $14 WHERE tenant = $10 AND id = $11 AND version = $12`},
	stmtMetadata: {"metadata", `UPDATE connection SET metadata = $1 WHERE tenant = $2 AND id = $3`},
	stmtGrant:    {"grant", grantPut},
	stmtSpend: {"spend", `UPDATE connection_grant SET uses = uses + 1
WHERE tenant = $1 AND id = $2 AND connection = $3 AND ended = 0 AND (max_uses = 0 OR uses < max_uses) AND (expires_at = 0 OR expires_at > $4)`},
	stmtCharge: {"charge", budgetCharge}, // or, where uses are logged:
	stmtWindow: {"window", budgetUsed},
	stmtSpent:  {"spent", `INSERT INTO budget_log (tenant, spent) VALUES ($1, $2)`},
	stmtUses:   {"uses", budgetUses},
	stmtSeat:   {"seat", seatTake},
	stmtApproval: {"approval", `INSERT INTO approval (tenant, id, event_id, connection, key_id, method, kind, op_digest, summary, answers, once_only,
reply_by, question_until, state, answered_by, answered_at, created_at, batch)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, COALESCE((SELECT b.batch FROM approval b
 WHERE b.tenant = $1 AND b.connection = $4 AND b.state = 'pending' AND b.method = $6 AND b.kind = $7 AND b.created_at > $18 AND b.batch <> ''
 ORDER BY b.created_at DESC, b.id LIMIT 1), $2)) ON CONFLICT DO NOTHING`},
	stmtOpen: {"open questions", `SELECT count(*) FROM approval WHERE tenant = $1 AND connection = $2 AND state = 'pending'`},
	stmtKnocks: {"questions of strangers", `SELECT COALESCE(SUM(CASE WHEN a.key_id = $2 THEN 1 ELSE 0 END), 0), count(*) FROM approval a
JOIN connection c ON c.tenant = a.tenant AND c.id = a.connection WHERE a.tenant = $1 AND a.state = 'pending' AND c.state = 'pending'`},
	stmtJoin: {"join", `UPDATE approval SET event_id = $1, reply_by = $2
WHERE tenant = $3 AND id = $4 AND connection = $5 AND state = 'pending' AND question_until > $6 AND op_digest = $7`},
	stmtAudit: {"audit", auditInsert},
	stmtReply: {"reply", `INSERT INTO reply (no, tenant, part, reply_event_id, bytes, sealed, tries, next_try, accepted_by)
VALUES ($1, $2, $3, $4, $5, $6, 0, $7, '')`},
	stmtAccepted: {"accepted", `UPDATE reply SET accepted_by = $1
WHERE no = (SELECT 2 * no FROM request WHERE event_id = $2) AND accepted_by = ''`},
	stmtDelivered: {"delivered", `UPDATE request SET state = 'delivered', accepted_by = $1 WHERE event_id = $2 AND state = 'ready'`},
	// The same where the row's number is known: without a look into the index of random ids.
	stmtDeliveredNo: {"delivered", `UPDATE request SET state = 'delivered', accepted_by = $1 WHERE no = $2 AND event_id = $3 AND state = 'ready'`},
	stmtUsed: {"used", `UPDATE connection SET uses = uses + $1, last_used = CASE WHEN last_used < $2 THEN $2 ELSE last_used END
WHERE tenant = $3 AND id = $4`},
	stmtKeep:     {"keep", keepVersion},
	stmtKeepLess: {"keep less", keepLess},
}

// rows reports whether a statement returns rows.
func (id stmtID) rows() bool {
	return id == stmtBeside || id == stmtReadHead || id == stmtReplay || id == stmtOpen || id == stmtKnocks || id == stmtWindow
}

// prepare readies the statements on the connection that writes.
func (s *Store) prepare(ctx context.Context) (err error) {
	for id := range stmtCount {
		text := s.sql.text(id)
		switch {
		case text == "":
		case id.rows():
			s.stmts[id], err = s.write.PrepareContext(ctx, text)
		default:
			s.direct[id], err = s.engine.direct(ctx, s.write, text)
		}
		if err != nil {
			return fmt.Errorf("preparing %s: %w", statements[id].name, err)
		}
	}
	return nil
}

// exec runs a prepared statement in the open transaction. The context has no
// end: a group belongs to many callers.
func (s *Store) exec(id stmtID, args ...any) (sql.Result, error) {
	if s.faults != nil {
		if err := s.faults.At(statements[id].name); err != nil {
			return nil, err
		}
	}
	return s.direct[id].run(s.write, args)
}

// did runs a prepared statement and reports whether it changed a row.
func (s *Store) did(id stmtID, args ...any) (bool, error) {
	res, err := s.exec(id, args...)
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n > 0, err
}

// inserted runs a prepared INSERT and returns the number of its row, 0 when it
// changed none.
func (s *Store) inserted(id stmtID, args ...any) (int64, error) {
	res, err := s.exec(id, args...)
	if err != nil {
		return 0, err
	}
	if n, err := res.RowsAffected(); n == 0 || err != nil {
		return 0, err
	}
	return res.LastInsertId()
}

// returned runs a prepared statement with a RETURNING clause of one number, and
// reports whether there was a row.
func (s *Store) returned(id stmtID, to *int64, args ...any) (bool, error) {
	if s.faults != nil {
		if err := s.faults.At(statements[id].name); err != nil {
			return false, err
		}
	}
	err := s.stmts[id].QueryRowContext(context.Background(), args...).Scan(to)
	if isNone(err) {
		return false, nil
	}
	return err == nil, err
}

func (s *Store) begin() error {
	if err := s.reconnect(); err != nil {
		return err
	}
	_, err := s.exec(stmtBegin)
	return err
}

// commit ends the transaction. After an error the outcome is not known.
func (s *Store) commit() error {
	began := time.Now() // with its monotonic reading
	if _, err := s.exec(stmtCommit); err != nil {
		return err
	}
	if s.control != nil {
		s.reached.Store(&began)
	}
	if s.faults != nil {
		return s.faults.At(FaultLost)
	}
	return nil
}

// rollback ends a transaction that failed; the engine may have ended it before.
func (s *Store) rollback() error {
	if s.engine.gone(s.write) { // and the transaction with it
		return nil
	}
	if _, err := s.direct[stmtRollback].run(s.write, nil); err != nil && !noTransaction(err) && !s.engine.gone(s.write) {
		return fmt.Errorf("rolling back: %w", err)
	}
	return nil
}

// faulty is a writer that fails where a test says.
type faulty struct {
	*sql.Conn
	faults Faults
}

func (f faulty) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if f.faults != nil {
		if err := f.faults.At(FaultChange); err != nil {
			return nil, err
		}
	}
	return f.Conn.ExecContext(ctx, query, args...)
}
