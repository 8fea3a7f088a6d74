package text

import (
	"bytes"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/policy"
	"nsecbunker/nostr"
)

// large is a policy of as many rules as there may be, no two of which speak of the
// same.
func large(t testing.TB) *bunker.Policy {
	p := &bunker.Policy{Name: "large", Zone: "UTC"}
	for i := range MaxRules {
		k := nostr.Kind(40000 + i)
		r := bunker.Rule{ID: fmt.Sprintf("r%d", i), Effect: bunker.Effect(i % 3), Kinds: []bunker.KindRange{{From: k, To: k}},
			Hours: []bunker.Hours{{Days: weekdays[:5], From: 480, To: 1080}}, Tags: []bunker.TagMatch{{Name: "t", Values: []string{"a", "b*"}}}}
		p.Rules = append(p.Rules, r)
	}
	if all := Check(p, now); len(all) > 0 {
		t.Fatal(all)
	}
	return p
}

func TestTheLargestPolicyIsReadCheckedAndCompared(t *testing.T) {
	p := large(t)
	b := Print(p)
	if len(b) > MaxText {
		t.Errorf("the text has %d bytes, more than is read", len(b))
	}
	again := parsed(t, b)
	if !bytes.Equal(again.RulesText(), p.RulesText()) {
		t.Error("it does not come back")
	}
	again.Rules[500].Hours[0].To = 1081
	d := Compare(p, again, now)
	if len(d.Changed) != 1 || d.Changed[0].ID != "r500" {
		t.Errorf("%+v", d)
	}
	if s := Summary(p); len(s) == 0 {
		t.Error("no summary")
	}
}

// TestWhatIsCheckedCompiles: the engine takes every policy that passed.
func TestWhatIsCheckedCompiles(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := policies().Draw(t, "policy")
		if err := policy.Check(p.Rules); err != nil {
			t.Fatal(err)
		}
		if _, err := policy.Compile(p); err != nil {
			t.Fatal(err)
		}
	})
}

func BenchmarkLargest(b *testing.B) {
	p := large(b)
	text := Print(p)
	other := *p
	other.Rules = append([]bunker.Rule{}, p.Rules...)
	for i := range other.Rules {
		other.Rules[i].Effect = (other.Rules[i].Effect + 1) % 3
	}
	b.Run("parse", func(b *testing.B) {
		for b.Loop() {
			Parse(text)
		}
	})
	b.Run("check", func(b *testing.B) {
		for b.Loop() {
			Check(p, now)
		}
	})
	b.Run("compare", func(b *testing.B) {
		for b.Loop() {
			Compare(p, &other, now)
		}
	})
}
