package policy

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip46"
)

// source picks from a few values of everything, so that rules and operations meet.
type source struct{ *rand.Rand }

func pick[T any](s source, of ...T) T { return of[s.IntN(len(of))] }

func some[T any](s source, of ...T) (out []T) {
	for _, v := range of {
		if s.IntN(3) == 0 {
			out = append(out, v)
		}
	}
	return out
}

// now and then reports one time in n.
func (s source) rarely(n int) bool { return s.IntN(n) == 0 }

func (s source) kind() nostr.Kind {
	return pick[nostr.Kind](s, 0, 1, 3, 4, 5, 7, 13, 14, 62, 1059, 1111, 9000, 10002, 10050, 13194, 20001, 22242, 24133, 24242, 27235, 30023, 65535)
}

func (s source) rule(i int) bunker.Rule {
	r := bunker.Rule{ID: fmt.Sprintf("r%d", i), Effect: pick(s, bunker.Deny, bunker.Ask, bunker.Allow, bunker.Allow)}
	if s.rarely(3) {
		r.Methods = some(s, "sign_event", "nip44_encrypt", "nip44_decrypt", "nip04_decrypt")
	}
	if s.rarely(3) {
		r.Rights = some(s, "post", "react", "direct-messages", "everything", "delete", "files", "private-data", "logins")
	}
	for range s.IntN(3) {
		k := s.kind()
		r.Kinds = append(r.Kinds, bunker.KindRange{From: k, To: k + pick[nostr.Kind](s, 0, 0, 1, 30)})
	}
	if s.rarely(5) {
		r.Peers = some(s, nostr.PubKey{1}, stranger)
	}
	if s.rarely(5) {
		r.Results = some(s, bunker.ResultDM, bunker.ResultSelf, bunker.ResultWrap, bunker.ResultOther)
	}
	if s.rarely(5) {
		r.Tags = append(r.Tags, bunker.TagMatch{Name: pick(s, "p", "t", ""), Values: some(s, "x", "d*", "delete"), Absent: s.rarely(4), Max: s.IntN(3)})
	}
	if s.rarely(5) {
		r.Content = &bunker.ContentMatch{MinLength: s.IntN(3), MaxLength: s.IntN(5), Words: some(s, "go", "É", "#a"), Pattern: pick(s, "", "", "^a", "[0-9]+")}
	}
	if s.rarely(6) {
		r.MaxSkew = pick[int64](s, 1, 60, 2000)
	}
	if s.rarely(6) {
		r.Hours = append(r.Hours, bunker.Hours{Days: some[bunker.Weekday](s, "fri", "sat"), From: s.IntN(1440), To: s.IntN(1441)})
	}
	if s.rarely(8) {
		r.Doors = some(s, bunker.DoorRelay, bunker.DoorHTTP)
	}
	if s.rarely(8) {
		r.Relays = some(s, "wss://a.example", Embedded)
	}
	if s.rarely(4) {
		r.Budget = &bunker.Budget{Total: int64(s.IntN(3)), PerMinute: int64(s.IntN(3)), PerDay: int64(s.IntN(3)), Per: pick(s, "", bunker.PerKey, bunker.PerPolicy), WhenSpent: pick(s, bunker.Deny, bunker.Ask)}
	}
	if s.rarely(6) {
		r.ExpiresAt = nowMS + pick[int64](s, -1, 0, 1)
	}
	if s.rarely(6) {
		r.For = pick[int64](s, 1, 1000, 1001)
	}
	return r
}

func (s source) operation() *Operation {
	if s.rarely(3) {
		m := pick(s, nip46.NIP44Encrypt, nip46.NIP44Decrypt, nip46.NIP04Encrypt, nip46.NIP04Decrypt)
		o := crypt(m, pick(s, nostr.PubKey{1}, stranger, nostr.PubKey{7}), "")
		if o.decrypts() {
			o.Result = pick(s, "", bunker.ResultDM, bunker.ResultSelf, bunker.ResultWrap, bunker.ResultOther)
		}
		return o
	}
	o := event(s.kind(), pick(s, "", "a", "go on", "É é 12", "#a"), some(s, nostr.Tag{"p", "x"}, nostr.Tag{"t", "delete"}, nostr.Tag{"t"}, nostr.Tag{})...)
	o.Template.CreatedAt += pick[int64](s, 0, 0, 0, 61, -Skew-1)
	o.OffDate, o.Seen = OffDate(o.Template.CreatedAt, nowMS), s.rarely(2)
	return o
}

