// Package docstest holds the documents to the product: what the README says is
// typed is typed here, in terminals, against the real binary; what any page says
// exists (files, headings, tests, commands, flags) is looked up.
package docstest

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// root is the checkout.
const root = "../.."

// pages returns the documents that are held to the product, below root.
func pages(t *testing.T) []string {
	t.Helper()
	all := []string{"README.md"}
	for _, pattern := range []string{"docs/*.md", "docs/model/*.md", "docs/design/*.md", "examples/*.md", "deploy/*.md"} {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range found {
			rel, err := filepath.Rel(root, f)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, filepath.ToSlash(rel))
		}
	}
	return all
}

func read(t *testing.T, page string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root, page))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// block is one fenced block of a page.
type block struct {
	page  string
	line  int // of the opening fence
	lang  string
	lines []string
	// notes are the words of the HTML comment on the line before the fence:
	// `<!-- test terminal=1 holds -->` gives {"test": "", "terminal": "1", "holds": ""}.
	notes map[string]string
}

func (b *block) String() string { return fmt.Sprintf("%s:%d", b.page, b.line) }

var comment = regexp.MustCompile(`^<!--\s*(.*?)\s*-->$`)

// blocks reads the fenced blocks of a page.
func blocks(t *testing.T, page string) []block {
	t.Helper()
	var out []block
	var open *block
	before := ""
	for i, line := range strings.Split(read(t, page), "\n") {
		text := strings.TrimSpace(line)
		switch {
		case open != nil && text == "```":
			out, open = append(out, *open), nil
		case open != nil:
			open.lines = append(open.lines, line)
		case strings.HasPrefix(text, "```"):
			open = &block{page: page, line: i + 1, lang: strings.TrimPrefix(text, "```"), notes: notes(before)}
		}
		before = text
	}
	if open != nil {
		t.Fatalf("%s is not closed", open)
	}
	return out
}

func notes(line string) map[string]string {
	m := comment.FindStringSubmatch(line)
	if m == nil {
		return nil
	}
	out := map[string]string{}
	for _, word := range strings.Fields(m[1]) {
		name, value, _ := strings.Cut(word, "=")
		out[name] = value
	}
	return out
}

// commands returns the lines of a shell block without comments, continued lines
// joined.
func (b *block) commands() []string {
	var out []string
	joined := ""
	for _, line := range b.lines {
		line = uncomment(line)
		if head, more := strings.CutSuffix(line, `\`); more {
			joined += head
			continue
		}
		if line = strings.TrimSpace(joined + line); line != "" {
			out = append(out, line)
		}
		joined = ""
	}
	return out
}

// uncomment takes a comment off a line of shell: a # at a word's beginning, out
// of quotes.
func uncomment(line string) string {
	quote := byte(0)
	for i := range len(line) {
		switch c := line[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '\'' || c == '"':
			quote = c
		case c == '#' && (i == 0 || line[i-1] == ' ' || line[i-1] == '\t'):
			return strings.TrimRight(line[:i], " \t")
		}
	}
	return strings.TrimRight(line, " \t")
}

func TestBlocksAreReadWithTheirNotes(t *testing.T) {
	if got := notes("<!-- test terminal=1 holds -->"); got["terminal"] != "1" || len(got) != 3 {
		t.Errorf("notes: %v", got)
	}
	if got := notes("<!-- a word"); got != nil {
		t.Errorf("no comment: %v", got)
	}
	b := block{lines: []string{"# all of it", `a '# b' "c #" # d`, `x \`, "  y#z   # w"}}
	if got := strings.Join(b.commands(), "|"); got != `a '# b' "c #"|x   y#z` {
		t.Errorf("commands: %s", got)
	}
}
