package arch

import (
	"bytes"
	"encoding/json"
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write ui/src/lib/api/said.json anew")

// said is what the daemon says in words and the admin app shows, as it stands in the
// source: what is filled in is a verb. The app's tests hold every language to it.
type said struct {
	// Sentences are errors, their hints, warnings, and the reasons in the log.
	Sentences []string `json:"sentences"`
	// Acts are what records of the log call what was done.
	Acts []string `json:"acts"`
	// Cards are the words of questions: names of facts, of texts, what people are in them.
	Cards []string `json:"cards"`
}

// speakers are the packages whose sentences reach the page, with the calls that make one
// out of a format: besides bunker.Errorf and WithHint.
func speakers() map[string][]string {
	return map[string][]string{
		"admin": {"bad"}, "approval": nil, "bunker": nil, "daemon": nil, "describe": {"warn"}, "guard": nil, "host": {"bad"}, "inbox": nil, "notify": nil, "orders": nil,
		"policy": {"bad"}, "policy/text": {"refuse", "warn"}, "seal": nil, "session": nil, "signer": nil, "store": nil, "vault": {"never"}, "web": nil,
	}
}

// unshown are files whose sentences no page shows: they are said in the terminal, before
// there is a bunker to log in to, or in direct messages.
func unshown() []string {
	return []string{
		"store/backup.go", "store/files.go", "store/mark.go", "store/migrate.go", "store/move.go", "store/postgres.go", "store/postgresfill.go", "store/postgreslock.go",
		"daemon/backup.go", "daemon/restore.go", "daemon/move.go", "daemon/keys.go", "daemon/wallet.go", "daemon/socket.go", "notify/message.go",
	}
}

// TestTheAdminAppKnowsWhatItIsTold: said.json is made from the source, so that a sentence
// without its German is noticed where it is written.
func TestTheAdminAppKnowsWhatItIsTold(t *testing.T) {
	const path = "../../ui/src/lib/api/said.json"
	c := collector{consts: map[string]string{}, seen: map[string]map[string]bool{}}
	files := map[string][]*ast.File{}
	for dir := range speakers() {
		names, err := filepath.Glob(filepath.Join("..", filepath.FromSlash(dir), "*.go"))
		if err != nil || len(names) == 0 {
			t.Fatalf("%s: %d files, %v", dir, len(names), err)
		}
		for _, name := range names {
			if strings.HasSuffix(name, "_test.go") || slices.Contains(unshown(), dir+"/"+filepath.Base(name)) {
				continue
			}
			f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			files[dir] = append(files[dir], f)
			c.dir = dir
			c.constants(f)
		}
	}
	for dir, calls := range speakers() {
		c.dir = dir
		for _, f := range files[dir] {
			c.file(f, dir, calls)
		}
	}
	out := said{Sentences: c.list("sentences"), Acts: c.list("acts"), Cards: c.list("cards")}
	if len(out.Sentences) < 300 || len(out.Acts) < 10 || len(out.Cards) < 30 {
		t.Fatalf("only %d sentences, %d acts and %d words of cards were found", len(out.Sentences), len(out.Acts), len(out.Cards))
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if err := e.Encode(out); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	have, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(have, b.Bytes()) {
		t.Errorf("%s is not what the source says (%v); write it anew, and its German into ui/src/lib/i18n/speech: go test ./internal/arch -run TheAdminAppKnows -update", path, err)
	}
}

type collector struct {
	dir string // of the file that is looked at
	// consts are the constants, by their name and by the package in front of it.
	consts map[string]string
	seen   map[string]map[string]bool
}

func (c *collector) constants(f *ast.File) {
	for _, d := range f.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok || g.Tok != token.CONST {
			continue
		}
		for _, s := range g.Specs {
			v := s.(*ast.ValueSpec)
			for i, name := range v.Names {
				if i < len(v.Values) {
					if text, ok := c.pattern(v.Values[i]); ok {
						c.consts[c.dir+"."+name.Name] = text
					}
				}
			}
		}
	}
}

func (c *collector) file(f *ast.File, dir string, calls []string) {
	ast.Inspect(f, func(n ast.Node) bool {
		switch x := n.(type) {
		case *ast.CallExpr:
			c.call(x, dir, calls)
		case *ast.KeyValueExpr:
			if key, ok := x.Key.(*ast.Ident); ok {
				c.field(key.Name, x.Value)
			}
		case *ast.AssignStmt:
			for i, l := range x.Lhs {
				if len(x.Rhs) != len(x.Lhs) {
					continue
				}
				switch l := l.(type) {
				case *ast.SelectorExpr:
					c.field(l.Sel.Name, x.Rhs[i])
				case *ast.Ident:
					if l.Name == "words" && dir != "describe" && dir != "policy/text" {
						c.sentence(x.Rhs[i])
					}
					if l.Name == "warnings" {
						c.all(x.Rhs[i])
					}
				}
			}
			if dir == "guard" {
				for _, r := range x.Rhs {
					c.sentence(r)
				}
			}
		case *ast.FuncDecl:
			if tells(dir, x.Name.Name) {
				c.returned(x)
			}
		}
		return true
	})
}

// tells reports a function whose results are sentences.
func tells(dir, name string) bool {
	if dir == "policy" && slices.Contains([]string{"needed", "reason", "why", "does"}, name) {
		return true
	}
	return strings.HasSuffix(strings.ToLower(name), "words") && dir != "describe" && dir != "policy/text"
}

// returned takes what a function returns that puts something into words.
func (c *collector) returned(f *ast.FuncDecl) {
	ast.Inspect(f, func(n ast.Node) bool {
		if r, ok := n.(*ast.ReturnStmt); ok {
			for _, v := range r.Results {
				c.sentence(v)
			}
		}
		return true
	})
}

func (c *collector) field(name string, v ast.Expr) {
	switch name {
	case "Reason", "Needed", "Trouble", "Why":
		c.sentence(v)
	case "Action":
		if text, ok := c.pattern(v); ok && text != "%s" {
			c.put("acts", text)
		}
	case "Warnings":
		c.all(v)
	case "TextIs":
		c.word(v)
	}
}

// all takes every sentence in an expression.
func (c *collector) all(v ast.Expr) {
	if call, ok := v.(*ast.CallExpr); ok {
		if id, ok := call.Fun.(*ast.Ident); ok && id.Name == "append" {
			for _, a := range call.Args[1:] {
				c.sentence(a)
			}
		}
	}
	if list, ok := v.(*ast.CompositeLit); ok {
		for _, a := range list.Elts {
			c.sentence(a)
		}
	}
}

func (c *collector) call(x *ast.CallExpr, dir string, calls []string) {
	name := ""
	switch f := x.Fun.(type) {
	case *ast.Ident:
		name = f.Name
	case *ast.SelectorExpr:
		name = f.Sel.Name
		if of, ok := f.X.(*ast.Ident); ok && of.Name == "bunker" && name == "Errorf" && len(x.Args) > 1 {
			c.sentence(x.Args[1])
		}
	}
	switch {
	case name == "WithHint" && len(x.Args) > 0:
		c.sentence(x.Args[0])
	case dir == "describe" && slices.Contains([]string{"fact", "text", "list", "when"}, name) && len(x.Args) > 0:
		c.word(x.Args[0])
	case dir == "describe" && slices.Contains([]string{"person", "who", "peer"}, name) && len(x.Args) > 0:
		c.word(x.Args[len(x.Args)-1])
	case slices.Contains(calls, name):
		for _, a := range x.Args {
			c.sentence(a)
		}
	}
}

var (
	verb   = regexp.MustCompile(`%[+#]?[a-z]`)
	typed  = regexp.MustCompile(`^(nsecbunker|chown|createdb|df|ls) `)
	letter = regexp.MustCompile(`[a-z]{2}.* |[a-z]{2}.*%| [a-z]{2}`)
)

// sentence takes what has words around what is filled in. Commands are typed, not read.
func (c *collector) sentence(v ast.Expr) {
	text, ok := c.pattern(v)
	if !ok || typed.MatchString(text) || !letter.MatchString(verb.ReplaceAllString(text, "%")) {
		return
	}
	c.put("sentences", text)
}

func (c *collector) word(v ast.Expr) {
	if text, ok := c.pattern(v); ok && strings.ContainsFunc(verb.ReplaceAllString(text, ""), func(r rune) bool { return r >= 'a' && r <= 'z' }) {
		c.put("cards", text)
	}
}

func (c *collector) put(kind, text string) {
	if c.seen[kind] == nil {
		c.seen[kind] = map[string]bool{}
	}
	c.seen[kind][text] = true
}

func (c *collector) list(kind string) []string {
	out := []string{}
	for s := range c.seen[kind] {
		out = append(out, s)
	}
	slices.Sort(out)
	return out
}

// pattern is the text of an expression, with a verb for what is known only later; ok is
// false for what is no text at all.
func (c *collector) pattern(v ast.Expr) (string, bool) {
	switch x := v.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(x.Value)
		return text, err == nil && x.Kind == token.STRING
	case *ast.ParenExpr:
		return c.pattern(x.X)
	case *ast.Ident:
		if text, ok := c.consts[c.dir+"."+x.Name]; ok {
			return text, true
		}
		return "%s", x.Name != "nil" && x.Name != "true" && x.Name != "false"
	case *ast.SelectorExpr:
		if of, ok := x.X.(*ast.Ident); ok {
			if text, ok := c.consts[of.Name+"."+x.Sel.Name]; ok {
				return text, true
			}
		}
		return "%s", true
	case *ast.CallExpr:
		if f, ok := x.Fun.(*ast.SelectorExpr); ok && f.Sel.Name == "Sprintf" {
			return c.pattern(x.Args[0])
		}
		return "%s", true
	case *ast.BinaryExpr:
		a, okA := c.pattern(x.X)
		b, okB := c.pattern(x.Y)
		return a + b, x.Op == token.ADD && okA && okB
	case *ast.IndexExpr, *ast.SliceExpr:
		return "%s", true
	}
	return "", false
}
