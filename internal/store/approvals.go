package store

import (
	"context"
	"time"

	"nsecbunker/internal/bunker"
)

const approvalColumns = `a.tenant, a.id, a.event_id, a.connection, a.key_id, a.method, a.kind, a.op_digest, a.summary, a.answers,
a.once_only, a.reply_by, a.question_until, a.state, a.answered_by, a.answered_at, a.created_at, a.batch`

func approvalFields(a *bunker.Approval) []any {
	return []any{
		(*string)(&a.Tenant), (*string)(&a.ID), b32{(*[32]byte)(&a.EventID)}, (*string)(&a.Connection), (*string)(&a.Key), &a.Method,
		&a.Kind, b32{&a.OpDigest}, &a.Summary, &a.Answers, yesno{&a.OnceOnly}, &a.ReplyBy, &a.QuestionUntil, (*string)(&a.State),
		&a.AnsweredBy, &a.AnsweredAt, &a.CreatedAt, (*string)(&a.Batch),
	}
}

func fillApproval(row scanner, a *bunker.Approval) error {
	err := row.Scan(approvalFields(a)...)
	if a.Batch == "" { // from before there were batches
		a.Batch = a.ID
	}
	return err
}

const (
	approvalByID  = `SELECT ` + approvalColumns + ` FROM approval a WHERE a.tenant = $1 AND a.id = $2`
	approvalsPage = `SELECT ` + approvalColumns + ` FROM approval a
WHERE a.tenant = $1 AND ($2 = '' OR a.state = $2) AND (a.created_at, a.id) > ($3, $4) ORDER BY a.created_at, a.id LIMIT $5`
	approvalsPast = `SELECT ` + approvalColumns + ` FROM approval a
WHERE a.tenant = $1 AND a.state IN ('approved', 'denied') AND (CAST($2 AS BIGINT) = 0 OR (a.answered_at, a.id) < ($2, $3))
ORDER BY a.answered_at DESC, a.id DESC LIMIT $4`
)

// AnsweredApprovals returns questions that people answered, the latest answer
// first, before the question with that time (unix ms, 0: from the latest on) and
// id.
func (s *Store) AnsweredApprovals(ctx context.Context, t bunker.TenantID, at int64, id bunker.ApprovalID, limit int) ([]bunker.Approval, error) {
	out, err := scanAll(ctx, s.read, fillApproval, approvalsPast, string(t), at, string(id), Page{Limit: limit}.limit())
	return out, s.explain("listing answered questions", err)
}

// ApprovalPage is a place in the list of questions, oldest first: after the
// question with that time and id.
type ApprovalPage struct {
	State     bunker.ApprovalState // "" for all
	AfterTime int64                // unix ms
	After     bunker.ApprovalID
	Limit     int
}

func (p ApprovalPage) args(t bunker.TenantID) []any {
	return []any{string(t), string(p.State), p.AfterTime, string(p.After), Page{Limit: p.Limit}.limit()}
}

// Approvals returns questions, oldest first.
func (s *Store) Approvals(ctx context.Context, t bunker.TenantID, p ApprovalPage) ([]bunker.Approval, error) {
	out, err := scanAll(ctx, s.read, fillApproval, approvalsPage, p.args(t)...)
	return out, s.explain("listing questions", err)
}

// Approval returns a question by its id.
func (s *Store) Approval(ctx context.Context, t bunker.TenantID, id bunker.ApprovalID) (*bunker.Approval, error) {
	a, err := approvalNamed(ctx, s.read, t, id)
	return a, s.explain("reading a question", err)
}

// Approval returns a question by its id.
func (tx *Tx) Approval(id bunker.ApprovalID) (*bunker.Approval, error) {
	return approvalNamed(tx.ctx, tx.q, tx.head.Tenant, id)
}

// Approvals returns questions, oldest first.
func (tx *Tx) Approvals(p ApprovalPage) ([]bunker.Approval, error) {
	return scanAll(tx.ctx, tx.q, fillApproval, approvalsPage, p.args(tx.head.Tenant)...)
}

func approvalNamed(ctx context.Context, q querier, t bunker.TenantID, id bunker.ApprovalID) (*bunker.Approval, error) {
	var a bunker.Approval
	if err := fillApproval(q.QueryRowContext(ctx, approvalByID, string(t), string(id)), &a); err != nil {
		return nil, orNotFound(err, "question", string(id))
	}
	return &a, nil
}

