package text

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"nsecbunker/internal/bunker"
)

// checked reads a text and checks it.
func checked(t *testing.T, s string) []Problem {
	t.Helper()
	text, problems := Parse([]byte(s))
	if text == nil {
		t.Fatalf("%v", problems)
	}
	return text.Check(now)
}

func TestRefusalsNameTheRuleTheFieldTheReasonAndTheNextStep(t *testing.T) {
	for _, c := range []struct{ rule, want, hint string }{
		{`effect = "deny"` + "\n" + `methods = "sign_evnt"`, `rule deny-sign-evnt, methods: there is no method "sign_evnt"`, `did you mean "sign_event"?`},
		{`effect = "deny"` + "\n" + `methods = "ping"`, `rule deny-ping, methods: ping is no method that rules are about: it comes with being connected`, `leave it out`},
		{`effect = "deny"` + "\n" + `methods = "all"`, `rule deny-all, methods: all is no method`, `leave methods out`},
		{`effect = "deny"` + "\n" + `rights = "pots"`, `rule deny-pots, rights: there is no right set "pots"`, `did you mean "post"?`},
		{`effect = "deny"` + "\n" + `results = "wrapp"`, `rule deny-wrapp, results: there is no result "wrapp" of a decryption`, `did you mean "wrap"?`},
		{`effect = "deny"` + "\n" + `doors = "system"`, `rule deny-door-system, doors: apps have no door "system"`, `write one of relay, http`},
		{`effect = "deny"` + "\n" + `id = "Not An Id"`, `rule 1, id: its id is "Not An Id", and must be`, `write for example notes`},
		{`effect = "deny"` + "\n" + `note = " x"`, `rule deny-everything, note: it has characters that cannot be shown, line ends, or spaces at its ends`, `leave them out`},

		{`effect = "deny"` + "\n" + `kinds = 1` + "\n" + `methods = ["nip44_encrypt"]`, `kinds: kinds is about sign_event; nip44_encrypt has none, so this rule can never match it`, `write a rule of its own for nip44_encrypt`},
		{`effect = "deny"` + "\n" + `kinds = 1` + "\n" + `methods = ["sign_event", "nip44_decrypt"]`, `kinds: kinds is about sign_event; nip44_decrypt has none`, `write a rule of its own`},
		{`effect = "deny"` + "\n" + `peers = "` + alice.String() + `"` + "\n" + `methods = "sign_event"`, `peers: peers is about nip04_encrypt, nip44_encrypt, nip04_decrypt or nip44_decrypt; sign_event has none`, `write a rule of its own for sign_event`},
		{`effect = "deny"` + "\n" + `results = "dm"` + "\n" + `methods = "nip44_encrypt"`, `results: results is about nip04_decrypt or nip44_decrypt; nip44_encrypt has none`, `write a rule`},
		{`effect = "deny"` + "\n" + `results = "dm"` + "\n" + `kinds = 4`, `results: kinds is about sign_event and results about nip04_decrypt or nip44_decrypt: no operation is both`, `write two rules`},
		{`effect = "deny"` + "\n" + `skew = "1h"` + "\n" + `peers = "` + alice.String() + `"`, `peers: skew is about sign_event and peers about`, `write two rules`},
		{`effect = "allow"` + "\n" + `rights = "react"` + "\n" + `kinds = 1`, `rights: the right "react" has nothing that fits the rule's other parts, so it can never match`, `write a rule of its own for it`},
		{`effect = "deny"` + "\n" + `doors = "http"` + "\n" + `relays = "wss://r.example"`, `relays: what comes in by http comes by no relay`, `add the door relay`},

		{`effect = "deny"` + "\n" + `content = {min = 9, max = 3}`, `content.min: no content has at least 9 and at most 3 characters`, `swap the two`},
		{`effect = "deny"` + "\n" + `content = {max = 3, words = ["hello"]}`, `content.words: every word is longer than the content may be`, `raise content.max`},
		{`effect = "deny"` + "\n" + `content = {pattern = '(a'}`, "content.pattern: it is no regular expression: missing closing ): `(a`", `only RE2 is understood`},
		{`effect = "deny"` + "\n" + `content = {pattern = '(?=a)'}`, "content.pattern: it is no regular expression: invalid or unsupported Perl syntax", `only RE2 is understood`},
		{`effect = "deny"` + "\n" + `content = {pattern = '(a)\1'}`, "content.pattern: it is no regular expression: invalid escape sequence", `only RE2 is understood`},
		{`effect = "deny"` + "\n" + `content = {pattern = '(abcde){900}'}`, "content.pattern: the expression is too large once its repetitions are written out", `make its repetitions smaller`},
		{`effect = "deny"` + "\n" + `content = {pattern = '` + strings.Repeat("a", MaxPattern+1) + `'}`, fmt.Sprintf("content.pattern: the expression is longer than %d bytes", MaxPattern), `use words`},

		{`effect = "deny"` + "\n" + `hours = ["mon 08:00-12:00", "mon-wed 11:59-13:00"]`, `hours: mon-wed 11:59-13:00 overlaps a window before it, or itself`, `join the two`},
		{`effect = "deny"` + "\n" + `hours = ["mon 22:00-06:00", "tue 05:00-07:00"]`, `hours: tue 05:00-07:00 overlaps`, `join the two`},
		{`effect = "deny"` + "\n" + `hours = ["sun 22:00-06:00", "mon 05:00-07:00"]`, `hours: mon 05:00-07:00 overlaps`, `join the two`},
		{`effect = "deny"` + "\n" + `hours = "mon,mon 08:00-09:00"`, `hours: mon,mon 08:00-09:00 overlaps a window before it, or itself`, `join the two`},
		{`effect = "deny"` + "\n" + `hours = "08:00-08:00"`, `hours: 08:00-08:00 begins when it ends: the window is empty`, `for the whole day name the day alone`},

		{`effect = "deny"` + "\n" + `expires = 2026-11-29`, `expires: the rule ended on 29 November 2026`, `remove the rule, or give it a later date`},
		{`effect = "deny"` + "\n" + `expires = 2026-11-29T12:00:00Z`, `expires: the rule ended on 29 November 2026, 12:00`, `remove the rule`},
		{`effect = "deny"` + "\n" + `expires = 2026-12-01` + "\n" + `hours = "wed"`, `hours: none of its hours comes before it expires on 1 December 2026`, `make expires later`},

		{`effect = "ask"` + "\n" + `budget = {day = 3}`, `budget: only a rule that allows has uses to count; this one says ask`, `leave it out`},
		{`effect = "deny"` + "\n" + `budget = {day = 3}`, `budget: only a rule that allows has uses to count; this one says deny`, `leave it out`},
		{`effect = "allow"` + "\n" + `budget = {per = "key"}`, `budget: it has no limit`, `write minute, hour, day or total`},
		{`effect = "allow"` + "\n" + `budget = {day = 3, hour = 5}`, `budget.day: 3 for day is less than 5 for hour, which then can never be reached`, `leave hour out, or make it 3 at most`},
		{`effect = "allow"` + "\n" + `budget = {day = 3, total = 2}`, `budget.total: 2 for total is less than 3 for day`, `leave day out`},
		{`effect = "allow"` + "\n" + `budget = {day = 3, per = "person"}`, `budget.per: uses cannot be counted per "person"`, `write one of connection, key, policy`},
		{`effect = "allow"` + "\n" + `budget = {day = 3, when_spent = "allow"}`, `budget.when_spent: a budget that allows when it is spent limits nothing`, `write deny or ask`},
		{`effect = "deny"` + "\n" + `quorum = 2`, `quorum: only a rule that asks has approvers to count; this one says deny`, `leave it out`},
		{`effect = "ask"` + "\n" + `quorum = 99`, `quorum: 99 is no number of approvers`, `write a number from 1 to 32`},
		{`effect = "deny"` + "\n" + `[[rule]]` + "\n" + `effect = "deny"` + "\n" + `id = "deny-everything-2"` + "\n" + `[[rule]]` + "\n" + `id = "deny-everything-2"` + "\n" + `effect = "ask"`, `line 8, rule deny-everything-2, id: two rules are named deny-everything-2: numbers 2 and 3`, `give one of them another id`},
	} {
		var got *Problem
		all := checked(t, "name = \"x\"\n[[rule]]\n"+c.rule)
		for i := range all {
			if !all[i].Warning {
				got = &all[i]
				break
			}
		}
		switch {
		case got == nil:
			t.Errorf("%s\nis not refused", c.rule)
		case !strings.Contains(got.String(), c.want) || !strings.HasPrefix(got.Hint, c.hint) || got.Line < 2 || got.Rule == "":
			t.Errorf("%s\nis refused by\n%s\n%s\nwant\n%s\n%s", c.rule, got, got.Hint, c.want, c.hint)
		}
	}
}

