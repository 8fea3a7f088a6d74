package policy

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

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
		next.Rules[0].Note = fmt.Sprint("of ", version)
		return bunker.PolicyAt{PolicyHead: next.Head(), Rules: bunker.PackRules(next.Rules), MAC: [32]byte{byte(version)}}
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
	last := 3 * maxCompiled / 1000
	for v := range int64(last) {
		if _, err := c.Compiled([]bunker.PolicyAt{at(2 + v)}); err != nil {
			t.Fatal(err)
		}
		checkCounts(t, &c)
	}
	if len(c.m) != last+2 || len(c.ready) != maxCompiled/1000 {
		t.Errorf("%d policies are kept, %d ready", len(c.m), len(c.ready))
	}
	// One that is used much is made ready in the end.
	for n := range 2 * readyEvery {
		list, err := c.Compiled([]bunker.PolicyAt{at(2 + int64(last) - 1)})
		if err != nil {
			t.Fatal(err)
		}
		checkCounts(t, &c)
		if list[0].ready.Load() != nil {
			break
		}
		if n == 2*readyEvery-1 {
			t.Error("a policy that is used much is never ready")
		}
	}
	bad := at(100)
	bad.PolicyHead = &bunker.PolicyHead{ID: "p1", Version: 100, Zone: "Mars/Base"}
	forgotten, broken := at(101), at(102)
	forgotten.Rules, broken.Rules = "", broken.Rules[:len(broken.Rules)-1]
	unknown := at(103)
	unknown.Rules = bunker.PackRules([]bunker.Rule{{ID: "a", Rights: []string{"fly"}}})
	if list, err := c.Compiled([]bunker.PolicyAt{bad, forgotten, broken, unknown, at(2)}); err == nil || len(list) != 1 {
		t.Errorf("policies that cannot be compiled: %v, %d others", err, len(list))
	}
}

// checkCounts compares what a cache counts with what it has.
func checkCounts(t *testing.T, c *Cache) {
	t.Helper()
	bytes, rules := 0, 0
	for _, s := range c.sets {
		bytes += s.packedRules.bytes()
		if r := s.ruleset.ready.Load(); r != nil {
			rules += len(r.rules)
			if _, ok := c.ready[s]; !ok {
				t.Error("a set is ready, and is not counted")
			}
		}
	}
	if bytes != c.bytes || rules != c.rules || bytes > maxPackedBytes || rules > maxCompiled || len(c.m) > maxCompiledPolicies {
		t.Fatalf("%d bytes are counted as %d, %d rules as %d, of %d policies", bytes, c.bytes, rules, c.rules, len(c.m))
	}
}

// Policies of the same rules share what is made of them, whatever their names and
// zones, and each decides as if it were alone; the rules go with the last of them.
func TestPoliciesOfTheSameRulesShareThem(t *testing.T) {
	var c Cache
	p := thousand()
	at := func(id string, zone string, rules []bunker.Rule) bunker.PolicyAt {
		next := *p
		next.ID, next.Name, next.Zone = bunker.PolicyID(id), "name of "+id, zone
		return bunker.PolicyAt{PolicyHead: next.Head(), Rules: bunker.PackRules(rules), MAC: [32]byte{1}}
	}
	for _, list := range [][]bunker.PolicyAt{{at("a", "UTC", p.Rules)}, {at("b", "Asia/Tokyo", p.Rules)}, {at("c", "UTC", p.Rules)}} {
		got, err := c.Compiled(list)
		if err != nil || got[0].head != list[0].PolicyHead || got[0].zone.String() != list[0].Zone {
			t.Fatalf("%+v, %v", got, err)
		}
	}
	if len(c.m) != 3 || c.rules != 1000 || len(c.sets) != 1 {
		t.Errorf("%d policies of one set of rules are kept as %d rules in %d sets", len(c.m), c.rules, len(c.sets))
	}
	// A part of them is other rules.
	got, err := c.Compiled([]bunker.PolicyAt{at("d", "UTC", p.Rules[:3])})
	if err != nil || len(got[0].whole()) != 3 {
		t.Errorf("%d rules of three, %v", len(got[0].whole()), err)
	}
	for k := range c.m {
		c.drop(k)
	}
	if checkCounts(t, &c); c.rules != 0 || c.bytes != 0 || len(c.sets) != 0 || len(c.ready) != 0 {
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
	if checkCounts(t, &c); len(c.m) > maxCompiledPolicies || c.rules != 1 {
		t.Errorf("%d policies are kept, %d rules", len(c.m), c.rules)
	}
}

// However many rules there are, of policies that are all different, they are kept within
// their bytes.
func TestPackedPoliciesAreKeptWithinTheirBytes(t *testing.T) {
	var c Cache
	note := strings.Repeat("x", maxPackedBytes/8)
	for i := range 12 {
		rules := []bunker.Rule{{ID: "a", Note: note + strconv.Itoa(i)}}
		at := bunker.PolicyAt{PolicyHead: &bunker.PolicyHead{ID: bunker.PolicyID(strconv.Itoa(i))}, Rules: bunker.PackRules(rules)}
		if _, err := c.Compiled([]bunker.PolicyAt{at}); err != nil {
			t.Fatal(err)
		}
		checkCounts(t, &c)
	}
	if len(c.m) != 7 {
		t.Errorf("%d policies are kept", len(c.m))
	}
	huge := bunker.PolicyAt{PolicyHead: &bunker.PolicyHead{ID: "huge"}, Rules: bunker.PackRules([]bunker.Rule{{ID: "a", Note: strings.Repeat(note, 9)}})}
	if list, err := c.Compiled([]bunker.PolicyAt{huge}); err != nil || len(list) != 1 || len(c.m) != 7 {
		t.Errorf("one that is too large to be kept: %v, %d beside %d", err, len(list), len(c.m))
	}
}

// A zone is loaded once, and no more than some are kept.
func TestZonesAreLoadedOnceWithinABound(t *testing.T) {
	var c Cache
	first, err := c.zone("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := c.zone("Europe/Paris"); again != first {
		t.Error("loaded twice")
	}
	if _, err := c.zone("Mars/Base"); err == nil {
		t.Error("there is a zone on Mars")
	}
	for i := range maxZones {
		c.zones[strconv.Itoa(i)] = time.UTC
	}
	if loc, err := c.zone("Asia/Tokyo"); err != nil || loc.String() != "Asia/Tokyo" || len(c.zones) >= maxZones+1 || c.zones["Asia/Tokyo"] != loc {
		t.Errorf("%v, %v, %d zones are kept", loc, err, len(c.zones))
	}
}
