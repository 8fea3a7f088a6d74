package admin

import (
	"context"
	"slices"

	"nsecbunker/internal/audit"
	"nsecbunker/internal/bunker"
	"nsecbunker/nostr"
)

// scopedRows is the store of an admin of some keys: what belongs to others is not
// there, and what is the whole bunker's is refused. A method of Rows that is not
// written out here passes through; TestEveryReadIsScopedOrRefused names them all.
type scopedRows struct {
	Rows
	keys []bunker.KeyID
}

// beyond refuses what is the whole bunker's. Commands that need it are refused
// before they run, so this is the second lock.
func beyond() error {
	return bunker.Errorf(bunker.CodeRestricted, "this is the whole bunker's; your role is for some keys only")
}

func notYours(what string) error {
	return bunker.Errorf(bunker.CodeNotFound, "there is no %s of this name or id", what)
}

// mine hides a row of another key.
func mine[T any](keys []bunker.KeyID, row *T, err error, what string, of func(*T) bunker.KeyID) (*T, error) {
	if err == nil && !slices.Contains(keys, of(row)) || err != nil && isNotFound(err) {
		return nil, notYours(what)
	}
	return row, err
}

// pages fills one page with rows that belong: it reads on until the page is full or
// the list is at its end, so that a short page still means the end.
func pages[T any](p Page, read func(Page) ([]T, error), cursor func(*T) string, belongs func(*T) bool) ([]T, error) {
	limit := p.Limit
	if limit <= 0 || limit > MaxPage {
		limit = MaxPage
	}
	var out []T
	for at := (Page{After: p.After, Limit: MaxPage}); ; {
		rows, err := read(at)
		if err != nil {
			return nil, err
		}
		for i := range rows {
			if belongs(&rows[i]) {
				if out = append(out, rows[i]); len(out) == limit {
					return out, nil
				}
			}
		}
		if len(rows) < MaxPage {
			return out, nil
		}
		at.After = cursor(&rows[len(rows)-1])
	}
}

func keyID(k *bunker.UserKey) bunker.KeyID             { return k.ID }
func keyOfToken(t *bunker.Token) bunker.KeyID          { return t.Key }
func keyOfConn(c *bunker.Connection) bunker.KeyID      { return c.Key }
func keyOfQuestion(a *bunker.Approval) bunker.KeyID    { return a.Key }
func keyOfMotion(m *bunker.Motion) bunker.KeyID        { return m.Key }
func (r scopedRows) has(id bunker.KeyID) bool          { return slices.Contains(r.keys, id) }
func (r scopedRows) hasKey(k *bunker.UserKey) bool     { return r.has(k.ID) }
func (r scopedRows) hasToken(t *bunker.Token) bool     { return r.has(t.Key) }
func (r scopedRows) hasConn(c *bunker.Connection) bool { return r.has(c.Key) }

func (r scopedRows) Change(ctx context.Context, t bunker.TenantID, by bunker.Principal, f func(Tx) error) error {
	return r.Rows.Change(ctx, t, by, func(tx Tx) error { return f(scopedTx{tx, r.keys}) })
}

// Commit is for letting an app in, and for an event of a key's own: the key that it
// rests on must be ours, and so must a new connection's.
func (r scopedRows) Commit(ctx context.Context, e *bunker.Entry) (bunker.Result, error) {
	if !r.has(e.Basis.Key) || e.NewConnection != nil && !r.hasConn(e.NewConnection) || e.Keep != nil && !r.has(e.Keep.Key) {
		return bunker.Result{}, beyond()
	}
	return r.Rows.Commit(ctx, e)
}

func (r scopedRows) Key(ctx context.Context, t bunker.TenantID, idOrName string) (*bunker.UserKey, error) {
	k, err := r.Rows.Key(ctx, t, idOrName)
	return mine(r.keys, k, err, "key", keyID)
}

func (r scopedRows) Keys(ctx context.Context, t bunker.TenantID, p Page) ([]bunker.UserKey, error) {
	return pages(p, func(p Page) ([]bunker.UserKey, error) { return r.Rows.Keys(ctx, t, p) },
		func(k *bunker.UserKey) string { return k.Name }, r.hasKey)
}

func (r scopedRows) DeletingKeys(ctx context.Context, t bunker.TenantID) ([]bunker.UserKey, error) {
	keys, err := r.Rows.DeletingKeys(ctx, t)
	return slices.DeleteFunc(keys, func(k bunker.UserKey) bool { return !r.has(k.ID) }), err
}

func (r scopedRows) Token(ctx context.Context, t bunker.TenantID, id bunker.TokenID) (*bunker.Token, error) {
	tok, err := r.Rows.Token(ctx, t, id)
	return mine(r.keys, tok, err, "token", keyOfToken)
}

func (r scopedRows) Tokens(ctx context.Context, t bunker.TenantID, p Page) ([]bunker.Token, error) {
	return pages(p, func(p Page) ([]bunker.Token, error) { return r.Rows.Tokens(ctx, t, p) },
		func(tok *bunker.Token) string { return string(tok.ID) }, r.hasToken)
}

