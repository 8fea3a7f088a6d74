package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"nsecbunker/internal/audit"
	"nsecbunker/internal/bunker"
)

// MaxPage is the longest page of a list.
const MaxPage = 200

// Page is a place in a list: the rows after After, at most Limit of them
// (0: MaxPage).
type Page struct {
	After string
	Limit int
}

func (p Page) limit() int {
	if p.Limit <= 0 || p.Limit > MaxPage {
		return MaxPage
	}
	return p.Limit
}

func isNone(err error) bool { return errors.Is(err, sql.ErrNoRows) }

// writer runs statements inside the open write transaction.
type writer interface {
	querier
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	PrepareContext(ctx context.Context, query string) (*sql.Stmt, error)
}

// Tx is one change by an admin, or by the bunker itself: whole or not at all,
// with its audit records. It is valid inside the function given to Change only.
type Tx struct {
	s    *Store
	ctx  context.Context // of the Change: the Tx does not outlive it
	q    writer
	head *head
	now  int64 // ledger time, unix ms
	by   bunker.Principal

	wrote    bool // something besides the head and the log
	audited  bool
	bumped   bool
	together *[][]any          // records that are stored at the end, with those of other tenants; nil: each at once
	beside   []bunker.TenantID // others that it changed, see asTenant
}

// Change runs f in one transaction under the tenant's lock. What f stores and
// audits is committed with it, or nothing is. A change without an audit record
// is refused: that is a bug, not a case.
func (s *Store) Change(ctx context.Context, t bunker.TenantID, by bunker.Principal, f func(*Tx) error) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	return s.explain("storing a change", s.change(ctx, t, by, f))
}

func (s *Store) change(ctx context.Context, t bunker.TenantID, by bunker.Principal, f func(*Tx) error) error {
	return s.inTransaction(ctx, func(ctx context.Context) ([]*Tx, error) {
		tx, err := s.changeOne(ctx, t, by, f)
		if err != nil || !tx.wrote && !tx.audited {
			return nil, err // only read: nothing to commit
		}
		return []*Tx{tx}, nil
	})
}

// inTransaction commits what f changed, where it changed something. The caller holds
// s.writing.
func (s *Store) inTransaction(ctx context.Context, f func(ctx context.Context) ([]*Tx, error)) (err error) {
	defer func() { // whatever becomes of it
		if s.touched {
			s.touched = false
			s.budgets.clear()
		}
	}()
	if err := s.begin(); err != nil {
		return err
	}
	open := true
	defer func() {
		if open {
			err = errors.Join(err, s.rollback())
		}
	}()
	// A statement that is cut off can cost the connection: it is ended, and then looked
	// whether somebody still waits.
	changed, err := f(context.WithoutCancel(ctx))
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if len(changed) == 0 {
		return nil
	}
	if slices.ContainsFunc(changed, func(tx *Tx) bool { return tx.wrote && !tx.audited }) {
		return errors.New("a change without an audit record")
	}
	for _, tx := range changed {
		if tx.wrote { // whatever becomes of the commit
			defer s.views.clear()
			break
		}
	}
	if err := s.putHeads(changed); err != nil {
		return err
	}
	open = false
	if err := s.commit(); err != nil {
		return s.settleChange(err, changed)
	}
	for _, tx := range changed {
		s.clock.committedAt(tx.now)
		s.committed(tx.head.Tenant)
		for _, other := range tx.beside {
			s.committed(other)
		}
	}
	return nil
}

// changeOne runs f in the open transaction under the tenant's lock. Its head is not stored
// yet.
func (s *Store) changeOne(ctx context.Context, t bunker.TenantID, by bunker.Principal, f func(*Tx) error) (*Tx, error) {
	h, err := readHead(ctx, s.write, t, s.sql.forUpdate)
	if err != nil {
		return nil, err
	}
	tx, err := s.changing(ctx, h, by)
	if err != nil {
		return nil, err
	}
	if err := f(tx); err != nil {
		return nil, err
	}
	return tx, nil
}

