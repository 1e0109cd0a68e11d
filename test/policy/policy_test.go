package policy_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

// Rules that no linter checks. Each one examines the whole tree, and reports a violation as
// "file:line: what is wrong and what to do".
var policies = []struct {
	name  string
	check func(tree) []string
}{
	{"direction of imports", checkImports},
	{"one package comment", checkPackageComments},
	{"small files", checkSizes},
	{"runtime.GOOS only where systems are chosen", checkGOOS},
	{"os.Exit only in main and tests", checkExit},
	{"no package state", checkState},
	{"no effects in init", checkInit},
	{"telling package names", checkNames},
	{"nothing left to do", checkLeftovers},
	{"dependencies have a reason", checkDependencies},
	{"no engine in the core", checkEngines},
}

func TestPolicy(t *testing.T) {
	files := readTree(t, "../..")
	if len(files.sources) < 50 {
		t.Fatalf("found only %d Go files: is this not two directories below the top of the checkout?", len(files.sources))
	}
	for _, policy := range policies {
		t.Run(policy.name, func(t *testing.T) {
			for _, violation := range policy.check(files) {
				t.Error(violation)
			}
		})
	}
}

// tree is a checkout: its Go files, and the two texts about dependencies.
type tree struct {
	sources []source
	texts   map[string]string // go.mod, CONTRIBUTING.md
}

// source is a Go file, whatever its build constraints.
type source struct {
	path string // from the top, with slashes
	text string
	fset *token.FileSet
	file *ast.File
}

func (s source) dir() string  { return path.Dir(s.path) }
func (s source) test() bool   { return strings.HasSuffix(s.path, "_test.go") }
func (s source) below() bool  { return strings.HasPrefix(s.path, "test/") }
func (s source) isMain() bool { return s.file.Name.Name == "main" }

func (s source) at(n ast.Node, format string, args ...any) string {
	return fmt.Sprintf("%s:%d: %s", s.path, s.fset.Position(n.Pos()).Line, fmt.Sprintf(format, args...))
}

// uses reports every mention of pkg.name, for a package of the standard library whose name is the end of its path.
func (s source) uses(pkg, name string, report func(ast.Node)) {
	imported := ""
	for _, spec := range s.file.Imports {
		if importPath(spec) == pkg {
			imported = path.Base(pkg)
			if spec.Name != nil {
				imported = spec.Name.Name
			}
		}
	}
	if imported == "" {
		return
	}
	ast.Inspect(s.file, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok && sel.Sel.Name == name {
			if x, ok := sel.X.(*ast.Ident); ok && x.Name == imported {
				report(n)
			}
		}
		return true
	})
}

func importPath(spec *ast.ImportSpec) string { return strings.Trim(spec.Path.Value, "`\"") }

func parseSource(t *testing.T, name, text string) source {
	t.Helper()
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, name, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	return source{path: name, text: text, fset: fset, file: file}
}

// readTree reads the module at top, without the modules inside it and without the directories
// that go itself ignores.
func readTree(t *testing.T, top string) tree {
	t.Helper()
	files := tree{texts: map[string]string{}}
	for _, name := range []string{"go.mod", "CONTRIBUTING.md"} {
		text, err := os.ReadFile(filepath.Join(top, name))
		if err != nil {
			t.Fatal(err)
		}
		files.texts[name] = string(text)
	}
	err := fs.WalkDir(os.DirFS(top), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := path.Base(name)
		switch {
		case name == ".":
			return nil
		case d.IsDir() && (base == "testdata" || base[0] == '.' || base[0] == '_'):
			return fs.SkipDir
		case d.IsDir():
			if _, err := os.Stat(filepath.Join(top, name, "go.mod")); err == nil {
				return fs.SkipDir
			}
			return nil
		case path.Ext(name) != ".go":
			return nil
		}
		text, err := os.ReadFile(filepath.Join(top, name))
		if err != nil {
			return err
		}
		files.sources = append(files.sources, parseSource(t, name, string(text)))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
