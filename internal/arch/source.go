package arch

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
)

// Import is one import of a file.
type Import struct {
	Path string
	Pos  token.Pos
}

// File is one parsed source file.
type File struct {
	Test    bool // a _test.go file
	Imports []Import
	Syntax  *ast.File
}

// Package is one folder with Go files, whatever their build tags.
type Package struct {
	Path  string // below the module's path; "." is the module's root
	Files []File
	// Uses resolves the names in the package's own code, tests left out. What
	// comes from another package is known by its package only.
	Uses map[*ast.Ident]types.Object
}

// Module is the parsed source of a module.
type Module struct {
	Path     string // as in go.mod
	Fset     *token.FileSet
	Packages []Package // sorted by Path
	root     string
}

// Load parses the module whose go.mod stands in root. It leaves out what the
// go command leaves out: testdata, names that begin with . or _, and folders
// with a go.mod of their own. It does not look at build tags, so that code for
// other systems is held to the same rules.
func Load(root string) (*Module, error) {
	name, err := moduleName(filepath.Join(root, "go.mod"))
	if err != nil {
		return nil, err
	}
	m := &Module{Path: name, Fset: token.NewFileSet(), root: root}
	found := map[string]*Package{}
	err = filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if p != root && skipped(p, d.Name()) {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(p, ".go") || strings.HasPrefix(d.Name(), "_") || strings.HasPrefix(d.Name(), ".") {
			return nil
		}
		return m.add(found, p)
	})
	if err != nil {
		return nil, fmt.Errorf("reading the module's source: %w", err)
	}
	for _, p := range found {
		m.resolve(p)
		m.Packages = append(m.Packages, *p)
	}
	sort.Slice(m.Packages, func(i, j int) bool { return m.Packages[i].Path < m.Packages[j].Path })
	return m, nil
}

func skipped(p, name string) bool {
	if name == "testdata" || name == "vendor" || name == "node_modules" || name[0] == '.' || name[0] == '_' {
		return true
	}
	_, err := os.Stat(filepath.Join(p, "go.mod"))
	return err == nil
}

func (m *Module) add(found map[string]*Package, file string) error {
	rel, err := filepath.Rel(m.root, file)
	if err != nil {
		return err
	}
	rel = filepath.ToSlash(rel)
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	syntax, err := parser.ParseFile(m.Fset, rel, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	f := File{Test: strings.HasSuffix(rel, "_test.go"), Syntax: syntax}
	for _, spec := range syntax.Imports {
		p, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return err
		}
		f.Imports = append(f.Imports, Import{p, spec.Pos()})
	}
	dir := path.Dir(rel)
	if found[dir] == nil {
		found[dir] = &Package{Path: dir}
	}
	found[dir].Files = append(found[dir].Files, f)
	return nil
}

// resolve finds out what the package's names stand for. Imports are empty
// packages and files for several systems are read together, so the type
// checker has much to complain about; its errors are not of interest, the
// compiler's are.
func (m *Module) resolve(p *Package) {
	info := types.Info{Uses: map[*ast.Ident]types.Object{}}
	conf := types.Config{Importer: emptyImporter{}, FakeImportC: true, Error: func(error) {}}
	var files []*ast.File
	for _, f := range p.Files {
		if !f.Test {
			files = append(files, f.Syntax)
		}
	}
	_, _ = conf.Check(p.Path, m.Fset, files, &info) // see above
	p.Uses = info.Uses
}

// emptyImporter gives every import a package without names.
type emptyImporter struct{}

func (emptyImporter) Import(p string) (*types.Package, error) {
	pkg := types.NewPackage(p, path.Base(p))
	pkg.MarkComplete()
	return pkg, nil
}

func moduleName(gomod string) (string, error) {
	text, err := os.ReadFile(gomod)
	if err != nil {
		return "", fmt.Errorf("finding the module's name: %w", err)
	}
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		if name, ok := strings.CutPrefix(lines.Text(), "module "); ok {
			return strings.TrimSpace(name), nil
		}
	}
	return "", errors.New("go.mod has no module line")
}
