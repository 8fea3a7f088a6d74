package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"
	"unsafe"

	"github.com/google/go-cmp/cmp"

	"nsecbunker/internal/bunker"
)

// addPolicy makes a policy that allows kind 1.
func (f *fixture) addPolicy(name string) *bunker.Policy {
	f.t.Helper()
	p := &bunker.Policy{
		Tenant: bunker.SelfHosted, ID: bunker.NewPolicyID(), Name: name, Zone: "Europe/Paris", ChangedBy: "local",
		Rules:     []bunker.Rule{{ID: "notes", Effect: bunker.Allow, Kinds: []bunker.KindRange{{From: 1, To: 1}}}},
		ChangedAt: f.clock.Now().UnixMilli(), CreatedAt: f.clock.Now().UnixMilli(),
	}
	f.change(func(tx *Tx) error { return tx.PutPolicy(p) })
	return p
}

// under puts a connection under a policy.
func (f *fixture) under(c *bunker.Connection, p *bunker.Policy) *bunker.Grant {
	f.t.Helper()
	g := f.newGrant(c, 0)
	g.Permissions, g.Policy = "", p.ID
	f.change(func(tx *Tx) error { return tx.PutGrant(g) })
	return g
}

func policyVersions(t *testing.T, f *fixture) {
	ctx, self := context.Background(), bunker.SelfHosted
	p := f.addPolicy("newsroom")
	first := *p
	p.Rules, p.Zone = append([]bunker.Rule{{ID: "no-deletes", Effect: bunker.Deny, Kinds: []bunker.KindRange{{From: 5, To: 5}}}}, p.Rules...), "UTC"
	f.change(func(tx *Tx) error { return tx.PutPolicy(p) })
	if p.Version != 2 {
		t.Errorf("version %d", p.Version)
	}
	got, err := f.Policy(ctx, self, "newsroom")
	if err != nil || cmp.Diff(got, p) != "" {
		t.Errorf("the policy: %v %s", err, cmp.Diff(got, p))
	}
	old, err := f.PolicyVersion(ctx, self, p.ID, 1)
	if err != nil || cmp.Diff(*old, first) != "" {
		t.Errorf("the first version: %v", err)
	}
	list, err := f.PolicyVersions(ctx, self, p.ID, 0, 0)
	if err != nil || len(list) != 2 || cmp.Diff(list[1], *p) != "" {
		t.Errorf("versions: %v %+v", err, list)
	}
	stale := first
	stale.Rules = nil
	if err := f.tryChange(func(tx *Tx) error { return tx.PutPolicy(&stale) }); bunker.AsError(err).Code != bunker.CodeConflict {
		t.Errorf("an edit of an old version: %v", err)
	}
	twin := &bunker.Policy{Tenant: self, ID: bunker.NewPolicyID(), Name: "newsroom"}
	if err := f.tryChange(func(tx *Tx) error { return tx.PutPolicy(twin) }); bunker.AsError(err).Code != bunker.CodeConflict {
		t.Errorf("two policies of one name: %v", err)
	}
	f.clock.add(time.Minute)
	p.Ended = true
	f.change(func(tx *Tx) error { return tx.PutPolicy(p) })
	twin.Version, twin.ChangedAt = 0, f.clock.Now().UnixMilli()
	f.change(func(tx *Tx) error { return tx.PutPolicy(twin) })
	if got, err := f.Policy(ctx, self, "newsroom"); err != nil || got.ID != twin.ID {
		t.Errorf("a deleted policy's name is free: %v", err)
	}
	if got, err := f.Policy(ctx, self, string(p.ID)); err != nil || !got.Ended {
		t.Errorf("a deleted policy by its id: %v", err)
	}
	for at, want := range map[int64]bunker.PolicyID{start.UnixMilli(): p.ID, f.clock.Now().UnixMilli(): twin.ID} {
		if got, err := f.PolicyNamed(ctx, self, "newsroom", 1, at); err != nil || got.ID != want {
			t.Errorf("what a record of %d means: %v", at, err)
		}
	}
}

// rulesAt are the rules of a view's first policy.
func rulesAt(t *testing.T, v bunker.View) []bunker.Rule {
	t.Helper()
	rules, err := v.Policies[0].Rules.Unpack()
	if err != nil {
		t.Fatal(err)
	}
	return rules
}

