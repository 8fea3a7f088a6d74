package policy

import (
	"testing"

	"nsecbunker/internal/bunker"
)

func TestWhatAnEditWidens(t *testing.T) {
	deny, ask := bunker.Rule{ID: "no", Kinds: only(5)}, bunker.Rule{ID: "long", Effect: bunker.Ask, Kinds: only(30023)}
	counted := allowKind("likes", 7)
	counted.Budget = &bunker.Budget{PerDay: 3}
	old := thePolicy(allowKind("notes", 1), deny, ask, counted)
	noted := allowKind("notes", 1)
	noted.Note = "x"
	larger := counted
	larger.Budget = &bunker.Budget{PerDay: 4}
	for name, c := range map[string]struct {
		rules []bunker.Rule
		want  bool
	}{
		"nothing":             {old.Rules, false},
		"another order":       {[]bunker.Rule{counted, ask, deny, allowKind("notes", 1)}, false},
		"a note":              {[]bunker.Rule{noted, deny, ask, counted}, false},
		"an allow less":       {[]bunker.Rule{deny, ask, counted}, false},
		"a deny more":         {[]bunker.Rule{allowKind("notes", 1), deny, ask, counted, {ID: "also"}}, false},
		"an ask more":         {[]bunker.Rule{allowKind("notes", 1), deny, ask, counted, {ID: "also", Effect: bunker.Ask}}, false},
		"an allow more":       {[]bunker.Rule{allowKind("notes", 1), deny, ask, counted, allowKind("more", 6)}, true},
		"a deny less":         {[]bunker.Rule{allowKind("notes", 1), ask, counted}, true},
		"an ask less":         {[]bunker.Rule{allowKind("notes", 1), deny, counted}, true},
		"an ask that allows":  {[]bunker.Rule{allowKind("notes", 1), deny, allowKind("long", 30023), counted}, true},
		"a larger budget":     {[]bunker.Rule{allowKind("notes", 1), deny, ask, larger}, true},
		"a budget less":       {[]bunker.Rule{allowKind("notes", 1), deny, ask}, true}, // it may have held others back
		"a budget of another": {[]bunker.Rule{allowKind("notes", 1), deny, ask, {ID: "new", Effect: bunker.Allow, Kinds: only(7), Budget: counted.Budget}}, true},
	} {
		next := *old
		next.Rules = c.rules
		if got := Widens(old, &next); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
	next := *old
	next.Zone = "Europe/Paris"
	if !Widens(old, &next) {
		t.Error("another zone moves hours and days")
	}
}

func TestChecksNameTheRule(t *testing.T) {
	patterns, budgets := make([]bunker.Rule, MaxPatterns+1), make([]bunker.Rule, MaxBudgets+1)
	for i := range patterns {
		patterns[i] = bunker.Rule{ID: string(rune('a'+i%26)) + string(rune('a'+i/26)), Content: &bunker.ContentMatch{Pattern: "x"}}
	}
	for i := range budgets {
		budgets[i] = bunker.Rule{ID: string(rune('a'+i%26)) + string(rune('a'+i/26)), Budget: &bunker.Budget{Total: 1}}
	}
	for name, c := range map[string]struct {
		rules []bunker.Rule
		ok    bool
	}{
		"none": {nil, true}, "one": {[]bunker.Rule{{ID: "a"}}, true}, "no id": {[]bunker.Rule{{}}, false}, "an id with a slash": {[]bunker.Rule{{ID: "a/b"}}, false},
		"an id with a comma": {[]bunker.Rule{{ID: "a,b"}}, false}, "an id twice": {[]bunker.Rule{{ID: "a"}, {ID: "a"}}, false},
		"patterns": {patterns[:MaxPatterns], true}, "too many patterns": {patterns, false}, "budgets": {budgets[:MaxBudgets], true}, "too many budgets": {budgets, false},
		"too many rules": {make([]bunker.Rule, MaxRules+1), false}, "a bad relay": {[]bunker.Rule{{ID: "a", Relays: []string{"x"}}}, false},
	} {
		if err := Check(c.rules); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCompiledPoliciesAreKeptWithinABound(t *testing.T) {
	var c Cache
	p := thousand()
	at := func(version int64) bunker.PolicyAt {
		next := *p
		next.Version = version
		return bunker.PolicyAt{Policy: &next, MAC: [32]byte{byte(version)}}
	}
	first, err := c.Compiled([]bunker.PolicyAt{at(1)})
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := c.Compiled([]bunker.PolicyAt{at(1)}); again[0] != first[0] {
		t.Error("compiled twice")
	}
	other := at(1)
	other.MAC[5] = 9
	if again, _ := c.Compiled([]bunker.PolicyAt{other}); again[0] == first[0] {
		t.Error("another MAC, and the same rules")
	}
	for v := int64(2); v < 60; v++ {
		if _, err := c.Compiled([]bunker.PolicyAt{at(v)}); err != nil {
			t.Fatal(err)
		}
	}
	if c.rules > maxCompiled || c.rules != 1000*len(c.m) {
		t.Errorf("%d rules are kept of %d policies", c.rules, len(c.m))
	}
	bad := at(100)
	bad.Zone = "Mars/Base"
	if list, err := c.Compiled([]bunker.PolicyAt{bad, at(59)}); err == nil || len(list) != 1 {
		t.Errorf("a policy that cannot be compiled: %v, %d others", err, len(list))
	}
}
