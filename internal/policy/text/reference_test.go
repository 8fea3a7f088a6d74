package text

import (
	"os"
	"strings"
	"testing"

	"nsecbunker/internal/policy"
)

const reference = "../../../docs/policies-text.md"

func TestExamplesOfTheReferenceAreGood(t *testing.T) {
	all := recipes(t, reference)
	if len(all) < 5 {
		t.Fatalf("only %d examples were found", len(all))
	}
	used := map[string]bool{}
	for _, r := range all {
		text, problems := Parse([]byte(r.text))
		if text == nil {
			t.Errorf("line %d: %v", r.line, problems)
			continue
		}
		if no, _ := Split(text.Check(now)); len(no) > 0 {
			t.Errorf("line %d: %v", r.line, no)
		}
		for i := range text.Policy.Rules {
			for key := range keysOf(&text.Policy.Rules[i], "") {
				used[key] = true
			}
		}
	}
	for _, key := range ruleKeys() {
		if !used[key] && key != "id" && key != "note" {
			t.Errorf("no example uses %s", key)
		}
	}
}

func TestTheReferenceNamesEveryKeyAndRight(t *testing.T) {
	b, err := os.ReadFile(reference)
	if err != nil {
		t.Fatal(err)
	}
	page := string(b)
	for _, key := range ruleKeys() {
		if !strings.Contains(page, "\n| `"+key+"`") && !strings.Contains(page, "\n| `"+key+".") {
			t.Errorf("the reference has no row for %s", key)
		}
	}
	for _, r := range policy.Rights() {
		if !strings.Contains(page, "\n| `"+r.Name+"` | "+r.Means+" |\n") {
			t.Errorf("the reference has no row for the right %s, or says other words than: %s", r.Name, r.Means)
		}
	}
	for _, m := range ruleMethods() {
		if !strings.Contains(page, "`"+m+"`") {
			t.Errorf("the reference does not name %s", m)
		}
	}
	first := parsed(t, []byte(recipes(t, reference)[0].text))
	flat := strings.Join(strings.Fields(page), " ")
	for i := range first.Rules {
		if s := Sentence(&first.Rules[i], first.Zone); !strings.Contains(flat, "*"+s+"*") {
			t.Errorf("the reference does not say what its first example means: %s", s)
		}
	}
}
