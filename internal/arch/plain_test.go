package arch

import (
	"go/ast"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// plainPackages are the ones that scripts/race tests without the race detector.
func plainPackages(t *testing.T) []string {
	t.Helper()
	b, err := os.ReadFile(root + "/scripts/race")
	if err != nil {
		t.Fatal(err)
	}
	list := regexp.MustCompile(`(?s)\nplain=\((.*?)\n\)`).FindSubmatch(b)
	if list == nil {
		t.Fatal("scripts/race has no list plain=(…)")
	}
	var out []string
	for _, name := range strings.Fields(string(list[1])) {
		out = append(out, strings.TrimPrefix(name, "./"))
	}
	return out
}

// starts is where a file starts something that runs beside it; nil: nowhere.
func starts(f File) (at ast.Node) {
	ast.Inspect(f.Syntax, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			at = n
		case *ast.CallExpr:
			if s, ok := n.Fun.(*ast.SelectorExpr); ok && slices.Contains([]string{"Go", "Parallel", "AfterFunc"}, s.Sel.Name) {
				at = n
			}
		case *ast.SelectorExpr: // the one thing of nostr/nip46 that starts something
			if x, ok := n.X.(*ast.Ident); ok && x.Name == "nip46" && n.Sel.Name == "NewClient" {
				at = n
			}
		}
		return at == nil
	})
	return at
}

// TestWhatIsTestedWithoutTheRaceDetectorStartsNothing: where nothing runs beside anything
// else, neither in a package, nor in its tests, nor in what they use, there is no race.
func TestWhatIsTestedWithoutTheRaceDetectorStartsNothing(t *testing.T) {
	m, err := Load(root)
	if err != nil {
		t.Fatal(err)
	}
	packages := map[string]Package{}
	for _, p := range m.Packages {
		packages[p.Path] = p
	}
	for _, name := range plainPackages(t) {
		if _, ok := packages[name]; !ok {
			t.Errorf("scripts/race names %s, which is not there", name)
		}
		seen := map[string]bool{}
		var look func(path string, tests bool)
		look = func(path string, tests bool) {
			seen[path] = true
			for _, f := range packages[path].Files {
				if f.Test && !tests {
					continue
				}
				if at := starts(f); at != nil && path != "nostr/nip46" {
					t.Errorf("%s is in the list plain of scripts/race, and %s starts something: take it out of the list", name, m.Fset.Position(at.Pos()))
				}
				for _, i := range f.Imports {
					if own, ok := strings.CutPrefix(i.Path, m.Path+"/"); ok && !seen[own] {
						look(own, false)
					}
				}
			}
		}
		look(name, true)
	}
}
