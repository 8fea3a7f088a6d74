package policy

import (
	"maps"
	"slices"
	"strings"

	"nsecbunker/internal/bunker"
)

// Outcome is what an edit of a policy makes of an operation that was. The zero value
// cannot tell.
type Outcome struct {
	// Known: it is certain whether it comes out differently.
	Known   bool
	Changed bool
	// BeforeKnown: it is certain what the policy as it is says to it; where only the
	// new one's word is certain, and the old one's was another in any case, it is not.
	BeforeKnown bool
	// Before and After are what comes out, where it is certain.
	Before, After Decision
	// Missing is what it hangs on that is not known, where it is not certain: parts of a
	// sentence, in order.
	Missing []string

	spent [2]uses
}

// uses are which windows one version charges in every case, and in some.
type uses struct{ surely, maybe []bunker.Window }

// usage is how often a window was used: at least, at most.
type usage struct{ least, most int64 }

// side is one version of a policy with the uses of its budgets.
type side struct {
	name string
	used map[bunker.Window]usage
}

// Replay runs operations that were under two versions of a policy, in the order of
// their time. Budgets are unused when it begins.
type Replay struct{ sides [2]side }

// NewReplay begins a replay.
func NewReplay() *Replay {
	return &Replay{[2]side{{"before", map[bunker.Window]usage{}}, {"after", map[bunker.Window]usage{}}}}
}

// Setting is the connection of an operation that was: who it is of, and what it is
// granted, as it is now. Make it with [Settle].
type Setting struct {
	in      Input
	digests map[bunker.GrantID]string
	counted []bunker.Grant // those that count for what they decided only
	sides   [2][]*Compiled
	budgets bool
}

// Settle makes the setting of a connection: now (unix ms) is when its grants are
// looked at, digest is how records name what a grant answers, before and after are
// the policies that its grants name, with the one that is edited as it was and as it
// would be. That a key was locked or a connection suspended for a while is left out.
func Settle(in Input, now int64, digest func([32]byte) string, before, after []*Compiled) *Setting {
	s := &Setting{digests: map[bunker.GrantID]string{}, sides: [2][]*Compiled{before, after}}
	for _, c := range slices.Concat(before, after) {
		s.budgets = s.budgets || c.budgets
	}
	key, conn := *in.Key, *in.Connection
	key.State, key.Locked, key.Paused = bunker.KeyActive, false, false
	conn.State, conn.ExpiresAt = bunker.ConnActive, 0
	s.in = Input{Tenant: &bunker.TenantState{Tenant: key.Tenant, SetUp: true, Reviewed: true}, Key: &key, Connection: &conn}
	for _, g := range in.Grants {
		if !g.Live(now) {
			continue
		}
		if g.OpDigest != ([32]byte{}) {
			s.digests[g.ID] = digest(g.OpDigest)
		}
		if g.MaxUses > 0 {
			s.counted = append(s.counted, g)
		} else {
			s.in.Grants = append(s.in.Grants, g)
		}
	}
	return s
}

// Compare tells what the edit makes of an operation. Nothing is used up by it: that
// is [Replay.Take].
func (r *Replay) Compare(s *Setting, p *Past) Outcome {
	if p.stands() {
		d := Decision{Effect: p.Effect, Rule: p.Rule}
		return Outcome{Known: true, BeforeKnown: true, Before: d, After: d}
	}
	in := s.in
	for i := range s.counted {
		if g := s.counted[i]; p.Rule == "grant "+string(g.ID) {
			g.Uses = 0
			in.Grants = append(slices.Clone(in.Grants), g)
		}
	}
	w := &would{op: p, digests: s.digests, answers: map[string]bool{}, missing: map[string]bool{}}
	var all tries
	for n := 0; ; n++ {
		if n == maxGuesses {
			return r.lost(s, p)
		}
		w.begin()
		if one, ok := r.try(in, s, w); ok {
			all.add(one)
		}
		if all.hopeless() && !s.budgets || !w.next() {
			break
		}
	}
	o := all.outcome()
	if !o.Known {
		o.Missing = slices.Sorted(maps.Keys(w.missing))
	}
	return o
}

// try decides one of the operations that it may have been, before and after the edit;
// ok is false where it cannot have been that one.
func (r *Replay) try(in Input, s *Setting, w *would) (both [2]Decision, ok bool) {
	p := w.op
	in.would, in.Now, in.Door, in.Relay = w, p.Time, p.Door, p.Relay
	in.Operation = w.operation(in.Key)
	in.Guard = w.guard()
	if p.contradicts(in) {
		return both, false
	}
	for i := range both {
		in.Policies, w.side = s.sides[i], &r.sides[i]
		both[i] = Decide(in)
	}
	return both, true
}

