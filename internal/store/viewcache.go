package store

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr"
)

// Reading and verifying all rows of a view costs more than everything else that
// the store does for a request. security.md (2, Deciding) allows to keep verified
// rows under (id, version, MAC), as long as ids, versions, states and MACs are
// read each time. That is what happens here: pulse reads those of every row of a
// view, in one statement; where they are the ones of the kept rows, the kept rows
// are the view. So nothing that changed is missed. A row that another process
// edited beside the bunker, leaving its MAC as it was, keeps its verified content
// until the next commit, which finds out and has everything read again.

// maxViews is how many views are kept at most; beyond that each new one takes the
// place of any other. One takes about 1.5 KiB.
const maxViews = 16_384

// viewPulse reads what tells one state of a view from another: one row for each
// live grant, or one without. Metadata has no version of its own.
const viewPulse = `SELECT h.version, h.mac, h.pending, c.version, c.mac, c.state, c.metadata, k.version, k.mac, k.state, g.id, g.version, g.mac,
p.id, p.version, p.mac
FROM connection c JOIN tenant_head h ON h.tenant = c.tenant LEFT JOIN user_key k ON k.tenant = c.tenant AND k.id = c.key_id
LEFT JOIN connection_grant g ON g.tenant = c.tenant AND g.connection = c.id AND g.ended = 0 AND ` + grantUseful + `$1)
LEFT JOIN policy p ON p.tenant = g.tenant AND p.id = g.policy
WHERE c.signer = $2 AND c.client = $3`

type viewKey struct{ signer, client nostr.PubKey }

// keptView is a view of verified rows, and their MACs.
type keptView struct {
	view            bunker.View
	head, conn, key []byte
	grants          [][]byte // in the order of view.Grants
	// policies are of view.Policies, which is empty: they are kept by themselves,
	// within a bound of their own.
	policies []policyKey
	metadata string
}

// viewCache keeps views.
type viewCache struct {
	mu sync.Mutex
	m  map[viewKey]*keptView
}

func (c *viewCache) get(k viewKey) *keptView {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.m[k]
}

func (c *viewCache) put(k viewKey, v *keptView) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.m == nil {
		c.m = map[viewKey]*keptView{}
	}
	if len(c.m) >= maxViews {
		for other := range c.m { // in no order
			delete(c.m, other)
			break
		}
	}
	c.m[k] = v
}

// drop forgets a view that does not hold any more.
func (c *viewCache) drop(k viewKey) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.m, k)
}

// keepable reports whether the pulse tells every change of a view: rows that are
// all verified, none that counts its uses.
func keepable(v *bunker.View) bool {
	return !v.Unverified && v.Connection != nil && v.Key != nil &&
		!slices.ContainsFunc(v.Grants, func(g bunker.Grant) bool { return g.MaxUses != 0 })
}

// keep takes a view over, but for its policies.
func (k *keptView) keep(v bunker.View) {
	k.view = detached(v)
	k.view.Policies = nil
}

// copied returns the view for one decision; what it points at is its own, but for
// lists, byte slices and policies, which nobody changes. ok is false when one of
// its policies is not kept any more.
func (k *keptView) copied(policies *policyCache) (v bunker.View, ok bool) {
	v = detached(k.view)
	for _, key := range k.policies {
		p := policies.get(key)
		if p == nil {
			return v, false
		}
		v.Policies = append(v.Policies, bunker.PolicyAt{Policy: p, MAC: key.mac})
	}
	return v, true
}

func detached(v bunker.View) bunker.View {
	conn, key := *v.Connection, *v.Key
	v.Connection, v.Key, v.Grants = &conn, &key, slices.Clone(v.Grants)
	return v
}

// clear forgets every view.
func (c *viewCache) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.m = nil
}

// editedBeside reports whether another process has written to the database since
// it was last asked, and if so has every view read in full again. It runs in the
// write transaction.
func (s *Store) editedBeside() (bool, error) {
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
	return true, nil
}

// beat is one row of the pulse.
type beat struct {
	head, conn, key, grant   int64
	headMAC, connMAC, keyMAC []byte
	pending, state, metadata string
	keyState, grantID        string
	grantMAC                 []byte
	policyID                 string
	policy                   int64
	policyMAC                []byte
}

func (b *beat) fields() []any {
	return []any{
		&b.head, &b.headMAC, &b.pending, &b.conn, &b.connMAC, &b.state, &b.metadata, nullable{&b.key}, &b.keyMAC, nullable{&b.keyState},
		nullable{&b.grantID}, nullable{&b.grant}, &b.grantMAC,
		nullable{&b.policyID}, nullable{&b.policy}, &b.policyMAC,
	}
}

// of reports whether the row is that of the kept rows; n is its number.
func (b *beat) of(k *keptView, n int) bool {
	v := &k.view
	if b.pending != "" || b.head != v.Tenant.Version || b.conn != v.Connection.Version || b.key != v.Key.Version ||
		b.state != string(v.Connection.State) || b.keyState != string(v.Key.State) || b.metadata != k.metadata ||
		!bytes.Equal(b.headMAC, k.head) || !bytes.Equal(b.connMAC, k.conn) || !bytes.Equal(b.keyMAC, k.key) {
		return false
	}
	if len(v.Grants) == 0 {
		return n == 0 && b.grantID == ""
	}
	i := slices.IndexFunc(v.Grants, func(g bunker.Grant) bool { return string(g.ID) == b.grantID })
	return i >= 0 && b.grant == v.Grants[i].Version && bytes.Equal(b.grantMAC, k.grants[i]) && b.ofPolicy(k, v.Grants[i].Policy)
}

// ofPolicy reports whether the grant's policy is the kept one. A deletion is a new
// version too.
func (b *beat) ofPolicy(k *keptView, id bunker.PolicyID) bool {
	if id == "" || b.policyID != string(id) {
		return b.policyID == string(id)
	}
	i := slices.IndexFunc(k.policies, func(p policyKey) bool { return p.id == id })
	return i >= 0 && b.policy == k.policies[i].version && bytes.Equal(b.policyMAC, k.policies[i].mac[:])
}

// keptBy returns the kept view if it is what the store holds now.
func (s *Store) keptBy(v *viewer, k viewKey) (view bunker.View, ok bool, err error) {
	kept := s.views.get(k)
	if kept == nil {
		return view, false, nil
	}
	n, same := 0, true
	rows, err := v.pulse.QueryContext(context.Background(), s.clock.ledger(), k.signer[:], k.client[:])
	if err != nil {
		return view, false, err
	}
	var b beat
	for same && rows.Next() {
		b = beat{}
		if err := rows.Scan(b.fields()...); err != nil {
			return view, false, errors.Join(err, rows.Close())
		}
		same = b.of(kept, n)
		n++
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return view, false, err
	}
	if !same || n != max(1, len(kept.view.Grants)) {
		s.views.drop(k)
		return view, false, nil
	}
	// The root key may have gone since the rows were verified.
	if err := s.verify(&kept.view.Tenant, kept.head); err != nil {
		s.views.drop(k)
		return view, false, nil // read in full: it says what is wrong
	}
	view, ok = kept.copied(&s.policies)
	return view, ok, nil
}
