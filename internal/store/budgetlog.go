package store

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"nsecbunker/internal/bunker"
)

// The uses of budgets lie at random places of their table: written one by one they cost
// each request two pages, and more than all the rest of its commit. So where nobody
// else writes (see [Store.keeps]), a group adds what it spends to the end of a log, in
// its own transaction, and knows in memory how much that makes with what the rows say.
// Now and then the log is counted into the rows. What is used of a window is, at each
// moment and after each crash, what its row says and what the log says, together.
//
// Memory alone decides nothing: it is read from both tables, holds as long as nobody
// else writes (each group asks, inside its transaction), and is thrown away whenever
// the outcome of a transaction that changes either is not known.

const (
	// maxSpentBytes is how long the log may grow before it is counted: it is read when
	// the store is opened after a crash.
	maxSpentBytes = 2 << 20
	// maxLoaded rows of windows that are not over are read at once; where there are
	// more, each is read when it is first asked for.
	maxLoaded = maxWindows / 2
)

// spending is what is spent of one window, as a row of the log has it.
type spending struct {
	tenant bunker.TenantID // of its row
	Policy bunker.PolicyID `json:"p"`
	Rule   string          `json:"r"`
	Scope  string          `json:"s"`
	Name   string          `json:"w"`
	N      int64           `json:"n"`
	Limit  int64           `json:"m"` // of the last use
	Until  int64           `json:"u,omitempty"`
}

func (s *spending) key() usedKey {
	return usedKey{s.tenant, bunker.Window{Policy: s.Policy, Rule: s.Rule, Scope: s.Scope, Name: s.Name}}
}

// readSpent reads a row of the log.
func readSpent(text string) (out []spending, err error) {
	if err = json.Unmarshal([]byte(text), &out); err != nil {
		return nil, fmt.Errorf("a row of the log of budgets cannot be read: %w", err)
	}
	for i := range out {
		if s := &out[i]; s.N < 1 || s.N > s.Limit {
			return nil, fmt.Errorf("a row of the log of budgets says that %d of %d were used at once", s.N, s.Limit)
		}
	}
	return out, nil
}

// spent is what a group spends, until it is committed.
type spent struct {
	m     map[usedKey]*spending
	trail []usedKey // one for each use, in order
	bytes int       // written to the log
}

// undo takes back the uses after the first n.
func (p *spent) undo(n int) {
	for _, k := range p.trail[n:] {
		if p.m[k].N--; p.m[k].N == 0 {
			delete(p.m, k)
		}
	}
	p.trail = p.trail[:n]
}

// spendLogged spends one use of each of the entry's windows, in memory; false when one
// of them has nothing left. What it spends the group writes at its end, or undoes.
func (g *group) spendLogged(e *bunker.Entry) (bool, error) {
	for i := range e.Charges {
		c := &e.Charges[i]
		k := usedKey{e.Tenant, c.Window}
		n, err := g.s.usedNow(k)
		if err != nil {
			return false, err
		}
		s := g.spent.m[k]
		if s != nil {
			n += s.N
		}
		if n >= c.Limit {
			return false, nil
		}
		if s == nil {
			s = &spending{Policy: c.Policy, Rule: c.Rule, Scope: c.Scope, Name: c.Name}
			if g.spent.m == nil {
				g.spent.m = map[usedKey]*spending{}
			}
			g.spent.m[k] = s
		}
		s.N, s.Limit, s.Until = s.N+1, c.Limit, c.Until
		g.spent.trail = append(g.spent.trail, k)
	}
	return true, nil
}

// usedNow is what is used of a window, exactly, inside the write transaction.
func (s *Store) usedNow(k usedKey) (int64, error) {
	if err := s.loadSpent(); err != nil {
		return 0, err
	}
	if n, ok := s.budgets.known(k); ok {
		return n, nil
	}
	var row int64
	err := s.stmts[stmtWindow].QueryRowContext(context.Background(), k.args()...).Scan(&row)
	if err != nil && !isNone(err) {
		return 0, err
	}
	return s.budgets.learn(k, row), nil
}

// writeSpent adds what the group spends to the log, a row for each tenant.
func (g *group) writeSpent() error {
	g.spent.bytes = 0
	for _, h := range g.heads {
		var list []spending
		for k, s := range g.spent.m {
			if k.tenant == h.Tenant {
				list = append(list, *s)
			}
		}
		if len(list) == 0 {
			continue
		}
		text, err := json.Marshal(list)
		if err != nil {
			return err
		}
		if _, err := g.s.exec(stmtSpent, string(h.Tenant), string(text)); err != nil {
			return err
		}
		g.spent.bytes += len(text)
	}
	return nil
}