func (r scopedRows) Connection(ctx context.Context, t bunker.TenantID, id bunker.ConnectionID) (*bunker.Connection, error) {
	c, err := r.Rows.Connection(ctx, t, id)
	return mine(r.keys, c, err, "connection", keyOfConn)
}

func (r scopedRows) Connections(ctx context.Context, t bunker.TenantID, key bunker.KeyID, p Page) ([]bunker.Connection, error) {
	return pages(p, func(p Page) ([]bunker.Connection, error) { return r.Rows.Connections(ctx, t, key, p) },
		func(c *bunker.Connection) string { return string(c.ID) }, r.hasConn)
}

func (r scopedRows) Seated(ctx context.Context, t bunker.TenantID, p Page) ([]bunker.Connection, error) {
	return pages(p, func(p Page) ([]bunker.Connection, error) { return r.Rows.Seated(ctx, t, p) },
		func(c *bunker.Connection) string { return string(c.ID) }, r.hasConn)
}

func (r scopedRows) Grants(ctx context.Context, t bunker.TenantID, c bunker.ConnectionID, p Page) ([]bunker.Grant, error) {
	if _, err := r.Connection(ctx, t, c); err != nil {
		return nil, err
	}
	return r.Rows.Grants(ctx, t, c, p)
}

func (r scopedRows) Approval(ctx context.Context, t bunker.TenantID, id bunker.ApprovalID) (*bunker.Approval, error) {
	a, err := r.Rows.Approval(ctx, t, id)
	return mine(r.keys, a, err, "question", keyOfQuestion)
}

func (r scopedRows) Approvals(ctx context.Context, t bunker.TenantID, p QuestionPage) ([]bunker.Approval, error) {
	limit := p.Limit
	if limit <= 0 || limit > MaxPage {
		limit = MaxPage
	}
	var out []bunker.Approval
	for p.Limit = MaxPage; ; {
		rows, err := r.Rows.Approvals(ctx, t, p)
		if err != nil {
			return nil, err
		}
		for i := range rows {
			if r.has(rows[i].Key) {
				if out = append(out, rows[i]); len(out) == limit {
					return out, nil
				}
			}
		}
		if len(rows) < MaxPage {
			return out, nil
		}
		last := &rows[len(rows)-1]
		p.AfterTime, p.After = last.CreatedAt, last.ID
	}
}

func (r scopedRows) Motion(ctx context.Context, t bunker.TenantID, id bunker.MotionID) (*bunker.Motion, error) {
	m, err := r.Rows.Motion(ctx, t, id)
	return mine(r.keys, m, err, "motion", keyOfMotion)
}

func (r scopedRows) Motions(ctx context.Context, t bunker.TenantID, p Page) ([]bunker.Motion, error) {
	return pages(p, func(p Page) ([]bunker.Motion, error) { return r.Rows.Motions(ctx, t, p) },
		func(m *bunker.Motion) string { return string(m.ID) }, func(m *bunker.Motion) bool { return r.has(m.Key) })
}

func (r scopedRows) Persons(ctx context.Context, t bunker.TenantID, _ []bunker.KeyID) ([]string, error) {
	return r.Rows.Persons(ctx, t, r.keys)
}

func (r scopedRows) KeyUses(ctx context.Context, t bunker.TenantID) ([]KeyUse, error) {
	uses, err := r.Rows.KeyUses(ctx, t)
	return slices.DeleteFunc(uses, func(u KeyUse) bool { return !r.has(u.Key) }), err
}

func (r scopedRows) Redeemed(ctx context.Context, t bunker.TenantID, id bunker.TokenID) ([]bunker.Connection, error) {
	conns, err := r.Rows.Redeemed(ctx, t, id)
	return slices.DeleteFunc(conns, func(c bunker.Connection) bool { return !r.has(c.Key) }), err
}

func (r scopedRows) Records(ctx context.Context, t bunker.TenantID, f RecordFilter) ([]bunker.AuditRecord, error) {
	f.Keys = r.keys
	return r.Rows.Records(ctx, t, f)
}

// What is the whole bunker's.

