package text

import (
	"bytes"
	"cmp"
	"encoding/json"
	"os"
	"slices"
	"testing"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/policy"
	"nsecbunker/nostr"
)

// TestTheAdminAppOffersTheReadyMadePolicies keeps what the admin app creates of a ready-made policy what its text says.
func TestTheAdminAppOffersTheReadyMadePolicies(t *testing.T) {
	const path = "../../../ui/src/lib/api/ready.json"
	type ready struct {
		Name        string        `json:"name"`
		Description string        `json:"description"`
		Rules       []bunker.Rule `json:"rules"`
	}
	var all []ready
	for _, r := range Templates() {
		all = append(all, ready{r.ID, r.Policy.Description, r.Policy.Rules})
	}
	sameFile(t, path, all)
}

// TestTheAdminAppKnowsKindsByTheNamesThatTheTextTakes keeps the names that its
// policy editor offers, and those that it reads, what the text form reads.
func TestTheAdminAppKnowsKindsByTheNamesThatTheTextTakes(t *testing.T) {
	type named struct {
		Name string      `json:"name"`
		From nostr.Kind  `json:"from"`
		To   *nostr.Kind `json:"to,omitempty"`
		// Other: it is another word for kinds that have a name.
		Other bool `json:"other,omitempty"`
	}
	var all []named
	for name, r := range kindIndex() {
		n := named{Name: name, From: r.From, Other: foldName(r.From.Name()) != name}
		if r.To != r.From {
			n.To = &r.To
		}
		all = append(all, n)
	}
	slices.SortFunc(all, func(a, b named) int { return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.Name, b.Name)) })
	sameFile(t, "../../../ui/src/lib/api/kinds.json", all)
}

// TestTheAdminAppOffersEveryRight: the policy editor has a word for each right set.
func TestTheAdminAppOffersEveryRight(t *testing.T) {
	var all []string
	for _, r := range policy.Rights() {
		all = append(all, r.Name)
	}
	sameFile(t, "../../../ui/src/lib/api/rights.json", all)
}

// sameFile holds a file of the admin app to what is true here.
func sameFile(t *testing.T, path string, v any) {
	t.Helper()
	got, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Fatalf("%s is not what is true here; go test ./internal/policy/text -run TheAdminApp -update writes it anew", path)
	}
}
