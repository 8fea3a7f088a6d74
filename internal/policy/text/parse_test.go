package text

import (
	"bytes"
	"testing"
	"time"
	_ "time/tzdata" // as the program has it

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr"
)

// parsed reads a text that must be without problems.
func parsed(t interface{ Fatalf(string, ...any) }, b []byte) *bunker.Policy {
	text, problems := Parse(b)
	if len(problems) > 0 {
		t.Fatalf("%v\nof\n%s", problems, b)
	}
	return &text.Policy
}

func TestEveryRuleComesBackFromItsText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := policies().Draw(t, "policy")
		b := Print(p)
		again := parsed(t, b)
		if d := cmp.Diff(p, again); d != "" {
			t.Fatalf("%s\nby way of\n%s", d, b)
		}
		if !bytes.Equal(p.RulesText(), again.RulesText()) {
			t.Fatalf("stored as\n%s\nnot\n%s", again.RulesText(), p.RulesText())
		}
		if second := Print(again); !bytes.Equal(second, b) {
			t.Fatalf("the second print differs:\n%s\nwas\n%s", second, b)
		}
	})
}

func TestTextIsReadAsPeopleWriteIt(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	p := parsed(t, []byte(`
name = "Child"
description = "Weekday afternoons"
zone = "Europe/Berlin"

# Notes and reactions.
[[rule]]
effect = "allow"
rights = ["post", "react"]
hours = ["weekdays 14-18:30", "Sat, Sunday 10:00 – 12:00", "fri - sat 22:00-24:00"]
budget = {day = 20, hour = 5, total = 100, per = "connection", when_spent = "ask"}
expires = 2027-03-01
for = "4 weeks"

[[rule]]
id = "long"
note = "only long ones"
effect = "ask"
kinds = [1, "article", "Short Notes", "30000-39999", "group administration", "all"]
content = {min = 2, max = 280, words = ["school"], pattern = '\d+'}
skew = "10m"
quorum = 2
relays = "WSS://Relay.Example.com:443/"
doors = ["relay"]
expires = 2027-03-01T12:00:00
[rule.tags]
relay = ["wss://relay.example.com"]
p = false
t = {values = "nostr*", max = 3}
e = {max = 1}

[[rule]]
effect = "deny"
methods = "nip44_decrypt"
peers = ["npub180cvv07tjdrrgpa0j7j7tmnyl2yr6yr7l8j4s3evf6u64th6gkwsyjh6w6"]
results = ["self"]
`))
	want := &bunker.Policy{Name: "Child", Description: "Weekday afternoons", Zone: "Europe/Berlin", Rules: []bunker.Rule{{
		ID: "allow-post-react", Effect: bunker.Allow, Rights: []string{"post", "react"},
		Hours: []bunker.Hours{
			{Days: weekdays[:5], From: 14 * 60, To: 18*60 + 30}, {Days: weekdays[5:], From: 600, To: 720}, {Days: weekdays[4:6], From: 22 * 60, To: 24 * 60},
		},
		Budget:    &bunker.Budget{PerDay: 20, PerHour: 5, Total: 100, Per: bunker.PerConnection, WhenSpent: bunker.Ask},
		ExpiresAt: time.Date(2027, 3, 1, 0, 0, 0, 0, berlin).UnixMilli(), For: 28 * 24 * 3600 * 1000,
	}, {
		ID: "long", Note: "only long ones", Effect: bunker.Ask,
		Kinds:   []bunker.KindRange{{From: 1, To: 1}, {From: 30023, To: 30023}, {From: 1, To: 1}, {From: 30000, To: 39999}, {From: 9000, To: 9030}, {From: 0, To: 65535}},
		Content: &bunker.ContentMatch{MinLength: 2, MaxLength: 280, Words: []string{"school"}, Pattern: `\d+`},
		MaxSkew: 600, Quorum: 2, Relays: []string{"wss://relay.example.com"}, Doors: []bunker.Door{bunker.DoorRelay},
		ExpiresAt: time.Date(2027, 3, 1, 12, 0, 0, 0, berlin).UnixMilli(),
		Tags: []bunker.TagMatch{
			{Name: "relay", Values: []string{"wss://relay.example.com"}}, {Name: "p", Absent: true}, {Name: "t", Values: []string{"nostr*"}, Max: 3}, {Name: "e", Max: 1},
		},
	}, {
		ID: "deny-nip44-decrypt-self", Effect: bunker.Deny, Methods: []string{"nip44_decrypt"}, Peers: []nostr.PubKey{alice}, Results: []bunker.DecryptResult{bunker.ResultSelf},
	}}}
	if d := cmp.Diff(want, p); d != "" {
		t.Error(d)
	}
}

