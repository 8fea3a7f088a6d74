package policy

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr/nip46"
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
	would := in
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

// run is a simulation of requests under thePolicy with other rules.
type run struct {
	t       *testing.T
	in      Input
	setting *Setting
	replay  *Replay
	old     *Compiled
}

func simulate(t *testing.T, before, after []bunker.Rule) *run {
	t.Helper()
	in := rules(t, before...)
	next := thePolicy(after...)
	next.Version++
	in.Key.Default = bunker.Deny
	list := []*Compiled{compiled(t, next)}
	return &run{t, in, Settle(in, nowMS+int64(time.Hour/time.Millisecond), digestText, in.Policies, list), NewReplay(), in.Policies[0]}
}

// was is a note that was signed or refused minutes after nowMS.
func (r *run) was(minutes int64, effect bunker.Effect, by string) *Past {
	skew := int64(0)
	p := &Past{Time: nowMS + minutes*60_000, Method: nip46.SignEvent, Kind: 1, Size: 5, Skew: &skew, Door: bunker.DoorRelay, Effect: effect, Rule: by}
	if _, _, _, ok := ParseRuleName(by); ok {
		p.Version = r.old
	}
	return p
}

// want takes one request: what becomes of what, or "same", or "unknown".
func (r *run) want(want string, p *Past) {
	r.t.Helper()
	o := r.replay.Compare(r.setting, p)
	r.replay.Take(&o)
	got := "unknown"
	switch {
	case o.Known && !o.Changed:
		got = "same"
	case o.Known:
		got = o.Before.Effect.String() + " to " + o.After.Effect.String()
		if !o.BeforeKnown {
			got = "to " + o.After.Effect.String()
		}
	}
	if got != want || (got == "unknown") != (len(o.Missing) > 0) {
		r.t.Errorf("minute %d: %s, want %s (%+v)", (p.Time-nowMS)/60_000, got, want, o)
	}
}

func one(more func(*bunker.Rule)) []bunker.Rule {
	r := allowKind("notes", 1)
	if more != nil {
		more(&r)
	}
	return []bunker.Rule{r}
}

const notes = "policy newsroom/notes@3"

func TestASimulationReplaysBudgetsInTheirWindows(t *testing.T) {
	r := simulate(t, one(nil), one(func(r *bunker.Rule) { r.Budget = &bunker.Budget{PerMinute: 2, Total: 4} }))
	r.want("same", r.was(0, bunker.Allow, notes))
	r.want("same", r.was(0, bunker.Allow, notes))
	r.want("allow to deny", r.was(0, bunker.Allow, notes))
	r.want("same", r.was(1, bunker.Allow, notes))
	r.want("same", r.was(2, bunker.Allow, notes))
	r.want("allow to deny", r.was(3, bunker.Allow, notes)) // the fifth in all
	r = simulate(t, one(func(r *bunker.Rule) { r.Budget = &bunker.Budget{PerMinute: 1} }),
		one(func(r *bunker.Rule) { r.Budget = &bunker.Budget{PerMinute: 1, WhenSpent: bunker.Ask} }))
	r.want("same", r.was(0, bunker.Allow, notes))
	r.want("deny to ask", r.was(0, bunker.Deny, notes))
}

func TestASimulationKnowsWhenItDoesNotKnowHowMuchOfABudgetIsUsed(t *testing.T) {
	game := bunker.Rule{ID: "no-games", Effect: bunker.Deny, Kinds: only(1), Content: &bunker.ContentMatch{Words: []string{"casino"}}}
	r := simulate(t, one(nil), append(one(func(r *bunker.Rule) { r.Budget = &bunker.Budget{PerMinute: 2} }), game))
	r.want("unknown", r.was(0, bunker.Allow, notes)) // charged, or refused
	empty := r.was(0, bunker.Allow, notes)
	empty.Size = 0 // certainly no game
	r.want("same", empty)
	r.want("unknown", empty) // the second of two, or the third
	next := *empty
	next.Time += 60_000
	r.want("same", &next)
}

func TestASimulationLooksAtTheClockOfTheRecord(t *testing.T) {
	at := time.UnixMilli(nowMS).UTC()
	minute := at.Hour()*60 + at.Minute()
	r := simulate(t, one(nil), one(func(r *bunker.Rule) { r.Hours = []bunker.Hours{{From: minute, To: minute + 10}} }))
	r.want("same", r.was(9, bunker.Allow, notes))
	r.want("allow to deny", r.was(10, bunker.Allow, notes))
	r = simulate(t, one(nil), one(func(r *bunker.Rule) { r.ExpiresAt = nowMS + 5*60_000 }))
	r.want("same", r.was(4, bunker.Allow, notes))
	r.want("allow to deny", r.was(5, bunker.Allow, notes))
	r = simulate(t, one(nil), one(func(r *bunker.Rule) { r.For = 60_000 })) // since a second before nowMS
	r.want("same", r.was(0, bunker.Allow, notes))
	r.want("allow to deny", r.was(1, bunker.Allow, notes))
}