// input is a connection under one or two policies, with grants.
func (s source) input(t testing.TB) Input {
	list := []*bunker.Policy{{ID: "p1", Name: "one", Version: 3}, {ID: "p2", Name: "two", Version: 1, Zone: "Europe/Paris"}}[:1+s.IntN(2)]
	for _, p := range list {
		for i := range s.IntN(6) {
			p.Rules = append(p.Rules, s.rule(i))
		}
	}
	in := under(t, list...)
	in.Operation = s.operation()
	in.Key.Default = pick(s, bunker.Ask, bunker.Deny)
	in.Key.NpubLogin = s.rarely(3)
	in.Door, in.Relay = bunker.DoorRelay, pick(s, "wss://a.example", Embedded, "")
	if s.rarely(5) {
		in.Guard = "it drops entries"
	}
	for range s.IntN(4) {
		g := bunker.Grant{
			Effect: pick(s, bunker.Allow, bunker.Allow, bunker.Allow, bunker.Deny), Permissions: pick(s, "all", "sign_event:1", "sign_event:5,nip44_decrypt", "sign_event"),
			MaxUses: pick[int64](s, 0, 0, 1, 3), ExpiresAt: pick[int64](s, 0, 0, nowMS, nowMS+1),
			Answers: pick(s, "", "default", "care", "guard", "rule p1/r0@3", "rule p1/r1@3,guard", "rule p1/r0@3,rule p2/r0@1", "spent p1/r0@3"),
		}
		if s.rarely(3) {
			g.OpDigest = in.Operation.Digest()
		}
		in = granted(in, g)
	}
	in.Used = map[bunker.Window]int64{}
	for _, w := range Needs(in).Used {
		in.Used[w] = int64(s.IntN(3))
	}
	return in
}

// recompiled is the input with its policies changed by f.
func recompiled(t testing.TB, in Input, f func(*bunker.Policy)) Input {
	t.Helper()
	var list []*Compiled
	for _, c := range in.Policies {
		p := *c.Policy()
		p.Rules = slices.Clone(p.Rules)
		f(&p)
		list = append(list, compiled(t, &p))
	}
	in.Policies = list
	return in
}

// holdProperties checks what must be so of every decision (issue's "What it must
// reach").
func holdProperties(t *testing.T, s source) {
	in := s.input(t)
	d := Decide(in)
	show := func(what string, got Decision) {
		t.Helper()
		var rules []bunker.Rule
		for _, c := range in.Policies {
			rules = append(rules, c.Policy().Rules...)
		}
		b, err := json.Marshal(rules)
		t.Fatalf("%s: %+v\nbefore: %+v\noperation %+v %+v\ngrants %+v\nrules %s %v", what, got, d, in.Operation, in.Operation.Template, in.Grants, b, err)
	}
	if again := Decide(in); cmp.Diff(d, again) != "" {
		show("decided twice", again)
	}
	decidesThePacked(t, in)
	if (d.Effect == bunker.Allow) == (d.Code != "") || d.Rule == "" || d.Reason == "" || (d.Effect != bunker.Allow) != (d.Needed != "") {
		show("something is not said", d)
	}
	if d.Effect != bunker.Allow && (d.Spend != "" || len(d.Charges) > 0) || d.Effect == bunker.Ask && d.Answers == "" || len(d.SpendAlso) > 0 && d.Spend == "" {
		show("a decision that contradicts itself", d)
	}
	for _, c := range d.Charges {
		if in.Used[c.Window] >= c.Limit || !c.Covers(in.Now) {
			show("a spent budget is charged", d)
		}
	}
	if got := Decide(recompiled(t, in, func(p *bunker.Policy) { slices.Reverse(p.Rules) })); cmp.Diff(d, got) != "" {
		show("the order of rules matters", got)
	}
	mixed := in
	mixed.Grants, mixed.Policies = slices.Clone(in.Grants), slices.Clone(in.Policies)
	slices.Reverse(mixed.Grants)
	slices.Reverse(mixed.Policies)
	if got := Decide(mixed); got.Effect != d.Effect || got.Answers != d.Answers || got.OnceOnly != d.OnceOnly || cmp.Diff(d.Charges, got.Charges) != "" {
		show("the order of grants or policies matters", got)
	}
	over := func(r bunker.Rule) bool {
		return r.ExpiresAt != 0 && r.ExpiresAt <= in.Now || r.For != 0 && in.Now >= nowMS-1000+r.For
	}
	without := recompiled(t, in, func(p *bunker.Policy) { p.Rules = slices.DeleteFunc(p.Rules, over) })
	if got := Decide(without); cmp.Diff(d, got) != "" {
		show("expired is not absent", got)
	}
	denied := Decide(recompiled(t, in, func(p *bunker.Policy) {
		r := s.rule(90)
		r.Effect = bunker.Deny
		p.Rules = append(p.Rules, r)
	}))
	if denied.Effect > d.Effect {
		show("another deny widens", denied)
	}
	asked := Decide(recompiled(t, in, func(p *bunker.Policy) {
		r := s.rule(91)
		r.Effect = bunker.Ask
		p.Rules = append(p.Rules, r)
	}))
	if asked.Effect == bunker.Allow && d.Effect != bunker.Allow {
		show("another ask allows", asked)
	}
	bare := in
	bare.Grants = slices.DeleteFunc(slices.Clone(in.Grants), func(g bunker.Grant) bool { return g.Policy == "" && g.Effect == bunker.Allow })
	if got := Decide(bare); got.Effect == bunker.Deny && got.Rule != AnswersDefault && got.Rule[:4] != "care" && d.Effect != bunker.Deny {
		show("a grant overrides a deny", got)
	}
	if x := Explain(in); cmp.Diff(x.Decision, d) != "" {
		show("explained otherwise than decided", x.Decision)
	}
}

