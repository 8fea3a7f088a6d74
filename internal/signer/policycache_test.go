package signer

import (
	"fmt"
	"sync"
	"testing"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/policy"
	"nsecbunker/nostr"
)

// Many requests at once, of more rules than are kept ready: what they are decided by
// comes and goes, and what is decided stays. It is here, since the tests of policy start
// nothing.
func TestManyDecideWhileRulesAreMadeReadyAndPackedAgain(t *testing.T) {
	const policies, each = 24, 1000 // 16,384 rules are kept ready
	list := make([]bunker.PolicyAt, policies)
	for i := range list {
		rules := []bunker.Rule{{ID: "note", Effect: bunker.Allow, Kinds: []bunker.KindRange{{From: 1, To: 1}}, Note: fmt.Sprint(i)}}
		for j := range each - 1 {
			rules = append(rules, bunker.Rule{ID: fmt.Sprint("r", j), Effect: bunker.Deny, Kinds: []bunker.KindRange{{From: 2, To: nostr.Kind(10 + j)}}})
		}
		head := &bunker.PolicyHead{ID: bunker.PolicyID(fmt.Sprint("p", i)), Name: "newsroom", Version: 1}
		list[i] = bunker.PolicyAt{PolicyHead: head, Rules: bunker.PackRules(rules), MAC: [32]byte{byte(i)}}
	}
	var c policy.Cache
	var wg sync.WaitGroup
	for worker := range 4 {
		wg.Go(func() {
			for i := range len(list) {
				n := (i + worker*7) % len(list)
				in := policy.Input{
					Now: 1, Tenant: &bunker.TenantState{SetUp: true, Reviewed: true}, Key: &bunker.UserKey{ID: "k", State: bunker.KeyActive},
					Connection: &bunker.Connection{ID: "c", State: bunker.ConnActive},
					Grants:     []bunker.Grant{{ID: "g", Connection: "c", Effect: bunker.Allow, Policy: list[n].ID}},
				}
				var err error
				if in.Policies, err = c.Compiled(list[n : n+1]); err != nil {
					t.Error(err)
					return
				}
				for kind, want := range map[nostr.Kind]bunker.Effect{1: bunker.Allow, 5: bunker.Deny} {
					in.Operation = &policy.Operation{Method: "sign_event", Template: &nostr.Template{Kind: kind}}
					if d := policy.Decide(in); d.Effect != want {
						t.Errorf("kind %d by policy %d: %+v", kind, n, d)
						return
					}
				}
			}
		})
	}
	wg.Wait()
}
