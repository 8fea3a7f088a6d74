package text

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/policy"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip46"
)

func TestDifferenceIsToldInWords(t *testing.T) {
	before := parsed(t, []byte(`
name = "x"
zone = "UTC"
[[rule]]
id = "gone"
effect = "allow"
kinds = 7
[[rule]]
id = "same"
effect = "deny"
kinds = 4
[[rule]]
id = "notes"
effect = "allow"
kinds = 1
budget = {day = 20}
`))
	after := parsed(t, []byte(`
name = "y"
zone = "UTC"
[[rule]]
id = "notes"
effect = "allow"
kinds = [1, 1111]
budget = {day = 20}
hours = "mon-fri"
[[rule]]
id = "new"
effect = "ask"
kinds = 7
[[rule]]
id = "same"
effect = "deny"
kinds = 4
`))
	d := Compare(before, after, now)
	want := `~ name: x → y
- gone: may react
+ new: may react only if a person agrees
~ notes: now may post notes and comment, weekdays (UTC), at most 20 a day
    kinds: [1] → [1, 1111]
    hours: now ["mon-fri"]`
	if got := strings.Join(d.Lines(), "\n"); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	if !slices.Equal(d.Widens, []string{"rule notes may allow what was not allowed before", "rule notes no longer limits all that it limited, of which other permissions may allow more"}) {
		t.Errorf("%q", d.Widens)
	}
	if same := Compare(after, after, now); !same.Empty() || len(same.Widens) > 0 {
		t.Errorf("a policy differs from itself: %+v", same)
	}
}