// changing is the change of a tenant whose lock the open transaction has, with the head that
// it read then.
func (s *Store) changing(ctx context.Context, h *head, by bunker.Principal) (*Tx, error) {
	if h.SetUp { // a head that was touched decides nothing
		if err := s.verify(&h.TenantState, h.mac); err != nil && !Sealed(err) {
			return nil, err
		}
	}
	return &Tx{s: s, ctx: ctx, q: faulty{s.write, s.faults}, head: h, now: max(s.clock.now().UnixMilli(), h.LedgerTime), by: by}, nil
}

// settleChange finds out what a COMMIT with an unknown outcome did: all of it, or nothing, so
// the first of what was changed tells it.
func (s *Store) settleChange(cause error, changed []*Tx) error {
	want := changed[0].head
	cause = errors.Join(cause, s.rollback())
	if err := s.reconnect(); err != nil {
		return errors.Join(cause, err)
	}
	stored, err := readHead(context.Background(), s.write, want.Tenant, "")
	if err != nil {
		return errors.Join(cause, err)
	}
	if stored.ChainSeq >= want.ChainSeq {
		var hash []byte
		err := s.write.QueryRowContext(context.Background(), `SELECT hash FROM audit WHERE tenant = $1 AND seq = $2`,
			string(want.Tenant), want.ChainSeq).Scan(&hash)
		if err == nil && string(hash) == string(want.ChainHead[:]) {
			for _, tx := range changed {
				s.committed(tx.head.Tenant)
			}
			return nil // it is stored: the change holds
		}
	}
	return cause
}

func (tx *Tx) conn() writer { return tx.q }

// Now is the change's ledger time in unix ms.
func (tx *Tx) Now() int64 { return tx.now }

// By is who makes the change.
func (tx *Tx) By() bunker.Principal { return tx.by }

// Tenant returns the tenant's state as it is in the transaction.
func (tx *Tx) Tenant() bunker.TenantState { return tx.head.TenantState }

// PutTenant stores the tenant's state and gives it the next version. The
// chain's and the ledger's fields are the store's own and not taken from st.
func (tx *Tx) PutTenant(st bunker.TenantState) error {
	if st.Version != tx.head.Version && !tx.bumped {
		return conflict("the tenant has changed since it was read (version %d, now %d); look again", st.Version, tx.head.Version)
	}
	firstSetUp := st.SetUp && !tx.head.SetUp
	st.Tenant = tx.head.Tenant
	st.Version = tx.head.Version
	st.ChainSeq, st.ChainHead, st.LedgerTime = tx.head.ChainSeq, tx.head.ChainHead, tx.head.LedgerTime
	tx.head.TenantState = st
	tx.Bump()
	if firstSetUp {
		return tx.macAll()
	}
	return nil
}

// Bump gives the tenant the next version: every decision in flight is made
// anew.
func (tx *Tx) Bump() {
	tx.wrote = true
	if !tx.bumped {
		tx.bumped = true
		tx.head.Version++
	}
}

// Audit appends a record to the chain. The store fills in its number, time,
// tenant and incarnation, and who and by which door where they are empty.
func (tx *Tx) Audit(r bunker.AuditRecord) error {
	if r.Principal == "" {
		r.Principal = tx.by.Name
	}
	if r.Door == "" {
		r.Door = string(tx.by.Door)
	}
	tx.audited = true
	_, args := appendAudit(nil, tx.head, &r, tx.now, 0, nil)
	if tx.together != nil {
		*tx.together = append(*tx.together, args)
		return nil
	}
	_, err := tx.q.ExecContext(tx.ctx, auditInsert, args...) // no authority: it is not what wrote counts
	return err
}

const (
	auditInto = `INSERT INTO audit (tenant, seq, time, event_at, event_id, step, principal, action, user_key, connection, effect, body, hash,
person) VALUES `
	auditInsert = auditInto + `($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`
)

