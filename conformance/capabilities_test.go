package conformance

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// lack is what a library cannot do, as capabilities.json has it.
type lack struct {
	Library string `json:"library"` // name@version
	// Envelope narrows it to one row of a library that has two.
	Envelope string   `json:"envelope,omitempty"`
	Steps    []string `json:"steps"`
	// File and Line are where the library shows it; Text is a part of that line. A Go module's file begins with its path.
	File string `json:"file"`
	Line int    `json:"line"`
	Text string `json:"text"`
	// Shows is a part of what the step fails with, so that nothing else hides behind the lack.
	Shows  string `json:"shows"`
	Reason string `json:"reason"`
}

func lacks(t testing.TB) []lack {
	t.Helper()
	raw, err := os.ReadFile("capabilities.json")
	if err != nil {
		t.Fatal(err)
	}
	var all struct {
		Lacks []lack `json:"lacks"`
	}
	if err := json.Unmarshal(raw, &all); err != nil {
		t.Fatalf("capabilities.json: %v", err)
	}
	return all.Lacks
}

func lackOf(all []lack, l library, step string) *lack {
	for i, k := range all {
		if k.Library != l.id() || (k.Envelope != "" && k.Envelope != l.envelope) {
			continue
		}
		for _, s := range k.Steps {
			if s == step {
				return &all[i]
			}
		}
	}
	return nil
}

// TestEveryLackIsShownInTheLibrarysSource holds each entry of capabilities.json to the line that it names.
func TestEveryLackIsShownInTheLibrarysSource(t *testing.T) {
	known := map[string]library{}
	for _, l := range libraries() {
		known[l.id()] = l
	}
	for _, k := range lacks(t) {
		l, ok := known[k.Library]
		if !ok {
			t.Errorf("there is no library %s", k.Library)
			continue
		}
		if k.Reason == "" || k.Text == "" || k.Shows == "" {
			t.Errorf("%s %v: reason, text or shows is empty", k.Library, k.Steps)
		}
		for _, s := range k.Steps {
			if titleOf(s) == "" {
				t.Errorf("%s: there is no step %s", k.Library, s)
			}
		}
		if got := sourceLine(t, l, k); !strings.Contains(got, k.Text) {
			t.Errorf("%s %v: %s:%d is %q, which does not hold %q", k.Library, k.Steps, k.File, k.Line, got, k.Text)
		}
	}
}

func sourceLine(t *testing.T, l library, k lack) string {
	t.Helper()
	path := filepath.Join("js", "node_modules", l.pkg, k.File)
	if filepath.Ext(l.driver) != ".mjs" {
		out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", l.pkg).Output()
		if err != nil {
			t.Fatal(err)
		}
		path = filepath.Join(strings.TrimSpace(string(out)), k.File)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Errorf("%s %v: %v", k.Library, k.Steps, err)
		return ""
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 16<<20)
	for n := 1; lines.Scan(); n++ {
		if n == k.Line {
			return lines.Text()
		}
	}
	return ""
}

// TestVersionsAreThoseThatAreInstalled holds the table of libraries to the lock file and go.mod.
func TestVersionsAreThoseThatAreInstalled(t *testing.T) {
	raw, err := os.ReadFile("js/package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(raw), "\"resolved\"") {
		t.Error("js/package-lock.json names hosts of a registry: npm install --omit-lockfile-registry-resolved")
	}
	var lock struct {
		Packages map[string]struct{ Version string }
	}
	if err := json.Unmarshal(raw, &lock); err != nil {
		t.Fatal(err)
	}
	mod, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range libraries() {
		if filepath.Ext(l.driver) != ".mjs" {
			if !strings.Contains(string(mod), l.pkg+" "+l.version+"\n") {
				t.Errorf("go.mod does not require %s %s", l.pkg, l.version)
			}
			continue
		}
		var got struct{ Version string }
		raw, err := os.ReadFile(filepath.Join("js/node_modules", l.pkg, "package.json"))
		if err == nil {
			err = json.Unmarshal(raw, &got)
		}
		if err != nil || got.Version != l.version || lock.Packages["node_modules/"+l.pkg].Version != l.version {
			t.Errorf("%s is not installed and locked as %s (%s, %v)", l.pkg, l.version, got.Version, err)
		}
	}
}