func TestRefusalsOfThePolicyItself(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", "name: the policy has no name"},
		{"name = \"x\"\nzone = \"Europe/Atlantis\"", `line 2, zone: "Europe/Atlantis" is the name of no time zone`},
		{"name = \"x\"\nzone = \"Local\"", `line 2, zone: Local means another time zone on each machine`},
		{"name = \"x\\u202e\"", `line 1, name: "x" is no name: it is 1 to 64 letters, digits, dots, hyphens and underscores`},
		{"name = \"" + strings.Repeat("x", MaxName+1) + "\"", "line 1, name: \"" + strings.Repeat("x", maxClip-1) + "…\" is no name"},
		{"name = \"two words\"", `line 1, name: "two words" is no name`},
		{"name = \".x\"", `line 1, name: ".x" is no name`},
		{"name = \"x\"\ndescription = \"" + strings.Repeat("x", MaxDescription+1) + "\"", "line 2, description: it has 1001 characters"},
	} {
		if got := checked(t, c.text); len(got) == 0 || !strings.HasPrefix(got[0].String(), c.want) || got[0].Hint == "" {
			t.Errorf("%q: %v, want %s", c.text, got, c.want)
		}
	}
}

// TestEveryBoundHolds: one more than each bound is refused, the bound is not.
func TestEveryBoundHolds(t *testing.T) {
	many := func(n int, entry func(i int) string) string {
		var out []string
		for i := range n {
			out = append(out, entry(i))
		}
		return "[" + strings.Join(out, ", ") + "]"
	}
	rules := func(n int, rule string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "[[rule]]\nid = \"r%d\"\n%s\n", i, rule)
		}
		return b.String()
	}
	one := "[[rule]]\neffect = \"deny\"\n"
	for name, bound := range map[string]struct {
		most int
		text func(n int) string
	}{
		"rules":    {MaxRules, func(n int) string { return rules(n, `effect = "deny"`) }},
		"patterns": {MaxPatterns, func(n int) string { return rules(n, "effect = \"deny\"\ncontent = {pattern = 'x'}") }},
		"budgets":  {MaxBudgets, func(n int) string { return rules(n, "effect = \"allow\"\nkinds = 1\nbudget = {day = 1}") }},
		"kinds":    {MaxItems, func(n int) string { return one + "kinds = " + many(n, func(i int) string { return fmt.Sprint(i) }) }},
		"values": {MaxItems, func(n int) string {
			return one + "tags = {p = " + many(n, func(i int) string { return fmt.Sprintf("\"%d\"", i) }) + "}"
		}},
		"words": {MaxItems, func(n int) string {
			return one + "content = {words = " + many(n, func(i int) string { return fmt.Sprintf("\"%d\"", i) }) + "}"
		}},
		"tags": {MaxItems, func(n int) string {
			return one + "tags = {" + strings.Trim(many(n, func(i int) string { return fmt.Sprintf("t%d = \"x\"", i) }), "[]") + "}"
		}},
		"value":       {MaxValue, func(n int) string { return one + "tags = {p = \"" + strings.Repeat("x", n) + "\"}" }},
		"name of tag": {MaxTagName, func(n int) string { return one + "tags = {" + strings.Repeat("x", n) + " = \"x\"}" }},
		"word":        {MaxWord, func(n int) string { return one + "content = {words = \"" + strings.Repeat("x", n) + "\"}" }},
		"note":        {MaxNote, func(n int) string { return one + "note = \"" + strings.Repeat("x", n) + "\"" }},
		"id":          {MaxID, func(n int) string { return one + "id = \"" + strings.Repeat("x", n) + "\"" }},
		"length":      {MaxLength, func(n int) string { return one + fmt.Sprintf("content = {max = %d}", n) }},
		"tag count":   {MaxTagCount, func(n int) string { return one + fmt.Sprintf("tags = {p = {max = %d}}", n) }},
		"uses": {MaxUses, func(n int) string {
			return fmt.Sprintf("[[rule]]\neffect = \"allow\"\nkinds = 1\nbudget = {total = %d}", n)
		}},
		"quorum": {MaxQuorum, func(n int) string { return fmt.Sprintf("[[rule]]\neffect = \"ask\"\nquorum = %d", n) }},
		"for":    {MaxPeriod, func(n int) string { return one + fmt.Sprintf("for = \"%ds\"", n) }},
		"skew":   {MaxPeriod, func(n int) string { return one + fmt.Sprintf("skew = \"%ds\"", n) }},
		"year":   {MaxYear, func(n int) string { return one + fmt.Sprintf("expires = \"%d-12-31\"", n) }},
		"text":   {MaxText, func(n int) string { return "#" + strings.Repeat("x", n-len("name = \"x\"\n#")) }},
	} {
		for more, wantRefused := range []bool{false, true} {
			var refused bool
			text, problems := Parse([]byte("name = \"x\"\n" + bound.text(bound.most+more)))
			if text == nil {
				refused = len(problems) > 0
			} else {
				no, _ := Split(text.Check(now))
				refused = len(no) > 0
				problems = no
			}
			if refused != wantRefused {
				t.Errorf("%s: %d is refused: %v (%v)", name, bound.most+more, refused, problems)
			}
		}
	}
}

