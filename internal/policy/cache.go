package policy

import (
	"sync"

	"nsecbunker/internal/bunker"
)

// maxCompiled is how many rules are kept compiled at most, by all policies together;
// beyond that a new policy takes the place of others. One takes some 500 bytes.
const maxCompiled = 50_000

// Cache keeps compiled policies under (tenant, id, version, MAC). The zero value is
// ready; all methods may be called concurrently.
type Cache struct {
	mu    sync.Mutex
	m     map[cacheKey]*Compiled
	rules int
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
	p := c.m[k]
	c.mu.Unlock()
	if p != nil {
		return p, nil
	}
	p, err := Compile(at.Policy)
	if err == nil {
		c.keep(k, p)
	}
	return p, err
}

func (c *Cache) keep(k cacheKey, p *Compiled) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.m[k]; ok {
		return
	}
	if c.m == nil {
		c.m = map[cacheKey]*Compiled{}
	}
	for other, old := range c.m { // in no order
		if c.rules+len(p.rules) <= maxCompiled {
			break
		}
		c.rules -= len(old.rules)
		delete(c.m, other)
	}
	c.m[k] = p
	c.rules += len(p.rules)
}