func TestEveryDecisionKeepsItsProperties(t *testing.T) {
	n := 5_000
	if testing.Short() {
		n = 2_000
	}
	s := source{rand.New(rand.NewPCG(1, 2))}
	for range n {
		holdProperties(t, s)
	}
}

func FuzzDecide(f *testing.F) {
	f.Add(uint64(1), uint64(2))
	f.Fuzz(func(t *testing.T, a, b uint64) { holdProperties(t, source{rand.New(rand.NewPCG(a, b))}) })
}

// Rules that somebody made up never make deciding fail: they are refused, or they
// decide.
func FuzzRules(f *testing.F) {
	for _, s := range []string{
		`[{"id":"a","effect":"allow","kinds":[{"from":1,"to":0}],"tags":[{"name":""}],"content":{"pattern":"(a*)*$","words":["","É"]}}]`,
		`[{"id":"a","effect":"deny","hours":[{"from":-5,"to":99999}],"budget":{"total":-1,"per_day":9223372036854775807}}]`,
		`[{"id":"a","effect":"ask","results":["x"],"relays":["embedded"],"for":-1,"expires_at":-1,"max_skew":-9223372036854775808}]`,
	} {
		f.Add([]byte(s), "a note", int64(nowMS))
	}
	f.Fuzz(func(t *testing.T, text []byte, content string, now int64) {
		var list []bunker.Rule
		if json.Unmarshal(text, &list) != nil || Check(list) != nil {
			return
		}
		p := &bunker.Policy{ID: "p1", Name: "newsroom", Rules: list, Version: 3, Zone: "Europe/Paris"}
		for _, o := range []*Operation{event(1, content, nostr.Tag{"p", content}, nostr.Tag{}), crypt(nip46.NIP44Decrypt, stranger, "")} {
			in := with(under(t, p), o)
			in.Now = now % (1 << 45)
			Needs(in)
			Explain(in)
		}
	})
}

func FuzzParseRuleName(f *testing.F) {
	f.Add("policy newsroom/notes@3")
	f.Add("policy a/b/c@1")
	f.Add("grant g1")
	f.Fuzz(func(t *testing.T, s string) {
		p, r, v, ok := ParseRuleName(s)
		if ok && ("policy "+p+"/"+r+"@"+fmt.Sprint(v) != s && v < 1) {
			t.Errorf("%q is read as %q %q %d", s, p, r, v)
		}
	})
}

func TestRuleNamesAreReadBack(t *testing.T) {
	if p, r, v, ok := ParseRuleName("policy newsroom/notes@3"); !ok || p != "newsroom" || r != "notes" || v != 3 {
		t.Error(p, r, v, ok)
	}
	for _, s := range []string{"", "default", "policy p1", "policy a@1", "policy a/b", "policy a/b@0", "policy a/b@x", "grant a/b@1"} {
		if _, _, _, ok := ParseRuleName(s); ok {
			t.Errorf("%q names a rule", s)
		}
	}
}
