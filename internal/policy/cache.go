package policy

import (
	"sync"

	"nsecbunker/internal/bunker"
)

const (
	// maxCompiled is how many rules are kept compiled at most, by all policies together;
	// beyond that a new policy takes the place of others. One takes some 500 bytes.
	maxCompiled = 50_000
	// maxCompiledPolicies is how many policies are kept at most, however few rules they
	// have or however many of them share the same.
	maxCompiledPolicies = 16_384
)

// Cache keeps compiled policies under (tenant, id, version, MAC). Policies whose Rules
// are one slice, as the store gives those of the same text, share one compiled set of
// rules. The zero value is ready; all methods may be called concurrently.
type Cache struct {
	mu    sync.Mutex
	m     map[cacheKey]*Compiled
	sets  map[*bunker.Rule]*sharedSet // by the first of their rules
	rules int                         // in all sets
}

// sharedSet is a set of rules and how many of the kept policies have it.
type sharedSet struct {
	*ruleset
	users int
}

type cacheKey struct {
	tenant  bunker.TenantID
	id      bunker.PolicyID
	version int64
	mac     [32]byte
}

// Compiled returns the policies made ready. One that cannot be is left out, which
// denies what its grants' connection asks for; the error says why.
func (c *Cache) Compiled(list []bunker.PolicyAt) (out []*Compiled, err error) {
	for _, at := range list {
		p, bad := c.one(at)
		if bad != nil {
			err = bad
			continue
		}
		out = append(out, p)
	}
	return out, err
}

func (c *Cache) one(at bunker.PolicyAt) (*Compiled, error) {
	k := cacheKey{at.Tenant, at.ID, at.Version, at.MAC}
	c.mu.Lock()
	p, rules := c.m[k], c.ready(at.Rules)
	c.mu.Unlock()
	if p != nil {
		return p, nil
	}
	p, err := compileWith(at.Policy, rules)
	if err == nil {
		c.keep(k, p)
	}
	return p, err
}

// ready returns the set of the very same rules, nil for none. The caller holds the lock.
// What is kept of a set holds on to its rules, so no others can stand in their place.
func (c *Cache) ready(rules []bunker.Rule) *ruleset {
	if len(rules) == 0 {
		return nil
	}
	if s := c.sets[&rules[0]]; s != nil && len(s.rules) == len(rules) {
		return s.ruleset
	}
	return nil
}

func (c *Cache) keep(k cacheKey, p *Compiled) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.m[k]; ok {
		return
	}
	if c.m == nil {
		c.m, c.sets = map[cacheKey]*Compiled{}, map[*bunker.Rule]*sharedSet{}
	}
	for other := range c.m { // in no order
		more := len(p.rules)
		if c.ready(p.policy.Rules) != nil {
			more = 0
		}
		if c.rules+more <= maxCompiled && len(c.m) < maxCompiledPolicies {
			break
		}
		c.drop(other)
	}
	if len(p.rules) == 0 {
		c.m[k] = p
		return
	}
	first := &p.policy.Rules[0]
	s := c.sets[first]
	switch {
	case s == nil:
		s = &sharedSet{ruleset: p.ruleset}
		c.sets[first] = s
		c.rules += len(p.rules)
	case len(s.rules) != len(p.rules):
		return // a part of another's rules: it is not kept
	}
	p.ruleset = s.ruleset // of two that were made at once, one is kept
	s.users++
	c.m[k] = p
}

// drop forgets a policy, and its rules with the last that has them.
func (c *Cache) drop(k cacheKey) {
	p := c.m[k]
	delete(c.m, k)
	if len(p.rules) == 0 {
		return
	}
	first := &p.policy.Rules[0]
	s := c.sets[first]
	if s.users--; s.users == 0 {
		delete(c.sets, first)
		c.rules -= len(s.rules)
	}
}
