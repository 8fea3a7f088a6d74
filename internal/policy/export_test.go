package policy

import "nsecbunker/internal/bunker"

// CompilePacked is Compile, and leaves the rules packed.
func CompilePacked(p *bunker.Policy) (*Compiled, error) {
	zone, err := Zone(p.Zone)
	if err != nil {
		return nil, err
	}
	set, err := compilePacked(bunker.PackRules(p.Rules))
	return &Compiled{head: p.Head(), policy: p, zone: zone, ruleset: set}, err
}
