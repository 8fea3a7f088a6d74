package admin

import (
	"slices"
	"strings"
	"testing"

	"nsecbunker/internal/bunker"
)

// TestPoliciesSayWhatTheyMean: every door shows what a policy means, in words, and
// warns of what its author may not have meant.
func TestPoliciesSayWhatTheyMean(t *testing.T) {
	f := setUp(t)
	made := f.do("policy.create", m{"name": "social", "rules": []m{rule("notes", 1, m{"budget": m{"per_day": 20}}), rule("deletes", 5, nil)}})
	if w := get(made, "warnings").([]any); len(w) != 1 || !strings.HasPrefix(w[0].(string), "rule deletes, kinds: it allows deletion request (kind 5) unasked") {
		t.Errorf("warned of: %v", w)
	}
	shown := f.do("policy.show", m{"policy": "social"})
	var sentences []string
	for _, s := range get(shown, "policy", "sentences").([]any) {
		sentences = append(sentences, s.(string))
	}
	if !slices.Equal(sentences, []string{"may post notes, at most 20 a day", "may delete events"}) {
		t.Errorf("%q", sentences)
	}
	if s := get(shown, "policy", "summary").(string); !strings.HasPrefix(s, "may post notes, at most 20 a day; may delete events; everything else") {
		t.Errorf("%s", s)
	}
}

// TestRulesThatCannotMatchAreRefusedWithTheNextStep: rules that come as JSON are
// checked as those in a text are.
func TestRulesThatCannotMatchAreRefusedWithTheNextStep(t *testing.T) {
	f := setUp(t)
	_, err := f.callAs(owner(), "policy.create", m{"name": "x", "rules": []m{rule("a", 1, m{"methods": []string{"nip44_encrypt"}})}})
	e := bunker.AsError(err)
	if e.Code != bunker.CodeInvalid || e.Field != "rules.a.kinds" || !strings.Contains(e.Words, "this rule can never match it") || e.Hint != "write a rule of its own for nip44_encrypt" {
		t.Errorf("%+v", e)
	}
	_, err = f.callAs(owner(), "policy.create", m{"name": "x", "rules": []m{rule("a", 1, m{"expires_at": 1})}})
	if e := bunker.AsError(err); e.Field != "rules.a.expires" {
		t.Errorf("a date in the past: %+v", e)
	}
}

// TestNarrowingARuleNeedsNoProof: only what may give more does.
func TestNarrowingARuleNeedsNoProof(t *testing.T) {
	f := setUp(t)
	f.do("key.add", m{"name": "herald"})
	f.do("policy.create", m{"name": "social", "rules": []m{rule("notes", 1, m{"budget": m{"per_day": 20}})}})
	f.do("token.create", m{"key": "herald", "client": "coracle", "policy": "social"})
	stale := owner()
	stale.Fresh = false
	for uses, code := range map[int]bunker.Code{10: "", 30: bunker.CodeNeedsProof} {
		f.do("policy.edit", m{"policy": "social", "rules": []m{rule("notes", 1, m{"budget": m{"per_day": 20}})}})
		_, err := f.callAs(stale, "policy.edit", m{"policy": "social", "rules": []m{rule("notes", 1, m{"budget": m{"per_day": uses}})}})
		if err == nil && code != "" || err != nil && bunker.AsError(err).Code != code {
			t.Errorf("%d a day: %v", uses, err)
		}
	}
}
