package store

import (
	"context"
	"database/sql"
	"errors"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr"
)

// viewer is one reading connection with its statements prepared.
type viewer struct {
	conn                              *sql.Conn
	begin, end, known, grants, signer *sql.Stmt
	policyTag, policy, used           *sql.Stmt
}

const (
	viewKnown = `SELECT ` + headColumns + `, ` + connectionColumns + `, ` + keyColumns + `
FROM connection c JOIN tenant_head h ON h.tenant = c.tenant LEFT JOIN user_key k ON k.tenant = c.tenant AND k.id = c.key_id
WHERE c.signer = $1 AND c.client = $2 AND c.tenant = $3`
	policyTag = `SELECT version, mac FROM policy WHERE tenant = $1 AND id = $2`
	// A stranger: whose is the signer key?
	viewSigner = `SELECT ` + headColumns + ` FROM tenant_head h WHERE h.tenant IN (
SELECT s.tenant FROM service_key s WHERE s.pubkey = $1 AND s.role = 'signer'
UNION SELECT k.tenant FROM user_key k WHERE k.pubkey = $1 AND k.npub_login = 1) LIMIT 1`
)

func newViewer(ctx context.Context, s *Store) (*viewer, error) {
	conn, err := s.read.Conn(ctx)
	if err != nil {
		return nil, err
	}
	v := &viewer{conn: conn}
	for _, p := range []struct {
		to   **sql.Stmt
		text string
	}{{&v.begin, s.sql.beginRead}, {&v.end, "COMMIT"}, {&v.known, viewKnown}, {&v.grants, grantsView}, {&v.signer, viewSigner},
		{&v.policyTag, policyTag}, {&v.policy, policyByID}, {&v.used, budgetUsed}} {
		if *p.to, err = conn.PrepareContext(ctx, p.text); err != nil {
			return nil, errors.Join(err, v.close())
		}
	}
	return v, nil
}

func (v *viewer) close() error {
	var errs []error
	for _, st := range []*sql.Stmt{v.begin, v.end, v.known, v.grants, v.signer, v.policyTag, v.policy, v.used} {
		if st != nil {
			errs = append(errs, st.Close())
		}
	}
	return errors.Join(append(errs, v.conn.Close())...)
}

// closeViewer closes a reading connection. Of one that is gone, errors say nothing.
func (s *Store) closeViewer(v *viewer) error {
	if err := v.close(); troubleOf(err) != unreachable {
		return err
	}
	return nil
}

// View reads all that deciding one request of a client at a signer key of a tenant
// needs, from one moment, every row verified. (A user key with npub login may have been
// another tenant's before, whose connections are none here.) For a stranger Connection is nil; a
// signer key that is nobody's is CodeNotFound. While the tenant is sealed, not
// set up, or has something to do first (see ApplyPending), View is Unverified.
func (s *Store) View(ctx context.Context, t bunker.TenantID, signer, client nostr.PubKey) (bunker.View, error) {
	k := viewKey{signer, client}
	view, ok, moment := s.kept(t, k)
	if ok {
		return view, nil
	}
	err := s.onViewer(ctx, func(v *viewer) (err error) {
		view, err = s.viewBy(v, t, k, moment)
		return err
	})
	return view, s.explain("reading a connection", err)
}

