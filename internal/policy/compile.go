package policy

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip46"
)

// Compiled is a version of a policy, made ready for deciding. It never changes what it
// says, and may be kept under the policy's id, version and MAC.
type Compiled struct {
	head   *bunker.PolicyHead
	policy *bunker.Policy // of Compile only
	zone   *time.Location
	today  atomic.Pointer[calendarDay] // that was asked for last
	*ruleset
}

// ruleset is the rules of a policy: made ready, or packed, or both. What it says never
// changes, and policies of the same rules have one.
type ruleset struct {
	ready atomic.Pointer[readyRules]
	*packedRules
	// Whether any rule has a budget, or hangs on what a decryption brings to light.
	budgets, results bool
}

// readyRules are rules with all that deciding by them needs.
type readyRules struct {
	rules []rule // in order of id, so that their order in the policy does not matter

	// Which rules can speak of what, as places in rules, ascending.
	sign     map[nostr.Kind][]int
	signWide []wide // rules of more than maxIndexed kinds
	crypt    map[nip46.Method][]int
}

// anyKind is the largest kind.
const anyKind = ^nostr.Kind(0)

// wide is a rule that is looked at for events of kinds between two.
type wide struct {
	rule     int
	from, to nostr.Kind
}

// maxIndexed is up to how many kinds a rule is found by kind; one of more is looked
// at for each event.
const maxIndexed = 64

// rule is a rule made ready.
type rule struct {
	*bunker.Rule
	parts   []part
	sign    []part // those of sign_event
	texts   []part // the others
	event   bool   // it makes demands on an event
	relays  []string
	words   []string // folded
	pattern *regexp.Regexp
}

// Compile makes a policy ready, or says which rule cannot be. p must not be changed
// afterwards.
func Compile(p *bunker.Policy) (*Compiled, error) {
	c, err := compileReady(p.Head(), p.Rules)
	if err == nil {
		c.policy = p
	}
	return c, err
}

// CompileAt makes a verified policy ready, for whoever asks about all of its rules.
func CompileAt(at bunker.PolicyAt) (*Compiled, error) {
	rules, err := at.Rules.Unpack()
	if err != nil {
		return nil, fmt.Errorf("policy %s: %w", at.Name, err)
	}
	return compileReady(at.PolicyHead, rules)
}

func compileReady(head *bunker.PolicyHead, list []bunker.Rule) (*Compiled, error) {
	zone, err := Zone(head.Zone)
	if err != nil {
		return nil, err
	}
	ready, err := compileRules(list)
	if err != nil {
		return nil, fmt.Errorf("policy %s: %w", head.Name, err)
	}
	set := &ruleset{}
	for i := range ready.rules {
		set.note(&ready.rules[i])
	}
	set.ready.Store(ready)
	return &Compiled{head: head, zone: zone, ruleset: set}, nil
}

func compileRules(list []bunker.Rule) (*readyRules, error) {
	c := &readyRules{rules: make([]rule, 0, len(list)), sign: map[nostr.Kind][]int{}, crypt: map[nip46.Method][]int{}}
	sets := rightSets()
	for i := range list {
		r, err := compileRule(&list[i], sets)
		if err != nil {
			return nil, fmt.Errorf("rule %s: %w", list[i].ID, err)
		}
		c.rules = append(c.rules, r)
	}
	slices.SortStableFunc(c.rules, func(a, b rule) int { return strings.Compare(a.ID, b.ID) })
	for i := range c.rules {
		c.index(i)
	}
	return c, nil
}

// note takes down what a rule needs known.
func (c *ruleset) note(r *rule) {
	c.budgets = c.budgets || r.Budget != nil
	c.results = c.results || len(r.Results) > 0 || slices.ContainsFunc(r.parts, func(p part) bool { return p.result != nil })
}

// Policy is what was compiled by [Compile]; it must not be changed.
func (c *Compiled) Policy() *bunker.Policy { return c.policy }

func compileRule(b *bunker.Rule, sets map[string][]part) (r rule, err error) {
	r.Rule = b
	if len(b.Rights) == 0 && len(b.Methods) == 0 {
		r.parts = everyMethod
		r.sign, r.texts = r.parts[:1:1], r.parts[1:]
	} else {
		if r.parts, err = partsAmong(b, sets); err != nil {
			return r, err
		}
		for _, p := range r.parts {
			if p.method == nip46.SignEvent {
				r.sign = append(r.sign, p)
			} else {
				r.texts = append(r.texts, p)
			}
		}
	}
	r.event = len(b.Tags) > 0 || b.Content != nil || b.MaxSkew != 0
	for _, u := range b.Relays {
		n, err := relayName(u)
		if err != nil {
			return r, err
		}
		r.relays = append(r.relays, n)
	}
	if b.Content == nil {
		return r, nil
	}
	for _, w := range b.Content.Words {
		r.words = append(r.words, folded(w))
	}
	if b.Content.Pattern != "" {
		r.pattern, err = pattern(b.Content.Pattern)
	}
	return r, err
}