// TestWideningIsKnown: pairs of rules, and whether the way from the first to the
// second widens.
func TestWideningIsKnown(t *testing.T) {
	a := alice.String()
	for _, c := range []struct {
		before, after string
		widens        bool
	}{
		{`allow|kinds = [1, 7]`, `allow|kinds = 7`, false},
		{`allow|kinds = 7`, `allow|kinds = [1, 7]`, true},
		{`allow|kinds = "0-9"`, `allow|kinds = 5`, true}, // the range does not name kind 5
		{`allow|kinds = "9000-9030"`, `allow|kinds = 9001`, false},
		{`allow|`, `allow|kinds = 1`, false},
		{`allow|`, `allow|rights = "direct-messages"`, false},
		{`allow|`, `allow|rights = "private-data"`, true},
		{`allow|rights = "everything"`, `allow|`, false},
		{`allow|kinds = 24242`, `allow|rights = "files"` + "\nkinds = 24242", false},
		{`allow|rights = "files"`, `allow|kinds = 24242`, true},
		{`allow|kinds = 1`, `allow|kinds = 1` + "\nskew = \"5m\"", false},
		{`allow|kinds = 1`, `allow|kinds = 1` + "\nskew = \"1h\"", true},
		{`allow|kinds = 1` + "\nhours = \"mon-fri\"", `allow|kinds = 1` + "\nhours = \"tue 08:00-12:00\"", false},
		{`allow|kinds = 1` + "\nhours = \"mon-fri\"", `allow|kinds = 1` + "\nhours = \"fri 20:00-02:00\"", true},
		{`allow|kinds = 1` + "\nexpires = 2027-03-01", `allow|kinds = 1` + "\nexpires = 2027-02-01", false},
		{`allow|kinds = 1` + "\nexpires = 2027-03-01", `allow|kinds = 1` + "\nexpires = 2027-04-01", true},
		{`allow|kinds = 1` + "\nfor = \"30d\"", `allow|kinds = 1`, true},
		{`allow|kinds = 1` + "\ntags = {t = \"a*\"}", `allow|kinds = 1` + "\ntags = {t = [\"ab\", \"ac*\"], p = false}", false},
		{`allow|kinds = 1` + "\ntags = {t = \"a*\"}", `allow|kinds = 1` + "\ntags = {t = {max = 1}}", true},
		{`allow|kinds = 1` + "\ntags = {p = {max = 3}}", `allow|kinds = 1` + "\ntags = {p = false}", false},
		{`allow|kinds = 1` + "\ntags = {p = true}", `allow|kinds = 1` + "\ntags = {p = \"x\"}", false},
		{`allow|kinds = 1` + "\ntags = {p = true}", `allow|kinds = 1` + "\ntags = {p = {max = 2}}", true},
		{`allow|kinds = 1` + "\ncontent = {max = 280}", `allow|kinds = 1` + "\ncontent = {max = 140, words = [\"x\"]}", false},
		{`allow|kinds = 1` + "\ncontent = {words = [\"x\", \"y\"]}", `allow|kinds = 1` + "\ncontent = {words = [\"X\"]}", false},
		{`allow|kinds = 1` + "\ncontent = {pattern = 'a'}", `allow|kinds = 1` + "\ncontent = {pattern = 'b'}", true},
		{`allow|kinds = 1` + "\nbudget = {day = 5}", `allow|kinds = 1` + "\nbudget = {day = 4, hour = 1}", false},
		{`allow|kinds = 1` + "\nbudget = {day = 5}", `allow|kinds = 1` + "\nbudget = {hour = 1}", true},
		{`allow|kinds = 1` + "\nbudget = {day = 5}", `allow|kinds = 1` + "\nbudget = {day = 5, when_spent = \"ask\"}", true},
		{`allow|kinds = 1` + "\nbudget = {day = 5}", `allow|kinds = 1` + "\nbudget = {day = 5, per = \"key\"}", true},
		{`allow|kinds = 1` + "\nbudget = {day = 5}", `allow|kinds = 1` + "\nbudget = {day = 5, per = \"connection\"}", false},
		{`allow|kinds = 1`, `allow|kinds = 1` + "\nbudget = {day = 5}", false},
		{`allow|kinds = 1`, `ask|kinds = 1`, false},
		{`ask|kinds = 1`, `allow|kinds = 1`, true},
		{`allow|kinds = 1`, `ask|kinds = 7`, false},
		{`ask|kinds = 1` + "\nquorum = 2", `ask|kinds = 1`, true},
		{`ask|kinds = 1`, `ask|kinds = 1` + "\nquorum = 2", false},
		{`ask|kinds = 1`, `deny|kinds = 1`, false},
		{`deny|kinds = 1`, `ask|kinds = 1`, true},
		{`deny|kinds = [1, 2]`, `deny|`, false},
		{`deny|`, `deny|kinds = [1, 2]`, true},
		{`deny|kinds = 1`, `deny|kinds = 1` + "\nhours = \"mon\"", true},
		{`allow|methods = "nip04_decrypt"`, `allow|methods = "nip04_decrypt"` + "\npeers = \"" + a + "\"", true}, // a key with npub login wants peers named
		{`allow|methods = "nip44_decrypt"`, `allow|methods = "nip44_decrypt"` + "\npeers = \"" + a + "\"", false},
		{`allow|methods = "nip44_decrypt"`, `allow|methods = "nip44_decrypt"` + "\nresults = \"self\"", true},
		{`allow|methods = "nip44_decrypt"`, `allow|rights = "read"` + "\npeers = \"" + a + "\"", true},
	} {
		rule := func(s string) *bunker.Policy {
			effect, rest, _ := strings.Cut(s, "|")
			return parsed(t, []byte("name = \"x\"\n[[rule]]\nid = \"r\"\neffect = \""+effect+"\"\n"+rest))
		}
		d := Compare(rule(c.before), rule(c.after), now)
		if got := len(d.Widens) > 0; got != c.widens {
			t.Errorf("%q\nto %q\nwidens: %v %q", c.before, c.after, got, d.Widens)
		}
	}
}

func TestWhatAnEditWidens(t *testing.T) {
	only := func(k nostr.Kind) []bunker.KindRange { return []bunker.KindRange{{From: k, To: k}} }
	allowKind := func(id string, k nostr.Kind) bunker.Rule {
		return bunker.Rule{ID: id, Effect: bunker.Allow, Kinds: only(k)}
	}
	deny, ask := bunker.Rule{ID: "no", Kinds: only(5)}, bunker.Rule{ID: "long", Effect: bunker.Ask, Kinds: only(30023)}
	counted := allowKind("likes", 7)
	counted.Budget = &bunker.Budget{PerDay: 3}
	old := &bunker.Policy{Name: "x", Rules: []bunker.Rule{allowKind("notes", 1), deny, ask, counted}}
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
		if got := len(Widens(old, &next, now)) > 0; got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
	next := *old
	next.Zone = "Europe/Paris"
	if len(Widens(old, &next, now)) == 0 {
		t.Error("another zone moves hours and days")
	}
}

func TestAnotherZoneWidensWhereHoursOrWindowsCount(t *testing.T) {
	for rule, want := range map[string]bool{"hours = \"mon\"": true, "budget = {day = 1}": true, "budget = {total = 1}": false, "kinds = 7": false} {
		one := parsed(t, []byte("name = \"x\"\n[[rule]]\neffect = \"allow\"\n"+rule))
		two := *one
		two.Zone = "Europe/Berlin"
		if got := len(Compare(one, &two, now).Widens) > 0; got != want {
			t.Errorf("%s: %v", rule, got)
		}
	}
}

