package policy

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr/nip46"
)

func allowKind(id string, k int) bunker.Rule {
	return bunker.Rule{ID: id, Effect: bunker.Allow, Kinds: span(kindOf(k), kindOf(k))}
}

// granted adds a live grant of an approval.
func granted(in Input, g bunker.Grant) Input {
	g.ID, g.Connection, g.GivenBy, g.Approval = bunker.GrantID("g"+string(rune('0'+len(in.Grants)))), "c", "ann", "q"
	in.Grants = append(append([]bunker.Grant{}, in.Grants...), g)
	return in
}

func TestDenyBeatsAnUnansweredAskBeatsAllow(t *testing.T) {
	effects := []bunker.Effect{bunker.Allow, bunker.Ask, bunker.Deny}
	for _, def := range []bunker.Effect{bunker.Ask, bunker.Deny} {
		for mask := range 8 {
			want := def
			var list []bunker.Rule
			for i, e := range effects { // in order of their weight
				if mask&(1<<i) != 0 {
					list = append(list, bunker.Rule{ID: e.String(), Effect: e, Kinds: only(1)})
					want = e
				}
			}
			for range 2 {
				in := with(rules(t, list...), sign(1))
				in.Key.Default = def
				d := Decide(in)
				if d.Effect != want {
					t.Errorf("rules %v, default %v: %v, want %v", list, def, d.Effect, want)
				}
				if d.Effect != bunker.Allow && (d.Reason == "" || d.Needed == "") {
					t.Errorf("rules %v: a refusal or question without its reason: %+v", list, d)
				}
				for i, j := 0, len(list)-1; i < j; i, j = i+1, j-1 { // and the other way round
					list[i], list[j] = list[j], list[i]
				}
			}
		}
	}
}

func TestSeveralPoliciesAreOneListOfRules(t *testing.T) {
	a, b := thePolicy(allowKind("notes", 1)), thePolicy(bunker.Rule{ID: "no", Effect: bunker.Deny, Kinds: only(1)}, allowKind("likes", 7))
	b.ID, b.Name = "p0", "other"
	in := under(t, a, b)
	if d := Decide(with(in, sign(1))); d.Effect != bunker.Deny || d.Rule != "policy other/no@3" {
		t.Errorf("the other's deny: %+v", d)
	}
	if d := Decide(with(in, sign(7))); d.Effect != bunker.Allow || d.Rule != "policy other/likes@3" {
		t.Errorf("the other's allow: %+v", d)
	}
	in.Grants[0], in.Grants[1] = in.Grants[1], in.Grants[0]
	in.Policies[0], in.Policies[1] = in.Policies[1], in.Policies[0]
	if d := Decide(with(in, sign(1))); d.Rule != "policy other/no@3" {
		t.Errorf("in another order: %+v", d)
	}
	// A policy that no live grant names says nothing.
	for name, spoil := range map[string]func(*bunker.Grant){
		"expired": func(g *bunker.Grant) { g.ExpiresAt = nowMS }, "ended": func(g *bunker.Grant) { g.Ended = true },
		"another connection": func(g *bunker.Grant) { g.Connection = "d" },
	} {
		one := under(t, a)
		spoil(&one.Grants[0])
		if d := Decide(with(one, sign(1))); d.Effect != bunker.Ask || d.Rule != AnswersDefault {
			t.Errorf("%s: %+v", name, d)
		}
	}
	stray := input()
	stray.Policies = under(t, a).Policies
	if d := Decide(with(stray, sign(1))); d.Effect != bunker.Ask {
		t.Errorf("a policy without a grant: %+v", d)
	}
}

func TestADeletedPolicyGrantsNothing(t *testing.T) {
	p := thePolicy(bunker.Rule{Effect: bunker.Allow})
	p.Ended = true
	if d := Decide(with(under(t, p), sign(1))); d.Effect != bunker.Ask || d.Rule != AnswersDefault {
		t.Errorf("%+v", d)
	}
}

