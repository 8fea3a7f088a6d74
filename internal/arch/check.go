package arch

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"sort"
	"strings"
)

// Violation is one breach of the architecture.
type Violation struct {
	File string // below the module's root; a folder when a whole package is meant
	Line int    // 0 when a whole package is meant
	Text string
}

func (v Violation) String() string {
	if v.Line == 0 {
		return v.File + ": " + v.Text
	}
	return fmt.Sprintf("%s:%d: %s", v.File, v.Line, v.Text)
}

// checker holds what the checks of one module share.
type checker struct {
	m     *Module
	rows  map[string]Row
	order map[string]int // the row's place in the table
	found []Violation
}

// Check holds a module against a table and returns the breaches, sorted by file
// and line.
func Check(m *Module, table []Row) []Violation {
	c := &checker{m: m, rows: map[string]Row{}, order: map[string]int{}}
	for i, r := range table {
		c.rows[r.Path], c.order[r.Path] = r, i
	}
	for _, p := range m.Packages {
		row, ok := c.rows[p.Path]
		if !ok {
			c.found = append(c.found, Violation{File: p.Path, Text: "the package is not in the table of internal/arch/floors.go: give it a floor"})
			continue
		}
		for _, f := range p.Files {
			c.imports(row, f)
			if !f.Test && row.Floor != Beside {
				c.constructs(row, p, f)
			}
		}
		if row.Floor != Beside {
			c.state(p)
		}
	}
	c.fences()
	sort.SliceStable(c.found, func(i, j int) bool {
		a, b := c.found[i], c.found[j]
		if a.File != b.File {
			return a.File < b.File
		}
		return a.Line < b.Line
	})
	return c.found
}

func (c *checker) report(pos token.Pos, format string, args ...any) {
	p := c.m.Fset.Position(pos)
	c.found = append(c.found, Violation{p.Filename, p.Line, fmt.Sprintf(format, args...)})
}

// imports checks one file's imports. Tests may import anything but what has no
// place in the module: they need real parts from other floors.
func (c *checker) imports(row Row, f File) {
	for _, imp := range f.Imports {
		if mod := covers(nowhere(), imp.Path); mod != "" {
			c.report(imp.Pos, "%s lives in conformance/go.mod only", mod)
			continue
		}
		if f.Test || row.Floor == Beside {
			continue
		}
		if own, ok := strings.CutPrefix(imp.Path, c.m.Path+"/"); ok {
			c.own(row, own, imp.Pos)
		} else if strings.Contains(strings.SplitN(imp.Path, "/", 2)[0], ".") {
			c.module(row, imp)
		} else if ban := covers(banned(row.Floor), imp.Path); ban != "" && !allowed(imp.Path) {
			c.report(imp.Pos, "floor %d may not import %s", row.Floor, imp.Path)
		}
	}
}

// own checks an import of another package of this module.
func (c *checker) own(row Row, path string, pos token.Pos) {
	to, ok := c.rows[path]
	switch {
	case !ok:
		c.report(pos, "%s is not in the table", path)
	case to.Floor == Beside:
		c.report(pos, "%s is for tests only", path)
	case to.Floor > row.Floor:
		c.report(pos, "floor %d may not import %s, which is on floor %d", row.Floor, path, to.Floor)
	case row.Floor == Nostr && strings.HasPrefix(row.Path, "internal/") && strings.HasPrefix(path, "nostr"):
		c.report(pos, "internal/secret imports nothing of this module")
	case row.Floor == Deciding && to.Floor == Deciding && c.order[path] >= c.order[row.Path]:
		c.report(pos, "%s stands below %s in the table: on floor 2 a package imports only the ones above it", path, row.Path)
	case row.Floor == Edges && to.Floor == Edges && path != dialPath && unit(path) != unit(row.Path):
		c.report(pos, "edges never import each other (%s), except dial: take a small interface and let floor 4 wire it", path)
	}
}

// unit is the part of a path that names an edge: internal/store/x is part of internal/store.
func unit(path string) string {
	parts := strings.SplitN(path, "/", 3)
	return strings.Join(parts[:min(2, len(parts))], "/")
}

// module checks an import from outside this module and the standard library.
func (c *checker) module(row Row, imp Import) {
	if mod := covers(onlyInTests(), imp.Path); mod != "" {
		c.report(imp.Pos, "%s is for tests only", mod)
		return
	}
	if row.Floor <= Deciding {
		if covers(row.Modules, imp.Path) == "" {
			c.report(imp.Pos, "%s does not name %s in its row of the table", row.Path, imp.Path)
		}
		return
	}
	for mod, places := range onlyHere() {
		if covers([]string{mod}, imp.Path) != "" && !slices.Contains(places, unit(row.Path)) {
			c.report(imp.Pos, "%s belongs to %s", mod, strings.Join(places, ", "))
		}
	}
}

