package policy

import (
	"fmt"
	"sync"
	"time"

	"nsecbunker/internal/bunker"
)

const (
	// maxCompiled is how many rules are kept made ready at most, by all policies together;
	// beyond that policies are decided by their packed rules. One takes some 700 bytes.
	maxCompiled = 16_384
	// maxPackedBytes is how many bytes of packed rules are kept at most, with what is
	// noted of them; beyond that a new policy takes the place of others.
	maxPackedBytes = 24 << 20
	// maxCompiledPolicies is how many policies are kept at most, however few rules they
	// have or however many of them share the same.
	maxCompiledPolicies = 16_384
	// maxZones is how many time zones are kept loaded: one takes several KiB, and the
	// policies of ten thousand apps are mostly of a few.
	maxZones = 64
	// readyEvery is how often packed rules are used, of whatever policy, before others are
	// given up for them: so those that are used much are ready, and making them so costs
	// little of all.
	readyEvery = 61
)

// Cache keeps policies under (tenant, id, version, MAC): all of them with their rules
// packed, and some with their rules ready. Policies of the same rules share them. The
// zero value is ready; all methods may be called concurrently.
type Cache struct {
	mu    sync.Mutex
	zones map[string]*time.Location
	m     map[cacheKey]*Compiled
	sets  map[bunker.PackedRules]*sharedSet
	bytes int                     // of packed rules in all sets
	ready map[*sharedSet]struct{} // the sets that are ready
	rules int                     // in these
	used  int                     // how often packed rules were
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
	p, set, due := c.get(k, at.Rules)
	if p == nil {
		zone, err := c.zone(at.Zone)
		if err != nil {
			return nil, err
		}
		if set == nil {
			if set, err = compilePacked(at.Rules); err != nil {
				return nil, fmt.Errorf("policy %s: %w", at.Name, err)
			}
		}
		p = &Compiled{head: at.PolicyHead, zone: zone, ruleset: set}
		c.keep(k, p)
		due = c.due(p.ruleset)
	}
	if due {
		c.makeReady(p.ruleset)
	}
	return p, nil
}

// zone is [Zone], loaded once.
func (c *Cache) zone(name string) (*time.Location, error) {
	c.mu.Lock()
	loc := c.zones[name]
	c.mu.Unlock()
	if loc != nil {
		return loc, nil
	}
	loc, err := Zone(name)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for other := range c.zones { // in no order
		if len(c.zones) < maxZones {
			break
		}
		delete(c.zones, other)
	}
	if c.zones == nil {
		c.zones = map[string]*time.Location{}
	}
	c.zones[name] = loc
	return loc, nil
}

// get returns the policy, if it is kept, or else the set of its rules, and whether that
// is to be made ready.
func (c *Cache) get(k cacheKey, rules bunker.PackedRules) (p *Compiled, set *ruleset, due bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if p = c.m[k]; p != nil {
		return p, nil, p.ruleset.ready.Load() == nil && c.turn(p.ruleset)
	}
	if s := c.sets[rules]; s != nil {
		set = s.ruleset
	}
	return nil, set, false
}

func (c *Cache) due(set *ruleset) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return set.ready.Load() == nil && c.turn(set)
}

// turn counts a use of packed rules, and reports whether they are to be made ready:
// there is room, or it is their turn to take that of others. The caller holds the lock.
func (c *Cache) turn(set *ruleset) bool {
	c.used++
	return c.rules+len(set.reach) <= maxCompiled || c.used%readyEvery == 0 && len(set.reach) <= maxCompiled
}

// makeReady makes the rules of a kept set ready.
func (c *Cache) makeReady(set *ruleset) {
	ready, err := set.unpack()
	if err != nil {
		return // deciding finds it, too
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.sets[set.text]
	if s == nil || s.ruleset != set || set.ready.Load() != nil {
		return
	}
	for other := range c.ready { // in no order
		if c.rules+len(ready.rules) <= maxCompiled {
			break
		}
		c.unready(other)
	}
	if c.ready == nil {
		c.ready = map[*sharedSet]struct{}{}
	}
	set.ready.Store(ready)
	c.ready[s] = struct{}{}
	c.rules += len(ready.rules)
}

// unready leaves a set packed. The caller holds the lock.
func (c *Cache) unready(s *sharedSet) {
	if _, ok := c.ready[s]; !ok {
		return
	}
	delete(c.ready, s)
	c.rules -= len(s.reach)
	s.ruleset.ready.Store(nil)
}

func (c *Cache) keep(k cacheKey, p *Compiled) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.m[k]; ok {
		return
	}
	if c.m == nil {
		c.m, c.sets = map[cacheKey]*Compiled{}, map[bunker.PackedRules]*sharedSet{}
	}
	if p.packedRules.bytes() > maxPackedBytes {
		return // no policy that Check lets through has so much
	}
	for other := range c.m { // in no order
		more := p.packedRules.bytes()
		if c.sets[p.text] != nil {
			more = 0
		}
		if c.bytes+more <= maxPackedBytes && len(c.m) < maxCompiledPolicies {
			break
		}
		c.drop(other)
	}
	s := c.sets[p.text]
	if s == nil {
		s = &sharedSet{ruleset: p.ruleset}
		c.sets[p.text] = s
		c.bytes += p.packedRules.bytes()
	}
	p.ruleset = s.ruleset // of two that were made at once, one is kept
	s.users++
	c.m[k] = p
}

// drop forgets a policy, and its rules with the last that has them.
func (c *Cache) drop(k cacheKey) {
	p := c.m[k]
	delete(c.m, k)
	s := c.sets[p.text]
	if s.users--; s.users == 0 {
		c.unready(s)
		delete(c.sets, p.text)
		c.bytes -= s.packedRules.bytes()
	}
}