func TestAPolicyThatIsMissingDeniesEverything(t *testing.T) {
	in := granted(under(t, thePolicy(bunker.Rule{Effect: bunker.Allow})), bunker.Grant{Effect: bunker.Allow, Permissions: "all"})
	in.Policies = nil
	if d := Decide(with(in, sign(1))); d.Effect != bunker.Deny || d.Rule != "policy p1" {
		t.Errorf("%+v", d)
	}
	in.Policies = []*Compiled{nil}
	if d := Decide(with(in, sign(1))); d.Effect != bunker.Deny {
		t.Errorf("%+v", d)
	}
}

func TestForCountsFromTheYoungestGrant(t *testing.T) {
	in := rules(t, bunker.Rule{Effect: bunker.Allow, For: 1000})
	if d := Decide(with(in, sign(1))); d.Effect != bunker.Ask {
		t.Errorf("after its time: %+v", d)
	}
	young := in.Grants[0]
	young.ID, young.CreatedAt = "again", nowMS-999
	for range 2 {
		in.Grants = []bunker.Grant{in.Grants[0], young}
		if d := Decide(with(in, sign(1))); d.Effect != bunker.Allow {
			t.Errorf("given again: %+v", d)
		}
		in.Grants[0], young = young, in.Grants[0]
	}
}

func TestAGrantAnswersTheAskThatItNamesAndNoOther(t *testing.T) {
	ask := func(id string) bunker.Rule { return bunker.Rule{ID: id, Effect: bunker.Ask, Kinds: only(1)} }
	op := sign(1)
	for name, c := range map[string]struct {
		rules []bunker.Rule
		grant bunker.Grant
		want  bunker.Effect
	}{
		"named":                         {[]bunker.Rule{ask("a")}, bunker.Grant{Permissions: "sign_event:1", Answers: "rule p1/a@3"}, bunker.Allow},
		"named, everything":             {[]bunker.Rule{ask("a")}, bunker.Grant{Permissions: "all", Answers: "rule p1/a@3"}, bunker.Allow},
		"named, for another kind":       {[]bunker.Rule{ask("a")}, bunker.Grant{Permissions: "sign_event:7", Answers: "rule p1/a@3"}, bunker.Ask},
		"named, this very event":        {[]bunker.Rule{ask("a")}, bunker.Grant{OpDigest: op.Digest(), MaxUses: 1, Answers: "rule p1/a@3"}, bunker.Allow},
		"named, another event":          {[]bunker.Rule{ask("a")}, bunker.Grant{OpDigest: sign(7).Digest(), MaxUses: 1, Answers: "rule p1/a@3"}, bunker.Ask},
		"an admin's own permission":     {[]bunker.Rule{ask("a")}, bunker.Grant{Permissions: "sign_event:1"}, bunker.Ask},
		"the default":                   {[]bunker.Rule{ask("a")}, bunker.Grant{Permissions: "sign_event:1", Answers: "default"}, bunker.Ask},
		"the guard":                     {[]bunker.Rule{ask("a")}, bunker.Grant{Permissions: "sign_event:1", Answers: "guard,care,default"}, bunker.Ask},
		"the version before":            {[]bunker.Rule{ask("a")}, bunker.Grant{Permissions: "sign_event:1", Answers: "rule p1/a@2"}, bunker.Ask},
		"another rule":                  {[]bunker.Rule{ask("a")}, bunker.Grant{Permissions: "sign_event:1", Answers: "rule p1/b@3"}, bunker.Ask},
		"another policy":                {[]bunker.Rule{ask("a")}, bunker.Grant{Permissions: "sign_event:1", Answers: "rule p2/a@3"}, bunker.Ask},
		"one of two":                    {[]bunker.Rule{ask("a"), ask("b")}, bunker.Grant{Permissions: "sign_event:1", Answers: "rule p1/a@3"}, bunker.Ask},
		"both":                          {[]bunker.Rule{ask("a"), ask("b")}, bunker.Grant{Permissions: "sign_event:1", Answers: "rule p1/b@3,rule p1/a@3"}, bunker.Allow},
		"both, and a deny":              {[]bunker.Rule{ask("a"), {ID: "b", Kinds: only(1)}}, bunker.Grant{Permissions: "sign_event:1", Answers: "rule p1/a@3,rule p1/b@3"}, bunker.Deny},
		"a refusal answers nothing":     {[]bunker.Rule{ask("a")}, bunker.Grant{Effect: bunker.Deny, Permissions: "sign_event:1", Answers: "rule p1/a@3"}, bunker.Deny},
		"an allow rule answers nothing": {[]bunker.Rule{ask("a"), allowKind("b", 1)}, bunker.Grant{Permissions: "sign_event:7"}, bunker.Ask},
	} {
		if name != "a refusal answers nothing" {
			c.grant.Effect = bunker.Allow
		}
		d := Decide(with(granted(rules(t, c.rules...), c.grant), op))
		if d.Effect != c.want {
			t.Errorf("%s: %v (%s), want %v", name, d.Effect, d.Rule, c.want)
		}
		if c.want == bunker.Allow && (d.Spend != "") != (c.grant.MaxUses > 0) {
			t.Errorf("%s: spends %q", name, d.Spend)
		}
	}
}

