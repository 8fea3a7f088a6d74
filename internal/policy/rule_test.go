package policy

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip46"
)

// thePolicy is a policy of some rules, at version 3.
func thePolicy(rules ...bunker.Rule) *bunker.Policy {
	for i := range rules {
		if rules[i].ID == "" {
			rules[i].ID = fmt.Sprintf("r%d", i)
		}
	}
	return &bunker.Policy{ID: "p1", Name: "newsroom", Rules: rules, Version: 3, CreatedAt: nowMS}
}

func compiled(t testing.TB, p *bunker.Policy) *Compiled {
	t.Helper()
	c, err := Compile(p)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// under is the input of a connection whose only grants put it under policies.
func under(t testing.TB, policies ...*bunker.Policy) Input {
	in := input()
	for i, p := range policies {
		in.Policies = append(in.Policies, compiled(t, p))
		in.Grants = append(in.Grants, bunker.Grant{
			ID: bunker.GrantID("policy " + string(rune('a'+i))), Connection: "c", Effect: bunker.Allow, Policy: p.ID, GivenBy: "local", CreatedAt: nowMS - 1000,
		})
	}
	return in
}

func rules(t testing.TB, rules ...bunker.Rule) Input { return under(t, thePolicy(rules...)) }

func only(list ...nostr.Kind) []bunker.KindRange { return kinds(list...) }

func span(from, to nostr.Kind) []bunker.KindRange { return []bunker.KindRange{{From: from, To: to}} }

var stranger = nostr.PubKey{9}

func crypt(m nip46.Method, peer nostr.PubKey, result bunker.DecryptResult) *Operation {
	return &Operation{Method: m, Peer: peer, Payload: []byte("x"), Result: result}
}

// event is a sign_event that a test alters.
func event(kind nostr.Kind, content string, tags ...nostr.Tag) *Operation {
	o := sign(kind)
	o.Template.Content, o.Template.Tags = content, tags
	return o
}

func aged(o *Operation, seconds int64) *Operation {
	o.Template.CreatedAt += seconds
	return o
}

func seen(o *Operation) *Operation { o.Seen = true; return o }

func TestEachMatcherOfARule(t *testing.T) {
	self := nostr.PubKey{1} // the account's own key, see input
	list := func(s ...string) []string { return s }
	for _, c := range []struct {
		name string
		rule bunker.Rule // an allow
		yes  []*Operation
		no   []*Operation
	}{
		{"nothing set speaks of everything that is plain", bunker.Rule{},
			[]*Operation{sign(1), sign(30023), crypt(nip46.NIP44Encrypt, stranger, ""), crypt(nip46.NIP44Decrypt, stranger, bunker.ResultOther), crypt(nip46.NIP04Decrypt, stranger, bunker.ResultDM)},
			[]*Operation{sign(5), sign(13), sign(62), sign(22242), sign(10002), crypt(nip46.NIP44Decrypt, self, bunker.ResultSelf)}},
		{"a method", bunker.Rule{Methods: list("nip44_encrypt")},
			[]*Operation{crypt(nip46.NIP44Encrypt, stranger, "")},
			[]*Operation{sign(1), crypt(nip46.NIP04Encrypt, stranger, ""), crypt(nip46.NIP44Decrypt, stranger, bunker.ResultDM)}},
		{"sign_event is every plain kind", bunker.Rule{Methods: list("sign_event")}, []*Operation{sign(1), sign(0)}, []*Operation{sign(5), sign(27235)}},
		{"methods and a right set are what either speaks of", bunker.Rule{Methods: list("nip44_encrypt"), Rights: list("react")},
			[]*Operation{crypt(nip46.NIP44Encrypt, stranger, ""), sign(7)}, []*Operation{sign(1), crypt(nip46.NIP04Encrypt, stranger, "")}},
		{"kinds mean sign_event", bunker.Rule{Kinds: only(1, 7)}, []*Operation{sign(1), sign(7)}, []*Operation{sign(6), crypt(nip46.NIP44Encrypt, stranger, "")}},
		{"a range of kinds", bunker.Rule{Kinds: span(30000, 39999)}, []*Operation{sign(30000), sign(30023), sign(39999)}, []*Operation{sign(29999), sign(40000), sign(31989)}},
		{"a kind that needs care, named", bunker.Rule{Kinds: only(5)}, []*Operation{sign(5)}, []*Operation{sign(6)}},
		{"a row of the table of care, named as a range", bunker.Rule{Kinds: span(9000, 9030)}, []*Operation{sign(9000), sign(9030)}, nil},
		{"a part of a row", bunker.Rule{Kinds: span(23194, 23195)}, []*Operation{sign(23194)}, nil},
		{"a range that is wider than the row names nothing", bunker.Rule{Kinds: span(8999, 9030)}, []*Operation{sign(8999)}, []*Operation{sign(9000), sign(9030)}},
		{"ephemeral kinds as one range are for several reasons", bunker.Rule{Kinds: span(20000, 29999)}, nil, []*Operation{sign(20001), sign(22242), sign(27235)}},
		{"a range of ephemeral kinds without others among them", bunker.Rule{Kinds: span(20000, 20010)}, []*Operation{sign(20001)}, nil},
		{"kind 13 named is signed unseen", bunker.Rule{Kinds: only(13)}, []*Operation{sign(13), seen(sign(13))}, nil},
		{"kind 13 in a range is signed when it was seen", bunker.Rule{Kinds: span(10, 20)}, []*Operation{seen(sign(13))}, []*Operation{sign(13)}},
		{"what must be asked is never allowed", bunker.Rule{Kinds: only(62, 24134)}, nil, []*Operation{sign(62), sign(24134)}},
		{"kinds restrict a right set", bunker.Rule{Rights: list("post"), Kinds: only(1)}, []*Operation{sign(1)}, []*Operation{sign(1111)}},
		{"kinds beside everything name", bunker.Rule{Rights: list("everything"), Kinds: only(5)}, []*Operation{sign(5)}, []*Operation{sign(1)}},
		{"a peer", bunker.Rule{Peers: []nostr.PubKey{stranger}},
			[]*Operation{crypt(nip46.NIP44Encrypt, stranger, ""), crypt(nip46.NIP44Decrypt, stranger, bunker.ResultOther)},
			[]*Operation{crypt(nip46.NIP44Encrypt, nostr.PubKey{8}, ""), sign(1)}},
		{"a result", bunker.Rule{Results: []bunker.DecryptResult{bunker.ResultDM}},
			[]*Operation{crypt(nip46.NIP44Decrypt, stranger, bunker.ResultDM), crypt(nip46.NIP04Decrypt, stranger, bunker.ResultDM)},
			[]*Operation{crypt(nip46.NIP44Decrypt, stranger, bunker.ResultWrap), crypt(nip46.NIP44Decrypt, stranger, ""), crypt(nip46.NIP44Encrypt, stranger, ""), sign(1)}},
		{"one's own, named", bunker.Rule{Results: []bunker.DecryptResult{bunker.ResultSelf}}, []*Operation{crypt(nip46.NIP44Decrypt, self, bunker.ResultSelf)}, nil},
		{"one's own, by the method only", bunker.Rule{Methods: list("nip44_decrypt")}, []*Operation{crypt(nip46.NIP44Decrypt, stranger, bunker.ResultOther)}, []*Operation{crypt(nip46.NIP44Decrypt, self, bunker.ResultSelf)}},
		{"a tag's value", bunker.Rule{Kinds: only(22242), Tags: []bunker.TagMatch{{Name: "relay", Values: list("wss://a.example")}}},
			[]*Operation{event(22242, "", nostr.Tag{"relay", "wss://a.example"})},
			[]*Operation{event(22242, "", nostr.Tag{"relay", "wss://b.example"}), event(22242, ""), event(22242, "", nostr.Tag{"relay"}),
				event(22242, "", nostr.Tag{"relay", "wss://a.example"}, nostr.Tag{"relay", "wss://b.example"})}},
		{"a tag's beginning", bunker.Rule{Kinds: only(27235), Tags: []bunker.TagMatch{{Name: "u", Values: list("https://a.example/*")}, {Name: "method", Values: list("GET", "HEAD")}}},
			[]*Operation{event(27235, "", nostr.Tag{"u", "https://a.example/x"}, nostr.Tag{"method", "GET"})},
			[]*Operation{event(27235, "", nostr.Tag{"u", "https://a.example.evil/x"}, nostr.Tag{"method", "GET"}),
				event(27235, "", nostr.Tag{"u", "https://a.example/x"}, nostr.Tag{"method", "POST"}), event(27235, "", nostr.Tag{"u", "https://a.example/x"})}},
		{"no such tag", bunker.Rule{Tags: []bunker.TagMatch{{Name: "p", Absent: true}}}, []*Operation{event(1, "", nostr.Tag{"e", "x"})}, []*Operation{event(1, "", nostr.Tag{"p", "x"}), crypt(nip46.NIP44Encrypt, stranger, "")}},
		{"at most two tags", bunker.Rule{Tags: []bunker.TagMatch{{Name: "p", Max: 2}}},
			[]*Operation{event(1, ""), event(1, "", nostr.Tag{"p", "x"}, nostr.Tag{"p", "y"})}, []*Operation{event(1, "", nostr.Tag{"p"}, nostr.Tag{"p"}, nostr.Tag{"p"})}},
		{"a tag, whatever its value", bunker.Rule{Tags: []bunker.TagMatch{{Name: "h"}}}, []*Operation{event(9, "", nostr.Tag{"h", "x"})}, []*Operation{event(9, "")}},
		{"length in characters", bunker.Rule{Content: &bunker.ContentMatch{MinLength: 2, MaxLength: 3}},
			[]*Operation{event(1, "äö"), event(1, "äöü")}, []*Operation{event(1, "ä"), event(1, "äöüß"), crypt(nip46.NIP44Encrypt, stranger, "")}},
		{"words", bunker.Rule{Content: &bunker.ContentMatch{Words: list("News", "#Straße", "guten tag")}},
			[]*Operation{event(1, "the NEWS today"), event(1, "news"), event(1, "a #straße"), event(1, "Guten Tag!"), event(1, "newsroom and news")},
			[]*Operation{event(1, "newsroom"), event(1, "renews"), event(1, "new s"), event(1, ""), event(1, "#straßen"), event(1, "news_x")}},
		{"a pattern, somewhere", bunker.Rule{Content: &bunker.ContentMatch{Pattern: `(?i)^#[a-z]+\b`}}, []*Operation{event(1, "#Go is")}, []*Operation{event(1, " #Go"), event(1, "go")}},
		{"both demands on content", bunker.Rule{Content: &bunker.ContentMatch{MaxLength: 4, Words: list("go")}}, []*Operation{event(1, "go!")}, []*Operation{event(1, "go on"), event(1, "no")}},
		{"a date", bunker.Rule{MaxSkew: 60}, []*Operation{aged(sign(1), 60), aged(sign(1), -60)}, []*Operation{aged(sign(1), 61), aged(sign(1), -61), crypt(nip46.NIP44Encrypt, stranger, "")}},
		{"another day, where the rule says so", bunker.Rule{Kinds: only(30023), MaxSkew: 86400}, []*Operation{aged(sign(30023), -86400)}, []*Operation{aged(sign(30023), -86401)}},
		{"another day, where it does not", bunker.Rule{Kinds: only(30023)}, []*Operation{aged(sign(30023), -Skew)}, []*Operation{aged(sign(30023), -Skew-1), aged(sign(30023), Skew+1)}},
		{"a door", bunker.Rule{Doors: []bunker.Door{bunker.DoorRelay}}, []*Operation{sign(1)}, nil},
		{"another door", bunker.Rule{Doors: []bunker.Door{bunker.DoorHTTP}}, nil, []*Operation{sign(1)}},
		{"a relay", bunker.Rule{Relays: list("WSS://Relay.example:443/")}, []*Operation{sign(1)}, nil},
		{"another relay", bunker.Rule{Relays: list("wss://relay.example/x", "embedded")}, nil, []*Operation{sign(1)}},
		{"still", bunker.Rule{ExpiresAt: nowMS + 1}, []*Operation{sign(1)}, nil},
		{"expired", bunker.Rule{ExpiresAt: nowMS}, nil, []*Operation{sign(1)}},
		{"a while since it was given", bunker.Rule{For: 1001}, []*Operation{sign(1)}, nil},
		{"over since it was given", bunker.Rule{For: 1000}, nil, []*Operation{sign(1)}},
	} {
		for _, effect := range []bunker.Effect{bunker.Allow, bunker.Deny, bunker.Ask} {
			r := c.rule
			r.Effect = effect
			in := rules(t, r)
			in.Door, in.Relay = bunker.DoorRelay, "wss://relay.example"
			in.Key.Default = bunker.Deny
			if effect == bunker.Deny {
				in.Key.Default = bunker.Ask
			}
			for _, o := range c.yes {
				if d := Decide(with(in, o)); d.Effect != effect || d.Rule != "policy newsroom/r0@3" {
					t.Errorf("%s, %v: %s gets %v (%s)", c.name, effect, name(o), d.Effect, d.Rule)
				}
			}
			for _, o := range c.no {
				if effect != bunker.Allow && careful(c.rule, in, o) {
					continue // care is about allowing
				}
				if d := Decide(with(in, o)); d.Effect != in.Key.Default {
					t.Errorf("%s, %v: %s gets %v (%s) and should not be spoken of", c.name, effect, name(o), d.Effect, d.Rule)
				}
			}
		}
	}
}

// careful reports whether it is only care that keeps an allow rule from fitting, or
// that nobody looked at what a decryption brings to light.
func careful(r bunker.Rule, in Input, o *Operation) bool {
	r.ID, r.Effect = "r", bunker.Deny
	c, err := compileRule(&r, rightSets())
	if err != nil {
		return false
	}
	in.Operation = o
	f := look(&in)
	f.since = nowMS - 1000
	m := c.misfit(&f)
	return m == fits || m == unknown
}

func TestNIP04DecryptOfAKeyWithNpubLoginNeedsItsPeersNamed(t *testing.T) {
	o := crypt(nip46.NIP04Decrypt, stranger, bunker.ResultDM)
	for name, c := range map[string]struct {
		rule bunker.Rule
		want bunker.Effect
	}{
		"by the method": {bunker.Rule{Methods: []string{"nip04_decrypt"}}, bunker.Ask},
		"by the right":  {bunker.Rule{Rights: []string{"direct-messages"}}, bunker.Ask},
		"with its peer": {bunker.Rule{Methods: []string{"nip04_decrypt"}, Peers: []nostr.PubKey{stranger}}, bunker.Allow},
	} {
		c.rule.Effect = bunker.Allow
		in := with(rules(t, c.rule), o)
		if d := Decide(in); d.Effect != bunker.Allow {
			t.Errorf("%s without npub login: %v", name, d.Effect)
		}
		in.Key.NpubLogin = true
		if d := Decide(in); d.Effect != c.want {
			t.Errorf("%s: %v", name, d.Effect)
		}
	}
}

func TestRightSetsMeanWhatTheySay(t *testing.T) {
	self := nostr.PubKey{1}
	all := []*Operation{}
	for _, r := range [][2]int{{0, 2000}, {9000, 10200}, {13190, 13200}, {22240, 22245}, {23190, 23200}, {24130, 24245}, {27230, 27240}, {28930, 28940}, {30000, 32000}, {39000, 39100}} {
		for k := r[0]; k <= r[1]; k++ {
			all = append(all, sign(nostr.Kind(k)))
		}
	}
	del := event(24242, "", nostr.Tag{"t", "delete"})
	all = append(all, seen(sign(4)), seen(sign(13)), del)
	for _, r := range []bunker.DecryptResult{bunker.ResultWrap, bunker.ResultDM, bunker.ResultOther} {
		all = append(all, crypt(nip46.NIP44Decrypt, stranger, r))
	}
	all = append(all, crypt(nip46.NIP44Decrypt, self, bunker.ResultSelf), crypt(nip46.NIP04Decrypt, self, bunker.ResultSelf),
		crypt(nip46.NIP44Encrypt, stranger, ""), crypt(nip46.NIP04Encrypt, stranger, ""), crypt(nip46.NIP04Decrypt, stranger, bunker.ResultDM))
	word := func(o *Operation) string {
		s := fmt.Sprint(o.Kind())
		switch {
		case o == del:
			s += " delete"
		case o.Seen:
			s += " seen"
		case o.Template == nil:
			s = string(o.Method)
			if o.Result != "" {
				s += " " + string(o.Result)
			}
		}
		return s
	}
	both := "nip44_encrypt, nip04_encrypt"
	for name, want := range map[string]string{
		"articles": "30023, 30024", "chat": "9, 42, 1311", "delete": "5", "follow": "3, 30000, 39089", "logins": "22242, 27235",
		"files": "1063, 24242", "post": "1, 11, 20, 21, 22, 1018, 1068, 1111, 1222, 1244", "profile": "0, 30315", "react": "6, 7, 16, 17",
		"relays": "10002, 10013, 10050", "zap": "9734",
		"lists":           "10000, 10001, 10003, 10004, 10005, 10006, 10007, 10008, 10009, 10012, 10015, 10020, 10030, 10101, 10102, 30002, 30003, 30004, 30005, 30006, 30007, 30015, 30030, 30063, 30267, 39092",
		"read":            "nip44_decrypt wrap, nip44_decrypt dm, nip04_decrypt dm",
		"direct-messages": "4 seen, 13 seen, nip44_decrypt wrap, nip44_decrypt dm, " + both + ", nip04_decrypt dm",
		"private-data":    "30078, 31234, nip44_decrypt self, nip04_decrypt self, " + both,
	} {
		in := rules(t, bunker.Rule{Effect: bunker.Allow, Rights: []string{name}})
		var got []string
		for _, o := range all {
			if Decide(with(in, o)).Effect == bunker.Allow {
				got = append(got, word(o))
			}
		}
		if s := strings.Join(got, ", "); s != want {
			t.Errorf("%s allows %s,\nwant %s", name, s, want)
		}
	}
	// everything is what the permission "all" is.
	in, every := rules(t, bunker.Rule{Effect: bunker.Allow, Rights: []string{"everything"}}), input("all")
	for _, o := range all {
		if got, want := Decide(with(in, o)).Effect, Decide(with(every, o)).Effect; got != want {
			t.Errorf("everything: %s gets %v, all gives %v", word(o), got, want)
		}
	}
	var names []string
	for _, r := range Rights() {
		names = append(names, r.Name)
		if r.Means == "" || !KnownRight(r.Name) {
			t.Errorf("%s is not explained, or not known", r.Name)
		}
	}
	if !slices.IsSorted(names) || len(slices.Compact(slices.Clone(names))) != len(names) || len(names) != 16 {
		t.Errorf("right sets: %v", names)
	}
	if KnownRight("") || KnownRight("Post") {
		t.Error("an unknown right set is known")
	}
}

func TestWhatIsNotKnownAllowsNothingAndForbids(t *testing.T) {
	o := crypt(nip46.NIP44Decrypt, stranger, "")
	for effect, want := range map[bunker.Effect]bunker.Effect{bunker.Allow: bunker.Ask, bunker.Ask: bunker.Ask, bunker.Deny: bunker.Deny} {
		in := with(rules(t, bunker.Rule{Effect: effect, Results: []bunker.DecryptResult{bunker.ResultDM}}), o)
		if d := Decide(in); d.Effect != want {
			t.Errorf("%v: %v", effect, d.Effect)
		}
		if !Needs(in).Result {
			t.Errorf("%v: nobody is told to look", effect)
		}
	}
}

func TestNothingIsDecryptedWithoutNeed(t *testing.T) {
	dm := []bunker.DecryptResult{bunker.ResultDM}
	for name, c := range map[string]struct {
		rules []bunker.Rule
		want  bool
	}{
		"a rule by result":                    {[]bunker.Rule{{Effect: bunker.Allow, Results: dm}}, true},
		"a right set with results":            {[]bunker.Rule{{Effect: bunker.Allow, Rights: []string{"read"}}}, true},
		"a rule by method":                    {[]bunker.Rule{{Effect: bunker.Allow, Methods: []string{"nip44_decrypt"}}}, false},
		"by result, for another peer":         {[]bunker.Rule{{Effect: bunker.Allow, Results: dm, Peers: []nostr.PubKey{{7}}}}, false},
		"by result, expired":                  {[]bunker.Rule{{Effect: bunker.Allow, Results: dm, ExpiresAt: 1}}, false},
		"by result, for another relay":        {[]bunker.Rule{{Effect: bunker.Allow, Results: dm, Relays: []string{"wss://x.example"}}}, false},
		"denied anyhow":                       {[]bunker.Rule{{Effect: bunker.Deny, Methods: []string{"nip44_decrypt"}}}, false},
		"by result, of the other scheme only": {[]bunker.Rule{{Effect: bunker.Allow, Results: dm, Methods: []string{"nip04_decrypt"}}}, false},
	} {
		in := with(rules(t, c.rules...), crypt(nip46.NIP44Decrypt, stranger, ""))
		if got := Needs(in).Result; got != c.want {
			t.Errorf("%s: %t", name, got)
		}
		in.Connection.State = bunker.ConnSuspended
		if Needs(in).Result {
			t.Errorf("%s: looked at for a suspended app", name)
		}
	}
}

func kindOf(k int) nostr.Kind { return nostr.Kind(k) }