// onViewer runs f on a reading connection, and once more on a new one where that has
// turned out to be gone. Then the idle ones are most likely gone, too: it takes none of
// them, or the request would be turned away though the server is back.
func (s *Store) onViewer(ctx context.Context, f func(*viewer) error) error {
	var v *viewer
	select {
	case v = <-s.viewers:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { s.viewers <- v }()
	err := f(v)
	if err == nil || !s.engine.gone(v.conn) {
		return err
	}
	if err := s.closeViewer(v); err != nil {
		return err
	}
	s.closeIdleReaders()
	fresh, err := newViewer(ctx, s)
	if err != nil {
		return err // the next one tries again
	}
	v = fresh
	return f(v)
}

// viewBy reads in one transaction, which begins after moment. The statements are
// short and have no context: a cancelled one would cost a goroutine each.
func (s *Store) viewBy(v *viewer, t bunker.TenantID, of viewKey, moment uint64) (view bunker.View, err error) {
	ctx := context.Background()
	if _, err := v.begin.ExecContext(ctx); err != nil {
		return view, err
	}
	defer func() {
		_, end := v.end.ExecContext(ctx)
		err = errors.Join(err, end)
	}()
	var (
		h        head
		c        bunker.Connection
		k        nullableKey
		connMAC  []byte
		stranger bool
	)
	dest := append(h.fields(), connectionFields(&c, &connMAC)...)
	err = v.known.QueryRowContext(ctx, of.signer[:], of.client[:], string(t)).Scan(append(dest, k.fields()...)...)
	if isNone(err) {
		stranger = true
		err = v.signer.QueryRowContext(ctx, of.signer[:]).Scan(h.fields()...)
	}
	if err != nil {
		return view, orNotFound(err, "signer key", of.signer.String())
	}
	view.Tenant, view.Moment = h.TenantState, moment
	view.Unverified = !h.SetUp || h.pending != ""
	if err := s.viewed(&view, &h.TenantState, h.mac); err != nil || stranger {
		return view, err
	}
	view.Connection = &c
	if err := s.viewed(&view, &c, connMAC); err != nil {
		return view, err
	}
	if k.there() {
		view.Key = &k.UserKey
		if err := s.viewed(&view, view.Key, k.mac); err != nil {
			return view, err
		}
		view.Key.Ciphertext = nil // it is verified, and nobody opens it to decide
	}
	if err := s.viewGrants(ctx, v, &view); err != nil {
		return view, err
	}
	policies, err := s.viewPolicies(ctx, v, &view)
	if err != nil {
		return view, err
	}
	if keepable(&view) {
		s.views.put(of, keep(&view, h.mac, policies), moment)
	}
	return view, nil
}

// viewed verifies a row of a view, unless the tenant turned out to be sealed.
func (s *Store) viewed(view *bunker.View, a bunker.Authority, mac []byte) error {
	if view.Unverified {
		return nil
	}
	err := s.verify(a, mac)
	if Sealed(err) {
		view.Unverified = true
		return nil
	}
	return err
}

func (s *Store) viewGrants(ctx context.Context, v *viewer, view *bunker.View) (err error) {
	rows, err := v.grants.QueryContext(ctx, string(view.Tenant.Tenant), string(view.Connection.ID), s.clock.ledger())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var g bunker.Grant
		mac, err := fillGrant(rows, &g)
		if err != nil {
			return err
		}
		if err := s.viewed(view, &g, mac); err != nil {
			return err
		}
		view.Grants = append(view.Grants, g)
	}
	return rows.Err()
}

// nullableKey is a user key that an outer join may have found none of.
type nullableKey struct {
	bunker.UserKey
	mac []byte
}

func (k *nullableKey) there() bool { return k.ID != "" }

func (k *nullableKey) fields() []any {
	dest := keyFields(&k.UserKey, &k.mac)
	for i, d := range dest {
		dest[i] = nullable{d}
	}
	return dest
}

// nullable scans as its destination does and leaves it alone for NULL.
type nullable struct{ to any }

// Scan implements [sql.Scanner].
func (n nullable) Scan(src any) error {
	if src == nil {
		return nil
	}
	switch to := n.to.(type) {
	case sql.Scanner:
		return to.Scan(src)
	case *string:
		v, ok := src.(string)
		if !ok {
			return errors.New("a stored text is none")
		}
		*to = v
	case *int64:
		v, ok := src.(int64)
		if !ok {
			return errors.New("a stored number is none")
		}
		*to = v
	case *[]byte:
		v, ok := src.([]byte)
		if !ok {
			return errors.New("stored bytes are none")
		}
		*to = append([]byte{}, v...)
	}
	return nil
}
