package text

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/policy"
	"nsecbunker/nostr/nip19"
)

// Difference is what an edit of a policy changes, in words.
type Difference struct {
	// Policy are changes of name, description and zone.
	Policy  []Field  `json:"policy,omitempty"`
	Added   []Named  `json:"added,omitempty"`
	Removed []Named  `json:"removed,omitempty"`
	Changed []Change `json:"changed,omitempty"`
	// Widens says why somebody may be allowed more than before, or asked or denied
	// less by a rule; empty: nobody can. A new rule that asks widens nothing: it allows
	// nothing without a person, even where the key's default refused. It errs to the side of saying so: widening a policy is
	// a dangerous command (security.md section 4).
	Widens []string `json:"widens,omitempty"`
}

// Named is a rule with what it means.
type Named struct {
	ID       string `json:"id"`
	Sentence string `json:"sentence"`
}

// Change is a rule that says something else than before.
type Change struct {
	ID     string  `json:"id"`
	Fields []Field `json:"fields"`
	After  string  `json:"after"` // the sentence
}

// Field is a key of the text form and its value before and after; "" is none.
type Field struct {
	Name   string `json:"name"`
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
}

// Empty reports whether nothing differs. The order of rules does not count.
func (d *Difference) Empty() bool {
	return len(d.Policy) == 0 && len(d.Added) == 0 && len(d.Removed) == 0 && len(d.Changed) == 0
}

// Compare tells two versions of a policy apart, at the time now (unix ms): a rule
// that is over is as if it were not there.
func Compare(before, after *bunker.Policy, now int64) Difference {
	var d Difference
	for _, f := range []Field{
		{"name", before.Name, after.Name}, {"description", before.Description, after.Description}, {"zone", before.Zone, after.Zone},
	} {
		if f.Before != f.After {
			d.Policy = append(d.Policy, f)
		}
	}
	old := map[string]*bunker.Rule{}
	for i := range before.Rules {
		old[before.Rules[i].ID] = &before.Rules[i]
	}
	kept := map[string]bool{}
	for i := range after.Rules {
		r := &after.Rules[i]
		o := old[r.ID]
		kept[r.ID] = true
		if o == nil {
			d.Added = append(d.Added, Named{r.ID, Sentence(r, after.Zone)})
			continue
		}
		if f := fieldsOf(o, r, before.Zone, after.Zone); len(f) > 0 {
			d.Changed = append(d.Changed, Change{r.ID, f, Sentence(r, after.Zone)})
		}
	}
	for i := range before.Rules {
		if r := &before.Rules[i]; !kept[r.ID] {
			d.Removed = append(d.Removed, Named{r.ID, Sentence(r, before.Zone)})
		}
	}
	d.Widens = Widens(before, after, now)
	return d
}

// fieldsOf tells two rules of one id apart, key by key as they are written.
func fieldsOf(a, b *bunker.Rule, zoneA, zoneB string) []Field {
	before, after := keysOf(a, zoneA), keysOf(b, zoneB)
	var out []Field
	for _, name := range ruleKeys() {
		if name == "id" || before[name] == after[name] || name == "expires" && a.ExpiresAt == b.ExpiresAt {
			continue
		}
		out = append(out, Field{name, before[name], after[name]})
	}
	return out
}

// keysOf writes each key of a rule by itself.
func keysOf(r *bunker.Rule, zone string) map[string]string {
	w := &writer{zone: time.UTC}
	if loc, err := policy.Zone(zone); err == nil {
		w.zone = loc
	}
	short := *r
	short.Peers = nil // shown below, on one line
	w.rule(&short)
	out := map[string]string{}
	var name string
	for line := range strings.SplitSeq(w.b.String(), "\n") {
		key, value, ok := strings.Cut(line, " = ")
		switch {
		case ok && !strings.HasPrefix(line, " "):
			name = key
			value, _, _ = strings.Cut(value, "  # ")
			out[name] = value
		case name != "" && line != "":
			out[name] += strings.TrimSpace(line) + " "
		}
	}
	var peers []string
	for _, p := range r.Peers {
		peers = append(peers, nip19.EncodeNpub(p))
	}
	if len(peers) > 0 {
		out["peers"] = strings.Join(peers, ", ")
	}
	for k, v := range out {
		out[k] = strings.TrimSpace(v)
	}
	return out
}

// Lines are the difference for a terminal or a log: "+" added, "-" removed, "~"
// changed, indented what changed in it.
func (d *Difference) Lines() []string {
	var out []string
	say := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	for _, f := range d.Policy {
		say("~ %s: %s", f.Name, f.words())
	}
	for _, r := range d.Removed {
		say("- %s: %s", r.ID, r.Sentence)
	}
	for _, r := range d.Added {
		say("+ %s: %s", r.ID, r.Sentence)
	}
	for _, c := range d.Changed {
		say("~ %s: now %s", c.ID, c.After)
		for _, f := range c.Fields {
			say("    %s: %s", f.Name, f.words())
		}
	}
	return out
}