func TestAQuestionNamesAllThatItsAnswerAnswers(t *testing.T) {
	two := thePolicy(bunker.Rule{ID: "x", Effect: bunker.Ask, Kinds: only(1, 5)})
	two.ID, two.Name = "p2", "second"
	in := under(t, two, thePolicy(bunker.Rule{ID: "b", Effect: bunker.Ask, Quorum: 2}, bunker.Rule{ID: "a", Effect: bunker.Ask, Kinds: only(1)}))
	d := Decide(with(in, sign(1)))
	if d.Effect != bunker.Ask || d.Answers != "rule p1/a@3,rule p1/b@3,rule p2/x@3" || d.Rule != "policy newsroom/a@3" || d.OnceOnly || d.Quorum != 2 {
		t.Errorf("%+v", d)
	}
	d = Decide(with(in, sign(5)))
	if d.Answers != "rule p1/b@3,rule p2/x@3,care" || !strings.Contains(d.Reason, "deletes events") || d.OnceOnly {
		t.Errorf("deleting: %+v", d)
	}
	d = Decide(with(in, sign(62)))
	if d.Answers != "rule p1/b@3,care" || !d.OnceOnly {
		t.Errorf("vanishing: %+v", d)
	}
	in.Guard = "it drops 40 of 50 entries"
	d = Decide(with(in, sign(3)))
	if d.Answers != "rule p1/b@3,guard" || !d.OnceOnly {
		t.Errorf("with the guard: %+v", d)
	}
	// What is answered already is not asked again.
	in = granted(in, bunker.Grant{Effect: bunker.Allow, Permissions: "sign_event:3", Answers: "rule p1/b@3"})
	if d = Decide(with(in, sign(3))); d.Answers != "guard" || d.Rule != "guard: it drops 40 of 50 entries" || !strings.Contains(d.Reason, "40 of 50") {
		t.Errorf("with one answered: %+v", d)
	}
}

func TestTheGuardTakesAOnceAnswerOnly(t *testing.T) {
	op := sign(3)
	for name, c := range map[string]struct {
		grant bunker.Grant
		want  bunker.Effect
	}{
		"nothing":                       {bunker.Grant{Permissions: "sign_event:3"}, bunker.Ask},
		"once, for it":                  {bunker.Grant{OpDigest: op.Digest(), MaxUses: 1, Answers: "guard"}, bunker.Allow},
		"once, for it and more":         {bunker.Grant{OpDigest: op.Digest(), MaxUses: 1, Answers: "default,guard"}, bunker.Allow},
		"once, for something else":      {bunker.Grant{OpDigest: op.Digest(), MaxUses: 1, Answers: "default"}, bunker.Ask},
		"always":                        {bunker.Grant{Permissions: "sign_event:3", Answers: "guard"}, bunker.Ask},
		"this event, any number":        {bunker.Grant{OpDigest: op.Digest(), Answers: "guard"}, bunker.Ask},
		"this event, twice":             {bunker.Grant{OpDigest: op.Digest(), MaxUses: 2, Answers: "guard"}, bunker.Ask},
		"once, another event":           {bunker.Grant{OpDigest: sign(10000).Digest(), MaxUses: 1, Answers: "guard"}, bunker.Ask},
		"by kind and once, any of them": {bunker.Grant{Permissions: "sign_event:3", MaxUses: 1, Answers: "guard"}, bunker.Ask},
	} {
		c.grant.Effect = bunker.Allow
		in := granted(rules(t, bunker.Rule{Effect: bunker.Allow}), c.grant)
		in.Guard = "it drops everything"
		if d := Decide(with(in, op)); d.Effect != c.want {
			t.Errorf("%s: %v (%s)", name, d.Effect, d.Rule)
		}
	}
	for name, list := range map[string][]bunker.Rule{"by a rule": {{ID: "no"}}, "by the default": {allowKind("notes", 1)}} {
		in := rules(t, list...)
		in.Guard, in.Key.Default = "it drops everything", bunker.Deny
		if d := Decide(with(in, op)); d.Effect != bunker.Deny {
			t.Errorf("what is denied %s is not asked: %v", name, d.Effect)
		}
	}
}