// The property tests below draw rules from a small world, so that they meet.

var smallValues = []string{"a", "ab", "a*", "b"}

func smallRules(effects ...bunker.Effect) *rapid.Generator[bunker.Rule] {
	return rapid.Custom(func(t *rapid.T) bunker.Rule {
		r := bunker.Rule{ID: oneOf("a", "b", "c", "d").Draw(t, "id"), Effect: oneOf(effects...).Draw(t, "effect")}
		switch rapid.IntRange(0, 4).Draw(t, "what") {
		case 0:
			r.Kinds = someOf(bunker.KindRange{From: 1, To: 1}, bunker.KindRange{From: 5, To: 5}, bunker.KindRange{From: 0, To: 9},
				bunker.KindRange{From: 24242, To: 24242}, bunker.KindRange{From: 9000, To: 9001}, bunker.KindRange{From: 9000, To: 9040}).Draw(t, "kinds")
		case 1:
			r.Methods = someOf("nip04_encrypt", "nip04_decrypt", "nip44_decrypt").Draw(t, "methods")
			r.Peers = sometimes(t, someOf(alice, bob), "peers")
		case 2:
			r.Rights = someOf("post", "delete", "files", "read", "private-data", "everything").Draw(t, "rights")
		case 3:
			r.Methods = []string{"nip44_decrypt", "nip04_decrypt"}
			r.Results = someOf(bunker.ResultDM, bunker.ResultSelf, bunker.ResultOther).Draw(t, "results")
		}
		if r.Peers == nil && r.Results == nil && r.Methods == nil {
			r.Tags = sometimes(t, rapid.SliceOfNDistinct(rapid.Custom(func(t *rapid.T) bunker.TagMatch {
				m := bunker.TagMatch{Name: oneOf("t", "p").Draw(t, "tag")}
				if m.Absent = rapid.Bool().Draw(t, "absent"); !m.Absent {
					m.Values = sometimes(t, someOf(smallValues...), "values")
					m.Max = sometimes(t, oneOf(1, 2), "max")
				}
				return m
			}), 1, 2, func(m bunker.TagMatch) string { return m.Name }), "tags")
			r.Content = sometimes(t, rapid.Custom(func(t *rapid.T) *bunker.ContentMatch {
				return &bunker.ContentMatch{MinLength: sometimes(t, oneOf(1, 3), "min"), MaxLength: oneOf(3, 5, 9).Draw(t, "max"),
					Words: sometimes(t, someOf("hi", "HI", "yo"), "words"), Pattern: sometimes(t, oneOf("^h", "y"), "pattern")}
			}), "content")
			r.MaxSkew = sometimes(t, oneOf[int64](60, 900, 7200), "skew")
		}
		r.Hours = sometimes(t, oneOf([]bunker.Hours{{Days: weekdays[5:]}}, []bunker.Hours{{From: 600, To: 780}}, []bunker.Hours{{Days: weekdays[:5]}}, []bunker.Hours{{From: 1320, To: 360}}), "hours")
		r.Doors = sometimes(t, someOf(bunker.DoorRelay, bunker.DoorHTTP), "doors")
		r.Relays = sometimes(t, oneOf([]string{"wss://a.example"}, []string{"embedded", "wss://a.example"}), "relays")
		r.ExpiresAt = sometimes(t, oneOf[int64](now-1, now+1000, now+1e9), "expires")
		r.For = sometimes(t, oneOf[int64](1000, 1e9), "for")
		if r.Effect == bunker.Allow {
			r.Budget = sometimes(t, rapid.Custom(func(t *rapid.T) *bunker.Budget {
				return &bunker.Budget{PerDay: sometimes(t, oneOf[int64](1, 2), "day"), Total: oneOf[int64](2, 4).Draw(t, "total"),
					Per: sometimes(t, oneOf(bunker.PerKey, bunker.PerConnection), "per"), WhenSpent: sometimes(t, oneOf(bunker.Ask), "when spent")}
			}), "budget")
		} else if r.Effect == bunker.Ask {
			r.Quorum = sometimes(t, oneOf(1, 2), "quorum")
		}
		return r
	})
}

func smallPolicy(t *rapid.T, name string, effects ...bunker.Effect) *bunker.Policy {
	return &bunker.Policy{ID: "p", Name: "x", Zone: "UTC",
		Rules: rapid.SliceOfNDistinct(smallRules(effects...), 0, 4, func(r bunker.Rule) string { return r.ID }).Draw(t, name)}
}

