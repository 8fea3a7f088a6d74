package docstest

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var (
	row     = regexp.MustCompile("(?m)^\\| `(Test\\w+)` \\| `([\\w/]+)` \\| (.+) \\| ([^|]+) \\| ([^|]*)\\|$")
	goTest  = regexp.MustCompile(`go test .*-run '([^']+)' (.+)$`)
	chaos   = regexp.MustCompile(`(?m)^\t@NSECBUNKER_CHAOS=full go test .*-run '([^']+)' \./(\S+)$`)
	leading = regexp.MustCompile(`^(\d+) \w+ *$`)
	section = regexp.MustCompile(`(?m)^## (\d+)\. `)
)

// promises is how many there are.
const promises = 12

// shown is a row of docs/promises.md.
type shown struct{ test, in, usual, full string }

// promisesOf returns the rows and the commands of each promise, by its number.
func promisesOf(t *testing.T) (rows map[int][]shown, commands map[int][]string) {
	t.Helper()
	rows, commands = map[int][]shown{}, map[int][]string{}
	text := read(t, "docs/promises.md")
	heads := section.FindAllStringSubmatchIndex(text, -1)
	for i, h := range heads {
		n, err := strconv.Atoi(text[h[2]:h[3]])
		if err != nil {
			t.Fatal(err)
		}
		end := len(text)
		if i+1 < len(heads) {
			end = heads[i+1][0]
		}
		part := text[h[1]:end]
		for _, m := range row.FindAllStringSubmatch(part, -1) {
			rows[n] = append(rows[n], shown{m[1], m[2], m[4], strings.TrimSpace(m[5])})
		}
		if lines := strings.Count(part, "\n| `"); lines != len(rows[n]) {
			t.Errorf("promise %d: %d rows, %d of them could be read", n, lines, len(rows[n]))
		}
		for _, line := range strings.Split(part, "\n") {
			if goTest.MatchString(line) {
				commands[n] = append(commands[n], line)
			}
		}
	}
	return rows, commands
}

// sources returns the text of each test function in a package's folder.
func sources(t *testing.T, in string) map[string]string {
	t.Helper()
	out := map[string]string{}
	files, err := filepath.Glob(filepath.Join(root, in, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		set := token.NewFileSet()
		f, err := parser.ParseFile(set, path, text, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && strings.HasPrefix(fn.Name.Name, "Test") {
				out[fn.Name.Name] = string(text[set.Position(fn.Pos()).Offset:set.Position(fn.End()).Offset])
			}
		}
	}
	return out
}

// runs reports whether a command of the page runs a test of a package.
func runs(command, test, in string) bool {
	m := goTest.FindStringSubmatch(command)
	for _, p := range strings.Fields(m[2]) {
		p = strings.TrimPrefix(p, "./")
		if strings.HasPrefix(command, "cd conformance && ") {
			p = strings.Replace(p, ".", "conformance", 1)
		}
		if p == in {
			return regexp.MustCompile(m[1]).MatchString(test)
		}
	}
	return false
}

// TestEveryPromiseIsShownByTestsThatItsCommandRuns: the tests that docs/promises.md
// names are in the packages that it names, its commands run them, every part of a
// command runs one, and the counts of make chaos and its tenth are those of the code.
func TestEveryPromiseIsShownByTestsThatItsCommandRuns(t *testing.T) {
	rows, commands := promisesOf(t)
	long := chaos.FindStringSubmatch(read(t, "Makefile"))
	if long == nil {
		t.Fatal("the recipe of make chaos could not be read")
	}
	tests, counted := map[string]map[string]string{}, 0
	for n := 1; n <= promises; n++ {
		if len(rows[n]) == 0 || len(commands[n]) == 0 {
			t.Errorf("promise %d has %d tests and %d commands", n, len(rows[n]), len(commands[n]))
		}
		for _, r := range rows[n] {
			if tests[r.in] == nil {
				tests[r.in] = sources(t, r.in)
			}
			source, ok := tests[r.in][r.test]
			if !ok {
				t.Errorf("promise %d: %s has no test %s", n, r.in, r.test)
			}
			run := false
			for _, c := range commands[n] {
				run = run || runs(c, r.test, r.in)
			}
			if !run {
				t.Errorf("promise %d: no command runs %s of %s", n, r.test, r.in)
			}
			if m := leading.FindStringSubmatch(r.full); m != nil {
				counted++
				if why := miscounted(r, m[1], source, long); why != "" {
					t.Errorf("promise %d: %s: %s", n, r.test, why)
				}
			} else if r.full != "" || strings.Contains(source, "times(") {
				t.Errorf("promise %d: %s: the count of make chaos is %q", n, r.test, r.full)
			}
		}
		for _, c := range commands[n] {
			for part := range strings.SplitSeq(goTest.FindStringSubmatch(c)[1], "|") {
				used := false
				for _, r := range rows[n] {
					used = used || strings.Contains(r.test, part)
				}
				if !used {
					t.Errorf("promise %d: %q in its command runs none of its tests", n, part)
				}
			}
		}
	}
	if len(rows) != promises || counted < 3 {
		t.Errorf("%d promises, %d counts of make chaos: the pattern has lost its teeth", len(rows), counted)
	}
}

// miscounted returns what is wrong with a row that has a count of make chaos.
func miscounted(r shown, full, source string, long []string) string {
	usual := leading.FindStringSubmatch(r.usual)
	switch n, err := strconv.Atoi(full); {
	case err != nil:
		return err.Error()
	case !strings.Contains(source, "times("+full+")"):
		return "its source does not do it times(" + full + ")"
	case usual == nil || usual[1] != fmt.Sprint(n/10):
		return fmt.Sprintf("%q is not a tenth of %s", r.usual, full)
	case long[2] != r.in || !regexp.MustCompile(long[1]).MatchString(r.test):
		return "make chaos does not run it"
	}
	return ""
}

// TestThePromisesOfTheReadmeAreThoseOfTheirPage: what the README's short table
// names is on the page, under the same number.
func TestThePromisesOfTheReadmeAreThoseOfTheirPage(t *testing.T) {
	rows, _ := promisesOf(t)
	page := read(t, "docs/promises.md")
	n := 0
	for _, m := range regexp.MustCompile(`(?m)^\| (\d+) \| [^|]+ \| (.+) \|$`).FindAllStringSubmatch(read(t, "README.md"), -1) {
		n++
		number, err := strconv.Atoi(m[1])
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range code.FindAllStringSubmatch(m[2], -1) {
			found := !strings.HasPrefix(name[1], "Test") && strings.Contains(page, "`"+name[1]+"`")
			for _, r := range rows[number] {
				found = found || r.test == name[1]
			}
			if !found {
				t.Errorf("the README shows promise %d by %s, docs/promises.md does not", number, name[1])
			}
		}
	}
	if n != promises {
		t.Errorf("the README's table has %d promises", n)
	}
}