func TestEveryCountedGrantThatWasNeededIsSpent(t *testing.T) {
	op := sign(3)
	in := rules(t, bunker.Rule{ID: "a", Effect: bunker.Ask})
	in.Guard = "it drops everything"
	in = granted(in, bunker.Grant{Effect: bunker.Allow, Permissions: "sign_event:3", MaxUses: 5, Answers: "rule p1/a@3"})
	in = granted(in, bunker.Grant{Effect: bunker.Allow, OpDigest: op.Digest(), MaxUses: 1, Answers: "guard"})
	d := Decide(with(in, op))
	if d.Effect != bunker.Allow || d.Spend != "g1" || cmp.Diff(d.SpendAlso, []bunker.GrantID{"g2"}) != "" {
		t.Errorf("%+v", d)
	}
	in = granted(in, bunker.Grant{Effect: bunker.Allow, Permissions: "all", Answers: "rule p1/a@3"})
	if d = Decide(with(in, op)); d.Spend != "g2" || len(d.SpendAlso) != 0 {
		t.Errorf("with one that is not counted: %+v", d)
	}
}

func TestForEachAnswerTheSecondIdenticalRequestGetsIt(t *testing.T) {
	for _, k := range []int{1, 5} {
		op := sign(kindOf(k))
		in := with(rules(t, bunker.Rule{ID: "a", Effect: bunker.Ask}), op)
		q := Decide(in)
		all := bunker.Grant{Effect: bunker.Allow, Permissions: "all", Answers: q.Answers}
		if k == 5 {
			all.OpDigest = op.Digest() // as internal/approval does for what needs care
		}
		for name, g := range map[string]bunker.Grant{
			"kind": {Effect: bunker.Allow, Permissions: "sign_event:" + name(op)[len("sign_event of kind "):], Answers: q.Answers},
			"all":  all,
		} {
			if d := Decide(with(granted(in, g), op)); d.Effect != bunker.Allow {
				t.Errorf("kind %d, answer %s: %+v", k, name, d)
			}
		}
		once := granted(in, bunker.Grant{Effect: bunker.Allow, OpDigest: op.Digest(), MaxUses: 1, Answers: q.Answers})
		if d := Decide(once); d.Effect != bunker.Allow || d.Spend != "g1" {
			t.Errorf("kind %d, once: %+v", k, d)
		}
		once.Grants[1].Uses = 1
		if d := Decide(once); d.Effect != bunker.Ask {
			t.Errorf("kind %d, a second time: %+v", k, d)
		}
		never := granted(in, bunker.Grant{Effect: bunker.Deny, Permissions: "all", Answers: q.Answers})
		if d := Decide(never); d.Effect != bunker.Deny {
			t.Errorf("kind %d, never: %+v", k, d)
		}
	}
}

