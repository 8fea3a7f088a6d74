package cli

import (
	"bytes"
	"flag"
	"fmt"
	"go/ast"
	"go/constant"
	"go/format"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write what the tests hold the code against")

// TestLimitsAreThoseOfTheCode reads every limit out of the code. With -update it
// writes them down.
func TestLimitsAreThoseOfTheCode(t *testing.T) {
	table := readLimits(t, "../..")
	if len(table) < 100 {
		t.Fatalf("only %d limits were found: the reader is broken", len(table))
	}
	var b bytes.Buffer
	b.WriteString("package cli\n\n// Made by: go test ./internal/cli -run TestLimits -update\n\n// limits returns every limit of the program, by place and name.\nfunc limits() []limit {\n\treturn []limit{\n")
	for _, l := range table {
		fmt.Fprintf(&b, "{%q, %q, %q, %q},\n", l.Name, l.Value, l.Where, l.Meaning)
	}
	b.WriteString("}\n}\n")
	code, err := format.Source(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "limits_table.go", code)
	golden(t, "../../docs/limits.md", []byte(limitsMarkdown(table)))
}

// golden holds got against a file, or writes it.
func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not what the code says now; look at the difference and run: go test ./internal/cli -run %s -update", path, t.Name())
	}
}

// limitName are constants that bound something, by their names; durations all do.
var limitName = regexp.MustCompile(`(?i)^(max|min)|limit|timeout|(after|within|window|tries|uses|rows|rate|burst|backoff|wait|slots?|places|capacity|freshness|ahead|keep|wide|freeze|patience|cooling|margin|deadline|grace|interval|period|full|low|off|quota|queue|depth|words|logn)$`)

func readLimits(t *testing.T, root string) []limit {
	t.Helper()
	var out []limit
	for _, top := range []string{"nostr", "internal"} {
		err := filepath.WalkDir(filepath.Join(root, top), func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.IsDir() {
				return err
			}
			if d.Name() == "testdata" || strings.HasSuffix(d.Name(), "test") || d.Name() == "arch" {
				return filepath.SkipDir
			}
			where, err := filepath.Rel(root, path)
			if err != nil {
				return err
			}
			found, err := packageLimits(path, filepath.ToSlash(where))
			out = append(out, found...)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	sort.Slice(out, func(i, j int) bool {
		if out[i].Where != out[j].Where {
			return out[i].Where < out[j].Where
		}
		return out[i].Name < out[j].Name
	})
	return out
}

// packageConsts are the constants of one package, for those that name others.
type packageConsts struct {
	exprs map[string]ast.Expr
	docs  map[string]string
	order []string
}

func packageLimits(dir, where string) ([]limit, error) {
	p := packageConsts{exprs: map[string]ast.Expr{}, docs: map[string]string{}}
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		if strings.HasSuffix(f, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), f, nil, parser.ParseComments)
		if err != nil {
			return nil, err
		}
		p.collect(parsed)
	}
	var out []limit
	for _, name := range p.order {
		value, ok := p.value(p.exprs[name], 0)
		if !ok || !value.duration && !limitName.MatchString(name) || p.docs[name] == "" {
			continue
		}
		out = append(out, limit{Name: name, Value: value.text(name + " " + p.docs[name]), Where: where, Meaning: meaning(name, p.docs[name])})
	}
	return out, nil
}

func (p *packageConsts) collect(f *ast.File) {
	for _, d := range f.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok || g.Tok != token.CONST {
			continue
		}
		last := ""
		for _, s := range g.Specs {
			v := s.(*ast.ValueSpec)
			doc := v.Doc.Text()
			if doc == "" {
				doc = v.Comment.Text()
			}
			if doc == "" && strings.Contains(last, v.Names[0].Name) {
				doc = last // "MinX and MaxX bound …"
			}
			if doc == "" {
				doc = g.Doc.Text()
			}
			last = doc
			for i, n := range v.Names {
				if i < len(v.Values) {
					p.exprs[n.Name], p.docs[n.Name] = v.Values[i], doc
					p.order = append(p.order, n.Name)
				}
			}
		}
	}
}

// amount is a number, or a duration.
type amount struct {
	n        constant.Value
	duration bool
}

