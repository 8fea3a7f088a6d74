package arch

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"nsecbunker/internal/bunker"
)

const modelDir = root + "/docs/model"

// readStates reads docs/model/states.tsv: a header and its lines.
func readStates(t *testing.T) (header []string, rows [][]string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(modelDir, "states.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	for i, line := range strings.Split(strings.TrimSuffix(string(text), "\n"), "\n") {
		fields := strings.Split(line, "\t")
		if i == 0 {
			header = fields
			continue
		}
		if len(fields) != len(header) || slices.Contains(fields, "") {
			t.Fatalf("states.tsv line %d: %d filled fields are wanted: %q", i+1, len(header), fields)
		}
		rows = append(rows, fields)
	}
	return header, rows
}

func TestStateTableOfTheCodeIsTheOneThatWasModelChecked(t *testing.T) {
	header, rows := readStates(t)
	if want := []string{"from", "to", "who", "condition", "written", "model"}; !slices.Equal(header, want) {
		t.Fatalf("states.tsv has columns %q, want %q", header, want)
	}
	var page, code []string
	for _, r := range rows {
		page = append(page, fmt.Sprintf("%s → %s by %s", r[0], r[1], r[2]))
	}
	for _, tr := range bunker.Transitions() {
		code = append(code, fmt.Sprintf("%s → %s by %s", tr.From, tr.To, tr.Who))
	}
	slices.Sort(page)
	slices.Sort(code)
	for _, p := range page {
		if !slices.Contains(code, p) {
			t.Errorf("in docs/model/states.tsv, not in internal/bunker/states.go: %s", p)
		}
	}
	for _, c := range code {
		if !slices.Contains(page, c) {
			t.Errorf("in internal/bunker/states.go, not in docs/model/states.tsv: %s", c)
		}
	}
	if len(slices.Compact(page)) != len(rows) {
		t.Error("states.tsv names a transition twice")
	}
}

func TestEveryTransitionStandsInAModel(t *testing.T) {
	_, rows := readStates(t)
	for _, r := range rows {
		for _, place := range strings.Fields(r[5]) {
			file, label, ok := strings.Cut(place, ":")
			text, err := os.ReadFile(filepath.Join(modelDir, filepath.Base(file)))
			if !ok || err != nil {
				t.Errorf("%s → %s: %q names no model: %v", r[0], r[1], place, err)
				continue
			}
			if !regexp.MustCompile(`(?m)(^|\s)` + regexp.QuoteMeta(label) + `:`).Match(text) {
				t.Errorf("%s → %s: %s has no label %s", r[0], r[1], file, label)
			}
		}
	}
}

// TestEveryStateLeadsToAnEnd: from each state some end is reachable, so that
// nothing is stuck by the table itself.
func TestEveryStateLeadsToAnEnd(t *testing.T) {
	_, rows := readStates(t)
	next := map[string][]string{}
	for _, r := range rows {
		next[r[0]] = append(next[r[0]], r[1])
	}
	ends := []string{"pruned", "approved", "denied", "expired", "withdrawn"}
	for from := range next {
		seen := map[string]bool{from: true}
		todo := []string{from}
		for len(todo) > 0 {
			s := todo[0]
			todo = todo[1:]
			for _, n := range next[s] {
				if !seen[n] {
					seen[n] = true
					todo = append(todo, n)
				}
			}
		}
		if !slices.ContainsFunc(ends, func(e string) bool { return seen[e] }) {
			t.Errorf("%s leads to no end", from)
		}
	}
}

func TestChecksNameTheirModelsAndAllSetsAreThere(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(modelDir, "checks.txt"))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for _, line := range strings.Split(string(text), "\n") {
		f := strings.Fields(line)
		if len(f) == 0 || f[0][0] == '#' {
			continue
		}
		if len(f) < 4 || f[1] != "ok" && f[1] != "bad" || f[2] != "quick" && f[2] != "full" {
			t.Errorf("checks.txt: cannot be read: %q", line)
			continue
		}
		if _, err := os.Stat(filepath.Join(modelDir, f[3])); err != nil {
			t.Errorf("checks.txt: %s: %v", f[0], err)
		}
		seen["name "+f[0]]++
		seen[f[3]+" "+f[1]+" "+f[2]]++
	}
	for k, n := range seen {
		if strings.HasPrefix(k, "name ") && n > 1 {
			t.Errorf("checks.txt has %s twice", k)
		}
	}
	for _, file := range []string{"ledger.pml", "approval.pml", "group.pml"} {
		for _, kind := range []string{" ok quick", " bad quick"} {
			if seen[file+kind] == 0 {
				t.Errorf("checks.txt: CI runs no%s check of %s", strings.TrimSuffix(kind, " quick"), file)
			}
		}
	}
}
