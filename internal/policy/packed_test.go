package policy

import (
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip46"
)

// packed is a policy whose rules stay packed.
func packed(t testing.TB, p *bunker.Policy) *Compiled {
	t.Helper()
	c, err := CompilePacked(p)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// repacked is the input with its policies packed.
func repacked(t testing.TB, in Input) Input {
	t.Helper()
	list := make([]*Compiled, len(in.Policies))
	for i, c := range in.Policies {
		list[i] = packed(t, c.Policy())
	}
	in.Policies = list
	return in
}

// decidesThePacked: whatever is decided, needed and explained by rules that are ready
// is the same by packed ones.
func decidesThePacked(t *testing.T, in Input) {
	t.Helper()
	by := repacked(t, in)
	if d := cmp.Diff(Decide(in), Decide(by)); d != "" {
		t.Fatalf("packed rules decide otherwise: %s", d)
	}
	if d := cmp.Diff(Needs(in), Needs(by)); d != "" {
		t.Fatalf("packed rules need something else: %s", d)
	}
	if d := cmp.Diff(Explain(in), Explain(by)); d != "" {
		t.Fatalf("packed rules are explained otherwise: %s", d)
	}
}

// Random policies are compared so by TestEveryDecisionKeepsItsProperties; this is a large
// one, by every method and by many kinds.
func TestPackedRulesDecideAsReadyOnesDo(t *testing.T) {
	in := under(t, thousand())
	by := repacked(t, in)
	var ops []*Operation
	for k := range 40 {
		ops = append(ops, event(nostr.Kind(k*1000+k%7), "a note with word55 and others", nostr.Tag{"d", strconv.Itoa(k * 1000)}))
	}
	for _, m := range judged()[1:] {
		ops = append(ops, crypt(m, stranger, bunker.ResultDM), crypt(m, nostr.PubKey{3}, ""))
	}
	for _, o := range ops {
		if d := cmp.Diff(Decide(with(in, o)), Decide(with(by, o))); d != "" {
			t.Errorf("%+v: %s", o, d)
		}
		if d := cmp.Diff(Needs(with(in, o)), Needs(with(by, o))); d != "" {
			t.Errorf("%+v: %s", o, d)
		}
	}
}

// A rule is looked at for every operation that it fits; most others are passed over.
func TestTheReachOfARuleHoldsWhatFits(t *testing.T) {
	s := source{rand.New(rand.NewPCG(5, 6))}
	looked, over := 0, 0
	for range 10_000 {
		b := s.rule(0)
		r, err := compileRule(&b, rightSets())
		if err != nil {
			t.Fatal(err)
		}
		in := with(rules(t), s.operation())
		f := look(&in)
		f.under(in.Policies[0], nowMS)
		far := reachOf(&r)
		switch m := r.misfit(&f); {
		case far.holds(in.Operation):
			looked++
		case m == fits || m == unknown:
			t.Fatalf("a rule that fits is passed over: %+v, %+v, %+v", b, in.Operation, in.Operation.Template)
		default:
			over++
		}
	}
	if looked < 1000 || over < 1000 {
		t.Errorf("%d looked at, %d passed over", looked, over)
	}
}

// Memory that is not what was packed, whatever it is, allows nothing.
func TestPackedRulesThatCannotBeReadDeny(t *testing.T) {
	p := thePolicy(allowKind("a", 1), allowKind("b", 2), bunker.Rule{ID: "c", Effect: bunker.Allow, Kinds: span(1, 9), Content: &bunker.ContentMatch{Pattern: "^a"}})
	whole := bunker.PackRules(p.Rules)
	in := with(under(t, p), event(1, "a note"))
	if d := Decide(repacked(t, in)); d.Effect != bunker.Allow {
		t.Fatalf("as it was packed: %+v", d)
	}
	bad := map[string]func(c *packedRules){
		"nothing":              func(c *packedRules) { c.text = "" },
		"a rule less":          func(c *packedRules) { c.text = bunker.PackRules(p.Rules[:2]) },
		"no rules":             func(c *packedRules) { c.text = bunker.PackRules(nil) },
		"a rule that is less":  func(c *packedRules) { c.text = whole[:len(whole)-1] },
		"something behind":     func(c *packedRules) { c.text = whole + "x" },
		"less known of rules":  func(c *packedRules) { c.reach = c.reach[:2] },
		"nothing known of any": func(c *packedRules) { c.reach = nil },
		"an unknown right": func(c *packedRules) {
			c.text = bunker.PackRules([]bunker.Rule{p.Rules[0], p.Rules[1], {ID: "c", Effect: bunker.Allow, Rights: []string{"fly"}}})
		},
	}
	for name, spoil := range bad {
		c := packed(t, p)
		spoil(c.packedRules)
		in.Policies = []*Compiled{c}
		if d := Decide(in); d.Effect != bunker.Deny || d.Rule != "policy p1" || len(Needs(in).Used) > 0 {
			t.Errorf("%s: %+v", name, d)
		}
		Explain(in)
	}
	in.Policies = []*Compiled{{head: p.Head(), zone: time.UTC, ruleset: &ruleset{}}}
	if d := Decide(in); d.Effect != bunker.Deny {
		t.Errorf("neither ready nor packed: %+v", d)
	}
}

// FuzzPackedRules: what is no packed rules denies, and what can be read decides the
// same once it is made ready.
func FuzzPackedRules(f *testing.F) {
	f.Add([]byte(bunker.PackRules(nil)))
	f.Add([]byte(bunker.PackRules(thousand().Rules[:20])))
	s := source{rand.New(rand.NewPCG(7, 8))}
	for range 8 {
		f.Add([]byte(bunker.PackRules([]bunker.Rule{s.rule(0), s.rule(1)})))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		text := bunker.PackedRules(b)
		if rules, err := text.Unpack(); err == nil {
			text = bunker.PackRules(rules) // in order of id, as all that is packed
		}
		in := with(under(t, thePolicy()), event(1, "a note"))
		at := bunker.PolicyAt{PolicyHead: thePolicy().Head(), Rules: text}
		set, err := compilePacked(text)
		c, otherErr := CompileAt(at)
		if (err == nil) != (otherErr == nil) {
			t.Fatalf("packed: %v; ready: %v", err, otherErr)
		}
		if err != nil {
			n, _ := text.Len()
			list := make([]reach, n)
			for i := range list {
				list[i] = reach{methods: 31, to: anyKind}
			}
			in.Policies = []*Compiled{{head: at.PolicyHead, zone: time.UTC, ruleset: &ruleset{packedRules: &packedRules{text: text, reach: list}}}}
			if d := Decide(in); d.Effect != bunker.Deny {
				t.Fatalf("what cannot be read decides %+v", d)
			}
			return
		}
		for _, o := range []*Operation{event(1, "a note", nostr.Tag{"p", "x"}), crypt(nip46.NIP44Decrypt, stranger, "")} {
			in := with(in, o)
			in.Policies = []*Compiled{c}
			want := Decide(in)
			Explain(in)
			in.Policies = []*Compiled{{head: at.PolicyHead, zone: c.zone, ruleset: set}}
			if d := cmp.Diff(want, Decide(in)); d != "" {
				t.Fatal(d)
			}
		}
	})
}
