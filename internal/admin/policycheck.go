package admin

import (
	"nsecbunker/internal/bunker"
	"nsecbunker/internal/policy"
)

// checkPolicy refuses a policy that cannot be, and warns of what its author may not
// have meant. now is unix ms.
func checkPolicy(p *bunker.Policy, _ int64) (warnings []string, err error) {
	if _, err := policy.Zone(p.Zone); err != nil {
		return nil, err
	}
	return nil, policy.Check(p.Rules)
}

// widensPolicy reports whether what is under a policy may get more by an edit.
func widensPolicy(old, next *bunker.Policy) bool { return policy.Widens(old, next) }