// TestRulesFromJSONAreCheckedAlike: what the text form cannot even say is refused
// where it comes as JSON.
func TestRulesFromJSONAreCheckedAlike(t *testing.T) {
	for rules, want := range map[string]string{
		`[{"id":"a","effect":"deny","kinds":[]}]`:                                                                           "rule a, kinds: the list is empty",
		`[{"id":"a","effect":"deny","kinds":[{"from":3,"to":1}]}]`:                                                          "rule a, kinds: 3-1 begins after it ends",
		`[{"id":"","effect":"deny"}]`:                                                                                       `rule 1, id: its id is ""`,
		`[{"id":"a-","effect":"deny"}]`:                                                                                     `rule 1, id: its id is "a-"`,
		`[{"id":"a","effect":"deny","hours":[{"days":["foo"],"from":0,"to":1}]}]`:                                           `rule a, hours: "foo" is no day of the week`,
		`[{"id":"a","effect":"deny","hours":[{"from":-1,"to":9}]}]`:                                                         `rule a, hours: window 1 is outside of the day`,
		`[{"id":"a","effect":"deny","hours":[{"from":1440,"to":9}]}]`:                                                       `rule a, hours: window 1 is outside of the day`,
		`[{"id":"a","effect":"deny","hours":[{"days":["mon","mon","mon","mon","mon","mon","mon","mon"],"from":0,"to":9}]}]`: `rule a, hours: window 1 has 8 days`,
		`[{"id":"a","effect":"deny","relays":["WSS://x.example/"]}]`:                                                        `rule a, relays: "WSS://x.example/" is not the usual spelling`,
		`[{"id":"a","effect":"deny","tags":[{"name":"p","values":["x"]},{"name":"p","max":1}]}]`:                            `rule a, tags.p: the tag is named twice`,
		`[{"id":"a","effect":"deny","tags":[{"name":"p","values":["x"],"absent":true}]}]`:                                   `rule a, tags.p: the tag must not be there, and must have one of 1 values`,
		`[{"id":"a","effect":"deny","tags":[{"name":"p","max":3,"absent":true}]}]`:                                          `rule a, tags.p: the tag must not be there, so there is nothing to count`,
		`[{"id":"a","effect":"deny","tags":[{"name":""}]}]`:                                                                 `rule a, tags: "" is no name of a tag`,
		`[{"id":"a","effect":"deny","content":{}}]`:                                                                         `rule a, content: it says nothing about the content`,
		`[{"id":"a","effect":"deny","content":{"min_length":-1}}]`:                                                          `rule a, content.min: -1 is no length`,
		`[{"id":"a","effect":"deny","content":{"words":[""]}}]`:                                                             `rule a, content.words: a word is empty`,
		`[{"id":"a","effect":"deny","max_skew":-1}]`:                                                                        `rule a, skew: -1 seconds are no such time`,
		`[{"id":"a","effect":"deny","for":1}]`:                                                                              `rule a, for: 1 ms are no whole seconds`,
		`[{"id":"a","effect":"deny","for":-1000}]`:                                                                          `rule a, for: -1000 ms are no such time`,
		`[{"id":"a","effect":"deny","expires_at":-1}]`:                                                                      `rule a, expires: the date is out of reach`,
		`[{"id":"a","effect":"deny","quorum":-1}]`:                                                                          `rule a, quorum: only a rule that asks`,
		`[{"id":"a","effect":"allow","budget":{"per_day":-1,"total":3}}]`:                                                   `rule a, budget.day: -1 is no number of uses`,
		`[{"id":"a","effect":"deny","peers":["0000000000000000000000000000000000000000000000000000000000000000"]}]`:         `rule a, peers: entry 1 is no public key`,
	} {
		p := bunker.Policy{Name: "x"}
		if err := json.Unmarshal([]byte(rules), &p.Rules); err != nil {
			t.Fatal(rules, err)
		}
		if got := Check(&p, now); len(got) == 0 || !strings.HasPrefix(got[0].String(), want) || got[0].Warning {
			t.Errorf("%s: %v, want %s", rules, got, want)
		}
		_ = Print(&p) // whatever it is, printing and telling it does not fail
		_ = Summary(&p)
		_ = Compare(&p, &p, now)
	}
}

