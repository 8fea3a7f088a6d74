package store

import (
	"context"
	"crypto/sha256"
	"sync"

	"nsecbunker/internal/bunker"
)

// Verified policies are kept under (id, version, MAC), as security.md (2, Deciding)
// allows: those three are read at each request. Reading the rules of a policy, and
// verifying them, costs far more than all the rest of a request.

const (
	// maxPolicyText is how many bytes of rules, as JSON, are kept verified at most;
	// beyond that a new policy takes the place of others. Rules that several policies
	// have, such as those of one template, count once.
	maxPolicyText = 32 << 20
	// maxPoliciesKept is how many policies are kept at most, of however few rules.
	maxPoliciesKept = 16_384
)

type policyKey struct {
	tenant  bunker.TenantID
	id      bunker.PolicyID
	version int64
	mac     [32]byte
}

// policyCache keeps verified policies, which nobody changes.
type policyCache struct {
	mu   sync.Mutex
	m    map[policyKey]keptPolicy
	sets map[rulesDigest]*keptRules
	text int // bytes of rules in all sets
}

// rulesDigest is the SHA-256 of the text of rules.
type rulesDigest [sha256.Size]byte

type keptPolicy struct {
	*bunker.Policy
	digest rulesDigest
}

// keptRules are rules that the kept policies of one text share: of ten thousand copies
// of a template there is one.
type keptRules struct {
	rules []bunker.Rule
	text  int // bytes
	users int
}

func (c *policyCache) get(k policyKey) *bunker.Policy {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.m[k].Policy
}

// rules returns the rules of a text, if any kept policy has them.
func (c *policyCache) rules(d rulesDigest) (rules []bunker.Rule, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.sets[d]; s != nil {
		return s.rules, true
	}
	return nil, false
}

// put keeps a policy that nobody else has yet: it gets the rules that others of its
// text have.
func (c *policyCache) put(k policyKey, p *bunker.Policy, d rulesDigest, text int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.m == nil {
		c.m, c.sets = map[policyKey]keptPolicy{}, map[rulesDigest]*keptRules{}
	}
	if _, ok := c.m[k]; ok {
		return // another request was faster
	}
	for other := range c.m { // in no order
		more := text
		if c.sets[d] != nil {
			more = 0
		}
		if c.text+more <= maxPolicyText && len(c.m) < maxPoliciesKept {
			break
		}
		c.drop(other)
	}
	s := c.sets[d]
	if s == nil {
		s = &keptRules{rules: p.Rules, text: text}
		c.sets[d] = s
		c.text += text
	}
	s.users++
	p.Rules = s.rules
	c.m[k] = keptPolicy{p, d}
}

// drop forgets a policy, and its rules with the last that has them.
func (c *policyCache) drop(k policyKey) {
	d := c.m[k].digest
	delete(c.m, k)
	s := c.sets[d]
	if s.users--; s.users == 0 {
		delete(c.sets, d)
		c.text -= s.text
	}
}

func (c *policyCache) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.m, c.sets, c.text = nil, nil, 0
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
	var stored bunker.PolicyText
	if mac, err = fillPolicyText(v.policy.QueryRowContext(ctx, string(g.Tenant), string(g.Policy)), &stored); err != nil {
		return at, err
	}
	p, d, err := s.policyOf(&stored, mac)
	if err != nil {
		return at, err
	}
	s.policies.put(k, p, d, len(stored.Text))
	return bunker.PolicyAt{Policy: p, MAC: k.mac}, nil
}

// policyOf verifies a stored policy and reads its rules, unless rules of the same text
// are at hand.
func (s *Store) policyOf(stored *bunker.PolicyText, mac []byte) (*bunker.Policy, rulesDigest, error) {
	d := rulesDigest(sha256.Sum256(stored.Text))
	p := stored.Policy
	if err := s.verify(stored, mac); err != nil {
		// It may be that the text alone is not as it was written: what it says counts.
		if p.Rules, err = rulesOf(stored); err != nil {
			return nil, d, err
		}
		return &p, d, s.verify(&p, mac)
	}
	var ok bool
	if p.Rules, ok = s.policies.rules(d); ok {
		return &p, d, nil
	}
	var err error
	p.Rules, err = rulesOf(stored)
	return &p, d, err
}