// covers returns the name that is path or stands above it, else "".
func covers(names []string, path string) string {
	for _, n := range names {
		if path == n || strings.HasPrefix(path, n+"/") {
			return n
		}
	}
	return ""
}

// constructs checks what a file of the module's own code may not contain.
func (c *checker) constructs(row Row, p Package, f File) {
	ast.Inspect(f.Syntax, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			if row.Floor == Words || row.Floor == Deciding {
				c.report(n.Pos(), "floor %d has no go statement: whoever runs it decides about concurrency", row.Floor)
			}
		case *ast.FuncDecl:
			if n.Recv == nil && n.Name.Name == "init" {
				c.report(n.Pos(), "no init: two bunkers must run in one process")
			}
			if row.Floor == Edges && n.Recv == nil && strings.HasPrefix(n.Name.Name, "New") {
				c.starts(n)
			}
		case *ast.SelectorExpr:
			c.selector(row, p, n)
		case *ast.CallExpr:
			id, ok := n.Fun.(*ast.Ident)
			if !ok || id.Name != "print" && id.Name != "println" {
				break
			}
			if _, builtin := p.Uses[id].(*types.Builtin); builtin {
				c.report(n.Pos(), "%s writes to the terminal", id.Name)
			}
		}
		return true
	})
}

// starts reports go statements in a constructor: it starts nothing, Run does.
func (c *checker) starts(f *ast.FuncDecl) {
	ast.Inspect(f, func(n ast.Node) bool {
		if g, ok := n.(*ast.GoStmt); ok {
			c.report(g.Pos(), "%s starts something: constructors start nothing, Run(ctx) does", f.Name.Name)
		}
		return true
	})
}

// selector checks uses of a package's names that stand for an effect.
func (c *checker) selector(row Row, p Package, n *ast.SelectorExpr) {
	id, ok := n.X.(*ast.Ident)
	if !ok {
		return
	}
	from, ok := p.Uses[id].(*types.PkgName)
	if !ok {
		return
	}
	switch name := from.Imported().Path() + "." + n.Sel.Name; name {
	case "time.Now", "time.Since", "time.Until":
		if row.Floor <= Deciding {
			c.report(n.Pos(), "floor %d never reads the clock (%s): time is passed in", row.Floor, name)
		}
	case "time.After", "time.AfterFunc", "time.Tick", "time.NewTimer", "time.NewTicker":
		if row.Floor == Words || row.Floor == Deciding { // floor 0 has the client side, which waits
			c.report(n.Pos(), "floor %d never waits (%s): whoever runs it does", row.Floor, name)
		}
	case "time.Sleep":
		c.report(n.Pos(), "no sleeping: wait for the thing itself")
	case "fmt.Print", "fmt.Printf", "fmt.Println":
		if row.Floor <= Edges {
			c.report(n.Pos(), "floor %d does not write to the terminal", row.Floor)
		}
	}
}

// fences checks the callers of fenced names, and that the names exist.
func (c *checker) fences() {
	for _, fence := range Fences() {
		for _, p := range c.m.Packages {
			if p.Path == fence.Package {
				if !declares(p, fence.Name) {
					c.found = append(c.found, Violation{File: p.Path, Text: "the fence of internal/arch/floors.go names " + fence.Name + ", which is not declared here"})
				}
				continue
			}
			floor := c.rows[p.Path].Floor
			if slices.Contains(fence.Callers, p.Path) || floor < Deciding || floor == Beside {
				continue
			}
			c.uses(p, floor, fence)
		}
	}
}

// uses reports where a package uses a fenced name. Up to floor 3 that may be
// through an interface of its own; floor 4 has other things by the same name
// (the client side of NIP-46), so there the file must import the package.
func (c *checker) uses(p Package, floor Floor, fence Fence) {
	home := c.m.Path + "/" + fence.Package
	for _, f := range p.Files {
		imported := slices.ContainsFunc(f.Imports, func(i Import) bool { return i.Path == home })
		if f.Test || floor == Wiring && !imported {
			continue
		}
		ast.Inspect(f.Syntax, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok && s.Sel.Name == fence.Name && !elsewhere(p, s, home) {
				c.report(n.Pos(), "%s.%s is called by %s only: %s", fence.Package, fence.Name, strings.Join(fence.Callers, ", "), fence.Reason)
			}
			return true
		})
	}
}

// elsewhere reports whether x.Name is a name of another package than home.
func elsewhere(p Package, s *ast.SelectorExpr, home string) bool {
	id, ok := s.X.(*ast.Ident)
	if !ok {
		return false
	}
	pkg, ok := p.Uses[id].(*types.PkgName)
	return ok && pkg.Imported().Path() != home
}

func declares(p Package, name string) bool {
	for _, f := range p.Files {
		for _, d := range f.Syntax.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && !f.Test && fn.Name.Name == name {
				return true
			}
		}
	}
	return false
}