func TestProblemsOfTheTextNameTheirLineAndTheNextStep(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want string
		hint string
	}{
		"unknown key":          {"name = \"x\"\nzones = \"UTC\"", `line 2, zones: there is no key "zones" here`, `did you mean "zone"?`},
		"unknown key of rule":  {"name = \"x\"\n[[rule]]\neffect = \"deny\"\nkind = 1", `line 4, rule 1, kind: there is no key "kind" here`, `did you mean "kinds"?`},
		"of the second rule":   {"[[rule]]\neffect = \"deny\"\n\n[[rule]]\nid = \"b\"\neffect = \"deny\"\nmethod = \"x\"", `line 7, rule b, method: there is no key "method" here`, `did you mean "methods"?`},
		"of a budget":          {"[[rule]]\neffect = \"allow\"\nbudget = {\n  days = 3}", `line 4, rule 1, budget.days: there is no key "days" here`, `did you mean "day"?`},
		"nothing like it":      {"[[rule]]\neffect = \"allow\"\ncontent = {zzzzzz = 3}", `line 3, rule 1, content.zzzzzz: there is no key "zzzzzz" here`, `write one of min, max, words, pattern`},
		"effect":               {"[[rule]]\neffect = \"alow\"", `line 2, rule 1, effect: "alow" is no effect`, `did you mean "allow"?`},
		"no effect":            {"[[rule]]\nkinds = 1", `line 1, rule 1, effect: the rule does not say whether it allows, asks or denies`, `write effect = "allow", "ask" or "deny"`},
		"kind":                 {"[[rule]]\neffect = \"deny\"\nkinds = [1,\n \"artcle\"]", `line 4, rule 1, kinds: "artcle" is the name of no kind; did you mean "article"?`, ""},
		"kind too large":       {"[[rule]]\neffect = \"deny\"\nkinds = 65536", `line 3, rule 1, kinds: 65536 is no kind: kinds are 0 to 65535`, ""},
		"range backwards":      {"[[rule]]\neffect = \"deny\"\nkinds = \"9-3\"", `line 3, rule 1, kinds: "9-3" begins after it ends: write "3-9"`, ""},
		"empty list":           {"[[rule]]\neffect = \"deny\"\nkinds = []", `line 3, rule 1, kinds: the list is empty`, "leave the key out if any will do"},
		"hours":                {"[[rule]]\neffect = \"deny\"\nhours = \"mon-fry\"", `line 3, rule 1, hours: "fry" is no day of the week: write mon, tue, wed, thu, fri, sat or sun`, ""},
		"time of day":          {"[[rule]]\neffect = \"deny\"\nhours = \"8:00-25:00\"", `line 3, rule 1, hours: "25:00" is no time of day: write hours and minutes, 00:00 to 24:00`, ""},
		"peer":                 {"[[rule]]\neffect = \"deny\"\npeers = \"npub1xyz\"", `line 3, rule 1, peers: "npub1xyz" is no public key (npub1…): `, ""},
		"relay":                {"[[rule]]\neffect = \"deny\"\nrelays = \"https://x.example\"", `line 3, rule 1, relays: relay address "https://x.example": it must begin with wss:// (or ws:// for a local one)`, ""},
		"period":               {"[[rule]]\neffect = \"deny\"\nfor = \"30x\"", `line 3, rule 1, for: "30x" is no length of time: write for example "30d", "12h" or "10m"`, ""},
		"period without units": {"[[rule]]\neffect = \"deny\"\nfor = 30", `line 3, rule 1, for: 30 is no length of time`, `write for example "30d" or "10m"`},
		"no period":            {"[[rule]]\neffect = \"deny\"\nskew = \"0s\"", `line 3, rule 1, skew: "0s" is no time at all: leave the key out if it does not matter`, ""},
		"date":                 {"[[rule]]\neffect = \"deny\"\nexpires = \"tomorrow\"", `line 3, rule 1, expires: "tomorrow" is no date: write for example 2027-03-01, or 2027-03-01T18:00:00`, ""},
		"negative":             {"[[rule]]\neffect = \"allow\"\nbudget = {day = -1}", `line 3, rule 1, budget.day: -1 is less than 1`, "leave the key out if there is no bound"},
		"no digits":            {"[[rule]]\neffect = \"allow\"\nbudget = {day = \"x\"}", `line 3, rule 1, budget.day: "x" is no whole number`, "write digits without quotes"},
		"rule slipped down":    {"[[rule]]\neffect = \"deny\"\n[rule.tags]\np = \"x\"\nhours = \"mon\"", `line 5, rule 1, tags.hours: the line stands under [rule.tags], so it would be about a tag named "hours"`, `move the line above [rule.tags]; if a tag named "hours" is meant, write tags = {hours = …}`},
		"one bracket":          {"[rule]\neffect = \"deny\"", `line 1, rule: a table is no list of rules`, "begin each rule with a line [[rule]], two brackets on each side"},
		"not TOML":             {"name = \"x\"\nfoo", `line 2: `, "see docs/policies-text.md for the form"},
		"a key twice":          {"name = \"x\"\nname = \"y\"", `line 2`, "see docs/policies-text.md for the form"},
	} {
		t.Run(name, func(t *testing.T) {
			_, problems := Parse([]byte(c.text))
			if len(problems) == 0 {
				t.Fatal("no problem was found")
			}
			got := problems[0]
			if len(got.String()) < len(c.want) || got.String()[:len(c.want)] != c.want || got.Hint != c.hint {
				t.Errorf("%s\nhint %q, want\n%s\nhint %q", got, got.Hint, c.want, c.hint)
			}
		})
	}
}

