package store

import (
	"context"
	"sync"

	"nsecbunker/internal/bunker"
)

// Verified policies are kept under (id, version, MAC), as security.md (2, Deciding)
// allows: those three are read at each request. Reading the rules of a policy, and
// verifying them, costs far more than all the rest of a request.

// maxPolicyText is how many bytes of rules, as JSON, are kept verified at most;
// beyond that a new policy takes the place of others.
const maxPolicyText = 32 << 20

type policyKey struct {
	tenant  bunker.TenantID
	id      bunker.PolicyID
	version int64
	mac     [32]byte
}

// policyCache keeps verified policies, which nobody changes.
type policyCache struct {
	mu   sync.Mutex
	m    map[policyKey]*bunker.Policy
	size map[policyKey]int
	text int // bytes of rules in all
}

func (c *policyCache) get(k policyKey) *bunker.Policy {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.m[k]
}

func (c *policyCache) put(k policyKey, p *bunker.Policy, text int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.m == nil {
		c.m, c.size = map[policyKey]*bunker.Policy{}, map[policyKey]int{}
	}
	for other := range c.m { // in no order
		if c.text+text <= maxPolicyText {
			break
		}
		c.text -= c.size[other]
		delete(c.m, other)
		delete(c.size, other)
	}
	c.text += text - c.size[k]
	c.m[k], c.size[k] = p, text
}

func (c *policyCache) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.m, c.size, c.text = nil, nil, 0
}

// viewPolicies adds the policies that the view's grants name, in the order of
// their first grants, and returns what they are kept under.
func (s *Store) viewPolicies(ctx context.Context, v *viewer, view *bunker.View) (keys []policyKey, err error) {
	for i := range view.Grants {
		g := &view.Grants[i]
		if g.Policy == "" || view.Unverified || hasPolicy(view.Policies, g.Policy) {
			continue
		}
		at, err := s.viewPolicy(ctx, v, g)
		if err != nil {
			return nil, err
		}
		view.Policies = append(view.Policies, at)
		keys = append(keys, keyOf(at))
	}
	return keys, nil
}

func hasPolicy(list []bunker.PolicyAt, id bunker.PolicyID) bool {
	for i := range list {
		if list[i].ID == id {
			return true
		}
	}
	return false
}

func keyOf(at bunker.PolicyAt) policyKey { return policyKey{at.Tenant, at.ID, at.Version, at.MAC} }

// viewPolicy reads what a grant puts its connection under.
func (s *Store) viewPolicy(ctx context.Context, v *viewer, g *bunker.Grant) (at bunker.PolicyAt, err error) {
	k := policyKey{tenant: g.Tenant, id: g.Policy}
	var mac []byte
	err = v.policyTag.QueryRowContext(ctx, string(g.Tenant), string(g.Policy)).Scan(&k.version, &mac)
	if isNone(err) {
		return at, errNoPolicy(g)
	}
	if err != nil {
		return at, err
	}
	if copy(k.mac[:], mac) == len(k.mac) {
		if p := s.policies.get(k); p != nil {
			return bunker.PolicyAt{Policy: p, MAC: k.mac}, nil
		}
	}
	p, err := one(s, v.policy.QueryRowContext(ctx, string(g.Tenant), string(g.Policy)), fillPolicy)
	if err != nil {
		return at, err
	}
	s.policies.put(k, p, len(p.RulesText()))
	return bunker.PolicyAt{Policy: p, MAC: k.mac}, nil
}