func policyView(t *testing.T, f *fixture) {
	c := f.addConnection(f.addKey("herald"))
	p := f.addPolicy("newsroom")
	f.under(c, p)
	for range 2 { // read, and kept
		v := f.view(c)
		if len(v.Policies) != 1 || cmp.Diff(v.Policies[0].PolicyHead, p.Head()) != "" || cmp.Diff(rulesAt(t, v), p.Rules) != "" || v.Policies[0].MAC == [32]byte{} {
			t.Fatalf("%+v", v.Policies)
		}
	}
	e := f.entry(c)
	p.Rules[0].Effect = bunker.Deny
	f.change(func(tx *Tx) error { return tx.PutPolicy(p) })
	if r := f.commit(e); r.Outcome != bunker.Moved {
		t.Errorf("a decision on the version before: %+v", r)
	}
	if v := f.view(c); v.Policies[0].Version != 2 || rulesAt(t, v)[0].Effect != bunker.Deny {
		t.Errorf("the view after an edit: %+v", v.Policies)
	}
	e = f.entry(c)
	p.Ended = true
	f.change(func(tx *Tx) error { return tx.PutPolicy(p) })
	if r := f.commit(e); r.Outcome != bunker.Moved {
		t.Errorf("a decision before the deletion: %+v", r)
	}
	if v := f.view(c); !v.Policies[0].Ended {
		t.Errorf("the view after a deletion: %+v", v.Policies)
	}
}

func policyTampered(t *testing.T, f *fixture) {
	ctx := context.Background()
	k := f.addKey("herald")
	p, other := f.addPolicy("newsroom"), f.addPolicy("other")
	p.Description = "edited"
	f.change(func(tx *Tx) error { return tx.PutPolicy(p) })
	c := f.addConnection(k)
	f.under(c, p)
	for name, st := range map[string]string{
		"an old version put back": `UPDATE policy SET (description, changed_at, version, mac) = (SELECT description, changed_at, version, mac FROM policy_version v WHERE v.id = policy.id AND version = 1)`,
		"edited rules":            `UPDATE policy SET rules = '[{"id":"notes","effect":"allow"}]'`,
		"another's MAC":           fmt.Sprintf(`UPDATE policy SET mac = (SELECT mac FROM policy WHERE id = '%s')`, other.ID),
		"a deletion undone":       `UPDATE policy SET ended = 1`,
	} {
		f.tamper("CREATE TEMP TABLE kept AS SELECT * FROM policy", st+fmt.Sprintf(" WHERE id = '%s'", p.ID))
		if _, err := f.View(ctx, c.Tenant, c.Signer, c.Client); !errors.Is(err, bunker.ErrTampered) {
			t.Errorf("%s: %v", name, err)
		}
		f.tamper("PRAGMA foreign_keys = 0", "DELETE FROM policy", "INSERT INTO policy SELECT * FROM kept", "DROP TABLE kept")
	}
	f.tamper("CREATE TEMP TABLE kept AS SELECT * FROM policy", fmt.Sprintf(`UPDATE policy SET rules = 'no rules' WHERE id = '%s'`, p.ID))
	if found, err := f.Check(ctx, bunker.SelfHosted); err != nil || len(found.Tampered) != 1 {
		t.Errorf("rules that are none are named, not a failure: %v, %v", found.Tampered, err)
	}
	f.tamper("DELETE FROM policy", "INSERT INTO policy SELECT * FROM kept", "DROP TABLE kept")
	if v := f.view(c); len(v.Policies) != 1 {
		t.Fatalf("put back: %+v", v.Policies)
	}
	f.tamper(fmt.Sprintf(`DELETE FROM policy WHERE id = '%s'`, p.ID))
	f.clearViews()
	if _, err := f.View(ctx, c.Tenant, c.Signer, c.Client); !errors.Is(err, bunker.ErrTampered) {
		t.Errorf("a policy taken away, with its denies: %v", err)
	}
}

func (f *fixture) clearViews() {
	f.views.clear()
	f.policies.clear()
}