// appendAudit gives the record its place in the chain and moves the head to it.
// event is a request's id and eventAt its created_at; nil for records of admins. The text of the
// record, body, is appended to room.
func appendAudit(room []byte, h *head, r *bunker.AuditRecord, now, eventAt int64, event []byte) (body []byte, args []any) {
	r.Seq, r.Time, r.Tenant, r.Incarnation = h.ChainSeq+1, now, string(h.Tenant), h.incarnation()
	body = audit.AppendBody(room, r)
	h.ChainSeq, h.ChainHead = r.Seq, audit.Next(h.ChainHead, body)
	hash := h.ChainHead
	return body, []any{
		r.Tenant, r.Seq, r.Time, eventAt, event, r.Step, r.Principal, plain(r.Action), r.Key, r.Connection, r.Effect, body, hash[:], r.Person,
	}
}

func (tx *Tx) putHead() error {
	h := tx.head
	h.LedgerTime = tx.now
	if !tx.bumped {
		return tx.exec(headChain, h.ChainSeq, h.ChainHead[:], h.LedgerTime, string(h.Tenant))
	}
	mac, err := tx.s.tag(&h.TenantState, h.SetUp)
	if err != nil {
		return err
	}
	h.mac = mac
	return tx.exec(`UPDATE tenant_head SET set_up = $1, stopped = $2, default_effect = $3, reviewed = $4, refuse_before = $5,
incarnation = $6, incarnation_no = $7, version = $8, mac = $9, chain_seq = $10, chain_head = $11, ledger_time = $12, quorum = $13 WHERE tenant = $14`,
		num(h.SetUp), num(h.Stopped), int64(h.Default), num(h.Reviewed), h.RefuseBefore, h.Incarnation, h.IncarnationNo, h.Version,
		mac, h.ChainSeq, h.ChainHead[:], h.LedgerTime, textOfQuorum(h.Quorum), string(h.Tenant))
}

const headChain = `UPDATE tenant_head SET chain_seq = $1, chain_head = $2, ledger_time = $3 WHERE tenant = $4`

// put stores a row that carries authority.
func (tx *Tx) put(a bunker.Authority, version *int64, what, versionQuery string, pk []any, query string, args func(mac []byte) []any) error {
	if t, _, _, _ := a.AuthorityRow(); t != tx.head.Tenant {
		return fmt.Errorf("storing %s: it is of tenant %q, the change of %q", what, t, tx.head.Tenant)
	}
	before := *version
	var stored int64
	switch err := tx.q.QueryRowContext(tx.ctx, versionQuery, pk...).Scan(&stored); {
	case isNone(err):
		if before > 1 {
			return conflict("%s was deleted meanwhile", what)
		}
		*version = 1
	case err != nil:
		return err
	case stored != before:
		return conflict("%s has changed since it was read (version %d, now %d); look again", what, before, stored)
	default:
		*version++
	}
	err := func() error {
		mac, err := tx.s.tag(a, tx.head.SetUp)
		if err != nil {
			return err
		}
		return tx.exec(query, args(mac)...)
	}()
	if err != nil {
		*version = before
		if troubleOf(err) == duplicate {
			return conflict("%s: there is one like it already", what).WithCause(err)
		}
	}
	return err
}

func (tx *Tx) delete(what, id, query string, args ...any) error {
	n, err := tx.execN(query, args...)
	if err == nil && n == 0 {
		err = notFound(what, id)
	}
	return err
}

func (tx *Tx) exec(query string, args ...any) error {
	_, err := tx.execN(query, args...)
	return err
}