// edited draws a policy that differs from another in one or two places.
func edited(t *rapid.T, p *bunker.Policy) *bunker.Policy {
	out := *p
	out.Rules = slices.Clone(p.Rules)
	for range rapid.IntRange(1, 2).Draw(t, "edits") {
		fresh := smallRules(bunker.Deny, bunker.Ask, bunker.Allow).Draw(t, "rule")
		i := slices.IndexFunc(out.Rules, func(r bunker.Rule) bool { return r.ID == fresh.ID })
		switch how := rapid.IntRange(0, 3).Draw(t, "how"); {
		case i < 0:
			out.Rules = append(out.Rules, fresh)
		case how == 0:
			out.Rules = slices.Delete(out.Rules, i, i+1)
		case how == 1:
			out.Rules[i] = fresh
		default: // one part of the rule
			r := out.Rules[i]
			switch rapid.IntRange(0, 9).Draw(t, "part") {
			case 0:
				r.Kinds, r.Rights = fresh.Kinds, fresh.Rights
			case 1:
				r.Peers, r.Results = fresh.Peers, fresh.Results
			case 2:
				r.Tags = fresh.Tags
			case 3:
				r.Content = fresh.Content
			case 4:
				r.Hours, r.MaxSkew = fresh.Hours, fresh.MaxSkew
			case 5:
				r.Doors, r.Relays = fresh.Doors, fresh.Relays
			case 6:
				r.ExpiresAt, r.For = fresh.ExpiresAt, fresh.For
			case 7:
				if r.Effect == bunker.Allow {
					r.Budget = fresh.Budget
				}
			case 8:
				if r.Effect == bunker.Ask {
					r.Quorum = fresh.Quorum
				}
			default:
				if r.Effect = fresh.Effect; r.Effect != bunker.Allow {
					r.Budget = nil
				}
			}
			out.Rules[i] = r
		}
	}
	return &out
}

// anOperation draws what an app may ask, in the small world.
func anOperation(t *rapid.T, self nostr.PubKey, at int64) *policy.Operation {
	m := oneOf(nip46.SignEvent, nip46.SignEvent, nip46.NIP04Encrypt, nip46.NIP04Decrypt, nip46.NIP44Decrypt).Draw(t, "method")
	o := &policy.Operation{Method: m}
	if m != nip46.SignEvent {
		o.Peer = oneOf(alice, bob, self).Draw(t, "peer")
		if m != nip46.NIP04Encrypt {
			o.Result = oneOf(bunker.ResultDM, bunker.ResultSelf, bunker.ResultOther).Draw(t, "result")
		}
		return o
	}
	tags := nostr.Tags{}
	for range rapid.IntRange(0, 2).Draw(t, "tags") {
		tags = append(tags, nostr.Tag{oneOf("t", "p").Draw(t, "tag"), oneOf("a", "ab", "abc", "b", "delete").Draw(t, "value")})
	}
	o.Template = &nostr.Template{Kind: oneOf[nostr.Kind](1, 5, 7, 24242, 9000, 9001, 9035, 1063, 0).Draw(t, "kind"), Tags: tags,
		Content:   oneOf("", "hi", "hiyo", "yo hi", "HI there").Draw(t, "content"),
		CreatedAt: at/1000 + oneOf[int64](0, 0, 50, 800, 3600).Draw(t, "date")}
	o.OffDate = policy.OffDate(o.Template.CreatedAt, at)
	return o
}

// aQuestion draws an input of the engine; the policy is put in by decided.
func aQuestion(t *rapid.T) policy.Input {
	self := carol
	at := now + oneOf[int64](0, 10*3600_000, 24*3600_000, 500_000_000).Draw(t, "time")
	in := policy.Input{Now: at, Tenant: &bunker.TenantState{Reviewed: true},
		Key:        &bunker.UserKey{ID: "k", PubKey: self, State: bunker.KeyActive, Default: oneOf(bunker.Ask, bunker.Deny).Draw(t, "default"), NpubLogin: rapid.Bool().Draw(t, "npub login")},
		Connection: &bunker.Connection{ID: "c", State: bunker.ConnActive},
		Grants:     []bunker.Grant{{ID: "g", Connection: "c", Effect: bunker.Allow, Policy: "p", CreatedAt: at - oneOf[int64](0, 2000, 2_000_000_000).Draw(t, "since")}},
		Door:       oneOf(bunker.DoorRelay, bunker.DoorHTTP).Draw(t, "door"), Relay: oneOf("wss://a.example", "embedded", "").Draw(t, "relay"),
		Operation: anOperation(t, self, at), Used: map[bunker.Window]int64{},
	}
	if rapid.Bool().Draw(t, "permission") { // another permission beside the policy
		in.Grants = append(in.Grants, bunker.Grant{ID: "h", Connection: "c", Effect: bunker.Allow, Permissions: "all", CreatedAt: 1})
	}
	return in
}

