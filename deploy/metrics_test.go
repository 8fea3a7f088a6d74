package deploy

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// served are the metrics that an instance serves, which a test of internal/daemon
// holds metrics.txt to; of histograms, their three series.
func served(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("metrics.txt")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for line := range strings.Lines(string(text)) {
		f := strings.Split(strings.TrimSpace(line), "\t")
		if len(f) != 3 || f[2] == "" {
			t.Fatalf("metrics.txt: %q", line)
		}
		if f[1] == "histogram" {
			names = append(names, f[0]+"_bucket", f[0]+"_sum", f[0]+"_count")
			continue
		}
		names = append(names, f[0])
	}
	// Of the libraries, which the same test looks for.
	return append(names, "up", "go_goroutines", "process_resident_memory_bytes", "process_cpu_seconds_total")
}

var (
	metric   = regexp.MustCompile(`\b(?:nsecbunker|go|process)[_:][a-z0-9_:]+\b`)
	recorded = regexp.MustCompile(`(?m)^\s+- record: (\S+)$`)
	alert    = regexp.MustCompile(`(?m)^\s+- alert: (\S+)$`)
	exprOf   = regexp.MustCompile(`(?m)^\s+expr: (.+)$`)
)

func TestRulesAskForMetricsThatThereAre(t *testing.T) {
	text, err := os.ReadFile("prometheus/nsecbunker.rules.yaml")
	if err != nil {
		t.Fatal(err)
	}
	names := served(t)
	for _, r := range recorded.FindAllStringSubmatch(string(text), -1) {
		names = append(names, r[1])
	}
	exprs := exprOf.FindAllStringSubmatch(string(text), -1)
	if len(exprs) < 10 {
		t.Fatalf("%d rules were read", len(exprs))
	}
	for _, e := range exprs {
		for _, name := range metric.FindAllString(e[1], -1) {
			if !slices.Contains(names, name) {
				t.Errorf("there is no %s: %s", name, e[1])
			}
		}
	}
}

// TestEveryAlertIsTestedBothWays: promtool runs those tests; here none may be missing.
func TestEveryAlertIsTestedBothWays(t *testing.T) {
	rules, err := os.ReadFile("prometheus/nsecbunker.rules.yaml")
	if err != nil {
		t.Fatal(err)
	}
	tests, err := os.ReadFile("prometheus/nsecbunker.rules.test.yaml")
	if err != nil {
		t.Fatal(err)
	}
	names := alert.FindAllStringSubmatch(string(rules), -1)
	if len(names) == 0 {
		t.Fatal("no alert was read")
	}
	for _, n := range names {
		for _, what := range []string{" fires\n", " stays silent\n"} {
			if !strings.Contains(string(tests), "  - name: "+n[1]+what) {
				t.Errorf("%s has no test that it%s", n[1], strings.TrimSuffix(what, "\n"))
			}
		}
	}
	if a, b := strings.Count(string(rules), "\n          action: "), len(names); a != b {
		t.Errorf("%d of %d alerts say what to do", a, b)
	}
}

func TestDashboardAsksForMetricsThatThereAre(t *testing.T) {
	text, err := os.ReadFile("grafana/nsecbunker.json")
	if err != nil {
		t.Fatal(err)
	}
	var board struct {
		Title  string
		Panels []struct {
			ID          int
			Title, Type string
			GridPos     struct{ X, Y, W, H int }
			FieldConfig struct{ Defaults struct{ Unit string } }
			Targets     []struct{ Expr, RefID string }
			Datasource  struct{ UID string }
		}
		Templating struct{ List []struct{ Name, Type string } }
	}
	if err := json.Unmarshal(text, &board); err != nil {
		t.Fatal(err)
	}
	names := served(t)
	used := map[string]bool{}
	ids := map[int]bool{}
	for _, p := range board.Panels {
		if p.Title == "" || p.FieldConfig.Defaults.Unit == "" || len(p.Targets) == 0 || ids[p.ID] || p.Datasource.UID != "${datasource}" || p.GridPos.X+p.GridPos.W > 24 {
			t.Errorf("panel %d %q is not whole", p.ID, p.Title)
		}
		ids[p.ID] = true
		for _, q := range p.Targets {
			for _, name := range metric.FindAllString(q.Expr, -1) {
				used[name] = true
				if !slices.Contains(names, name) {
					t.Errorf("panel %q asks for %s, which there is not", p.Title, name)
				}
			}
		}
	}
	if len(used) < 15 {
		t.Errorf("the dashboard shows %d metrics", len(used))
	}
}