func policyUsers(t *testing.T, f *fixture) {
	ctx, self := context.Background(), bunker.SelfHosted
	k := f.addKey("herald")
	p := f.addPolicy("newsroom")
	c, gone := f.addConnection(k), f.addConnection(k)
	g := f.under(c, p)
	f.under(gone, p)
	tok, _ := f.addToken(k, 1)
	tok.Policy = p.ID
	gone = f.view(gone).Connection
	gone.State = bunker.ConnRevoked
	f.change(func(tx *Tx) error { return errors.Join(tx.PutToken(tok), tx.PutConnection(gone)) })
	if u, err := f.PolicyUse(ctx, self, p.ID); err != nil || u != (PolicyUse{1, 1}) {
		t.Errorf("%+v, %v", u, err)
	}
	f.change(func(tx *Tx) error {
		g.Ended, tok.State = true, bunker.TokenRevoked
		return errors.Join(tx.PutGrant(g), tx.PutToken(tok))
	})
	if u, err := f.PolicyUse(ctx, self, p.ID); err != nil || u != (PolicyUse{}) {
		t.Errorf("afterwards: %+v, %v", u, err)
	}
}

func window(p *bunker.Policy, name string) bunker.Window {
	return bunker.Window{Policy: p.ID, Rule: "notes", Scope: "policy", Name: name}
}

func chargesExactly(t *testing.T, f *fixture) {
	const limit, clients = 7, 64
	ctx := context.Background()
	k := f.addKey("herald")
	p := f.addPolicy("newsroom")
	day := bunker.Charge{Window: window(p, "day 2026-11-20"), Limit: limit, From: start.UnixMilli() - 1, Until: start.UnixMilli() + 3_600_000}
	total := bunker.Charge{Window: window(p, "total"), Limit: 1000}
	views := make([]bunker.View, clients)
	for i := range views {
		views[i] = f.view(f.addConnection(k))
	}
	for i := range views {
		views[i] = f.view(views[i].Connection) // their making has moved the tenant
	}
	outcomes := make([]bunker.Outcome, clients)
	var wg sync.WaitGroup
	for i := range views {
		wg.Go(func() {
			e := entryOf(views[i], f.clock.Now())
			e.Charges = []bunker.Charge{total, day}
			r, _ := f.Commit(ctx, e)
			outcomes[i] = r.Outcome
		})
	}
	wg.Wait()
	got := map[bunker.Outcome]int{}
	for _, o := range outcomes {
		got[o]++
	}
	if got[bunker.Committed] != limit || got[bunker.Moved] != clients-limit {
		t.Fatalf("outcomes %v, want %d commits", got, limit)
	}
	used, err := f.Used(ctx, bunker.SelfHosted, []bunker.Window{day.Window, total.Window, window(p, "day 2026-11-21")})
	if err != nil || cmp.Diff(used, []int64{limit, limit, 0}) != "" {
		t.Errorf("used %v, %v: a refused charge must leave no trace in the other windows", used, err)
	}
	records, err := f.Records(ctx, bunker.SelfHosted, RecordFilter{Action: "sign_event", Effect: "allow"})
	if err != nil || len(records) != limit {
		t.Errorf("%d allow records, %v", len(records), err)
	}
	f.reopen()
	if used, err := f.Used(ctx, bunker.SelfHosted, []bunker.Window{day.Window}); err != nil || used[0] != limit {
		t.Errorf("after a restart: %v, %v", used, err)
	}
	if err := f.CountBudgets(); err != nil {
		t.Fatal(err)
	}
	if err := f.exec1(`UPDATE budget SET used = max + 1`); err == nil {
		t.Error("the database takes more uses than the limit")
	}
}

// exec1 runs a statement on the write handle.
func (f *fixture) exec1(query string, args ...any) error {
	_, err := f.write.ExecContext(context.Background(), query, args...)
	return err
}

func chargesMove(t *testing.T, f *fixture) {
	c := f.addConnection(f.addKey("herald"))
	p := f.addPolicy("newsroom")
	now := start.UnixMilli()
	charge := func(limit, from, until int64) bunker.Outcome {
		e := f.entry(c)
		e.Charges = []bunker.Charge{{Window: window(p, "hour"), Limit: limit, From: from, Until: until}}
		return f.commit(e).Outcome
	}
	for _, x := range []struct {
		name        string
		limit       int64
		from, until int64
		want        bunker.Outcome
	}{
		{"the first", 2, now, now + 1, bunker.Committed},
		{"a window that is over", 2, now - 10, now, bunker.Moved},
		{"a window to come", 2, now + 1, now + 10, bunker.Moved},
		{"no limit", 0, now, now + 1, bunker.Moved},
		{"the second", 2, now, now + 1, bunker.Committed},
		{"the third", 2, now, now + 1, bunker.Moved},
		{"under a larger limit", 3, now, now + 1, bunker.Committed},
		{"under a smaller limit", 1, now, now + 1, bunker.Moved},
	} {
		if got := charge(x.limit, x.from, x.until); got != x.want {
			t.Errorf("%s: outcome %d, want %d", x.name, got, x.want)
		}
	}
	e := park(f.entry(c), f.clock.Now())
	e.Charges = []bunker.Charge{{Window: window(p, "total"), Limit: 1}}
	if r := f.commit(e); r.Err == nil {
		t.Error("a question was charged")
	}
}

