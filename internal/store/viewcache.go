package store

import (
	"bytes"
	"context"
	"hash/maphash"
	"slices"
	"sync"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr"
)

// Reading and verifying all rows of a view costs more than everything else that
// the store does for a request, and even reading their versions again costs a
// reader three pages after each commit of the writer. security.md (2, Deciding)
// allows to keep verified rows, as long as ids, versions, states and MACs are read
// each time: so that nothing is decided on what has changed. Here that is kept by
// knowing of every change instead:
//
//   - Whatever changes a row of a view in this process (there is one writer, and
//     Change and the groups are all that it runs) moves the moment, and forgets the
//     views that it may have touched, before it returns. A view is kept only if the
//     moment is still that of before its rows were read.
//   - Whatever changes the file from outside is seen by SQLite's data_version, which
//     every group reads inside its write transaction, before it writes: then every
//     view is forgotten and every decision of the group is made anew, on rows that
//     are read in full, with their MACs.
//   - A decision carries the moment it was made at. A group that finds it unmoved
//     knows that versions hold; otherwise it compares them in SQL, row by row, as
//     it does for every decision that was not made on a view. The tenant's row is
//     read and compared in every group.
//
// Nothing leaves before its group is committed, so no change is missed.

// maxViews is how many views are kept at most; beyond that each new one takes the
// place of any other.
const maxViews = 16_384

type viewKey struct{ signer, client nostr.PubKey }

// keptView is a view of verified rows.
type keptView struct {
	packed string      // the view, without its tenant
	tenant *keptTenant // as of the moment: all its views share it
	// policies are of the view; they are kept by themselves, within a bound of their own.
	policies []policyKey
	// until is the ledger time (unix ms) at which one of its grants expires; 0:
	// none does.
	until int64
}

// keptTenant is a tenant's row with its MAC.
type keptTenant struct {
	bunker.TenantState
	mac []byte
}

// viewCache keeps views. Its zero value keeps none yet.
type viewCache struct {
	mu    sync.Mutex
	seed  maphash.Seed
	m     map[uint64]*keptView // by the hash of their keys, which stand in the views
	last  *keptTenant          // that was put
	moves uint64
}

// now is the moment: it is another one after each change of what views are made
// of. It is never 0, which is no moment at all.
func (c *viewCache) now() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.moves + 1
}

// get returns what is kept, nil for nothing, and the moment.
func (c *viewCache) get(k viewKey) (*keptView, uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.m == nil {
		return nil, c.moves + 1
	}
	return c.m[maphash.Comparable(c.seed, k)], c.moves + 1
}

// put keeps a view that was read after moment began, unless that has passed.
func (c *viewCache) put(k viewKey, v *keptView, moment uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if moment != c.moves+1 {
		return
	}
	if c.m == nil {
		c.m, c.seed = map[uint64]*keptView{}, maphash.MakeSeed()
	}
	// One tenant's row serves all its views: it is the same until it moves.
	if t := c.last; t != nil && t.Tenant == v.tenant.Tenant && t.Version == v.tenant.Version && t.Standing == v.tenant.Standing && bytes.Equal(t.mac, v.tenant.mac) {
		v.tenant = t
	}
	c.last = v.tenant
	if len(c.m) >= maxViews {
		for other := range c.m { // in no order
			delete(c.m, other)
			break
		}
	}
	c.m[maphash.Comparable(c.seed, k)] = v
}

// drop forgets the views of clients, whose rows changed, and moves the moment.
func (c *viewCache) drop(ks ...viewKey) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.moves++
	for _, k := range ks {
		if c.m != nil {
			delete(c.m, maphash.Comparable(c.seed, k))
		}
	}
}

// clear forgets every view, and moves the moment.
func (c *viewCache) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.moves++
	c.m, c.last = nil, nil
}

// keepable reports whether a view can be kept: its rows are all verified, and none
// counts its uses.
func keepable(v *bunker.View) bool {
	return !v.Unverified && v.Connection != nil && v.Key != nil &&
		!slices.ContainsFunc(v.Grants, func(g bunker.Grant) bool { return g.MaxUses != 0 })
}

// rows are what is kept of a view for each client.
type rows struct {
	Connection bunker.Connection
	Key        bunker.UserKey
	Grants     []bunker.Grant
}