// guard is what the guard may have found.
func (w *would) guard() string {
	p := w.op
	switch {
	case !p.Guarded, p.Effect == bunker.Allow && strings.HasPrefix(p.Rule, "policy "):
		return ""
	case strings.HasPrefix(p.Rule, "guard: "):
		return strings.TrimPrefix(p.Rule, "guard: ")
	case p.Effect == bunker.Ask && (p.Rule == AnswersDefault || strings.HasPrefix(p.Rule, "care: ")):
		return "" // the question would have named it
	case w.is(aboutGuard, "it finds something"):
		return "it would lose something"
	}
	return ""
}

// stands reports what no rule has changed or would change: it was refused above
// policies (a stop, a lock, a pause) or below them, or could not be read.
func (p *Past) stands() bool {
	if p.Effect != bunker.Deny || p.Rule == AnswersDefault || p.Rule == "questions" {
		return false
	}
	for _, begin := range [...]string{"policy ", "grant ", "care: ", "approval "} {
		if strings.HasPrefix(p.Rule, begin) {
			return false
		}
	}
	return true
}

// contradicts reports whether the operation would have come out differently then from
// what it did: it was another one.
func (p *Past) contradicts(in Input) bool {
	_, why := careOf(in.Operation, in.Key, in.Now)
	switch named, cared := strings.CutPrefix(p.Rule, "care: "); {
	case p.Rule == AnswersDefault && why != "", cared && named != why:
		return true
	case p.Version == nil:
		return false
	}
	_, id, _, _ := ParseRuleName(p.Rule)
	f := look(&in)
	f.under(p.Version, p.Time)
	rules := p.Version.whole()
	decider := slices.IndexFunc(rules, func(r rule) bool { return r.ID == id })
	if decider < 0 {
		return false
	}
	if !couldFit(rules[decider].misfit(&f)) {
		return true
	}
	if rules[decider].Effect == bunker.Deny {
		return false
	}
	denied := false // a deny would have decided
	p.Version.each(in.Operation, func(r *rule) {
		denied = denied || r.Effect == bunker.Deny && r.For == 0 && r.misfit(&f) == fits
	})
	return denied
}

// couldFit reports whether a rule fits but for its time, which the record is not the
// measure of.
func couldFit(m misfit) bool { return m == fits || m == expired || m == wrongHour }

// lost is an operation of which too much is not known. Every budget may have been
// charged.
func (r *Replay) lost(s *Setting, p *Past) (out Outcome) {
	out.Missing = []string{aboutMuch}
	in := s.in
	in.Now = p.Time
	for i, list := range s.sides {
		for _, c := range list {
			rules := c.whole()
			for j := range rules {
				for _, charge := range c.charges(&rules[j], &in) {
					out.spent[i].maybe = append(out.spent[i].maybe, charge.Window)
				}
			}
		}
	}
	return out
}

// Take uses up what an operation used.
func (r *Replay) Take(o *Outcome) {
	for i := range r.sides {
		used := r.sides[i].used
		for _, w := range o.spent[i].surely {
			u := used[w]
			used[w] = usage{u.least + 1, u.most}
		}
		for _, w := range o.spent[i].maybe {
			u := used[w]
			used[w] = usage{u.least, u.most + 1}
		}
	}
}

// tries are what came out of all of them.
type tries struct {
	n      int
	first  [2]Decision
	varied [2]bool // not the same in all
	same   int     // in how many both came out the same
	spent  [2]map[bunker.Window]int
}

func (t *tries) add(both [2]Decision) {
	if t.n == 0 {
		t.first = both
	}
	t.n++
	if both[0].Effect == both[1].Effect {
		t.same++
	}
	for i := range both {
		t.varied[i] = t.varied[i] || both[i].Effect != t.first[i].Effect
		for _, c := range both[i].Charges {
			if t.spent[i] == nil {
				t.spent[i] = map[bunker.Window]int{}
			}
			t.spent[i][c.Window]++
		}
	}
}

// hopeless reports that it will not be certain, whatever comes out of the rest.
func (t *tries) hopeless() bool { return t.same > 0 && t.same < t.n || t.same == 0 && t.varied[1] }

func (t *tries) outcome() (o Outcome) {
	for i := range t.spent {
		for w, n := range t.spent[i] {
			o.spent[i].maybe = append(o.spent[i].maybe, w)
			if n == t.n {
				o.spent[i].surely = append(o.spent[i].surely, w)
			}
		}
	}
	o.Changed = t.n > 0 && t.same == 0
	// Whether it changes must be certain, and what it changes to.
	o.Known = t.n > 0 && !t.hopeless()
	o.BeforeKnown = o.Known && !t.varied[0]
	if o.Known {
		o.Before, o.After = t.first[0], t.first[1]
	}
	return o
}