func budgetsPruned(t *testing.T, f *fixture) {
	ctx := context.Background()
	c := f.addConnection(f.addKey("herald"))
	p := f.addPolicy("newsroom")
	e := f.entry(c)
	until := start.Add(time.Hour).UnixMilli()
	e.Charges = []bunker.Charge{{Window: window(p, "hour"), Limit: 1, Until: until}, {Window: window(p, "total"), Limit: 1}}
	f.mustCommit(e)
	ws := []bunker.Window{window(p, "hour"), window(p, "total")}
	f.clock.add(bunker.KeepRows)
	f.prune(ctx)
	if used, err := f.Used(ctx, bunker.SelfHosted, ws); err != nil || cmp.Diff(used, []int64{1, 1}) != "" {
		t.Errorf("too early: %v, %v", used, err)
	}
	f.clock.add(time.Hour)
	f.prune(ctx)
	if used, err := f.Used(ctx, bunker.SelfHosted, ws); err != nil || cmp.Diff(used, []int64{0, 1}) != "" {
		t.Errorf("after their time: %v, %v", used, err)
	}
}

// prune accepts the clock that the test has turned, and prunes.
func (f *fixture) prune(ctx context.Context) {
	f.t.Helper()
	if _, err := f.Prune(ctx); err != nil {
		f.t.Fatal(err)
	}
}

func spendsAll(t *testing.T, f *fixture) {
	c := f.addConnection(f.addKey("herald"))
	one, two := f.newGrant(c, 1), f.newGrant(c, 2)
	f.change(func(tx *Tx) error { return errors.Join(tx.PutGrant(one), tx.PutGrant(two)) })
	for i, want := range []bunker.Outcome{bunker.Committed, bunker.Moved} {
		e := f.entry(c)
		e.Spend, e.SpendAlso = two.ID, []bunker.GrantID{one.ID}
		if r := f.commit(e); r.Outcome != want {
			t.Errorf("time %d: %+v", i+1, r)
		}
	}
	f.change(func(tx *Tx) error {
		g, err := tx.Grant(two.ID)
		if err == nil && g.Uses != 1 {
			t.Errorf("%d uses of the first grant: the second one's refusal must undo it", g.Uses)
		}
		return err
	})
}

func parkedLink(t *testing.T, f *fixture) {
	ctx := context.Background()
	c := f.addConnection(f.addKey("herald"))
	e := park(f.entry(c), f.clock.Now())
	e.Link = "wss://relay.example"
	f.mustCommit(e)
	f.clock.add(time.Minute)
	due, err := f.DueParked(ctx, 10)
	if err != nil || len(due) != 1 || due[0].Link != e.Link {
		t.Fatalf("%+v, %v", due, err)
	}
}

func restoredBudgets(t *testing.T, f *fixture) {
	ctx, self := context.Background(), bunker.SelfHosted
	c := f.addConnection(f.addKey("herald"))
	p := f.addPolicy("newsroom")
	e := f.entry(c)
	e.Charges = []bunker.Charge{
		{Window: window(p, "day"), Limit: 5, Until: start.Add(time.Hour).UnixMilli()}, {Window: window(p, "total"), Limit: 9},
		{Window: window(p, "minute"), Limit: 3, Until: start.UnixMilli() + 1},
	}
	f.mustCommit(e)
	f.clock.add(time.Minute)
	if err := f.OpenIncarnation(ctx, self, local, "from a backup"); err != nil {
		t.Fatal(err)
	}
	if did, err := f.ApplyPending(ctx, self); !did || err != nil {
		t.Fatal(did, err)
	}
	used, err := f.Used(ctx, self, []bunker.Window{window(p, "day"), window(p, "total")})
	if err != nil || cmp.Diff(used, []int64{5, 9}) != "" {
		t.Errorf("used %v, %v: what runs is spent", used, err)
	}
	if n := f.count("budget WHERE span = 'minute' AND used = 1"); n != 1 {
		t.Errorf("%d rows: what is over is not touched", n)
	}
}