func compiled(t *rapid.T, p *bunker.Policy) *policy.Compiled {
	c, err := policy.Compile(p)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func decided(in policy.Input, c *policy.Compiled, uses int64) policy.Decision {
	in.Policies = []*policy.Compiled{c}
	in.Used = map[bunker.Window]int64{}
	for _, w := range policy.Needs(in).Used {
		in.Used[w] = uses
		if w.Rule == "b" || w.Scope == "key k" {
			in.Used[w] = 0 // counted by itself: a rule's, or a scope's, uses are no other's
		}
	}
	return policy.Decide(in)
}

// TestWideningIsNeverMissed: whatever the engine allows only after the edit, or asks
// only after it where a rule denied, the difference has called widening. (A new ask
// over what no rule spoke of is none.)
func TestWideningIsNeverMissed(t *testing.T) {
	const rounds = 8 // of as many policies as a property has, a hundred unless a flag says else
	more, told := 0, 0
	one := func(t *rapid.T) {
		// Half of them are a single allow, made to do another: there is least to hide
		// behind.
		before := smallPolicy(t, "before", bunker.Deny, bunker.Ask, bunker.Allow)
		after := edited(t, before)
		if rapid.Bool().Draw(t, "single") {
			alone, other := *before, *before
			alone.Rules, other.Rules = []bunker.Rule{smallRules(bunker.Allow).Draw(t, "rule")}, []bunker.Rule{smallRules(bunker.Allow).Draw(t, "rule")}
			other.Rules[0].ID = alone.Rules[0].ID
			if rapid.Bool().Draw(t, "budgets aside") {
				alone.Rules[0].Budget = nil
			}
			before, after = &alone, &other
		}
		d := Compare(before, after, now)
		if len(d.Widens) > 0 {
			told++
			return
		}
		one, two := compiled(t, before), compiled(t, after)
		for range 40 {
			in := aQuestion(t)
			uses := oneOf[int64](0, 1, 2, 3).Draw(t, "uses")
			a, b := decided(in, one, uses), decided(in, two, uses)
			if byDefault := a.Rule == "default" || strings.HasPrefix(a.Rule, "care:"); a.Effect == bunker.Deny && byDefault && b.Effect == bunker.Ask {
				continue // a new ask over what no rule spoke of
			}
			if b.Effect > a.Effect {
				t.Fatalf("%v (%s) became %v (%s)\n%+v %+v\nbefore\n%s\nafter\n%s", a.Effect, a.Rule, b.Effect, b.Rule, in, in.Operation.Template, Print(before), Print(after))
			}
			if a.Effect == bunker.Ask && b.Effect == bunker.Ask && max(b.Quorum, 1) < max(a.Quorum, 1) {
				t.Fatalf("a quorum of %d became one of %d\n%s\n%s", a.Quorum, b.Quorum, Print(before), Print(after))
			}
			more++
		}
	}
	for range rounds {
		rapid.Check(t, one)
	}
	if more == 0 || told == 0 {
		t.Errorf("%d decisions compared, %d edits that widen: the test has lost its teeth", more, told)
	}
}

func TestAddingADenyNeverWidens(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		before := smallPolicy(t, "before", bunker.Deny, bunker.Ask, bunker.Allow)
		deny := smallRules(bunker.Deny).Draw(t, "deny")
		deny.ID = "new"
		after := *before
		after.Rules = append(slices.Clone(before.Rules), deny)
		if d := Compare(before, &after, now); len(d.Widens) > 0 {
			t.Fatalf("%q\n%s", d.Widens, Print(&after))
		}
	})
}

// TestTakingAnAllowAwayNeverWidens: an allow without a budget holds nothing
// back.
func TestTakingAnAllowAwayNeverWidens(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		before := smallPolicy(t, "before", bunker.Deny, bunker.Ask, bunker.Allow)
		after := *before
		after.Rules = slices.DeleteFunc(slices.Clone(before.Rules), func(r bunker.Rule) bool { return r.Effect == bunker.Allow && r.Budget == nil })
		if d := Compare(before, &after, now); len(d.Widens) > 0 {
			t.Fatalf("%q\n%s", d.Widens, Print(before))
		}
	})
}
