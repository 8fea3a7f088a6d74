package admin

import (
	"nsecbunker/internal/bunker"
	"nsecbunker/internal/policy"
	policytext "nsecbunker/internal/policy/text"
)

// checkPolicy refuses a policy that cannot be, and warns of what its author may not
// have meant. now is unix ms.
func checkPolicy(p *bunker.Policy, now int64) (warnings []string, err error) {
	all := policytext.Check(p, now)
	if err := policytext.Refusal(all); err != nil {
		return nil, err
	}
	if err := policy.Check(p.Rules); err != nil { // the engine's last word: nothing is stored that it cannot compile
		return nil, err
	}
	_, told := policytext.Split(all)
	for _, w := range told {
		warnings = append(warnings, w.String()+" ("+w.Hint+")")
	}
	return warnings, nil
}

// widensPolicy reports whether what is under a policy may get more by an edit of it,
// at the time of the edit.
func widensPolicy(old, next *bunker.Policy) bool {
	return len(policytext.Widens(old, next, next.ChangedAt)) > 0
}
