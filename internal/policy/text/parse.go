package text

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/pelletier/go-toml/v2"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/policy"
)

// Text is a policy that was read, with the places of what it says.
type Text struct {
	// Policy has Name, Description, Zone and Rules; the rest is the store's.
	Policy bunker.Policy
	places *places
}

// Parse reads a policy in its text form. Rules without an id get one that follows
// from what they say. What it returns is not checked yet: see [Text.Check].
//
// The problems are all that were found, in the order of the text; where there is
// one, the policy is not to be used. An unknown key is a problem with its line.
func Parse(b []byte) (*Text, []Problem) {
	if len(b) > MaxText {
		return nil, []Problem{{Words: fmt.Sprintf("the policy is larger than %d KiB", MaxText>>10), Hint: "split it into several policies"}}
	}
	if !utf8.Valid(b) {
		return nil, []Problem{{Words: "the file is not UTF-8 text", Hint: "save it as UTF-8"}}
	}
	b = bytes.TrimPrefix(b, []byte("\uFEFF")) // what some editors put first
	var tree map[string]any
	if err := toml.Unmarshal(b, &tree); err != nil {
		return nil, []Problem{tomlProblem(err)}
	}
	r := &reader{places: locate(b), zone: time.UTC}
	p := r.policy(tree)
	if len(r.problems) > 0 {
		slices.SortStableFunc(r.problems, func(a, b Problem) int { return a.Line - b.Line })
		return nil, r.problems
	}
	return &Text{Policy: p, places: r.places}, nil
}

// tomlProblem is the decoder's error with its line.
func tomlProblem(err error) Problem {
	p := Problem{Words: strings.TrimPrefix(err.Error(), "toml: "), Hint: "see docs/policies-text.md for the form"}
	var bad *toml.DecodeError
	if errors.As(err, &bad) {
		p.Line, _ = bad.Position()
		p.Field = clip(strings.Join(bad.Key(), "."))
	}
	p.Words = bunker.Display(p.Words, 200)
	return p
}

// reader turns a decoded tree into a policy and collects what is wrong.
type reader struct {
	places   *places
	zone     *time.Location
	problems []Problem
	// The rule that is being read.
	rule string // what people call it
	path string // of its keys
}

// field is a key of the text form and what reads its value.
type field struct {
	name string
	read func(r *reader, at string, v any)
}

// fail notes a problem at a key of the rule (or of the policy).
func (r *reader) fail(at, hint, format string, args ...any) {
	if len(r.problems) >= MaxProblems {
		return
	}
	path := at
	if r.path != "" {
		path = pathOf(r.path, at)
	}
	r.problems = append(r.problems, Problem{
		Rule: r.rule, Field: clip(strings.ReplaceAll(at, "/", ".")), Words: fmt.Sprintf(format, args...), Hint: hint, Line: r.places.line(path),
	})
}

// table reads the keys of a table, in the order of the list; a key that is not in
// it is a problem.
func (r *reader) table(at string, tree map[string]any, fields []field) {
	known := make([]string, 0, len(fields))
	for _, f := range fields {
		known = append(known, f.name)
		if v, ok := tree[f.name]; ok {
			f.read(r, under(at, f.name), v)
		}
	}
	for _, k := range sortedKeys(tree) {
		if !slices.Contains(known, k) {
			r.fail(under(at, k), didYouMean(k, known), "there is no key %q here", clip(k))
		}
	}
}

func under(at, key string) string {
	if at == "" {
		return key
	}
	return pathOf(at, key)
}

func (r *reader) policy(tree map[string]any) (p bunker.Policy) {
	r.table("", tree, []field{
		{"name", func(r *reader, at string, v any) { p.Name = r.string(at, v) }},
		{"description", func(r *reader, at string, v any) { p.Description = r.string(at, v) }},
		{"zone", func(r *reader, at string, v any) {
			p.Zone = r.string(at, v)
			if zone, err := policy.Zone(p.Zone); err == nil { // else the check says so
				r.zone = zone
			}
		}},
		{"rule", func(r *reader, at string, v any) { p.Rules = r.rules(at, v) }},
	})
	return p
}