func TestASimulationGoesByWhatTheRecordKnows(t *testing.T) {
	note := func(r *run, more func(*Past)) *Past {
		p := r.was(0, bunker.Allow, notes)
		more(p)
		return p
	}
	tags := func(list ...string) func(*Past) { return func(p *Past) { p.Tags = list } }
	for name, c := range map[string]struct {
		edit func(*bunker.Rule)
		past func(*Past)
		want string
	}{
		"no such tag":         {func(r *bunker.Rule) { r.Tags = []bunker.TagMatch{{Name: "p"}} }, tags("e:1"), "allow to deny"},
		"such a tag":          {func(r *bunker.Rule) { r.Tags = []bunker.TagMatch{{Name: "p"}} }, tags("p:2"), "same"},
		"too many":            {func(r *bunker.Rule) { r.Tags = []bunker.TagMatch{{Name: "p", Max: 1}} }, tags("p:2"), "allow to deny"},
		"absent":              {func(r *bunker.Rule) { r.Tags = []bunker.TagMatch{{Name: "p", Absent: true}} }, tags("e:2"), "same"},
		"a value":             {func(r *bunker.Rule) { r.Tags = []bunker.TagMatch{{Name: "t", Values: []string{"x"}}} }, tags("t:1"), "unknown"},
		"a value of none":     {func(r *bunker.Rule) { r.Tags = []bunker.TagMatch{{Name: "t", Values: []string{"x"}}} }, tags("p:1"), "allow to deny"},
		"among others":        {func(r *bunker.Rule) { r.Tags = []bunker.TagMatch{{Name: "t"}} }, tags("other:1"), "unknown"},
		"too short":           {func(r *bunker.Rule) { r.Content = &bunker.ContentMatch{MinLength: 6} }, tags(), "allow to deny"},
		"long enough":         {func(r *bunker.Rule) { r.Content = &bunker.ContentMatch{MinLength: 2} }, tags(), "same"},
		"perhaps":             {func(r *bunker.Rule) { r.Content = &bunker.ContentMatch{MinLength: 4} }, tags(), "unknown"},
		"too long":            {func(r *bunker.Rule) { r.Content = &bunker.ContentMatch{MaxLength: 1} }, tags(), "allow to deny"},
		"a pattern":           {func(r *bunker.Rule) { r.Content = &bunker.ContentMatch{Pattern: "^a"} }, tags(), "unknown"},
		"no relay known":      {func(r *bunker.Rule) { r.Relays = []string{Embedded} }, tags(), "unknown"},
		"by that relay":       {func(r *bunker.Rule) { r.Relays = []string{Embedded} }, func(p *Past) { p.Relay = Embedded }, "same"},
		"by another relay":    {func(r *bunker.Rule) { r.Relays = []string{Embedded} }, func(p *Past) { p.Relay = "wss://a.example" }, "allow to deny"},
		"no date known":       {func(r *bunker.Rule) { r.MaxSkew = 60 }, func(p *Past) { p.Skew = nil }, "unknown"},
		"dated well":          {func(r *bunker.Rule) { r.MaxSkew = 60 }, tags(), "same"},
		"dated within 15 min": {func(r *bunker.Rule) { r.MaxSkew = Skew }, func(p *Past) { p.Skew = nil }, "same"},
		"the event was kept": {func(r *bunker.Rule) { r.Content = &bunker.ContentMatch{Pattern: "^a"} }, func(p *Past) {
			p.Event = sign(1).Template
			p.Event.Content, p.Event.CreatedAt = "a ferry", nowMS/1000
		}, "same"},
		"refused by a lock": {func(r *bunker.Rule) { r.Kinds = only(7) }, func(p *Past) { p.Effect, p.Rule, p.Version = bunker.Deny, "locked", nil }, "same"},
	} {
		t.Run(name, func(t *testing.T) {
			r := simulate(t, one(nil), one(c.edit))
			r.want(c.want, note(r, c.past))
		})
	}
}

func TestASimulationBelievesWhatTheRecordSaysOfRules(t *testing.T) {
	word := bunker.Rule{ID: "no-games", Effect: bunker.Deny, Kinds: only(1), Content: &bunker.ContentMatch{Words: []string{"casino"}}}
	r := simulate(t, append(one(nil), word), one(nil))
	r.want("same", r.was(0, bunker.Allow, notes)) // the deny did not fit
	r.want("deny to allow", r.was(0, bunker.Deny, "policy newsroom/no-games@3"))
	r.want("unknown", r.was(0, bunker.Deny, AnswersDefault)) // in force later, perhaps
	r = simulate(t, append(one(nil), word), append(one(func(r *bunker.Rule) { r.Note = "edited" }), word))
	r.want("same", r.was(0, bunker.Deny, AnswersDefault)) // both versions say the same to it, whatever that is
}

func TestGrantsCountInASimulationAsTheyAreNow(t *testing.T) {
	in := rules(t, one(nil)...)
	in.Key.Default = bunker.Deny
	next := thePolicy(one(func(r *bunker.Rule) { r.Kinds = only(7) })...)
	for name, c := range map[string]struct {
		grant bunker.Grant
		rule  string
		want  bool // changed
	}{
		"none":                        {bunker.Grant{Effect: bunker.Allow, Permissions: "sign_event:9"}, notes, true},
		"a permission":                {bunker.Grant{Effect: bunker.Allow, Permissions: "sign_event:1"}, notes, false},
		"one that has expired":        {bunker.Grant{Effect: bunker.Allow, Permissions: "sign_event:1", ExpiresAt: nowMS + 1}, notes, true},
		"a counted one":               {bunker.Grant{Effect: bunker.Allow, Permissions: "sign_event:1", MaxUses: 3}, notes, true},
		"a counted one that was used": {bunker.Grant{Effect: bunker.Allow, Permissions: "sign_event:1", MaxUses: 3, Uses: 1}, "grant g1", false},
		"a refusal":                   {bunker.Grant{Effect: bunker.Deny, Permissions: "sign_event:1"}, notes, false},
	} {
		given := granted(in, c.grant)
		s := Settle(given, nowMS+1000, digestText, in.Policies, []*Compiled{compiled(t, next)})
		r := &run{t: t, old: in.Policies[0]}
		o := NewReplay().Compare(s, r.was(0, bunker.Allow, c.rule))
		if !o.Known || o.Changed != c.want {
			t.Errorf("%s: %+v", name, o)
		}
	}
}
