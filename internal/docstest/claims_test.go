package docstest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
)

var (
	mdLink  = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	code    = regexp.MustCompile("`([^`\n]+)`")
	heading = regexp.MustCompile(`(?m)^#+ +(.+)$`)
)

// prose is a page without its fenced blocks.
func prose(t *testing.T, page string) string {
	t.Helper()
	var out []string
	fenced := false
	for _, line := range strings.Split(read(t, page), "\n") {
		if strings.HasPrefix(strings.TrimSpace(line), "```") {
			fenced = !fenced
			continue
		}
		if !fenced {
			out = append(out, line)
		}
	}
	return strings.Join(out, "\n")
}

// anchors returns the names under which a page's headings are linked: lower
// case, spaces as dashes, everything else but letters, digits and dashes gone.
func anchors(text string) []string {
	var out []string
	for _, m := range heading.FindAllStringSubmatch(text, -1) {
		out = append(out, strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
				return unicode.ToLower(r)
			}
			return -1
		}, m[1]))
	}
	return out
}

func TestLinksOfThePagesLeadSomewhere(t *testing.T) {
	for _, page := range pages(t) {
		for _, m := range mdLink.FindAllStringSubmatch(prose(t, page), -1) {
			target, anchor, _ := strings.Cut(m[1], "#")
			if strings.Contains(target, "://") {
				continue
			}
			to := page
			if target != "" {
				to = filepath.ToSlash(filepath.Join(filepath.Dir(page), target))
			}
			if _, err := os.Stat(filepath.Join(root, to)); err != nil {
				t.Errorf("%s links to %s, which is not there", page, m[1])
				continue
			}
			if anchor != "" && !slices.Contains(anchors(prose(t, to)), anchor) {
				t.Errorf("%s links to %s, but %s has no such heading", page, m[1], to)
			}
		}
	}
}

// named finds every test function of the checkout, the modules beside it too, and
// every string in a test that could name a sub-test.
func named(t *testing.T) map[string]bool {
	t.Helper()
	out := map[string]bool{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "node_modules" || d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && path != root) {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				out[n.Name.Name] = true
			case *ast.BasicLit:
				if n.Kind == token.STRING {
					out[strings.Trim(n.Value, "\"`")] = true
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// promise is a sentence in the form of a test's or a sub-test's name: four words
// or more when it does not begin with Test.
var promise = regexp.MustCompile(`^(Test[A-Z0-9]\w+|([A-Z][a-z]*){4,})$`)

// TestTestsThatThePagesNameExist: a promise that names its test must not outlive
// the test.
func TestTestsThatThePagesNameExist(t *testing.T) {
	all := named(t)
	n := 0
	for _, page := range pages(t) {
		for _, m := range code.FindAllStringSubmatch(prose(t, page), -1) {
			if !promise.MatchString(m[1]) || strings.ToUpper(m[1]) == m[1] || page == "docs/limits.md" {
				continue
			}
			n++
			if !all[m[1]] {
				t.Errorf("%s names the test %s, which is not there", page, m[1])
			}
		}
	}
	if n < 50 {
		t.Errorf("only %d names of tests were found: the pattern has lost its teeth", n)
	}
}

// built builds the product for a test.
func built(t *testing.T) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "nsecbunker")
	cmd := exec.Command("go", "build", "-buildvcs=false", "-o", bin, "./cmd/nsecbunker")
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building: %v\n%s", err, out)
	}
	return bin
}

var (
	parts = regexp.MustCompile(`&&|\|\||[;|&]`)
	word  = regexp.MustCompile(`'[^']*'|"[^"]*"|\S+`)
	flag  = regexp.MustCompile(`(?m)^\s+(?:-(\w), )?--([a-z0-9-]+)`)
	// commands of a help text: the lines below a title, two spaces in; what goes on
	// from the line before stands further in.
	listed = regexp.MustCompile(`(?m)^[A-Z][\w ]+:\n(  [a-z-]+  +\S.*\n(?:  +\S.*\n)*)`)
	// the flags that every command has, in its help.
	everywhere = regexp.MustCompile(`(?s)\nFlags of every command \(nsecbunker --help\): (.*?)(?:\n\n|\n$)`)
)

// invocations returns what a line of shell gives to the program, word by word.
func invocations(line string) [][]string {
	var out [][]string
	for _, part := range parts.Split(line, -1) {
		words := word.FindAllString(part, -1)
		at := -1
		for i, w := range words {
			// docker run … nsecbunker start, sudo -u nsecbunker nsecbunker …: the last one is it.
			if w == "nsecbunker" || strings.HasSuffix(w, "/nsecbunker") {
				at = i
			}
		}
		if at < 0 || at == len(words)-1 || slices.Contains([]string{"install", "curl"}, words[0]) || strings.HasPrefix(part, "docker build") {
			continue
		}
		words = words[at+1:]
		if end := slices.IndexFunc(words, func(w string) bool { return strings.ContainsAny(w, "<>") }); end >= 0 {
			words = words[:end]
		}
		out = append(out, words)
	}
	return out
}

