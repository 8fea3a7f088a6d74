package policy

import (
	"errors"
	"fmt"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip46"
)

// packedRules are rules in little memory. A decision unpacks, and makes ready, those
// that can speak of its operation; what all the others speak of is known of each in a
// few bytes.
type packedRules struct {
	text  bunker.PackedRules
	reach []reach // of each rule, in the same order
}

// reach is what a rule can speak of, at most: it may be less.
type reach struct {
	methods  uint8      // as bits, in the order of judged
	from, to nostr.Kind // of sign_event; none where from is beyond to
}

// reachBytes is what one takes.
const reachBytes = 6

// methodBit is a method's in a reach; 0 for one that no rule is about.
func methodBit(m nip46.Method) uint8 {
	switch m {
	case nip46.SignEvent:
		return 1
	case nip46.NIP04Encrypt:
		return 2
	case nip46.NIP04Decrypt:
		return 4
	case nip46.NIP44Encrypt:
		return 8
	case nip46.NIP44Decrypt:
		return 16
	}
	return 0
}

// reachOf is what a rule speaks of at most.
func reachOf(r *rule) reach {
	out := reach{from: anyKind}
	for _, p := range r.parts {
		out.methods |= methodBit(p.method)
		if p.method == nip46.SignEvent {
			out.widen(p.kinds)
		}
	}
	if len(r.Kinds) > 0 { // they narrow it
		k := reach{from: anyKind}
		k.widen(r.Kinds)
		out.from, out.to = max(out.from, k.from), min(out.to, k.to)
	}
	return out
}

// widen adds ranges of kinds; none are every kind.
func (r *reach) widen(ranges []bunker.KindRange) {
	w := wide{from: r.from, to: r.to}
	w.reach(ranges)
	r.from, r.to = w.from, w.to
}

// holds reports whether a rule may speak of an operation.
func (r *reach) holds(o *Operation) bool {
	if o.Template == nil {
		return r.methods&methodBit(o.Method) != 0
	}
	return r.methods&1 != 0 && o.Template.Kind >= r.from && o.Template.Kind <= r.to
}

// compilePacked makes a set of packed rules: each is unpacked and made ready once, to
// see that it can be.
func compilePacked(text bunker.PackedRules) (*ruleset, error) {
	n, err := text.Len()
	if err != nil {
		return nil, err
	}
	set := &ruleset{packedRules: &packedRules{text: text, reach: make([]reach, 0, n)}}
	var bad error
	err = text.Each(func(_ int, one bunker.PackedRule) bool {
		r, err := unpackRule(one)
		if err != nil {
			bad = fmt.Errorf("rule %s: %w", bunker.Display(r.ID, 64), err)
			return false
		}
		set.note(r)
		set.reach = append(set.reach, reachOf(r))
		return true
	})
	return set, errors.Join(err, bad)
}

// unpackRule makes one rule ready; where that fails it tells whose id it is, if it can.
func unpackRule(one bunker.PackedRule) (*rule, error) {
	b, err := one.Unpack()
	if err != nil {
		return &rule{Rule: &b}, err
	}
	r, err := compileRule(&b, rightSets())
	return &r, err
}

// each calls f with the rules that can speak of an operation, in order. It returns false
// where any of these cannot be read, or there is no telling how many there are.
func (p *packedRules) each(o *Operation, f func(*rule)) bool {
	if p == nil {
		return false
	}
	n, err := p.text.Len()
	if err != nil || n != len(p.reach) {
		return false
	}
	good := true
	err = p.text.Each(func(i int, one bunker.PackedRule) bool {
		if !p.reach[i].holds(o) {
			return true
		}
		r, err := unpackRule(one)
		if err != nil {
			good = false
			return false
		}
		f(r)
		return true
	})
	return good && err == nil
}

// unpack makes all of them ready.
func (p *packedRules) unpack() (*readyRules, error) {
	if p == nil {
		return nil, errors.New("there are no rules")
	}
	list, err := p.text.Unpack()
	if err != nil {
		return nil, err
	}
	return compileRules(list)
}

// bytes is what they take.
func (p *packedRules) bytes() int { return len(p.text) + reachBytes*len(p.reach) }
