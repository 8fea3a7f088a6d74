package bunkertest

import (
	"fmt"
	"testing"
	"time"

	"nsecbunker/nostr"
)

// What a simulated edit tells is what comes out when the edit is made and the same
// requests are sent again.
func TestASimulatedEditTellsWhatTheEditThenDoes(t *testing.T) {
	t.Parallel()
	b, a := underPolicy(t, kind("notes", "allow", 1, Params{"budget": Params{"per_day": 10}}), kind("likes", "allow", 7),
		kind("long", "allow", 30023), kind("comments", "allow", 1111), kind("no-deletes", "deny", 5))
	b.farFromMidnight()
	b.Admin("key.set", Params{"key": "herald", "default": "deny"})
	edited := []Params{
		kind("notes", "allow", 1, Params{"budget": Params{"per_day": 2}}), kind("long", "allow", 30023), kind("reposts", "allow", 6),
		kind("comments", "ask", 1111), kind("deletes", "allow", 5), kind("no-games", "deny", 30023, Params{"content": Params{"words": []string{"casino"}}}),
	}
	send := func() (came []string) {
		from := b.Records(nil)[0].Number("seq")
		for i, r := range []struct {
			kind    nostr.Kind
			content string
		}{{1, "a"}, {1, "b"}, {7, "+"}, {1, "c"}, {30023, "on ferries"}, {30023, "the casino, reviewed"}, {6, ""}, {7, "-"}, {1111, "well"}, {5, "gone"}} {
			q := a.AskSign(r.kind, r.content)
			b.Until(fmt.Sprint("request ", i, " is decided"), func() bool { return b.recorded(q) })
		}
		for _, r := range b.Records(Params{"action": "sign_event"}) {
			if r.Number("seq") > from {
				came = append([]string{fmt.Sprint(r.Number("kind"), " ", r.Text("effect"))}, came...)
			}
		}
		return came
	}
	before := send()
	told := b.Admin("policy.simulate", Params{"policy": "newsroom", "rules": edited})
	b.Pass(24 * time.Hour) // the budget of a new day
	a = a.again()
	b.edit(edited...)
	after := send()
	if len(before) != 10 || len(after) != 10 {
		t.Fatalf("recorded %v, then %v", before, after)
	}
	is := map[string]int{}
	for i := range before {
		switch to := after[i]; {
		case before[i] == to:
			is["same"]++
		default:
			var k int
			var effect string
			if _, err := fmt.Sscan(to, &k, &effect); err != nil {
				t.Fatal(err)
			}
			is[map[string]string{"allow": "now_allowed", "ask": "now_asked", "deny": "now_refused"}[effect]]++
		}
	}
	for what, n := range map[string]int{"same": 3, "now_allowed": 2, "now_asked": 1, "now_refused": 4} {
		if is[what] != n || told.Number(what) != n {
			t.Errorf("%s: %d came out, %d were told, want %d\n%v\n%v\n%v", what, is[what], told.Number(what), n, before, after, told)
		}
	}
	for _, r := range b.Records(Params{"action": "sign_event"}) { // what simulations live on
		if r.At("skew") == nil || r.Text("relay") == "" || r.Text("door") != "relay" {
			t.Errorf("a record without its features: %v", r)
		}
	}
	if told.Number("requests") != 10 || told.Number("unknown") != 0 || told.Number("version") != 1 {
		t.Errorf("told %v", told)
	}
}

func TestASimulationCountsWhatTheLogDoesNotHoldAsUnknown(t *testing.T) {
	t.Parallel()
	b, a := underPolicy(t, kind("notes", "allow", 1))
	a.Sign(1, "the casino")
	a.Sign(1, "the ferry")
	before := len(b.Records(nil))
	told := b.Admin("policy.simulate", Params{"policy": "newsroom", "rules": []Params{
		kind("notes", "allow", 1), kind("no-games", "deny", 1, Params{"content": Params{"words": []string{"casino"}}}),
	}})
	if told.Number("unknown") != 2 || told.Number("requests") != 2 {
		t.Errorf("told %v", told)
	}
	// Words that are longer than the content are not in it: that is known.
	told = b.Admin("policy.simulate", Params{"policy": "newsroom", "rules": []Params{
		kind("notes", "allow", 1), kind("no-novels", "deny", 1, Params{"content": Params{"min_length": 1000}}),
	}})
	if told.Number("same") != 2 {
		t.Errorf("told %v", told)
	}
	// A deny that did not fit then does not fit now, and one that is taken away was none.
	b.edit(kind("notes", "allow", 1), kind("no-games", "deny", 1, Params{"content": Params{"words": []string{"casino"}}}))
	a.Sign(1, "the harbour")
	a.AskSign(1, "a casino").Fails("restricted")
	told = b.Admin("policy.simulate", Params{"policy": "newsroom", "rules": []Params{kind("notes", "allow", 1)}})
	if told.Number("same") != 1 || told.Number("now_allowed") != 1 || told.Number("unknown") != 2 {
		t.Errorf("told %v", told)
	}
	if n := len(b.Records(nil)); n != before+3 { // the edit and two requests
		t.Errorf("simulations left %d records", n-before-3)
	}
	b.Verify()
}