// value computes what constants are written as: numbers, durations, other
// constants of the package, and what is made of them.
func (p *packageConsts) value(e ast.Expr, depth int) (amount, bool) {
	if depth > 20 {
		return amount{}, false
	}
	switch e := e.(type) {
	case *ast.BasicLit:
		if e.Kind != token.INT && e.Kind != token.FLOAT {
			return amount{}, false
		}
		return amount{n: constant.MakeFromLiteral(e.Value, e.Kind, 0)}, true
	case *ast.ParenExpr:
		return p.value(e.X, depth+1)
	case *ast.Ident:
		inner, ok := p.exprs[e.Name]
		if !ok {
			return amount{}, false
		}
		return p.value(inner, depth+1)
	case *ast.SelectorExpr:
		units := map[string]time.Duration{
			"time.Nanosecond": 1, "time.Millisecond": time.Millisecond, "time.Second": time.Second, "time.Minute": time.Minute, "time.Hour": time.Hour,
			"math.MaxUint8": 0, "math.MaxUint16": 0,
		}
		id, ok := e.X.(*ast.Ident)
		if !ok {
			return amount{}, false
		}
		switch name := id.Name + "." + e.Sel.Name; name {
		case "math.MaxUint8":
			return amount{n: constant.MakeInt64(255)}, true
		case "math.MaxUint16":
			return amount{n: constant.MakeInt64(65535)}, true
		default:
			u, ok := units[name]
			return amount{constant.MakeInt64(int64(u)), true}, ok
		}
	case *ast.BinaryExpr:
		x, ok := p.value(e.X, depth+1)
		y, ok2 := p.value(e.Y, depth+1)
		if !ok || !ok2 {
			return amount{}, false
		}
		if e.Op == token.SHL || e.Op == token.SHR {
			n, _ := constant.Uint64Val(y.n)
			return amount{constant.Shift(x.n, e.Op, uint(n)), x.duration}, true
		}
		op := e.Op
		if op == token.QUO && x.n.Kind() == constant.Int && y.n.Kind() == constant.Int {
			op = token.QUO_ASSIGN // integer division, as go/constant spells it
		}
		d := x.duration || y.duration
		if x.duration && y.duration && e.Op == token.QUO {
			d = false
		}
		return amount{constant.BinaryOp(x.n, op, y.n), d}, true
	case *ast.CallExpr: // a conversion
		if len(e.Args) == 1 {
			if id, ok := e.Fun.(*ast.Ident); ok && id.Name == "len" {
				return amount{}, false
			}
			return p.value(e.Args[0], depth+1)
		}
	}
	return amount{}, false
}

// bytesWords say in a comment that a number counts bytes.
var bytesWords = regexp.MustCompile(`(in|most|fewest|many|their) bytes|size in|bytes\)? (is|of)|free bytes|locked memory`)

// text writes a value as people read it.
func (a amount) text(about string) string {
	if !a.duration {
		n, exact := constant.Int64Val(constant.ToInt(a.n))
		if !exact {
			return a.n.String()
		}
		if bytesWords.MatchString(about) && n >= 1<<10 && n%(1<<10) == 0 {
			for i, unit := range []string{"KiB", "MiB", "GiB"} {
				shift := uint(10 * (i + 1))
				if n%(1<<(shift+10)) != 0 || i == 2 {
					return fmt.Sprintf("%d %s", n>>shift, unit)
				}
			}
		}
		return fmt.Sprint(n)
	}
	n, _ := constant.Int64Val(constant.ToInt(a.n))
	d := time.Duration(n)
	if d >= 48*time.Hour && d%(24*time.Hour) == 0 {
		return fmt.Sprintf("%d days", d/(24*time.Hour))
	}
	s := d.String()
	s = regexp.MustCompile(`(h|m)0s$`).ReplaceAllString(s, "$1")
	return strings.TrimSuffix(strings.Replace(s, "h0m", "h", 1), "h0s")
}

// meaning is the first sentence of a constant's comment, without its name.
func meaning(name, doc string) string {
	doc = strings.Join(strings.Fields(doc), " ")
	if i := strings.Index(doc, ". "); i > 0 {
		doc = doc[:i]
	}
	doc = strings.TrimSuffix(doc, ".")
	for _, lead := range []string{name + " is ", name + " are ", name + " "} {
		if rest, ok := strings.CutPrefix(doc, lead); ok && !strings.HasPrefix(rest, "and ") {
			return rest
		}
	}
	return doc
}