// keep makes a view ready to be kept. mac is of the tenant's row.
func keep(v *bunker.View, mac []byte, policies []policyKey) *keptView {
	r := rows{Connection: *v.Connection, Key: *v.Key, Grants: slices.Clone(v.Grants)}
	r.spare(v.Tenant.Tenant)
	return &keptView{packed: pack(&r), tenant: &keptTenant{v.Tenant, mac}, policies: policies, until: expiry(v.Grants)}
}

// spare leaves out what the rows say of each other; restore puts it back. The rows of
// a view are of one tenant, its grants of its connection, and that of its key.
func (r *rows) spare(t bunker.TenantID) {
	if r.Connection.Tenant == t && r.Connection.Key == r.Key.ID {
		r.Connection.Tenant, r.Connection.Key = "", ""
	}
	if r.Key.Tenant == t {
		r.Key.Tenant = ""
	}
	for i := range r.Grants {
		if g := &r.Grants[i]; g.Tenant == t && g.Connection == r.Connection.ID {
			g.Tenant, g.Connection = "", ""
		}
	}
}

func (r *rows) restore(t bunker.TenantID) {
	if r.Connection.Tenant == "" {
		r.Connection.Tenant, r.Connection.Key = t, r.Key.ID
	}
	if r.Key.Tenant == "" {
		r.Key.Tenant = t
	}
	for i := range r.Grants {
		if g := &r.Grants[i]; g.Tenant == "" {
			g.Tenant, g.Connection = t, r.Connection.ID
		}
	}
}

// view returns the view for one decision: what it points at is its own, but for
// policies, which nobody changes. ok is false when one of those is not kept any more.
func (k *keptView) view(policies *policyCache) (v bunker.View, ok bool) {
	r := new(rows)
	unpack(k.packed, r)
	r.restore(k.tenant.Tenant)
	v = bunker.View{Tenant: k.tenant.TenantState, Connection: &r.Connection, Key: &r.Key, Grants: r.Grants}
	for _, key := range k.policies {
		at, ok := policies.get(key)
		if !ok {
			return v, false
		}
		v.Policies = append(v.Policies, at)
	}
	return v, true
}

// editedBeside reports whether another process has written to the database since
// it was last asked, and if so has every view read in full again. It runs in the
// write transaction.
func (s *Store) editedBeside() (bool, error) {
	if !s.keeps() {
		return false, nil
	}
	var v int64
	if err := s.stmts[stmtBeside].QueryRowContext(context.Background()).Scan(&v); err != nil {
		return false, err
	}
	if v == s.beside {
		return false, nil
	}
	s.beside = v
	s.views.clear()
	s.policies.clear()
	s.budgets.clear()
	return true, nil
}

// kept returns the kept view, if there is one that holds, and the moment.
func (s *Store) kept(t bunker.TenantID, k viewKey) (view bunker.View, ok bool, moment uint64) {
	if !s.keeps() {
		return view, false, 0
	}
	kept, moment := s.views.get(k)
	if kept == nil || kept.tenant.Tenant != t || kept.until != 0 && s.clock.ledger() >= kept.until {
		return view, false, moment
	}
	// The root key may have gone since the rows were verified.
	if err := s.verify(&kept.tenant.TenantState, kept.tenant.mac); err != nil {
		return view, false, moment // read in full: it says what is wrong
	}
	view, ok = kept.view(&s.policies)
	if !ok || view.Connection.Signer != k.signer || view.Connection.Client != k.client { // of another with the same hash
		return bunker.View{}, false, moment
	}
	view.Moment = moment
	return view, true, moment
}

// keeps reports whether what was read may be kept at all: only where the engine tells
// of everything that others write. Else each view is read in full, it has no moment,
// and its versions are compared in its commit.
func (s *Store) keeps() bool { return s.sql.otherWrites != "" }

// expiry returns when the first of the grants expires, 0 for never.
func expiry(grants []bunker.Grant) (until int64) {
	for i := range grants {
		if at := grants[i].ExpiresAt; at != 0 && grants[i].Effect == bunker.Allow && (until == 0 || at < until) {
			until = at
		}
	}
	return until
}

// changesRows reports whether an entry changes rows that views, or the versions that
// decisions rest on, are made of. Uses of a grant are neither: see keepable.
func changesRows(e *bunker.Entry) bool {
	return e.NewConnection != nil || e.UpdateConnection != nil || e.UpdateToken != nil || len(e.NewGrants) > 0 || e.Withdraw != "" ||
		e.Metadata != nil || e.Seat
}
