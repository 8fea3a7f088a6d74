package text

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"

	"nsecbunker/internal/bunker"
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
	got, err := json.Marshal(all)
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
		t.Fatalf("%s is not what the ready-made policies say; go test ./internal/policy/text -run AdminAppOffers -update writes it anew", path)
	}
}
