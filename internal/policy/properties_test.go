package policy_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/policy"
)

// propertyCases is how many random cases each property is tried on.
const propertyCases = 20_000

// eachCase calls f with random inputs and a dice of their own to go on with.
func eachCase(t *testing.T, f func(t *testing.T, d dice, in policy.Input)) {
	t.Helper()
	for seed := range uint64(propertyCases) {
		d := dice{rand.New(rand.NewPCG(seed, 2))}
		_, in := d.oneCase(t)
		f(t, d, in)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
	t.Logf("%d cases", propertyCases)
}

func TestAddingADenyNeverWidens(t *testing.T) {
	eachCase(t, func(t *testing.T, d dice, in policy.Input) {
		before := policy.Decide(in)
		more := in
		more.Grants = append(slices.Clone(in.Grants), bunker.Grant{ID: "new", Connection: "c", Effect: bunker.Deny, Permissions: d.permissions(), GivenBy: "local"})
		if after := policy.Decide(more); after.Effect > before.Effect {
			t.Errorf("%v became %v by a refusal", before.Effect, after.Effect)
		}
		r := d.rule(99)
		r.Effect, r.Budget = bunker.Deny, nil
		after := policy.Decide(under(t, in, &bunker.Policy{ID: "new", Name: "new", Version: 1, Rules: []bunker.Rule{r}}))
		if after.Effect > before.Effect {
			t.Errorf("%v became %v by a deny rule", before.Effect, after.Effect)
		}
	})
}

// under puts the connection of a case under one policy more.
func under(t *testing.T, in policy.Input, p *bunker.Policy) policy.Input {
	t.Helper()
	c, err := policy.Compile(p)
	if err != nil {
		t.Fatal(err)
	}
	in.Policies = append(slices.Clone(in.Policies), c)
	in.Grants = append(slices.Clone(in.Grants), bunker.Grant{ID: "g-" + bunker.GrantID(p.ID), Connection: "c", Effect: bunker.Allow, Policy: p.ID, GivenBy: "local"})
	return in
}

func TestAGrantNeverOverridesADenyNorAnAskThatItDoesNotName(t *testing.T) {
	eachCase(t, func(t *testing.T, d dice, in policy.Input) {
		before := policy.Decide(in)
		more := in
		more.Grants = append(slices.Clone(in.Grants), bunker.Grant{
			ID: "new", Connection: "c", Effect: bunker.Allow, Permissions: "all," + d.permissions(), Answers: "rule p9/r9@9", GivenBy: "local",
		})
		after := policy.Decide(more)
		asked := policy.Answers(before.Answers, policy.AnswersDefault) || policy.Answers(before.Answers, policy.AnswersCare)
		switch {
		case before.Effect == bunker.Deny && before.Rule != policy.AnswersDefault && after.Effect != bunker.Deny && !asked:
			t.Errorf("a deny (%s) became %v", before.Rule, after.Effect)
		case before.Effect == bunker.Ask && !asked && after.Effect == bunker.Allow:
			t.Errorf("an ask that answers %q was answered by a grant that names another", before.Answers)
		}
	})
}

func TestTheOrderOfRulesGrantsAndPoliciesDoesNotMatter(t *testing.T) {
	eachCase(t, func(t *testing.T, d dice, in policy.Input) {
		before := policy.Decide(in)
		turned := in
		turned.Grants, turned.Policies = slices.Clone(in.Grants), nil
		d.Shuffle(len(turned.Grants), func(i, j int) { turned.Grants[i], turned.Grants[j] = turned.Grants[j], turned.Grants[i] })
		for _, c := range in.Policies {
			p := *c.Policy()
			p.Rules = slices.Clone(p.Rules)
			d.Shuffle(len(p.Rules), func(i, j int) { p.Rules[i], p.Rules[j] = p.Rules[j], p.Rules[i] })
			again, err := policy.Compile(&p)
			if err != nil {
				t.Fatal(err)
			}
			turned.Policies = append([]*policy.Compiled{again}, turned.Policies...)
		}
		if after := policy.Decide(turned); after.Effect != before.Effect || len(after.Charges) != len(before.Charges) {
			t.Errorf("%v (%s) became %v (%s)", before.Effect, before.Rule, after.Effect, after.Rule)
		}
	})
}

func TestWhatExpiredIsAsIfItWereNotThere(t *testing.T) {
	eachCase(t, func(t *testing.T, _ dice, in policy.Input) {
		live := in
		live.Grants = slices.DeleteFunc(slices.Clone(in.Grants), func(g bunker.Grant) bool { return !g.Live(in.Now) })
		live.Policies = nil
		for _, c := range in.Policies {
			p := *c.Policy()
			p.Rules = slices.DeleteFunc(slices.Clone(p.Rules), func(r bunker.Rule) bool { return r.ExpiresAt != 0 && in.Now >= r.ExpiresAt })
			again, err := policy.Compile(&p)
			if err != nil {
				t.Fatal(err)
			}
			live.Policies = append(live.Policies, again)
		}
		if a, b := policy.Decide(in), policy.Decide(live); a.Effect != b.Effect || a.Rule != b.Rule {
			t.Errorf("%v (%s), without what expired %v (%s)", a.Effect, a.Rule, b.Effect, b.Rule)
		}
	})
}

// A yes to a question that could be answered once lets exactly that operation
// through, unless something denies it; it is worth one use.
func TestTheAnswerToAQuestionLetsItsOperationThroughOnce(t *testing.T) {
	answered := 0
	eachCase(t, func(t *testing.T, _ dice, in policy.Input) {
		d := policy.Decide(in)
		if d.Effect != bunker.Ask {
			return
		}
		answered++
		yes := in
		yes.Grants = append(slices.Clone(in.Grants), bunker.Grant{
			ID: "yes", Connection: "c", Effect: bunker.Allow, OpDigest: in.Operation.Digest(), MaxUses: 1, Answers: d.Answers, GivenBy: "local",
		})
		got := policy.Decide(yes)
		if got.Effect != bunker.Allow {
			t.Errorf("asked %q; the answer gave %v (%s)", d.Answers, got.Effect, got.Rule)
		}
		yes.Grants[len(yes.Grants)-1].Uses = 1
		if again := policy.Decide(yes); again.Effect != bunker.Ask || again.Answers != d.Answers {
			t.Errorf("asked %q; after its one use %v (%s) %q", d.Answers, again.Effect, again.Rule, again.Answers)
		}
	})
	t.Logf("%d questions", answered)
}