// TestCommandsThatThePagesNameExist: each command line of a page is one that the
// program knows, with flags that it has.
func TestCommandsThatThePagesNameExist(t *testing.T) {
	bin := built(t)
	help := helper(bin)
	for _, wrong := range []string{"fly", "key fly", "key add herald --wings", "--data x status --wings", "connections fly c1"} {
		if help.check(strings.Fields(wrong)) == "" {
			t.Fatalf("%q passes as a command: the check has lost its teeth", wrong)
		}
	}
	n := 0
	for _, page := range pages(t) {
		for _, line := range shell(t, page) {
			for _, words := range invocations(line) {
				n++
				if why := help.check(words); why != "" {
					t.Errorf("%s: %q: %s", page, line, why)
				}
			}
		}
	}
	if n < 60 {
		t.Errorf("only %d command lines were found: the pattern has lost its teeth", n)
	}
}

// shell returns the lines of a page that hold shell: those of sh blocks, and code
// in the text that begins with the program's name.
func shell(t *testing.T, page string) []string {
	t.Helper()
	var out []string
	for _, b := range blocks(t, page) {
		if b.lang == "sh" || b.lang == "yaml" {
			out = append(out, b.commands()...)
		}
	}
	for _, m := range code.FindAllStringSubmatch(prose(t, page), -1) {
		if strings.HasPrefix(m[1], "nsecbunker ") {
			out = append(out, m[1])
		}
	}
	return out
}

// helpers keeps what --help says of each command.
type helpers struct {
	bin  string
	says map[string]string
}

func helper(bin string) *helpers { return &helpers{bin, map[string]string{}} }

func (h *helpers) of(path []string) string {
	key := strings.Join(path, " ")
	if _, ok := h.says[key]; !ok {
		out, err := exec.Command(h.bin, append(slices.Clone(path), "--help")...).CombinedOutput()
		if err != nil {
			out = nil
		}
		h.says[key] = string(out)
	}
	return h.says[key]
}

// check returns what is wrong with a command's words, "" when nothing is.
func (h *helpers) check(words []string) string {
	var path, flags []string
	for i := 0; i < len(words); i++ {
		w := words[i]
		switch {
		case strings.HasPrefix(w, "-"):
			f, _, _ := strings.Cut(strings.TrimLeft(w, "-"), "=")
			flags = append(flags, f)
			if len(path) == 0 && (f == "data") {
				i++ // its value
			}
		case h.has(path, w):
			path = append(path, w)
		case len(path) == 0:
			return "there is no command " + w
		case strings.Contains(h.of(path), "Available Commands:") && len(flags) == 0:
			return "there is no command " + strings.Join(append(path, w), " ")
		}
	}
	text := h.of(path)
	for _, m := range everywhere.FindAllStringSubmatch(text, -1) {
		text += "\n  " + strings.Join(strings.Split(strings.Join(strings.Fields(m[1]), " "), ", "), "\n  ")
	}
	for _, f := range flags {
		known := f == "help" || f == "h"
		for _, m := range flag.FindAllStringSubmatch(text, -1) {
			known = known || f == m[1] || f == m[2]
		}
		if !known {
			return "nsecbunker " + strings.Join(path, " ") + " has no flag " + f
		}
	}
	return ""
}

// has reports whether w is a command below path: its help lists it.
func (h *helpers) has(path []string, w string) bool {
	for _, m := range listed.FindAllStringSubmatch(h.of(path), -1) {
		for _, line := range strings.Split(m[1], "\n") {
			if f := strings.Fields(line); len(f) > 0 && f[0] == w && strings.HasPrefix(line, "  "+w) {
				return true
			}
		}
	}
	return false
}

// TestMakeHasTheTargetsThatThePagesName: make run, make test and the others.
func TestMakeHasTheTargetsThatThePagesName(t *testing.T) {
	makefile := read(t, "Makefile")
	target := regexp.MustCompile(`(?:^|[\s(])make ([a-z0-9-]+)`)
	n := 0
	for _, page := range pages(t) {
		var lines []string
		for _, b := range blocks(t, page) {
			if b.lang == "sh" {
				lines = append(lines, b.commands()...)
			}
		}
		for _, m := range code.FindAllStringSubmatch(prose(t, page), -1) {
			if strings.HasPrefix(m[1], "make ") {
				lines = append(lines, m[1])
			}
		}
		for _, line := range lines {
			for _, m := range target.FindAllStringSubmatch(line, -1) {
				n++
				if !strings.Contains(makefile, "\n"+m[1]+":") {
					t.Errorf("%s: make has no target %s", page, m[1])
				}
			}
		}
	}
	if n == 0 {
		t.Error("no page names a target of make")
	}
}