func (f *Field) words() string {
	switch {
	case f.Before == "":
		return "now " + f.After
	case f.After == "":
		return "no longer " + f.Before
	}
	return f.Before + " → " + f.After
}

// Widens gives the reasons why the second policy may allow something that the first
// did not, or by its rules ask or deny less: Difference.Widens, without the words for
// the rest.
func Widens(before, after *bunker.Policy, now int64) []string {
	old, rules := readied(before.Rules, now), readied(after.Rules, now)
	var why []string
	say := func(r *ready, format string, args ...any) {
		why = append(why, "rule "+r.ID+" "+fmt.Sprintf(format, args...))
	}
	if before.Zone != after.Zone && (timed(old) || timed(rules)) {
		why = append(why, "the zone moves hours and the windows of budgets")
	}
	unchanged := func(r *ready, in []ready) bool {
		return slices.ContainsFunc(in, func(o ready) bool { return o.ID == r.ID && before.Zone == after.Zone && same(o.Rule, r.Rule) })
	}
	for i := range rules {
		n := &rules[i]
		if unchanged(n, old) || denied(n, rules) {
			continue
		}
		if n.Effect == bunker.Allow && !slices.ContainsFunc(old, func(o ready) bool { return allowedBy(&o, n) }) {
			say(n, "may allow what was not allowed before")
		}
	}
	for i := range old {
		o := &old[i]
		if unchanged(o, rules) {
			continue
		}
		switch {
		case o.Effect == bunker.Deny && !denied(o, rules):
			say(o, "no longer denies all that it denied")
		case o.Effect == bunker.Ask && !slices.ContainsFunc(rules, func(n ready) bool { return stillAsks(o, &n) }):
			say(o, "no longer asks about all that it asked about")
		case o.Effect == bunker.Allow && o.Budget != nil && !slices.ContainsFunc(rules, func(n ready) bool { return stillLimits(o, &n) }):
			say(o, "no longer limits all that it limited, of which other permissions may allow more")
		}
	}
	return why
}

// timed reports whether a zone matters to any of the rules.
func timed(rules []ready) bool {
	return slices.ContainsFunc(rules, func(r ready) bool {
		return len(r.Hours) > 0 || r.Budget != nil && (r.Budget.PerDay > 0 || r.Budget.PerHour > 0 || r.Budget.PerMinute > 0)
	})
}

// same reports whether two rules of one id say the same, their notes aside.
func same(a, b *bunker.Rule) bool {
	x, y := *a, *b
	x.Note, y.Note = "", ""
	p, q := bunker.Policy{Rules: []bunker.Rule{x}}, bunker.Policy{Rules: []bunker.Rule{y}}
	return string(p.RulesText()) == string(q.RulesText())
}

// denied reports whether one of the rules denies all that r is about.
func denied(r *ready, rules []ready) bool {
	return slices.ContainsFunc(rules, func(n ready) bool { return n.Effect == bunker.Deny && n.covers(r) })
}

// allowedBy reports whether o allowed all that n allows, as often.
func allowedBy(o, n *ready) bool {
	return o.Effect == bunker.Allow && o.allowsAll(n) && spendsLess(o, n)
}

// spendsLess reports whether n is used up no later than o. Uses are counted by the
// rule's id: another id counts from nothing.
func spendsLess(o, n *ready) bool {
	a, b := o.Budget, n.Budget
	if a == nil {
		return true
	}
	less := func(before, after int64) bool { return before == 0 || after != 0 && after <= before }
	return b != nil && o.ID == n.ID && scopeOf(a) == scopeOf(b) && (b.WhenSpent == bunker.Deny || a.WhenSpent == bunker.Ask) &&
		less(a.Total, b.Total) && less(a.PerMinute, b.PerMinute) && less(a.PerHour, b.PerHour) && less(a.PerDay, b.PerDay)
}

func scopeOf(b *bunker.Budget) bunker.BudgetScope {
	if b.Per == "" {
		return bunker.PerConnection
	}
	return b.Per
}

// stillAsks reports whether n asks no fewer persons about all that o asked about,
// or denies it.
func stillAsks(o, n *ready) bool {
	switch n.Effect {
	case bunker.Deny:
		return n.covers(o)
	case bunker.Ask:
		return n.covers(o) && max(n.Quorum, 1) >= max(o.Quorum, 1)
	}
	return false
}

// stillLimits reports whether what o allowed within a budget is still limited: a
// budget that is used up holds against other rules and grants too.
func stillLimits(o, n *ready) bool {
	switch n.Effect {
	case bunker.Deny:
		return n.covers(o)
	case bunker.Ask:
		return n.covers(o) && o.Budget.WhenSpent == bunker.Ask
	}
	return n.allowsAll(o) && spendsLess(o, n)
}
