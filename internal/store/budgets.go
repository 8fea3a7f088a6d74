package store

import (
	"context"

	"nsecbunker/internal/bunker"
)

const (
	budgetUsed = `SELECT used FROM budget WHERE tenant = $1 AND policy = $2 AND rule = $3 AND scope = $4 AND span = $5`
	// One use, unless the limit is reached: no row is changed then. A limit that an
	// edit of the policy changed holds from its next use on. (The end stays as it was
	// when the window began, so that its index is left alone.)
	budgetCharge = `INSERT INTO budget (tenant, policy, rule, scope, span, used, max, ends_at) VALUES ($1, $2, $3, $4, $5, 1, $6, $7)
ON CONFLICT (tenant, policy, rule, scope, span) DO UPDATE SET used = budget.used + 1, max = excluded.max
WHERE budget.used < excluded.max`
)

// Used returns how much of each window is used, in their order. It is read by
// itself, not with the view: the commit that spends is guarded.
func (s *Store) Used(ctx context.Context, t bunker.TenantID, ws []bunker.Window) ([]int64, error) {
	out := make([]int64, len(ws))
	var missing []int
	var moment uint64
	for i, w := range ws {
		n, ok, at := s.budgets.get(usedKey{t, w})
		if out[i] = n; !ok || !s.keeps() {
			missing, moment = append(missing, i), at
		}
	}
	if len(missing) == 0 {
		return out, nil
	}
	err := s.onViewer(ctx, func(v *viewer) error {
		for _, i := range missing {
			w := ws[i]
			out[i] = 0
			err := v.used.QueryRowContext(context.Background(), string(t), string(w.Policy), w.Rule, w.Scope, w.Name).Scan(&out[i])
			if err != nil && !isNone(err) {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, s.explain("reading a budget", err)
	}
	for _, i := range missing {
		if s.keeps() {
			s.budgets.put(usedKey{t, ws[i]}, out[i], moment)
		}
	}
	return out, nil
}

// charge spends one use of each of the entry's windows; false when one of them has
// nothing left, or is over.
func (g *group) charge(w *waiting, h *head) (bool, error) {
	for i := range w.e.Charges {
		c := &w.e.Charges[i]
		if c.Limit <= 0 || !c.Covers(h.LedgerTime) {
			return false, nil
		}
		ok, err := g.s.did(stmtCharge, string(w.e.Tenant), string(c.Policy), c.Rule, c.Scope, c.Name, c.Limit, c.Until)
		if !ok || err != nil {
			return false, err
		}
	}
	return true, nil
}
