package signer

import (
	"context"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/policy"
)

// underPolicies adds to a decision's input what the connection's policies hang on,
// and nothing that they do not: their compiled rules, what a decryption brings to
// light, what is used of budgets. refused is the vault's word about a text that it
// does not open: there is nothing to decide about then.
func (s *Signer) underPolicies(ctx context.Context, c *call, in *policy.Input) (refused, err error) {
	if len(c.view.Policies) == 0 {
		return nil, nil
	}
	// One that cannot be compiled is left out, and denies by that.
	in.Policies, _ = s.compiled.Compiled(c.view.Policies)
	in.Operation.Result = policy.Certain(in.Operation, in.Key)
	need := policy.Needs(*in)
	if need.Result {
		in.Operation.Result, refused = s.Vault.Classify44(s.floor(c), in.Key.ID, in.Operation.Peer, string(in.Operation.Payload))
		if refused != nil {
			return refused, nil
		}
		need = policy.Needs(*in)
	}
	if len(need.Used) == 0 {
		return nil, nil
	}
	used, err := s.Store.Used(ctx, s.Tenant, need.Used)
	if err != nil {
		return nil, err
	}
	in.Used = make(map[bunker.Window]int64, len(used))
	for i, w := range need.Used {
		in.Used[w] = used[i]
	}
	return nil, nil
}