func (r scopedRows) VerifyAll(context.Context, bunker.TenantID) error { return beyond() }
func (r scopedRows) ApplyPending(context.Context, bunker.TenantID) (bool, error) {
	return false, beyond()
}
func (r scopedRows) StopSealed(context.Context, bunker.TenantID, bunker.Principal) error {
	return beyond()
}
func (r scopedRows) AcceptClock(context.Context, bunker.TenantID, bunker.Principal) error {
	return beyond()
}
func (r scopedRows) Counts(context.Context, bunker.TenantID) (Counts, error) {
	return Counts{}, beyond()
}
func (r scopedRows) ServiceKeys(context.Context, bunker.TenantID, bunker.ServiceRole) ([]bunker.ServiceKey, error) {
	return nil, beyond()
}
func (r scopedRows) Admins(context.Context, bunker.TenantID) ([]bunker.Admin, error) {
	return nil, beyond()
}
func (r scopedRows) Invites(context.Context, bunker.TenantID, Page) ([]bunker.Invite, error) {
	return nil, beyond()
}
func (r scopedRows) Slots(context.Context, bunker.TenantID) ([]bunker.Slot, error) {
	return nil, beyond()
}
func (r scopedRows) Relays(context.Context, bunker.TenantID) ([]Relay, error) { return nil, beyond() }
func (r scopedRows) RelayUsers(context.Context, bunker.TenantID, string) (RelayUse, error) {
	return RelayUse{}, beyond()
}
func (r scopedRows) AuditLines(context.Context, bunker.TenantID, int64, int) ([]audit.Line, error) {
	return nil, beyond()
}
func (r scopedRows) Checkpoints(context.Context, bunker.TenantID, int64, int) ([]audit.Signed, error) {
	return nil, beyond()
}
func (r scopedRows) VerifyAudit(context.Context, bunker.TenantID, nostr.PubKey, []audit.Signed) (audit.Report, error) {
	return audit.Report{}, beyond()
}
func (r scopedRows) NextCheckpoint(context.Context, bunker.TenantID) (audit.Checkpoint, bool, error) {
	return audit.Checkpoint{}, false, beyond()
}
func (r scopedRows) LastCheckpoint(context.Context, bunker.TenantID) (*audit.Signed, error) {
	return nil, beyond()
}
func (r scopedRows) AddCheckpoint(context.Context, audit.Signed) error { return beyond() }
func (r scopedRows) Check(context.Context, bunker.TenantID) (Findings, error) {
	return Findings{}, beyond()
}
func (r scopedRows) Undeliverable(context.Context, bunker.TenantID) ([]Undelivered, error) {
	return nil, beyond()
}

// PolicyUse counts connections and links of keys that may be others'.
func (r scopedRows) PolicyUse(context.Context, bunker.TenantID, bunker.PolicyID) (PolicyUse, error) {
	return PolicyUse{}, beyond()
}

// View is for asking why: of a connection that is the caller's.
func (r scopedRows) View(ctx context.Context, t bunker.TenantID, signer, client nostr.PubKey) (bunker.View, error) {
	v, err := r.Rows.View(ctx, t, signer, client)
	if err == nil && (v.Connection == nil || !r.hasConn(v.Connection)) {
		return bunker.View{}, notYours("connection")
	}
	return v, err
}

func (r scopedRows) LastVersion(ctx context.Context, t bunker.TenantID, k bunker.KeyID, kind nostr.Kind, at bunker.Address) (bunker.LastVersion, error) {
	if !r.has(k) {
		return bunker.LastVersion{}, notYours("key")
	}
	return r.Rows.LastVersion(ctx, t, k, kind, at)
}

func (r scopedRows) Versions(ctx context.Context, t bunker.TenantID, k bunker.KeyID, p VersionPage) ([]bunker.KeptVersion, error) {
	if !r.has(k) {
		return nil, notYours("key")
	}
	return r.Rows.Versions(ctx, t, k, p)
}

func (r scopedRows) VersionsOf(ctx context.Context, t bunker.TenantID, k bunker.KeyID, first, last nostr.ID) ([]bunker.KeptVersion, error) {
	if !r.has(k) {
		return nil, notYours("key")
	}
	return r.Rows.VersionsOf(ctx, t, k, first, last)
}

func (r scopedRows) AnsweredApprovals(ctx context.Context, t bunker.TenantID, at int64, id bunker.ApprovalID, limit int) ([]bunker.Approval, error) {
	if limit <= 0 || limit > MaxPage {
		limit = MaxPage
	}
	var out []bunker.Approval
	for {
		rows, err := r.Rows.AnsweredApprovals(ctx, t, at, id, MaxPage)
		if err != nil {
			return nil, err
		}
		for i := range rows {
			if r.has(rows[i].Key) {
				if out = append(out, rows[i]); len(out) == limit {
					return out, nil
				}
			}
		}
		if len(rows) < MaxPage {
			return out, nil
		}
		at, id = rows[len(rows)-1].AnsweredAt, rows[len(rows)-1].ID
	}
}

func (r scopedRows) GrantOf(ctx context.Context, t bunker.TenantID, q bunker.ApprovalID) (*bunker.Grant, error) {
	if _, err := r.Approval(ctx, t, q); err != nil {
		return nil, err
	}
	return r.Rows.GrantOf(ctx, t, q)
}

func (r scopedRows) Apps(ctx context.Context, t bunker.TenantID, client nostr.PubKey) ([]bunker.Connection, error) {
	list, err := r.Rows.Apps(ctx, t, client)
	return slices.DeleteFunc(list, func(c bunker.Connection) bool { return !r.hasConn(&c) }), err
}

func (r scopedRows) VersionBytes(ctx context.Context, v *bunker.KeptVersion) error {
	if !r.has(v.Key) {
		return notYours("key")
	}
	return r.Rows.VersionBytes(ctx, v)
}

func (r scopedRows) Channels(context.Context, bunker.TenantID) ([]bunker.Channel, error) {
	return nil, beyond()
}
func (r scopedRows) FailedNotices(context.Context, bunker.TenantID) ([]bunker.Notice, error) {
	return nil, beyond()
}