func TestASecretKeyInTheWrongPlaceIsNotRepeated(t *testing.T) {
	const nsec = "nsec1vl029mgpspedva04g90vltkh6fvh240zqtv9k0t9af8935ke9laqsnlfe5"
	_, problems := Parse([]byte("[[rule]]\neffect = \"deny\"\npeers = \"" + nsec + "\""))
	if len(problems) != 1 || bytes.Contains([]byte(problems[0].String()), []byte(nsec[8:20])) {
		t.Errorf("%v", problems)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("name = \"x\"\n[[rule]]\neffect = \"allow\"\nkinds = [1, \"article\", \"30000-39999\"]\nhours = [\"mon-fri 08:00-18:00\"]\nexpires = 2027-03-01\nfor = \"1d12h\"\n"))
	f.Add([]byte("zone = \"Europe/Berlin\"\n[[rule]]\neffect = \"deny\"\n[rule.tags]\np = false\nrelay = {values = ['a\\b'], max = 2}\n"))
	f.Add([]byte("[[rule]]\nid='a'\neffect='ask'\nquorum=2\nbudget={day=1,per='key',when_spent='ask'}\ncontent={max=3,words=['x'],pattern='\\d'}\n"))
	f.Add([]byte("rule = [{effect='deny',peers='npub180cvv07tjdrrgpa0j7j7tmnyl2yr6yr7l8j4s3evf6u64th6gkwsyjh6w6'},{effect='allow',expires=2027-03-01T12:00:00.5+01:00}]"))
	f.Add([]byte("[[rule]]\n[[rule.tags]]\nx=1\n[rule]\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		text, problems := Parse(b)
		if (text == nil) != (len(problems) > 0) {
			t.Fatalf("%v with %v", text, problems)
		}
		for _, p := range problems {
			if p.Words == "" || bunker.Display(p.Words, 500) != p.Words || p.Line > bytes.Count(b, []byte("\n"))+1 {
				t.Fatalf("%+v", p)
			}
		}
		if text == nil || len(refusals(text)) > 0 {
			return
		}
		out := Print(&text.Policy)
		again := parsed(t, out)
		if d := cmp.Diff(&text.Policy, again); d != "" {
			t.Fatalf("%s\nby way of\n%s", d, out)
		}
		if second := Print(again); !bytes.Equal(out, second) {
			t.Fatalf("%s\nthen\n%s", out, second)
		}
	})
}

func refusals(t *Text) []Problem { no, _ := Split(t.Check(now)); return no }
