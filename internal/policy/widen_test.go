package policy

import (
	"testing"

	"nsecbunker/internal/bunker"
)

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
