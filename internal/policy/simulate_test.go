package policy

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"nsecbunker/internal/bunker"
)

// digestText stands for the keyed digest that records hold.
func digestText(d [32]byte) string { return fmt.Sprintf("%x", d) }

// recorded is an operation as the log has it; hides chooses what is not known.
func recorded(in Input, d Decision, hides func() bool) *Past {
	o := in.Operation
	p := &Past{Time: in.Now, Method: o.Method, Peer: o.Peer, Size: o.Size(), Effect: d.Effect, Rule: d.Rule, Guarded: true}
	if !hides() {
		p.Door = in.Door
	}
	if !hides() {
		p.Relay = in.Relay
	}
	if !hides() {
		p.Result = o.Result
	}
	if !hides() {
		p.Digest = digestText(o.Digest())
	}
	t := o.Template
	if t == nil {
		return p
	}
	p.Kind = t.Kind
	if !hides() {
		p.Event = t
	}
	if !hides() {
		skew := t.CreatedAt - in.Now/1000
		p.Skew = &skew
	}
	counts, hidden := map[string]int{}, map[string]bool{"": true, "p": hides(), "t": hides()}
	for _, tag := range t.Tags {
		name := tag.Name()
		if hidden[name] {
			name = "other"
		}
		counts[name]++
	}
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		p.Tags = append(p.Tags, fmt.Sprintf("%s:%d", name, counts[name]))
	}
	return p
}

// settled is the setting of an input as it is: no grant left out.
func settled(in Input, after []*Compiled) *Setting {
	s := &Setting{in: in, digests: map[bunker.GrantID]string{}, sides: [2][]*Compiled{in.Policies, after}, budgets: true}
	for _, g := range in.Grants {
		if g.OpDigest != ([32]byte{}) {
			s.digests[g.ID] = digestText(g.OpDigest)
		}
	}
	return s
}

// replay is one whose budgets are used as the input's, as far as they are known.
func replay(in Input, hides func() bool) *Replay {
	r := NewReplay()
	for w, n := range in.Used {
		u := usage{n, n}
		if hides() {
			u = usage{max(0, n-1), n + 1}
		}
		for i := range r.sides {
			r.sides[i].used[w] = u
		}
	}
	return r
}

// holdSimulation checks a simulated edit against deciding with everything known.
func holdSimulation(t *testing.T, s source) (known bool) {
	in := s.input(t)
	if in.Relay == "" {
		in.Relay = Embedded // "" is not known, in a record
	}
	if in.Operation.decrypts() && in.Operation.Result == "" {
		in.Operation.Result = bunker.ResultOther
	}
	if r := Certain(in.Operation, in.Key); r != "" {
		in.Operation.Result = r
	}
	after := recompiled(t, in, func(p *bunker.Policy) {
		if p.ID != "p1" {
			return
		}
		p.Version++
		switch n := len(p.Rules); {
		case n > 0 && s.rarely(2):
			p.Rules = slices.Delete(p.Rules, n-1, n)
		case n > 0 && s.rarely(2):
			p.Rules[s.IntN(n)].Effect = pick(s, bunker.Deny, bunker.Ask, bunker.Allow)
		default:
			p.Rules = append(p.Rules, s.rule(80))
		}
	})
	is, would := Decide(in), in
	would.Policies = after.Policies
	for _, w := range Needs(would).Used {
		if _, ok := in.Used[w]; !ok {
			in.Used[w] = int64(s.IntN(3))
		}
	}
	would.Used = in.Used
	is, truth := Decide(in), Decide(would)
	hides := func() bool { return s.rarely(2) }
	if s.rarely(4) {
		hides = func() bool { return false }
	}
	p := recorded(in, is, hides)
	if name, _, _, ok := ParseRuleName(is.Rule); ok && s.rarely(2) {
		for _, c := range in.Policies {
			if c.policy.Name == name {
				p.Version = c
			}
		}
	}
	got := replay(in, hides).Compare(settled(in, after.Policies), p)
	if p.stands() || !got.Known {
		return got.Known
	}
	if got.Changed != (is.Effect != truth.Effect) || got.Changed && got.After.Effect != truth.Effect || got.BeforeKnown && got.Changed && got.Before.Effect != is.Effect {
		t.Fatalf("%v (%s) became %v (%s), and it was told: changed %t, %v (%s) to %v (%s)\n%+v\n%+v\n%s\n%+v", is.Effect, is.Rule, truth.Effect, truth.Rule,
			got.Changed, got.Before.Effect, got.Before.Rule, got.After.Effect, got.After.Rule, p, in.Operation.Template, dumpRules(in)+"\nafter "+dumpRules(after), got)
	}
	return true
}

func TestWhatIsNotKnownMakesASimulationSilentAndNeverWrong(t *testing.T) {
	n, known := 10_000, 0
	if testing.Short() {
		n = 5_000
	}
	s := source{rand.New(rand.NewPCG(7, 2))}
	for range n {
		if holdSimulation(t, s) {
			known++
		}
	}
	t.Logf("%d cases, %d of them told", n, known)
	if known < n/2 || known == n {
		t.Errorf("%d of %d told", known, n)
	}
}

func TestWithEverythingKnownASimulationDecidesAsItWouldBeDecided(t *testing.T) {
	s := source{rand.New(rand.NewPCG(3, 2))}
	for range 3_000 {
		in := s.input(t)
		if in.Relay == "" {
			in.Relay = Embedded
		}
		if in.Operation.decrypts() && in.Operation.Result == "" {
			in.Operation.Result = bunker.ResultWrap
		}
		in.Operation.Seen = false // of kinds 4 and 13, no record says it
		if k := in.Operation.Kind(); k == 4 || k == 13 {
			continue
		}
		d := Decide(in)
		never := func() bool { return false }
		p := recorded(in, d, never)
		p.Guarded = in.Guard != ""
		if p.Guarded {
			p.Rule = "guard: " + in.Guard
		}
		got := replay(in, never).Compare(settled(in, in.Policies), p)
		if p.stands() {
			continue
		}
		if !got.Known || got.Changed || !got.BeforeKnown || got.After.Effect != d.Effect || got.After.Rule != d.Rule || got.After.Reason != d.Reason {
			t.Fatalf("decided %+v, simulated %+v\n%+v", d, got, p)
		}
	}
}

func FuzzSimulate(f *testing.F) {
	f.Add(uint64(1), uint64(2))
	f.Fuzz(func(t *testing.T, a, b uint64) { holdSimulation(t, source{rand.New(rand.NewPCG(a, b))}) })
}

// dumpRules is what the decision of an input hangs on, for a failure.
func dumpRules(in Input) (s string) {
	for _, c := range in.Policies {
		s += string(c.policy.RulesText()) + "\n"
	}
	return s + fmt.Sprintf("%+v\n%v", in.Grants, in.Used)
}