// loadSpent reads what memory must know before it can say how much is used: the whole
// log, and the rows of windows that are not over, if those are not too many. The
// caller holds s.writing, inside or outside of a transaction.
func (s *Store) loadSpent() error {
	if s.budgets.loaded() {
		return nil
	}
	ctx := context.Background()
	log, bytes, err := s.readLog(ctx, s.write)
	if err != nil {
		return err
	}
	running, err := scanAll(ctx, s.write, fillUse, useColumns+` WHERE ends_at > 0 AND ends_at > $1 LIMIT $2`, s.clock.ledger(), maxLoaded+1)
	if err != nil {
		return err
	}
	total, err := scanAll(ctx, s.write, fillUse, useColumns+` WHERE ends_at = 0 LIMIT $1`, maxLoaded+1)
	if err != nil {
		return err
	}
	rows := append(running, total...)
	s.budgets.load(log, bytes, rows, len(rows) <= maxLoaded)
	return nil
}

const useColumns = `SELECT tenant, policy, rule, scope, span, used, ends_at FROM budget`

func fillUse(row scanner, r *windowRow) error {
	return row.Scan((*string)(&r.tenant), (*string)(&r.window.Policy), &r.window.Rule, &r.window.Scope, &r.window.Name, &r.used, &r.until)
}

// readLog reads the whole log, and how long it is.
func (s *Store) readLog(ctx context.Context, q querier) (sum map[usedKey]spending, bytes int, err error) {
	type row struct {
		tenant bunker.TenantID
		text   string
	}
	rows, err := scanAll(ctx, q, func(r scanner, to *row) error { return r.Scan((*string)(&to.tenant), &to.text) },
		`SELECT tenant, spent FROM budget_log ORDER BY no`)
	if err != nil {
		return nil, 0, err
	}
	sum = map[usedKey]spending{}
	for _, r := range rows {
		list, err := readSpent(r.text)
		if err != nil {
			return nil, 0, err
		}
		bytes += len(r.text)
		for _, one := range list {
			one.tenant = r.tenant
			k := one.key()
			one.N += sum[k].N
			sum[k] = one
		}
	}
	return sum, bytes, nil
}

// budgetUses adds what the log says to a window's row.
const budgetUses = `INSERT INTO budget (tenant, policy, rule, scope, span, used, max, ends_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (tenant, policy, rule, scope, span) DO UPDATE SET used = budget.used + excluded.used, max = excluded.max`

// countSpent counts the log into the rows and empties it, in the open write transaction.
// The caller has all that is remembered forgotten afterwards, or tells counted.
func (s *Store) countSpent(ctx context.Context) error {
	s.budgets.counting()
	if err := s.loadSpent(); err != nil {
		return err
	}
	list := s.budgets.log()
	if len(list) == 0 {
		return nil
	}
	slices.SortFunc(list, compareSpent) // as the rows lie
	for i := range list {
		one := &list[i]
		if _, err := s.exec(stmtUses, string(one.tenant), string(one.Policy), one.Rule, one.Scope, one.Name, one.N, one.Limit, one.Until); err != nil {
			return err
		}
	}
	_, err := s.write.ExecContext(ctx, `DELETE FROM budget_log`)
	return err
}

func compareSpent(a, b spending) int {
	switch {
	case a.tenant != b.tenant:
		return cmp.Compare(a.tenant, b.tenant)
	case a.Policy != b.Policy:
		return cmp.Compare(a.Policy, b.Policy)
	case a.Rule != b.Rule:
		return cmp.Compare(a.Rule, b.Rule)
	case a.Scope != b.Scope:
		return cmp.Compare(a.Scope, b.Scope)
	}
	return cmp.Compare(a.Name, b.Name)
}

// countNow counts the log in a transaction of its own. The caller holds s.writing.
func (s *Store) countNow() error {
	err := s.begin()
	if err == nil {
		if err = s.countSpent(context.Background()); err == nil {
			err = s.commit()
		}
		if err != nil {
			err = errors.Join(err, s.rollback())
		}
	}
	s.budgets.counted(err == nil, s.clock.ledger())
	return err
}

// CountBudgets counts what the log of budgets holds into their rows.
func (s *Store) CountBudgets() error {
	s.writing.Lock()
	defer s.writing.Unlock()
	if !s.keeps() || s.budgets.loaded() && !s.budgets.full(true) {
		return nil
	}
	return s.explain("counting budgets", s.countNow())
}

// forgetUses has what is used of budgets read again.
func (s *Store) forgetUses() {
	s.writing.Lock()
	defer s.writing.Unlock()
	s.budgets.clear()
}