// Embedded is what rules call the bunker's own relay.
const Embedded = "embedded"

func relayName(u string) (string, error) {
	if u == Embedded {
		return u, nil
	}
	return nip46.NormalizeRelayURL(u)
}

// partsOf is what a rule speaks of: its methods and its right sets together, or,
// where it names none, every method.
func partsOf(b *bunker.Rule) ([]part, error) { return partsAmong(b, rightSets()) }

func partsAmong(b *bunker.Rule, sets map[string][]part) (parts []part, err error) {
	for _, name := range b.Rights {
		p, ok := sets[name]
		if !ok {
			return nil, fmt.Errorf("there is no right set %q", bunker.Display(name, 64))
		}
		parts = append(parts, p...)
	}
	for _, name := range b.Methods {
		m := nip46.Method(name)
		if methodBit(m) == 0 {
			return nil, fmt.Errorf("%q is no method that rules are about; those are %v", bunker.Display(name, 64), judged())
		}
		parts = append(parts, part{method: m})
	}
	if len(parts) == 0 {
		parts = slices.Clone(everyMethod)
	}
	return parts, nil
}

// everyMethod is what a rule speaks of that names nothing; nobody changes it.
var everyMethod = func() (parts []part) {
	for _, m := range judged() {
		parts = append(parts, part{method: m})
	}
	return parts
}()

// judged are the methods that are decided, sign_event first; the others come with being
// connected.
func judged() []nip46.Method {
	return []nip46.Method{nip46.SignEvent, nip46.NIP04Encrypt, nip46.NIP04Decrypt, nip46.NIP44Encrypt, nip46.NIP44Decrypt}
}

// index notes what rule i can speak of.
func (c *readyRules) index(i int) {
	r := &c.rules[i]
	w, listed := wide{rule: i, from: anyKind}, []nostr.Kind(nil)
	found := false
	for _, p := range r.parts {
		if p.method != nip46.SignEvent {
			if l := c.crypt[p.method]; len(l) == 0 || l[len(l)-1] != i {
				c.crypt[p.method] = append(l, i)
			}
			continue
		}
		ranges := p.kinds
		if ranges == nil || len(r.Kinds) > 0 && count(r.Kinds) < count(ranges) {
			ranges = r.Kinds
		}
		if len(ranges) == 0 || count(ranges) > maxIndexed {
			found = true
			w.reach(ranges)
			continue
		}
		for _, k := range ranges {
			for n := int(k.From); n <= int(k.To); n++ {
				listed = append(listed, nostr.Kind(n))
			}
		}
	}
	if found {
		for _, k := range listed {
			w.from, w.to = min(w.from, k), max(w.to, k)
		}
		c.signWide = append(c.signWide, w)
		return
	}
	slices.Sort(listed)
	for _, k := range slices.Compact(listed) {
		c.sign[k] = append(c.sign[k], i)
	}
}

// reach widens w by ranges of kinds; by none, to every kind.
func (w *wide) reach(ranges []bunker.KindRange) {
	if len(ranges) == 0 {
		w.from, w.to = 0, anyKind
	}
	for _, r := range ranges {
		w.from, w.to = min(w.from, r.From), max(w.to, r.To)
	}
}

// count is how many kinds ranges hold, at most.
func count(ranges []bunker.KindRange) (n int) {
	for _, r := range ranges {
		n += max(0, int(r.To)-int(r.From)+1)
	}
	return n
}

// each calls f with the rules that can speak of an operation, in order. It returns false
// where they cannot be read, which denies.
func (c *ruleset) each(o *Operation, f func(*rule)) bool {
	if r := c.ready.Load(); r != nil {
		r.each(o, f)
		return true
	}
	return c.packedRules.each(o, f)
}

// whole is all rules, in order, for explaining; none where they cannot be read, by which
// nothing is decided.
func (c *ruleset) whole() []rule {
	r := c.ready.Load()
	if r == nil {
		var err error
		if r, err = c.unpack(); err != nil {
			return nil
		}
	}
	return r.rules
}

func (c *readyRules) each(o *Operation, f func(*rule)) {
	if o.Template == nil {
		for _, i := range c.crypt[o.Method] {
			f(&c.rules[i])
		}
		return
	}
	kind := o.Template.Kind
	a := c.sign[kind]
	for _, w := range c.signWide {
		if kind < w.from || kind > w.to {
			continue
		}
		for len(a) > 0 && a[0] < w.rule {
			f(&c.rules[a[0]])
			a = a[1:]
		}
		f(&c.rules[w.rule])
	}
	for _, i := range a {
		f(&c.rules[i])
	}
}
