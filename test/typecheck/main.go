// Command typecheck checks whether all packages, programs and tests of the module in the
// working directory are correct for other systems and processors, as far as names and types
// are concerned:
//
//	go run ./test/typecheck linux/arm64 windows/arm64
//
// It reads them and their imports from source, without cgo, and compiles nothing. That takes
// seconds, while the compiler takes minutes. It reads only the declarations of the standard
// library. Exit codes: 0 all are correct, 1 they are not.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

func main() {
	code := 0
	c := &checker{files: token.NewFileSet(), parsed: map[string]*ast.File{}}
	for _, target := range os.Args[1:] {
		err := c.target(".", target)
		if err != nil {
			code = 1
			fmt.Printf("%s:\n%v\n", target, err)
		}
	}
	os.Exit(code)
}

// A listed is a package in the output of go list.
type listed struct {
	Dir, ImportPath, Name string
	GoFiles               []string
	ImportMap             map[string]string
	Standard              bool
	Module                struct{ GoVersion string }
	Error                 struct{ Err string }
}

// A checker keeps the files that it has parsed, because most are the same for all targets.
type checker struct {
	files  *token.FileSet
	parsed map[string]*ast.File
}

// target checks the module in dir for a system and a processor, written system/processor.
func (c *checker) target(dir, target string) error {
	goos, goarch, ok := strings.Cut(target, "/")
	sizes := types.SizesFor("gc", goarch)
	if !ok || sizes == nil {
		return fmt.Errorf("%q is no target", target)
	}
	all, err := list(dir, "GOOS="+goos, "GOARCH="+goarch, "CGO_ENABLED=0")
	if err != nil {
		return err
	}
	var found []error
	done := map[string]*types.Package{"unsafe": types.Unsafe}
	for _, p := range all { // each after its imports
		if p.ImportPath == "unsafe" || strings.HasSuffix(p.ImportPath, ".test") { // or a main package that go test generates
			continue
		}
		if p.Error.Err != "" {
			found = append(found, fmt.Errorf("%s: %s", p.ImportPath, p.Error.Err))
		}
		pkg, err := c.check(p, sizes, done)
		done[p.ImportPath] = pkg
		found = append(found, err)
	}
	return errors.Join(found...)
}

// list returns the packages of the module with their tests and all their imports, which come
// first.
func list(dir string, env ...string) (all []listed, err error) {
	var stderr bytes.Buffer
	cmd := exec.Command("go", "list", "-e", "-deps", "-test",
		"-json=Dir,ImportPath,Name,GoFiles,ImportMap,Standard,Module,Error", "./...")
	cmd.Dir, cmd.Env, cmd.Stderr = dir, append(cmd.Environ(), env...), &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%q: %w\n%s", cmd.Args, err, &stderr)
	}
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, fmt.Errorf("what go list prints: %w", err)
		}
		all = append(all, p)
	}
}

// check checks one package. done has its imports.
func (c *checker) check(p listed, sizes types.Sizes, done map[string]*types.Package) (*types.Package, error) {
	var files []*ast.File
	var found []error
	for _, name := range p.GoFiles {
		f, err := c.parse(filepath.Join(p.Dir, name))
		if err != nil {
			found = append(found, err)
			continue
		}
		files = append(files, f)
	}
	config := types.Config{
		Sizes:            sizes,
		IgnoreFuncBodies: p.Standard,
		Importer: importer(func(path string) (*types.Package, error) {
			if other, ok := p.ImportMap[path]; ok {
				path = other
			}
			if pkg := done[path]; pkg != nil {
				return pkg, nil
			}
			return nil, fmt.Errorf("%s is not there", path)
		}),
		Error: func(err error) { found = append(found, err) },
	}
	if p.Module.GoVersion != "" {
		config.GoVersion = "go" + p.Module.GoVersion
	}
	path, _, _ := strings.Cut(p.ImportPath, " ") // without the test that it is built for
	pkg, _ := config.Check(path, c.files, files, nil)
	return pkg, errors.Join(found...)
}

func (c *checker) parse(path string) (*ast.File, error) {
	if f := c.parsed[path]; f != nil {
		return f, nil
	}
	f, err := parser.ParseFile(c.files, path, nil, parser.SkipObjectResolution)
	if err == nil {
		c.parsed[path] = f
	}
	return f, err
}

// An importer is a function that implements types.Importer.
type importer func(path string) (*types.Package, error)

func (f importer) Import(path string) (*types.Package, error) { return f(path) }