// AnswerApproval is the one compare-and-set that resolves a question: pending
// and not past its time → state, with the grant that the answer means (nil for
// none). The digest is the one that the person was shown. Otherwise it fails
// with CodeConflict and says what the question is now.
func (tx *Tx) AnswerApproval(id bunker.ApprovalID, shown [32]byte, state bunker.ApprovalState, by string, grant *bunker.Grant) error {
	if !bunker.May(string(bunker.ApprovalPending), string(state)) || state == bunker.ApprovalExpired {
		return conflict("a question cannot be answered with %q", state)
	}
	n, err := tx.execN(`UPDATE approval SET state = $1, answered_by = $2, answered_at = $3
WHERE tenant = $4 AND id = $5 AND state = 'pending' AND question_until > $3 AND op_digest = $6`,
		string(state), by, tx.now, string(tx.head.Tenant), string(id), shown[:])
	if err != nil {
		return err
	}
	if n == 0 {
		return tx.whyUnanswered(id)
	}
	if grant == nil {
		return nil
	}
	return tx.PutGrant(grant)
}

func (tx *Tx) whyUnanswered(id bunker.ApprovalID) error {
	a, err := tx.Approval(id)
	if err != nil {
		return err
	}
	switch {
	case a.State == bunker.ApprovalPending && a.QuestionUntil > tx.now:
		return conflict("question %s is about another operation than the one that was shown; look at it again", id)
	case a.State == bunker.ApprovalPending, a.State == bunker.ApprovalExpired:
		return conflict("question %s is past its time; the app has to ask again", id)
	case a.State == bunker.ApprovalWithdrawn:
		return conflict("question %s was withdrawn, since its connection ended or was suspended", id)
	}
	return conflict("question %s was answered already: %s by %s at %s", id, a.State, a.AnsweredBy,
		time.UnixMilli(a.AnsweredAt).UTC().Format("2006-01-02 15:04:05 UTC"))
}

// Denials counts the refusals by people of one kind of operation of a
// connection since a time (unix ms).
func (tx *Tx) Denials(c bunker.ConnectionID, method string, kind, since int64) (n int, err error) {
	err = tx.q.QueryRowContext(tx.ctx, `SELECT count(*) FROM approval
WHERE tenant = $1 AND connection = $2 AND answered_at >= $3 AND state = 'denied' AND method = $4 AND kind = $5`,
		string(tx.head.Tenant), string(c), since, method, kind).Scan(&n)
	return n, err
}

// Questions is what is asked already: the open question of connection c with
// the same digest, how many c has open, and how many of strangers (connections
// that no person has let in yet) the key and the tenant have open.
func (s *Store) Questions(ctx context.Context, t bunker.TenantID, c bunker.ConnectionID, k bunker.KeyID, digest [32]byte) (bunker.Questions, error) {
	var q bunker.Questions
	err := s.read.QueryRowContext(ctx, `SELECT
(SELECT count(*) FROM approval a WHERE a.tenant = $1 AND a.connection = $2 AND a.state = 'pending'),
(SELECT count(*) FROM approval a JOIN connection c ON c.tenant = a.tenant AND c.id = a.connection
 WHERE a.tenant = $1 AND a.key_id = $3 AND a.state = 'pending' AND c.state = 'pending'),
(SELECT count(*) FROM approval a JOIN connection c ON c.tenant = a.tenant AND c.id = a.connection
 WHERE a.tenant = $1 AND a.state = 'pending' AND c.state = 'pending')`,
		string(t), string(c), string(k)).Scan(&q.OfConnection, &q.OfKey, &q.OfTenant)
	if err != nil {
		return q, s.explain("counting questions", err)
	}
	var same bunker.Approval
	err = fillApproval(s.read.QueryRowContext(ctx, `SELECT `+approvalColumns+` FROM approval a
WHERE a.tenant = $1 AND a.connection = $2 AND a.op_digest = $3 AND a.state = 'pending'`, string(t), string(c), digest[:]), &same)
	switch {
	case err == nil:
		q.Same = &same
	case !isNone(err):
		return q, s.explain("looking for an open question", err)
	}
	return q, nil
}
