package arch

import (
	"go/ast"
	"go/token"
	"go/types"
	"strings"
)

// The rule about package-level variables. One is a constant that Go cannot
// spell, and may stay, when all of this holds:
//
//   - it is given its value where it is declared (or by go:embed), from
//     literals, functions that make values which cannot change (immutable), a
//     function of the package that returns no pointer, channel or interface,
//     or a function literal called in place;
//   - nothing in the package writes to it, to an element or a field of it, or
//     takes its address (of an array or an element one may, to read a table
//     without copying it);
//   - it is not exported, unless it is an error: another package could write it.
//
// So caches, counters, registries, pools, mutexes and once-flags are refused.

// immutable lists calls whose results have no state that a caller can change.
func immutable(call string) bool {
	switch call {
	case "errors.New", "fmt.Errorf", "errors.Join",
		"regexp.MustCompile", "strings.NewReplacer", "template.Must",
		"netip.MustParseAddr", "netip.MustParsePrefix", "netip.AddrFrom4", "netip.PrefixFrom",
		"time.Date", "time.Unix", "time.FixedZone",
		"base32.NewEncoding", "base64.NewEncoding",
		"sync.OnceValue", "sync.OnceValues": // computed at first use, the same for ever
		return true
	}
	return strings.HasPrefix(call, "base32.StdEncoding.") || strings.HasPrefix(call, "base64.StdEncoding.") ||
		strings.HasPrefix(call, "base64.RawURLEncoding.") || strings.HasPrefix(call, "base32.NewEncoding().") ||
		strings.HasPrefix(call, "cases.") || strings.HasPrefix(call, "unsafe.")
}

// state checks the package-level variables of a package's own code.
func (c *checker) state(p Package) {
	s := &stateCheck{checker: c, uses: p.Uses, vars: map[string]bool{}, funcs: map[string]*ast.FuncDecl{}}
	for _, f := range p.Files {
		if f.Test {
			continue
		}
		for _, d := range f.Syntax.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Recv == nil {
					s.funcs[d.Name.Name] = d
				}
			case *ast.GenDecl:
				s.collect(p, d)
			}
		}
	}
	for _, v := range s.specs {
		s.declared(v)
	}
	for _, f := range p.Files {
		if !f.Test {
			s.written(f)
		}
	}
}

type varSpec struct {
	spec     *ast.ValueSpec
	embedded bool // has a go:embed line
}

type stateCheck struct {
	*checker
	uses  map[*ast.Ident]types.Object
	specs []varSpec
	vars  map[string]bool
	funcs map[string]*ast.FuncDecl
}

func (s *stateCheck) collect(p Package, d *ast.GenDecl) {
	if d.Tok != token.VAR {
		return
	}
	for _, spec := range d.Specs {
		v := spec.(*ast.ValueSpec)
		if len(v.Names) == 1 && v.Names[0].Name == "_" { // var _ Interface = …
			continue
		}
		if _, ok := stateExceptions()[p.Path+"."+v.Names[0].Name]; ok {
			continue
		}
		s.specs = append(s.specs, varSpec{v, hasEmbed(d.Doc) || hasEmbed(v.Doc)})
		for _, n := range v.Names {
			s.vars[n.Name] = true
		}
	}
}

func hasEmbed(doc *ast.CommentGroup) bool {
	if doc == nil {
		return false
	}
	for _, c := range doc.List {
		if strings.HasPrefix(c.Text, "//go:embed ") {
			return true
		}
	}
	return false
}

// declared checks how one variable gets its value.
func (s *stateCheck) declared(v varSpec) {
	name := v.spec.Names[0]
	if v.embedded {
		return
	}
	if len(v.spec.Values) == 0 {
		s.report(name.Pos(), "package-level state: %s has no value here, so something will write it; make it a field", name.Name)
		return
	}
	for i, value := range v.spec.Values {
		name := v.spec.Names[min(i, len(v.spec.Names)-1)]
		if why := s.mutable(value); why != "" {
			s.report(name.Pos(), "package-level state: %s is made by %s; make it a field", name.Name, why)
		} else if name.IsExported() && !isError(name.Name) {
			s.report(name.Pos(), "package-level state: %s is exported, so that another package can write it; export a function", name.Name)
		}
	}
}

func isError(name string) bool { return strings.HasPrefix(name, "Err") }