func TestRefusalIsTheErrorForWhoSentIt(t *testing.T) {
	p := bunker.Policy{Name: "x", Rules: []bunker.Rule{{ID: "a", MaxSkew: -1}, {ID: "a"}}}
	e := bunker.AsError(Refusal(Check(&p, now)))
	if e.Code != bunker.CodeInvalid || e.Field != "rules.a.skew" || e.Words != "rule a, skew: -1 seconds are no such time (and 1 more)" || e.Hint == "" {
		t.Errorf("%+v", e)
	}
	if err := Refusal(Check(&bunker.Policy{Name: "x"}, now)); err != nil {
		t.Errorf("a warning became an error: %v", err)
	}
}

func TestGoodRulesAreNotRefused(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := policies().Draw(t, "policy")
		if no, _ := Split(Check(p, now)); len(no) > 0 {
			t.Fatalf("%v\n%s", no, Print(p))
		}
	})
}

func TestWarningsSayWhatTheAuthorMayNotHaveMeant(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", "the policy has no rules"},
		{"[[rule]]\neffect = \"allow\"\nrights = \"post\"\nhours = \"mon\"", "zone: no zone is named, so its hours are in UTC"},
		{"[[rule]]\neffect = \"allow\"", "rule allow-everything: it allows everything but what needs special care"},
		{"[[rule]]\neffect = \"allow\"\nkinds = 5", "rule allow-kind-5, kinds: it allows deletion request (kind 5) unasked: it deletes events"},
		{"[[rule]]\neffect = \"allow\"\nkinds = [1, \"9000-9030\"]", "kinds: it allows kinds 9000 to 9030 unasked: it administers groups"},
		{"[[rule]]\neffect = \"allow\"\nrights = \"delete\"", "rights: it allows deletion request (kind 5) unasked"},
		{"[[rule]]\neffect = \"allow\"\nkinds = 62", "kinds: kind 62 is asked each time, whatever a rule allows: it asks every relay to erase the account, for ever"},
		{"[[rule]]\neffect = \"allow\"\nkinds = 24133", "kinds: kind 24133 is never signed, whatever a rule allows"},
		{"[[rule]]\neffect = \"allow\"\nmethods = \"nip44_decrypt\"\nresults = \"self\"", "results: it allows decrypting what the account keeps for itself"},
		{"[[rule]]\neffect = \"allow\"\nkinds = 1\n[[rule]]\neffect = \"deny\"\nkinds = \"0-9\"", "rule allow-kind-1: it allows nothing: rule deny-kind-0-9 denies everything that it is about"},
		{"[[rule]]\neffect = \"ask\"\nrights = \"react\"\nhours = \"mon\"\n[[rule]]\neffect = \"deny\"\nmethods = \"sign_event\"", "rule ask-react: it never asks: rule deny-sign-event denies everything"},
		{"[[rule]]\neffect = \"allow\"\nkinds = 1\ntags = {t = [\"ab\"]}\n[[rule]]\neffect = \"ask\"\ntags = {t = \"a*\"}", "it settles nothing: rule ask-t asks about everything that it allows"},
		{"[[rule]]\neffect = \"deny\"\nkinds = 4\ncontent = {words = \"x\"}", "rule deny-kind-4, content: the content of these kinds is encrypted"},
	} {
		var words []string
		for _, p := range checked(t, "name = \"x\"\n"+c.text) {
			if p.Warning && p.Hint != "" {
				words = append(words, p.String())
			} else {
				t.Errorf("%s is refused: %s", c.text, p)
			}
		}
		if !strings.Contains(strings.Join(words, "\n"), c.want) {
			t.Errorf("%s\ngives %q, want %s", c.text, words, c.want)
		}
	}
	for _, quiet := range []string{
		"zone = \"UTC\"\n[[rule]]\neffect = \"allow\"\nrights = \"post\"\nhours = \"mon\"",
		"[[rule]]\neffect = \"allow\"\nkinds = [1, \"30000-39999\"]\n[[rule]]\neffect = \"deny\"\nkinds = \"30000-30001\"",
		"[[rule]]\neffect = \"allow\"\nkinds = \"0-9999\"", // names none of the kinds that need care
		"zone = \"UTC\"\n[[rule]]\neffect = \"allow\"\nkinds = 1\n[[rule]]\neffect = \"deny\"\nkinds = 1\nhours = \"mon-sat\"",
		"[[rule]]\neffect = \"allow\"\nkinds = 1\n[[rule]]\neffect = \"deny\"\nkinds = 1\ncontent = {words = \"x\"}",
		"[[rule]]\neffect = \"allow\"\nkinds = 1\n[[rule]]\neffect = \"deny\"\nkinds = 1\nexpires = 2027-01-01",
	} {
		if got := checked(t, "name = \"x\"\n"+quiet); len(got) > 0 {
			t.Errorf("%s\ngives %v", quiet, got)
		}
	}
}
