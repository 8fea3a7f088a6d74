package check

import (
	"os"
	"os/exec"
	"testing"
)

// promtool finds it: $PROMTOOL, else the path. scripts/promtool fetches it.
func promtool(t *testing.T) string {
	t.Helper()
	if p := os.Getenv("PROMTOOL"); p != "" {
		return p
	}
	p, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("NOT RUN: promtool is missing; PROMTOOL=$(scripts/promtool) names one")
	}
	return p
}

func TestRulesAreWhatPrometheusTakesAndFireAsTheyShould(t *testing.T) {
	tool := promtool(t)
	for _, args := range [][]string{
		{"check", "rules", "nsecbunker.rules.yaml"},
		{"check", "config", "prometheus.yml"},
		{"test", "rules", "nsecbunker.rules.test.yaml"},
	} {
		cmd := exec.Command(tool, args...)
		cmd.Dir = "../prometheus"
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("promtool %v: %v\n%s", args, err, out)
		}
	}
}