// What a person refused is not allowed because an hour began, or a budget refilled,
// before the request was taken up again.
func TestARefusedQuestionStaysRefused(t *testing.T) {
	in := with(rules(t, bunker.Rule{Effect: bunker.Allow}), sign(1))
	for state, want := range map[bunker.ApprovalState]bunker.Effect{
		bunker.ApprovalDenied: bunker.Deny, bunker.ApprovalWithdrawn: bunker.Deny, bunker.ApprovalApproved: bunker.Allow,
	} {
		in.Approval = &bunker.Approval{ID: "q", State: state, ReplyBy: nowMS + 1}
		if d := Decide(in); d.Effect != want {
			t.Errorf("%s: %v", state, d.Effect)
		}
	}
	asked := with(rules(t, bunker.Rule{Effect: bunker.Ask}), sign(1))
	for state, want := range map[bunker.ApprovalState]string{
		bunker.ApprovalExpired: "nobody answered in time; try again", bunker.ApprovalApproved: "it was approved, but the approval no longer covers this request; try again",
	} {
		asked.Approval = &bunker.Approval{ID: "q", State: state}
		if d := Decide(asked); d.Effect != bunker.Deny || d.Reason != want || d.Needed == "" {
			t.Errorf("%s: %+v", state, d)
		}
	}
}

func TestRefusalsSayWhatWouldBeNeeded(t *testing.T) {
	in := rules(t, bunker.Rule{ID: "no", Kinds: only(7)}, bunker.Rule{ID: "ask", Effect: bunker.Ask, Kinds: only(6)})
	for _, c := range []struct {
		op   *Operation
		want string
	}{
		{sign(1), "no rule allows kind 1; a rule with kinds = [1], or the permission sign_event:1, would be needed"},
		{sign(7), "that the rule newsroom/no@3 does not speak of it: a deny holds whatever else allows"},
		{sign(6), "a person's yes that answers the rule newsroom/ask@3, or that this rule does not speak of sign_event of kind 6"},
		{sign(62), "a person's yes for this one time: no rule and no permission allows sign_event of kind 62"},
		{aged(sign(1), -Skew-1), "no rule allows kind 1 of such a date; a rule with kinds = [1] and a max_skew that reaches it, or the permission sign_event:1, would be needed"},
		{crypt(nip46.NIP44Decrypt, in.Key.PubKey, bunker.ResultSelf), `no rule allows it; a rule with methods = ["nip44_decrypt"] and results = ["self"], or the permission nip44_decrypt, would be needed`},
		{crypt(nip46.NIP44Decrypt, stranger, bunker.ResultWrap), `no rule allows it; a rule with methods = ["nip44_decrypt"] and results = ["wrap"], or the permission nip44_decrypt, would be needed`},
		{crypt(nip46.NIP44Encrypt, stranger, ""), `no rule allows it; a rule with methods = ["nip44_encrypt"], or the permission nip44_encrypt, would be needed`},
	} {
		if d := Decide(with(in, c.op)); d.Needed != c.want {
			t.Errorf("%s needs %q,\nwant %q", name(c.op), d.Needed, c.want)
		}
	}
}

func budget(b bunker.Budget) bunker.Rule {
	return bunker.Rule{ID: "notes", Effect: bunker.Allow, Kinds: only(1), Budget: &b}
}

// used sets how much of every window that the decision hangs on is used.
func used(in Input, n int64) Input {
	in.Used = map[bunker.Window]int64{}
	for _, w := range Needs(in).Used {
		in.Used[w] = n
	}
	return in
}

