package text

import (
	"testing"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/policy"
)

// ask is an operation in short: "kind 1", "nip44_encrypt", "nip44_decrypt dm".
func ask(t *testing.T, p *bunker.Policy, what string) bunker.Effect {
	t.Helper()
	o := wish(t, what, now)
	q := *p
	q.ID = "p"
	c, err := policy.Compile(&q)
	if err != nil {
		t.Fatal(err)
	}
	return policy.Decide(policy.Input{Now: now, Tenant: &bunker.TenantState{Reviewed: true},
		Key:        &bunker.UserKey{ID: "k", PubKey: carol, State: bunker.KeyActive, Default: bunker.Ask},
		Connection: &bunker.Connection{ID: "c", State: bunker.ConnActive},
		Grants:     []bunker.Grant{{ID: "g", Connection: "c", Effect: bunker.Allow, Policy: "p", CreatedAt: now - 1000}},
		Policies:   []*policy.Compiled{c}, Door: bunker.DoorRelay, Operation: o}).Effect
}

func TestReadyMadePoliciesDoWhatTheirNamesSay(t *testing.T) {
	want := map[string]map[bunker.Effect][]string{
		"everything": {
			bunker.Allow: {"kind 1", "kind 0", "kind 30023", "nip44_encrypt", "nip44_decrypt dm", "nip04_decrypt other"},
			bunker.Ask:   {"kind 5", "kind 62", "kind 10002", "kind 22242", "nip44_decrypt self"},
		},
		"basic-social": {
			bunker.Allow: {"kind 1", "kind 6", "kind 7", "kind 16", "kind 1111", "kind 9734"},
			bunker.Ask:   {"kind 0", "kind 3", "kind 4", "kind 5", "kind 30023", "nip44_encrypt", "nip44_decrypt dm"},
		},
		"long-form-writer": {
			bunker.Allow: {"kind 30023", "kind 30024", "kind 24242", "kind 1063"},
			bunker.Ask:   {"kind 0", "kind 3", "kind 5", "kind 22242"},
			bunker.Deny:  {"kind 1", "kind 7", "kind 4", "nip44_encrypt", "nip44_decrypt self"},
		},
		"direct-messages": {
			bunker.Allow: {"nip44_encrypt", "nip44_decrypt wrap", "nip44_decrypt dm", "nip04_decrypt dm", "kind 4", "kind 13", "kind 13 old=47h"},
			bunker.Ask:   {"nip44_decrypt self", "nip44_decrypt other", "kind 14", "kind 10050", "kind 13 unseen"},
			bunker.Deny:  {"kind 1", "kind 30023"},
		},
		"read-only": {
			bunker.Ask:  {"nip44_decrypt dm", "nip04_decrypt wrap", "nip44_decrypt self"},
			bunker.Deny: {"kind 1", "kind 0", "kind 22242", "kind 24242", "nip44_encrypt", "nip04_encrypt"},
		},
	}
	for _, tmpl := range Templates() {
		cases, ok := want[tmpl.ID]
		if !ok {
			t.Errorf("%s has no cases here", tmpl.ID)
		}
		delete(want, tmpl.ID)
		for effect, list := range cases {
			for _, what := range list {
				if got := ask(t, &tmpl.Policy, what); got != effect {
					t.Errorf("%s: %s is %s, want %s", tmpl.ID, what, got, effect)
				}
			}
		}
		if no, _ := Split(Check(&tmpl.Policy, now)); len(no) > 0 || tmpl.Policy.Description == "" {
			t.Errorf("%s: %v", tmpl.ID, no)
		}
	}
	if len(want) > 0 {
		t.Errorf("missing: %v", want)
	}
}

func TestTemplatesAreFoundByIDAndName(t *testing.T) {
	for _, name := range []string{"basic-social", "Basic social", "BASIC SOCIAL"} {
		if tmpl, err := TemplateOf(name); err != nil || tmpl.ID != "basic-social" {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := TemplateOf("basic-socail")
	if e := bunker.AsError(err); e.Code != bunker.CodeNotFound || e.Hint != `did you mean "basic-social"?` {
		t.Errorf("%+v", e)
	}
}
