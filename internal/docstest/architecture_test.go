package docstest

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"nsecbunker/internal/arch"
)

// TestTheArchitecturePageShowsTheHouseAsItStands: every package in the tree, and
// in the table of floors what internal/arch enforces, in its order.
func TestTheArchitecturePageShowsTheHouseAsItStands(t *testing.T) {
	page := read(t, "docs/architecture.md")
	_, rest, _ := strings.Cut(page, "## Tree\n\n```\n")
	tree, _, ok := strings.Cut(rest, "\n```\n")
	if !ok {
		t.Fatal("docs/architecture.md has no tree")
	}
	shown := map[string]bool{} // folders of internal/ that the tree names
	for line := range strings.Lines(tree) {
		names, _, _ := strings.Cut(line, "   ")
		if rest, ok := strings.CutPrefix(names, "internal/"); ok {
			for _, n := range strings.Fields(rest) {
				shown[strings.TrimSuffix(n, "/")] = true
			}
		}
	}
	var house []string // nothing but rows of packages that are there
	floors := map[arch.Floor][]string{}
	for _, row := range arch.Table() {
		name, ok := strings.CutPrefix(row.Path, "internal/")
		if _, err := os.Stat(root + "/" + row.Path); !ok || err != nil {
			continue
		}
		if top, _, _ := strings.Cut(name, "/"); !slices.Contains(house, top) {
			house = append(house, top)
		}
		if !strings.Contains(name, "/") || row.Floor == arch.Deciding {
			floors[row.Floor] = append(floors[row.Floor], name)
		}
	}
	for _, name := range house {
		if !shown[name] {
			t.Errorf("the tree of docs/architecture.md does not show internal/%s", name)
		}
	}
	for n, floor := range []arch.Floor{arch.Nostr, arch.Words, arch.Deciding, arch.Edges, arch.Wiring} {
		row := regexp.MustCompile(`(?m)^\| ` + string(rune('0'+n)) + ` \| ([^|]*) \|`).FindStringSubmatch(page)
		if row == nil {
			t.Errorf("docs/architecture.md has no row for floor %d", n)
			continue
		}
		var said []string
		for _, m := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(row[1], -1) {
			if name := strings.TrimPrefix(m[1], "internal/"); !strings.HasPrefix(name, "nostr") && name != "cmd" {
				said = append(said, name)
			}
		}
		if want := floors[floor]; !slices.Equal(said, want) {
			t.Errorf("floor %d of docs/architecture.md has\n%v, internal/arch has\n%v", n, said, want)
		}
	}
}

// TestEveryPageOfTheDesignThatIsCitedIsThere: comments, limits and pages name the
// design by its file; whoever follows them finds it, with the section.
func TestEveryPageOfTheDesignThatIsCitedIsThere(t *testing.T) {
	cite := regexp.MustCompile(`\b([a-z]+)\.md,? sections? ([0-9])\b`)
	cited := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name := d.Name(); name == "node_modules" || name == ".git" || name == "testdata" {
				return filepath.SkipDir
			}
			return nil
		}
		if ext := filepath.Ext(path); ext != ".go" && ext != ".md" {
			return nil
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, m := range cite.FindAllStringSubmatch(string(b), -1) {
			cited++
			page, err := os.ReadFile(filepath.Join(root, "docs", "design", m[1]+".md"))
			if err != nil || !strings.Contains(string(page), "\n## "+m[2]+". ") {
				t.Errorf("%s cites %s, which is not in docs/design", path, m[0])
			}
		}
		return nil
	})
	if err != nil || cited < 50 {
		t.Errorf("%d citations were found (%v): the reader is broken", cited, err)
	}
}
