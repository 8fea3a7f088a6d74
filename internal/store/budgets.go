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

// Used returns how much of each window that is not over is used, in their order. It is
// read by itself, not with the view: the commit that spends is guarded.
func (s *Store) Used(ctx context.Context, t bunker.TenantID, ws []bunker.Window) ([]int64, error) {
	out := make([]int64, len(ws))
	var err error
	for i := range ws {
		k := usedKey{t, ws[i]}
		if s.keeps() {
			out[i], err = s.usedKept(ctx, k)
		} else {
			out[i], err = s.usedRow(ctx, k)
		}
		if err != nil {
			return nil, s.explain("reading a budget", err)
		}
	}
	return out, nil
}

// usedKept is what is used of a window where that is kept.
func (s *Store) usedKept(ctx context.Context, k usedKey) (int64, error) {
	if n, ok := s.budgets.known(k); ok {
		return n, nil
	}
	if epoch, ok := s.budgets.moment(); ok {
		row, err := s.usedRow(ctx, k)
		if err != nil {
			return 0, err
		}
		if n, ok := s.budgets.learnAt(k, row, epoch); ok {
			return n, nil
		}
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	return s.usedNow(k)
}

// usedRow is what a window's row says, read beside the writer.
func (s *Store) usedRow(ctx context.Context, k usedKey) (n int64, err error) {
	err = s.onViewer(ctx, func(v *viewer) error {
		n = 0
		err := v.used.QueryRowContext(context.Background(), k.args()...).Scan(&n)
		if isNone(err) {
			return nil
		}
		return err
	})
	return n, err
}

func (k *usedKey) args() []any {
	return []any{string(k.tenant), string(k.window.Policy), k.window.Rule, k.window.Scope, k.window.Name}
}

// charge spends one use of each of the entry's windows; false when one of them has
// nothing left, or is over.
func (g *group) charge(w *waiting, h *head) (bool, error) {
	for i := range w.e.Charges {
		c := &w.e.Charges[i]
		if c.Limit <= 0 || !c.Covers(h.LedgerTime) {
			return false, nil
		}
		if g.s.keeps() {
			continue
		}
		ok, err := g.s.did(stmtCharge, string(w.e.Tenant), string(c.Policy), c.Rule, c.Scope, c.Name, c.Limit, c.Until)
		if !ok || err != nil {
			return false, err
		}
	}
	if g.s.keeps() {
		return g.spendLogged(w.e)
	}
	return true, nil
}