func TestABudgetIsChargedUntilItIsSpent(t *testing.T) {
	in := with(rules(t, budget(bunker.Budget{PerDay: 3, Total: 10})), sign(1))
	d := Decide(used(in, 2))
	day := time.UnixMilli(nowMS).UTC().Truncate(24 * time.Hour)
	want := []bunker.Charge{
		{Window: bunker.Window{Policy: "p1", Rule: "notes", Scope: "connection c", Name: "total"}, Limit: 10},
		{Window: bunker.Window{Policy: "p1", Rule: "notes", Scope: "connection c", Name: "day 2027-01-15"}, Limit: 3, From: day.UnixMilli(), Until: day.Add(24 * time.Hour).UnixMilli()},
	}
	if d.Effect != bunker.Allow || cmp.Diff(d.Charges, want) != "" {
		t.Fatalf("%+v\n%s", d, cmp.Diff(d.Charges, want))
	}
	d = Decide(used(in, 3))
	if d.Effect != bunker.Deny || d.Code != bunker.CodeRateLimited || d.Rule != "policy newsroom/notes@3" || len(d.Charges) != 0 ||
		d.Reason != "the budget of 3 a day is used up; it refills at 2027-01-16 00:00 UTC" {
		t.Errorf("spent: %+v", d)
	}
	if d := Decide(used(in, 10)); !strings.HasPrefix(d.Reason, "the 10 uses that were allowed are used up") {
		t.Errorf("spent for ever: %+v", d)
	}
	// Another allow does not get around it.
	wide := with(rules(t, budget(bunker.Budget{PerDay: 3}), bunker.Rule{ID: "all", Effect: bunker.Allow}), sign(1))
	wide = granted(wide, bunker.Grant{Effect: bunker.Allow, Permissions: "all"})
	if d := Decide(used(wide, 3)); d.Effect != bunker.Deny {
		t.Errorf("spent, beside other allows: %+v", d)
	}
	if d := Decide(used(wide, 2)); d.Effect != bunker.Allow || len(d.Charges) != 1 {
		t.Errorf("every allow is charged, by whatever it is allowed: %+v", d)
	}
	if need := Needs(with(in, sign(7))); len(need.Used) != 0 {
		t.Errorf("budgets of other rules are read: %+v", need)
	}
}

func TestEveryMatchingBudgetIsCharged(t *testing.T) {
	all := bunker.Rule{ID: "all", Effect: bunker.Allow, Budget: &bunker.Budget{PerHour: 9, PerMinute: 5, Per: bunker.PerKey}}
	in := with(rules(t, budget(bunker.Budget{Total: 3, Per: bunker.PerPolicy}), all, bunker.Rule{ID: "del", Effect: bunker.Allow, Rights: []string{"post"}}), sign(1))
	d := Decide(used(in, 0))
	var got []string
	for _, c := range d.Charges {
		got = append(got, c.Rule+" "+c.Scope+" "+strings.Fields(c.Name)[0])
	}
	if s := strings.Join(got, ", "); d.Effect != bunker.Allow || s != "all key k minute, all key k hour, notes policy total" {
		t.Errorf("charged: %s (%+v)", s, d)
	}
	// A rule that does not cover what needs care is not charged for it.
	named := with(rules(t, all, allowKind("del", 5)), sign(5))
	if d := Decide(used(named, 9)); d.Effect != bunker.Allow || len(d.Charges) != 0 {
		t.Errorf("deleting: %+v", d)
	}
}

func TestASpentBudgetCanAsk(t *testing.T) {
	in := used(with(rules(t, budget(bunker.Budget{PerDay: 3, WhenSpent: bunker.Ask})), sign(1)), 3)
	d := Decide(in)
	if d.Effect != bunker.Ask || !d.OnceOnly || d.Answers != "spent p1/notes@3" || !strings.Contains(d.Reason, "refills at") {
		t.Fatalf("%+v", d)
	}
	always := granted(in, bunker.Grant{Effect: bunker.Allow, Permissions: "sign_event:1", Answers: d.Answers})
	if d := Decide(always); d.Effect != bunker.Ask {
		t.Errorf("an answer for ever would be no budget: %+v", d)
	}
	once := granted(in, bunker.Grant{Effect: bunker.Allow, OpDigest: in.Operation.Digest(), MaxUses: 1, Answers: d.Answers})
	if d := Decide(once); d.Effect != bunker.Allow || d.Spend != "g1" || len(d.Charges) != 0 {
		t.Errorf("once more: %+v", d)
	}
}

func TestWindowsThatBeganBeforeARestoreAreSpent(t *testing.T) {
	in := with(rules(t, budget(bunker.Budget{PerHour: 3})), sign(1))
	from := Decide(in).Charges[0].From
	in.Tenant.RefuseBefore = from
	if d := Decide(in); d.Effect != bunker.Deny || d.Code != bunker.CodeRateLimited {
		t.Errorf("the running window: %+v", d)
	}
	in.Tenant.RefuseBefore = from - 1
	if d := Decide(in); d.Effect != bunker.Allow {
		t.Errorf("the next one: %+v", d)
	}
}