// mutable says what in an expression makes a value that can change, else "".
func (s *stateCheck) mutable(e ast.Expr) string {
	why := ""
	ast.Inspect(e, func(n ast.Node) bool {
		if why != "" {
			return false
		}
		switch n := n.(type) {
		case *ast.FuncLit: // its body runs later, or is judged by its results in place
			return false
		case *ast.UnaryExpr:
			if n.Op == token.AND {
				why = "&"
			}
		case *ast.ChanType:
			why = "chan"
		case *ast.CompositeLit:
			if t := dotted(n.Type); strings.HasPrefix(t, "sync.") || strings.HasPrefix(t, "atomic.") {
				why = t
			}
		case *ast.CallExpr:
			why = s.call(n)
			return why == "" && !immutable(dotted(n.Fun))
		}
		return true
	})
	return why
}

// call judges one call; an allowed one returns "".
func (s *stateCheck) call(n *ast.CallExpr) string {
	switch fun := n.Fun.(type) {
	case *ast.FuncLit:
		return changing(fun.Type)
	case *ast.ArrayType, *ast.MapType: // a conversion
		return ""
	case *ast.Ident:
		if fun.Name == "make" || fun.Name == "new" {
			return fun.Name
		}
		if f := s.funcs[fun.Name]; f != nil {
			return changing(f.Type)
		}
		return "" // a builtin or a conversion
	}
	if name := dotted(n.Fun); !immutable(name) {
		return "a call of " + name
	}
	return ""
}

// changing names a result of a function that can change behind its value.
func changing(t *ast.FuncType) string {
	if t.Results == nil {
		return "a function without a result"
	}
	for _, r := range t.Results.List {
		switch r.Type.(type) {
		case *ast.StarExpr:
			return "a function that returns a pointer"
		case *ast.ChanType:
			return "a function that returns a channel"
		case *ast.InterfaceType:
			return "a function that returns an interface"
		}
	}
	return ""
}

// dotted spells a name such as base64.StdEncoding.Strict; calls inside it get "()".
func dotted(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return dotted(e.X) + "." + e.Sel.Name
	case *ast.CallExpr:
		return dotted(e.Fun) + "()"
	case *ast.IndexExpr: // a generic function
		return dotted(e.X)
	case *ast.ParenExpr:
		return dotted(e.X)
	}
	return ""
}

// written reports every write to a package-level variable.
func (s *stateCheck) written(f File) {
	ast.Inspect(f.Syntax, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			if n.Tok != token.DEFINE {
				for _, left := range n.Lhs {
					s.target(left)
				}
			}
		case *ast.IncDecStmt:
			s.target(n.X)
		case *ast.UnaryExpr:
			if n.Op == token.AND && !s.lent(n.X) {
				s.target(n.X)
			}
		case *ast.RangeStmt:
			if n.Tok == token.ASSIGN {
				s.target(n.Key)
				s.target(n.Value)
			}
		case *ast.CallExpr:
			if id, ok := n.Fun.(*ast.Ident); ok && len(n.Args) > 0 && (id.Name == "delete" || id.Name == "clear" || id.Name == "copy") {
				s.target(n.Args[0])
			}
		}
		return true
	})
}

// lent reports whether e is an array or an element of something.
func (s *stateCheck) lent(e ast.Expr) bool {
	switch x := e.(type) {
	case *ast.IndexExpr:
		return true
	case *ast.ParenExpr:
		return s.lent(x.X)
	case *ast.Ident:
		if v, ok := s.uses[x].(*types.Var); ok {
			_, array := v.Type().Underlying().(*types.Array)
			return array
		}
	}
	return false
}

// target reports e if what is written is a package-level variable or part of it.
func (s *stateCheck) target(e ast.Expr) {
	for e != nil {
		switch x := e.(type) {
		case *ast.Ident:
			if s.vars[x.Name] && s.packageLevel(x) {
				s.report(x.Pos(), "package-level state: %s is written (or its address taken); make it a field", x.Name)
			}
			return
		case *ast.SelectorExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.SliceExpr:
			e = x.X
		case *ast.StarExpr:
			e = x.X
		case *ast.ParenExpr:
			e = x.X
		default:
			return
		}
	}
}

// packageLevel tells a package's variable from a local one of the same name.
func (s *stateCheck) packageLevel(id *ast.Ident) bool {
	v, ok := s.uses[id].(*types.Var)
	return ok && v.Parent() == v.Pkg().Scope()
}
