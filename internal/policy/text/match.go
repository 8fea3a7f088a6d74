package text

import (
	"strings"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr/nip46"
)

// aspect is a part of the matcher that only some methods have.
type aspect struct {
	field   string
	set     bool
	methods []string
}

// aspectsOf lists the parts that are set, with the methods that they can fit.
func aspectsOf(r *bunker.Rule) []aspect {
	sign := []string{string(nip46.SignEvent)}
	decrypt := []string{string(nip46.NIP04Decrypt), string(nip46.NIP44Decrypt)}
	peer := append([]string{string(nip46.NIP04Encrypt), string(nip46.NIP44Encrypt)}, decrypt...)
	var out []aspect
	for _, p := range []aspect{
		{"kinds", len(r.Kinds) > 0, sign}, {"tags", len(r.Tags) > 0, sign}, {"content", r.Content != nil, sign}, {"skew", r.MaxSkew != 0, sign},
		{"peers", len(r.Peers) > 0, peer}, {"results", len(r.Results) > 0, decrypt},
	} {
		if p.set {
			out = append(out, p)
		}
	}
	return out
}

// match refuses a rule whose parts no operation fits together.
func (c *checker) match(r *bunker.Rule) {
	parts := aspectsOf(r)
	for i, p := range parts {
		for _, m := range r.Methods {
			if !contains(p.methods, m) {
				c.refuse(p.field, "write a rule of its own for "+m, "%s is about %s; %s has none, so this rule can never match it", p.field, orList(p.methods), m)
				return
			}
		}
		for _, q := range parts[:i] {
			if !meet(p.methods, q.methods) {
				c.refuse(p.field, "write two rules", "%s is about %s and %s about %s: no operation is both, so the rule can never match", q.field, orList(q.methods), p.field, orList(p.methods))
				return
			}
		}
	}
	if len(r.Relays) > 0 && len(r.Doors) > 0 && !contains(r.Doors, bunker.DoorRelay) {
		c.refuse("relays", "add the door relay, or leave relays out", "what comes in by %s comes by no relay, so the rule can never match", orList(r.Doors))
		return
	}
	for _, name := range r.Rights {
		alone := *r
		alone.Methods, alone.Rights = nil, []string{name}
		if s := spanOf(&alone); s.empty() {
			c.refuse("rights", "write a rule of its own for it", "the right %q has nothing that fits the rule's other parts, so it can never match", name)
			return
		}
	}
}

func contains[T comparable](list []T, v T) bool {
	for _, e := range list {
		if e == v {
			return true
		}
	}
	return false
}

func meet(a, b []string) bool {
	for _, v := range a {
		if contains(b, v) {
			return true
		}
	}
	return false
}

// orList is "a, b or c".
func orList[T ~string](list []T) string { return joined(list, " or ") }

// andList is "a, b and c".
func andList[T ~string](list []T) string { return joined(list, " and ") }

func joined[T ~string](list []T, last string) string {
	var b strings.Builder
	for i, s := range list {
		switch {
		case i == 0:
		case i == len(list)-1:
			b.WriteString(last)
		default:
			b.WriteString(", ")
		}
		b.WriteString(string(s))
	}
	return b.String()
}