// What is remembered of a budget is what its row says, after charges that were
// committed, refused and made by others.
func usesAreRememberedAsTheyAre(t *testing.T, f *fixture) {
	c := f.addConnection(f.addKey("herald"))
	w := bunker.Window{Policy: "p1", Rule: "r", Scope: "connection " + string(c.ID), Name: "total"}
	used := func(want int64) {
		t.Helper()
		for range 2 { // read, then remembered
			if got, err := f.Used(context.Background(), bunker.SelfHosted, []bunker.Window{w}); err != nil || got[0] != want {
				t.Fatalf("used %v, %v; want %d", got, err, want)
			}
		}
	}
	charge := func() bunker.Outcome {
		e := f.entry(c)
		e.Charges = []bunker.Charge{{Window: w, Limit: 2}}
		r, err := f.Commit(context.Background(), e)
		if err != nil {
			t.Fatal(err)
		}
		return r.Outcome
	}
	used(0)
	for n := range int64(2) {
		if out := charge(); out != bunker.Committed {
			t.Fatalf("charge %d: %v", n, out)
		}
		used(n + 1)
	}
	if out := charge(); out != bunker.Moved {
		t.Fatalf("over the limit: %v", out)
	}
	used(2)
	if err := f.CountBudgets(); err != nil {
		t.Fatal(err)
	}
	used(2)
	f.tamper(`UPDATE budget SET used = 1`) // by another process
	f.afterEdit(f.commit(f.entry(c)))
	used(1)
}

// Ten thousand policies of one template are kept as one set of rules, each verified by
// itself; spaces that somebody put into the text change nothing, and another word does.
func TestPoliciesOfTheSameTextShareTheirRules(t *testing.T) {
	f := newFixture(t)
	k := f.addKey("herald")
	var ps []*bunker.Policy
	var cs []*bunker.Connection
	for _, name := range []string{"one", "two", "three"} {
		p := f.addPolicy(name)
		c := f.addConnection(k)
		f.under(c, p)
		ps, cs = append(ps, p), append(cs, c)
	}
	f.tamper(fmt.Sprintf(`UPDATE policy SET rules = rules || ' ' WHERE id = '%s'`, ps[2].ID))
	f.clearViews()
	views := make([]bunker.View, len(cs))
	for i, c := range cs {
		views[i] = f.view(c)
		got := views[i].Policies[0]
		if got.ID != ps[i].ID || got.Name != ps[i].Name || cmp.Diff(rulesAt(t, views[i]), ps[i].Rules) != "" {
			t.Errorf("%s has the policy %s: %q", c.ID, got.Name, got.Rules)
		}
	}
	if unsafe.StringData(string(views[0].Policies[0].Rules)) != unsafe.StringData(string(views[1].Policies[0].Rules)) {
		t.Error("two policies of one text have their rules twice")
	}
	if f.policies.bytes != 2*len(views[0].Policies[0].Rules) || len(f.policies.sets) != 2 || len(f.policies.m) != 3 {
		t.Errorf("%d policies of %d texts, %d bytes", len(f.policies.m), len(f.policies.sets), f.policies.bytes)
	}
	f.tamper(fmt.Sprintf(`UPDATE policy SET rules = (SELECT rules FROM policy WHERE id = '%s') || ' ', name = 'other' WHERE id = '%s'`, ps[0].ID, ps[1].ID))
	f.clearViews()
	f.view(cs[0])
	if _, err := f.View(t.Context(), cs[1].Tenant, cs[1].Signer, cs[1].Client); !errors.Is(err, bunker.ErrTampered) {
		t.Errorf("a policy of another name, with rules that are known: %v", err)
	}
	for k := range f.policies.m {
		f.policies.drop(k)
	}
	if f.policies.bytes != 0 || len(f.policies.sets) != 0 {
		t.Errorf("of no policy %d bytes are kept", f.policies.bytes)
	}
}