// rules reads the array of tables.
func (r *reader) rules(at string, v any) []bunker.Rule {
	list, ok := v.([]any)
	if !ok {
		r.fail(at, "begin each rule with a line [[rule]], two brackets on each side", "%s is no list of rules", typeName(v))
		return nil
	}
	if len(list) > MaxRules {
		r.fail(at, "split it into several policies", "the policy has %d rules; at most %d are allowed", len(list), MaxRules)
		return nil
	}
	rules := make([]bunker.Rule, len(list))
	for i, v := range list {
		r.rule, r.path = "rule "+strconv.Itoa(i+1), pathOf(at, strconv.Itoa(i))
		tree, ok := v.(map[string]any)
		if !ok {
			r.fail("", "begin each rule with a line [[rule]]", "%s is no rule", typeName(v))
			continue
		}
		if id, ok := tree["id"].(string); ok && id != "" {
			r.rule = clip(id)
		}
		rules[i] = r.one(tree)
	}
	r.rule, r.path = "", ""
	nameRules(rules)
	return rules
}

// one reads one rule.
func (r *reader) one(tree map[string]any) (out bunker.Rule) {
	r.table("", tree, ruleFields(&out))
	if _, ok := tree["effect"]; !ok {
		r.fail("effect", `write effect = "allow", "ask" or "deny"`, "the rule does not say whether it allows, asks or denies")
	}
	return out
}

// ruleFields are the keys of a rule, and where their values go.
func ruleFields(out *bunker.Rule) []field {
	return []field{
		{"id", func(r *reader, at string, v any) {
			if out.ID = r.string(at, v); out.ID == "" {
				r.fail(at, "leave it out, and the rule gets one", "the id is empty")
			}
		}},
		{"note", func(r *reader, at string, v any) { out.Note = r.string(at, v) }},
		{"effect", func(r *reader, at string, v any) { out.Effect = r.effect(at, v) }},
		{"rights", func(r *reader, at string, v any) { out.Rights = r.strings(at, v) }},
		{"methods", func(r *reader, at string, v any) { out.Methods = r.strings(at, v) }},
		{"kinds", func(r *reader, at string, v any) { out.Kinds = each(r, at, v, parseKinds) }},
		{"peers", func(r *reader, at string, v any) { out.Peers = each(r, at, v, parsePeer) }},
		{"results", func(r *reader, at string, v any) { out.Results = each(r, at, v, parseWord[bunker.DecryptResult]) }},
		{"tags", func(r *reader, at string, v any) { out.Tags = r.tags(at, v) }},
		{"content", func(r *reader, at string, v any) { out.Content = r.content(at, v) }},
		{"skew", func(r *reader, at string, v any) { out.MaxSkew = r.period(at, v) }},
		{"hours", func(r *reader, at string, v any) { out.Hours = each(r, at, v, parseWindow) }},
		{"doors", func(r *reader, at string, v any) { out.Doors = each(r, at, v, parseWord[bunker.Door]) }},
		{"relays", func(r *reader, at string, v any) { out.Relays = each(r, at, v, parseRelay) }},
		{"budget", func(r *reader, at string, v any) { out.Budget = r.budget(at, v) }},
		{"expires", func(r *reader, at string, v any) {
			ms, err := parseInstant(v, r.zone)
			if err == nil && ms <= 0 {
				err = errors.New("the date is long past")
			}
			if out.ExpiresAt = ms; err != nil {
				r.fail(at, "", "%s", err)
			}
		}},
		{"for", func(r *reader, at string, v any) { out.For = r.period(at, v) * 1000 }},
		{"quorum", func(r *reader, at string, v any) { out.Quorum = int(r.number(at, v)) }},
	}
}

// nameRules gives the rules without an id theirs.
func nameRules(rules []bunker.Rule) {
	taken := make(map[string]bool, len(rules))
	for i := range rules {
		taken[rules[i].ID] = true
	}
	for i := range rules {
		if rules[i].ID != "" {
			continue
		}
		base := RuleID(&rules[i])
		id := base
		for n := 2; taken[id]; n++ {
			tail := "-" + strconv.Itoa(n)
			id = strings.TrimRight(base[:min(len(base), MaxID-len(tail))], "-") + tail
		}
		taken[id] = true
		rules[i].ID = id
	}
}