func (tx *Tx) execN(query string, args ...any) (int64, error) {
	tx.wrote = true
	if strings.Contains(query, "budget") {
		tx.touchBudgets()
	}
	res, err := tx.q.ExecContext(tx.ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// touchBudgets notes that the change is about to write rows of budgets.
func (tx *Tx) touchBudgets() {
	tx.s.budgets.counting()
	tx.s.touched = true
}

// countSpent counts what the log of budgets holds into their rows.
func (tx *Tx) countSpent() error {
	tx.touchBudgets()
	return tx.s.countSpent(tx.ctx)
}

// macAll gives every authority row of the tenant its MAC: at set-up, when there
// is a root key for the first time.
func (tx *Tx) macAll() error {
	t := string(tx.head.Tenant)
	return errors.Join(
		remac(tx, fillKey, `SELECT `+keyColumns+` FROM user_key k WHERE k.tenant = $1`, t,
			func(k *bunker.UserKey) (string, any) {
				return `UPDATE user_key SET mac = $1 WHERE tenant = $2 AND id = $3`, string(k.ID)
			}),
		remac(tx, fillToken, `SELECT `+tokenColumns+` FROM token t WHERE t.tenant = $1`, t,
			func(k *bunker.Token) (string, any) {
				return `UPDATE token SET mac = $1 WHERE tenant = $2 AND id = $3`, string(k.ID)
			}),
		remac(tx, fillConnection, `SELECT `+connectionColumns+` FROM connection c WHERE c.tenant = $1`, t,
			func(c *bunker.Connection) (string, any) {
				return `UPDATE connection SET mac = $1 WHERE tenant = $2 AND id = $3`, string(c.ID)
			}),
		remac(tx, fillGrant, `SELECT `+grantColumns+` FROM connection_grant g WHERE g.tenant = $1`, t,
			func(g *bunker.Grant) (string, any) {
				return `UPDATE connection_grant SET mac = $1 WHERE tenant = $2 AND id = $3`, string(g.ID)
			}),
		remac(tx, fillPolicy, `SELECT `+policyColumns+` FROM policy p WHERE p.tenant = $1`, t,
			func(p *bunker.Policy) (string, any) {
				return `UPDATE policy SET mac = $1 WHERE tenant = $2 AND id = $3`, string(p.ID)
			}),
		remac(tx, fillAdmin, `SELECT `+adminColumns+` FROM admin a WHERE a.tenant = $1`, t,
			func(a *bunker.Admin) (string, any) {
				return `UPDATE admin SET mac = $1 WHERE tenant = $2 AND pubkey = $3`, a.PubKey[:]
			}),
		remac(tx, fillInvite, `SELECT `+inviteColumns+` FROM invite i WHERE i.tenant = $1`, t,
			func(i *bunker.Invite) (string, any) {
				return `UPDATE invite SET mac = $1 WHERE tenant = $2 AND id = $3`, string(i.ID)
			}),
		remac(tx, fillMotion, `SELECT `+motionColumns+` FROM motion m WHERE m.tenant = $1`, t,
			func(m *bunker.Motion) (string, any) {
				return `UPDATE motion SET mac = $1 WHERE tenant = $2 AND id = $3`, string(m.ID)
			}),
		remac(tx, fillChannel, `SELECT `+channelColumns+` FROM notify_channel n WHERE n.tenant = $1`, t,
			func(c *bunker.Channel) (string, any) {
				return `UPDATE notify_channel SET mac = $1 WHERE tenant = $2 AND name = $3`, c.Name
			}),
		remac(tx, fillDevice, `SELECT `+deviceColumns+` FROM device d WHERE d.tenant = $1`, t,
			func(d *bunker.Device) (string, any) {
				return `UPDATE device SET mac = $1 WHERE tenant = $2 AND id = $3`, d.ID
			}),
	)
}

func remac[T any, P authority[T]](tx *Tx, f fill[T], query, t string, update func(*T) (string, any)) error {
	rows, err := unchecked(tx.ctx, tx.q, f, query, t)
	if err != nil {
		return err
	}
	for i := range rows {
		mac, err := tx.s.tag(P(&rows[i]), true)
		if err != nil {
			return err
		}
		q, pk := update(&rows[i])
		if err := tx.exec(q, mac, t, pk); err != nil {
			return err
		}
	}
	return nil
}
