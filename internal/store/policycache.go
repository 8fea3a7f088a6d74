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
	// maxPolicyBytes is how many bytes of packed rules are kept verified at most; beyond
	// that a new policy takes the place of others. Rules that several policies have, such
	// as those of one template, count once. Ten thousand policies of a hundred plain rules
	// take 15 MiB.
	maxPolicyBytes = 24 << 20
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
	mu    sync.Mutex
	m     map[policyKey]keptPolicy
	sets  map[rulesDigest]*keptRules
	bytes int // of packed rules in all sets
}

// rulesDigest is the SHA-256 of the text of rules.
type rulesDigest [sha256.Size]byte

type keptPolicy struct {
	*bunker.PolicyHead
	set *keptRules
}

// keptRules are rules that the kept policies of one text share: of ten thousand copies
// of a template there is one.
type keptRules struct {
	rules  bunker.PackedRules
	digest rulesDigest
	users  int
}

func (c *policyCache) get(k policyKey) (at bunker.PolicyAt, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p, ok := c.m[k]
	if !ok {
		return at, false
	}
	return bunker.PolicyAt{PolicyHead: p.PolicyHead, Rules: p.set.rules, MAC: k.mac}, true
}

// rules returns the rules of a text, if any kept policy has them.
func (c *policyCache) rules(d rulesDigest) (rules bunker.PackedRules, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.sets[d]; s != nil {
		return s.rules, true
	}
	return "", false
}

// put keeps a policy, and its rules, if others of that text have not brought them.
func (c *policyCache) put(k policyKey, at bunker.PolicyAt, d rulesDigest) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.m == nil {
		c.m, c.sets = map[policyKey]keptPolicy{}, map[rulesDigest]*keptRules{}
	}
	if _, ok := c.m[k]; ok {
		return // another request was faster
	}
	if len(at.Rules) > maxPolicyBytes {
		return // it is read each time
	}
	for other := range c.m { // in no order
		more := len(at.Rules)
		if c.sets[d] != nil {
			more = 0
		}
		if c.bytes+more <= maxPolicyBytes && len(c.m) < maxPoliciesKept {
			break
		}
		c.drop(other)
	}
	s := c.sets[d]
	if s == nil {
		s = &keptRules{rules: at.Rules, digest: d}
		c.sets[d] = s
		c.bytes += len(s.rules)
	}
	s.users++
	c.m[k] = keptPolicy{at.PolicyHead, s}
}

// drop forgets a policy, and its rules with the last that has them.
func (c *policyCache) drop(k policyKey) {
	s := c.m[k].set
	delete(c.m, k)
	if s.users--; s.users == 0 {
		delete(c.sets, s.digest)
		c.bytes -= len(s.rules)
	}
}

func (c *policyCache) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.m, c.sets, c.bytes = nil, nil, 0
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
		if at, ok := s.policies.get(k); ok {
			return at, nil
		}
	}
	var stored bunker.PolicyText
	if mac, err = fillPolicyText(v.policy.QueryRowContext(ctx, string(g.Tenant), string(g.Policy)), &stored); err != nil {
		return at, err
	}
	at, d, err := s.policyOf(&stored, mac)
	if err != nil {
		return at, err
	}
	at.MAC = k.mac
	s.policies.put(keyOf(at), at, d)
	return at, nil
}

// policyOf verifies a stored policy and packs its rules, unless rules of the same text
// are at hand.
func (s *Store) policyOf(stored *bunker.PolicyText, mac []byte) (at bunker.PolicyAt, d rulesDigest, err error) {
	d = sha256.Sum256(stored.Text)
	at.PolicyHead = stored.Head()
	if err := s.verify(stored, mac); err != nil {
		// It may be that the text alone is not as it was written: what it says counts.
		p := stored.Policy
		if p.Rules, err = rulesOf(stored); err != nil {
			return at, d, err
		}
		at.Rules = bunker.PackRules(p.Rules)
		return at, d, s.verify(&p, mac)
	}
	var ok bool
	if at.Rules, ok = s.policies.rules(d); ok {
		return at, d, nil
	}
	rules, err := rulesOf(stored)
	at.Rules = bunker.PackRules(rules)
	return at, d, err
}
