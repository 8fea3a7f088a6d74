package policy

import (
	"slices"
	"strconv"
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
		next.Version, next.Rules = version, slices.Clone(p.Rules)
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

// Policies of the same rules share what is made of them, whatever their names and
// zones, and each decides as if it were alone; the rules go with the last of them.
func TestPoliciesOfTheSameRulesShareThem(t *testing.T) {
	var c Cache
	p := thousand()
	at := func(id string, zone string, rules []bunker.Rule) bunker.PolicyAt {
		next := *p
		next.ID, next.Name, next.Zone, next.Rules = bunker.PolicyID(id), "name of "+id, zone, rules
		return bunker.PolicyAt{Policy: &next, MAC: [32]byte{1}}
	}
	for _, list := range [][]bunker.PolicyAt{{at("a", "UTC", p.Rules)}, {at("b", "Asia/Tokyo", p.Rules)}, {at("c", "UTC", p.Rules)}} {
		got, err := c.Compiled(list)
		if err != nil || got[0].Policy() != list[0].Policy || got[0].zone.String() != list[0].Zone {
			t.Fatalf("%+v, %v", got, err)
		}
	}
	if len(c.m) != 3 || c.rules != 1000 || len(c.sets) != 1 {
		t.Errorf("%d policies of one set of rules are kept as %d rules in %d sets", len(c.m), c.rules, len(c.sets))
	}
	// A part of them is other rules.
	got, err := c.Compiled([]bunker.PolicyAt{at("d", "UTC", p.Rules[:3])})
	if err != nil || len(got[0].rules) != 3 {
		t.Errorf("%d rules of three, %v", len(got[0].rules), err)
	}
	for k := range c.m {
		c.drop(k)
	}
	if c.rules != 0 || len(c.sets) != 0 {
		t.Errorf("of no policy %d rules are kept", c.rules)
	}
	// However many there are, and of however few rules.
	few := p.Rules[:1:1]
	for i := range maxCompiledPolicies + 100 {
		id := strconv.Itoa(i)
		if _, err := c.Compiled([]bunker.PolicyAt{at("e"+id, "UTC", few), at("f"+id, "UTC", nil)}); err != nil {
			t.Fatal(err)
		}
	}
	if len(c.m) > maxCompiledPolicies || c.rules != 1 {
		t.Errorf("%d policies are kept, %d rules", len(c.m), c.rules)
	}
}
