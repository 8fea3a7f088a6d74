package arch

import (
	"go/ast"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const root = "../.."

// TestEveryPackageStandsOnItsFloor is the architecture's test: see floors.go.
func TestEveryPackageStandsOnItsFloor(t *testing.T) {
	m, err := Load(root)
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Packages) == 0 {
		t.Fatal("no packages found")
	}
	for _, v := range Check(m, Table()) {
		t.Error(v)
	}
}

// TestEveryBreachIsReported holds the checks against a small module that
// breaks every rule: each line with a "want" comment must be reported with that
// text, and nothing else may be.
func TestEveryBreachIsReported(t *testing.T) {
	for _, dir := range []string{"testdata/breaches", "testdata/clean"} {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			m, err := Load(dir)
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]bool{}
			// An edge with a part of its own, whatever the real table has today.
			table := append(Table(), Row{Edges, "internal/store/schema", nil})
			for _, v := range Check(m, table) {
				got[v.String()] = true
			}
			for _, w := range wanted(m) {
				if !take(got, w) {
					t.Errorf("not reported: %s", w)
				}
			}
			for v := range got {
				t.Errorf("reported without need: %s", v)
			}
		})
	}
}

// take removes the one violation that begins and goes on as w says.
func take(got map[string]bool, w Violation) bool {
	for v := range got {
		if place, text, ok := strings.Cut(v, ": "); ok && place+": " == strings.TrimSuffix(w.String(), w.Text) && strings.Contains(text, w.Text) {
			delete(got, v)
			return true
		}
	}
	return false
}

// wanted collects the comments `// want "text"` (this line) and
// `// want package "text"` (the whole folder), several a line if need be.
func wanted(m *Module) []Violation {
	var all []Violation
	for _, p := range m.Packages {
		for _, f := range p.Files {
			for _, group := range f.Syntax.Comments {
				for _, c := range group.List {
					all = append(all, wants(m, p, c)...)
				}
			}
		}
	}
	return all
}

func wants(m *Module, p Package, c *ast.Comment) []Violation {
	text, ok := strings.CutPrefix(c.Text, "// want ")
	if !ok {
		return nil
	}
	pos := m.Fset.Position(c.Pos())
	var all []Violation
	for i, part := range strings.Split(text, `"`) {
		if i%2 == 0 {
			continue
		}
		v := Violation{pos.Filename, pos.Line, part}
		if strings.HasPrefix(text, "package ") {
			v = Violation{File: p.Path, Text: part}
		}
		all = append(all, v)
	}
	return all
}

func TestTableNamesEachPackageOnceAndFloorsRise(t *testing.T) {
	seen := map[string]bool{}
	floor := Nostr
	for _, r := range Table() {
		if seen[r.Path] {
			t.Errorf("%s stands twice in the table", r.Path)
		}
		seen[r.Path] = true
		if r.Floor < floor {
			t.Errorf("%s: the table goes down a floor", r.Path)
		}
		floor = r.Floor
	}
}

func TestExceptionsAndFencesNameWhatExists(t *testing.T) {
	m, err := Load(root)
	if err != nil {
		t.Fatal(err)
	}
	vars := map[string]bool{}
	for _, p := range m.Packages {
		for _, f := range p.Files {
			for _, d := range f.Syntax.Decls {
				g, ok := d.(*ast.GenDecl)
				if !ok {
					continue
				}
				for _, s := range g.Specs {
					if v, ok := s.(*ast.ValueSpec); ok {
						vars[p.Path+"."+v.Names[0].Name] = true
					}
				}
			}
		}
	}
	for name, reason := range stateExceptions() {
		if !vars[name] {
			t.Errorf("the exception for %s (%s) names nothing that exists: remove it", name, reason)
		}
	}
	rows := Table()
	for _, f := range Fences() {
		for _, path := range append([]string{f.Package}, f.Callers...) {
			if !slices.ContainsFunc(rows, func(r Row) bool { return r.Path == path }) {
				t.Errorf("the fence of %s names %s, which is not in the table", f.Name, path)
			}
		}
	}
}

func TestLoadSaysWhatIsWrong(t *testing.T) {
	if _, err := Load(t.TempDir()); err == nil || !strings.Contains(err.Error(), "module's name") {
		t.Errorf("a folder without go.mod: %v", err)
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "go.mod"), "// nothing\n")
	if _, err := Load(dir); err == nil || !strings.Contains(err.Error(), "module line") {
		t.Errorf("a go.mod without a module line: %v", err)
	}
	write(t, filepath.Join(dir, "go.mod"), "module x\n")
	write(t, filepath.Join(dir, "x.go"), "package x\nfunc {\n")
	if _, err := Load(dir); err == nil || !strings.Contains(err.Error(), "x.go:2") {
		t.Errorf("a file that does not parse: %v", err)
	}
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
