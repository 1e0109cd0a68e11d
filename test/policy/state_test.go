package policy_test

import (
	"go/ast"
	"go/token"
	"maps"
	"slices"
	"strings"
)

// constructors return values that nobody can change.
var constructors = []string{
	"errors.New", "fmt.Errorf", "regexp.MustCompile", "strings.NewReplacer", "flag.Bool", "flag.String", "flag.Int", "flag.Duration",
}

// claims has the variables that belong to the whole process. Each needs a good reason:
//
//   - hangup.early is the only effect of importing us: a SIGHUP before main must not kill a service.
//   - kardianos.adopting is the lock for what github.com/kardianos/service has chosen, which is a
//     variable of that package.
//   - proc.self and proc.around say which process this is, in which boot and namespace. These are
//     the same for all services in the process, as long as it lives.
var claims = []string{"service/internal/hangup.early", "platform/kardianos.adopting", "platform/proc.self", "platform/proc.around"}

// checkState requires that package variables are sentinels and tables: set where they are
// declared and never again, not even by a test. Variables that tests and their doubles declare
// for themselves are allowed. It compares names and not types, so a local variable of the same
// name in the same function hides a change.
func checkState(files tree) []string {
	packages := map[string][]source{}
	for _, s := range files.sources {
		key := s.dir() + " " + s.file.Name.Name
		packages[key] = append(packages[key], s)
	}
	var violations []string
	for _, key := range slices.Sorted(maps.Keys(packages)) {
		variables := map[string]bool{}
		for _, s := range packages[key] {
			if s.test() || s.below() {
				continue
			}
			for _, spec := range s.variables() {
				for i, name := range spec.Names {
					if name.Name == "_" || slices.Contains(claims, s.dir()+"."+name.Name) {
						continue
					}
					variables[name.Name] = true
					if why := stateful(spec, i); why != "" {
						violations = append(violations, s.at(name, "%s is package state (%s): two services in one process would share it; make it a field", name.Name, why))
					}
				}
			}
		}
		for _, s := range packages[key] {
			violations = append(violations, s.changes(variables)...)
		}
	}
	return violations
}

func (s source) variables() []*ast.ValueSpec {
	var specs []*ast.ValueSpec
	for _, decl := range s.file.Decls {
		d, ok := decl.(*ast.GenDecl)
		if !ok || d.Tok != token.VAR {
			continue
		}
		for _, spec := range d.Specs {
			if v, ok := spec.(*ast.ValueSpec); ok && !embedded(d.Doc) && !embedded(v.Doc) {
				specs = append(specs, v)
			}
		}
	}
	return specs
}

// called returns PACKAGE.NAME of the function that v calls, or "" if v is something else.
func called(v *ast.CallExpr) string {
	if f, ok := v.Fun.(*ast.SelectorExpr); ok {
		if x, ok := f.X.(*ast.Ident); ok {
			return x.Name + "." + f.Sel.Name
		}
	}
	return ""
}

// returned returns the function that a function literal, which is the argument of v, calls, if
// it does nothing else.
func returned(v *ast.CallExpr) string {
	if len(v.Args) != 1 {
		return ""
	}
	if f, ok := v.Args[0].(*ast.FuncLit); ok && len(f.Body.List) == 1 {
		if r, ok := f.Body.List[0].(*ast.ReturnStmt); ok && len(r.Results) == 1 {
			if c, ok := r.Results[0].(*ast.CallExpr); ok {
				return called(c)
			}
		}
	}
	return ""
}

// embedded reports whether the value of a variable with that comment is a file.
func embedded(doc *ast.CommentGroup) bool {
	return doc != nil && strings.HasPrefix(doc.List[len(doc.List)-1].Text, "//go:embed ")
}

// stateful returns why a package variable can change without an assignment to it.
func stateful(spec *ast.ValueSpec, i int) string {
	if len(spec.Values) <= i {
		return "it has no value to begin with"
	}
	switch v := spec.Values[i].(type) {
	case *ast.CallExpr:
		if slices.Contains(constructors, called(v)) || called(v) == "sync.OnceValue" && slices.Contains(constructors, returned(v)) {
			return ""
		}
		if f, ok := v.Fun.(*ast.Ident); ok && f.Name == "append" {
			return ""
		}
		return "it is made by a call that is not known to give a constant"
	case *ast.UnaryExpr:
		if v.Op == token.AND || v.Op == token.ARROW {
			return "it points to something"
		}
	case *ast.CompositeLit:
		if t, ok := v.Type.(*ast.SelectorExpr); ok {
			if x, ok := t.X.(*ast.Ident); ok && (x.Name == "sync" || x.Name == "atomic") {
				return "it is there to change"
			}
		}
	}
	return ""
}

// changes reports assignments to package variables and to their parts, and taking their address.
func (s source) changes(variables map[string]bool) []string {
	var violations []string
	for _, decl := range s.file.Decls {
		f, ok := decl.(*ast.FuncDecl)
		if !ok || f.Body == nil {
			continue
		}
		local := locals(f)
		report := func(e ast.Expr) {
			if name := root(e); variables[name] && !local[name] {
				violations = append(violations, s.at(e, "%s is a package variable and is changed here: make it a field", name))
			}
		}
		ast.Inspect(f.Body, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.AssignStmt:
				if n.Tok != token.DEFINE {
					for _, e := range n.Lhs {
						report(e)
					}
				}
			case *ast.IncDecStmt:
				report(n.X)
			case *ast.UnaryExpr:
				if n.Op == token.AND {
					report(n.X)
				}
			case *ast.CallExpr:
				if name, ok := n.Fun.(*ast.Ident); ok && (name.Name == "delete" || name.Name == "clear") && len(n.Args) > 0 {
					report(n.Args[0])
				}
			}
			return true
		})
	}
	return violations
}

// locals returns the names that a function declares anywhere in it.
func locals(f *ast.FuncDecl) map[string]bool {
	names := map[string]bool{}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Field:
			for _, name := range n.Names {
				names[name.Name] = true
			}
		case *ast.ValueSpec:
			for _, name := range n.Names {
				names[name.Name] = true
			}
		case *ast.AssignStmt:
			if n.Tok == token.DEFINE {
				for _, e := range n.Lhs {
					names[root(e)] = true
				}
			}
		case *ast.RangeStmt:
			if n.Tok == token.DEFINE {
				names[root(n.Key)], names[root(n.Value)] = true, true
			}
		}
		return true
	})
	return names
}

// root returns the variable of x, x[i], x.f, *x and combinations of them.
func root(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.IndexExpr:
		return root(e.X)
	case *ast.SelectorExpr:
		return root(e.X)
	case *ast.StarExpr:
		return root(e.X)
	case *ast.ParenExpr:
		return root(e.X)
	}
	return ""
}
