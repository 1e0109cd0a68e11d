package policy_test

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/printer"
	"go/token"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestAPI compares the exported declarations with the listing, so that none changes unnoticed.
func TestAPI(t *testing.T) {
	checkListing(t, "api.txt", listAPI(readTree(t, "../..")),
		"What users compile against has changed. What is gone (-), or has another type, breaks them; what is new (+) is a promise.")
}

// listAPI lists the exported declarations of all packages that others can import, one a line: names and types, as they are
// written, without the names of parameters.
func listAPI(files tree) []string {
	bySystem := map[string][]string{}
	for _, goos := range systems {
		bySystem[goos] = nil
		for _, s := range files.sources {
			if s.public() && s.builtFor(goos) {
				bySystem[goos] = append(bySystem[goos], s.exported()...)
			}
		}
	}
	return listing(bySystem)
}

func (s source) public() bool {
	first, _, _ := strings.Cut(s.dir(), "/")
	return !s.test() && !s.isMain() && !slices.Contains(strings.Split(s.dir(), "/"), "internal") &&
		!slices.Contains([]string{"test", "examples", "scripts"}, first)
}

func (s source) exported() (lines []string) {
	add := func(format string, args ...any) {
		lines = append(lines, s.dir()+": "+fmt.Sprintf(format, args...))
	}
	for _, decl := range s.file.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil && d.Name.IsExported() {
				add("func %s%s", d.Name, s.signature(d.Type))
			} else if d.Recv != nil && d.Name.IsExported() {
				if recv := s.show(d.Recv.List[0].Type); ast.IsExported(strings.TrimLeft(recv, "*")) {
					add("func (%s) %s%s", recv, d.Name, s.signature(d.Type))
				}
			}
		case *ast.GenDecl:
			s.values(d, add)
			for _, spec := range d.Specs {
				if spec, ok := spec.(*ast.TypeSpec); ok && spec.Name.IsExported() {
					s.typ(spec, add)
				}
			}
		}
	}
	return lines
}

// values lists constants, with their values, and variables.
func (s source) values(d *ast.GenDecl, add func(string, ...any)) {
	if d.Tok != token.CONST && d.Tok != token.VAR {
		return
	}
	var last *ast.ValueSpec // whose type and value the next ones repeat
	for i, spec := range d.Specs {
		v := spec.(*ast.ValueSpec)
		if d.Tok == token.VAR || v.Values != nil {
			last = v
		}
		for j, name := range v.Names {
			if !name.IsExported() {
				continue
			}
			line := d.Tok.String() + " " + name.Name
			if last.Type != nil {
				line += " " + s.show(last.Type)
			}
			if d.Tok == token.CONST {
				value := s.show(last.Values[j])
				line += " = " + value
				if strings.Contains(value, "iota") {
					line += fmt.Sprintf(", iota %d", i)
				}
			}
			add("%s", line)
		}
	}
}

func (s source) typ(spec *ast.TypeSpec, add func(string, ...any)) {
	name := spec.Name.Name
	if spec.TypeParams != nil {
		name += "[" + s.fields(spec.TypeParams) + "]"
	}
	if spec.Assign.IsValid() {
		name += " ="
	}
	var members *ast.FieldList
	var kind string
	switch t := spec.Type.(type) {
	case *ast.StructType:
		kind, members = "struct", t.Fields
	case *ast.InterfaceType:
		kind, members = "interface", t.Methods
	default:
		add("type %s %s", name, s.show(spec.Type))
		return
	}
	add("type %s %s", name, kind)
	for _, member := range members.List {
		if len(member.Names) == 0 {
			add("type %s %s, embeds %s", name, kind, s.show(member.Type))
		}
		for _, m := range member.Names {
			switch f, method := member.Type.(*ast.FuncType); {
			case !m.IsExported() && kind == "interface":
				add("type %s %s, has methods that only we can have", name, kind)
			case !m.IsExported():
			case method && kind == "interface":
				add("type %s %s, %s%s", name, kind, m, s.signature(f))
			default:
				add("type %s %s, %s %s%s", name, kind, m, s.show(member.Type), s.tag(member))
			}
		}
	}
}

// tag returns the part of a field's tag that names it in files. The other parts are
// documentation.
func (source) tag(f *ast.Field) (text string) {
	if f.Tag == nil {
		return ""
	}
	tag, _ := strconv.Unquote(f.Tag.Value)
	for _, key := range []string{"toml", "json"} {
		if name, ok := reflect.StructTag(tag).Lookup(key); ok {
			text += fmt.Sprintf(" %s:%q", key, name)
		}
	}
	return text
}

func (s source) signature(f *ast.FuncType) string {
	text := ""
	if f.TypeParams != nil {
		text = "[" + s.fields(f.TypeParams) + "]"
	}
	text += "(" + s.types(f.Params) + ")"
	switch results := s.types(f.Results); {
	case f.Results == nil:
	case strings.Contains(results, ","):
		text += " (" + results + ")"
	default:
		text += " " + results
	}
	return text
}

// types lists parameters without their names.
func (s source) types(list *ast.FieldList) string {
	if list == nil {
		return ""
	}
	var all []string
	for _, f := range list.List {
		for range max(1, len(f.Names)) {
			all = append(all, s.show(f.Type))
		}
	}
	return strings.Join(all, ", ")
}

func (s source) fields(list *ast.FieldList) string {
	var all []string
	for _, f := range list.List {
		for _, name := range f.Names {
			all = append(all, name.Name+" "+s.show(f.Type))
		}
	}
	return strings.Join(all, ", ")
}

var spaces = regexp.MustCompile(`\s+`)

// show prints an expression in one line.
func (s source) show(e ast.Expr) string {
	if f, ok := e.(*ast.FuncType); ok {
		return "func" + s.signature(f)
	}
	var b bytes.Buffer
	if err := printer.Fprint(&b, s.fset, e); err != nil {
		return err.Error()
	}
	return spaces.ReplaceAllString(b.String(), " ")
}

// The listing has everything that a user can use, and changes whenever that does.
func TestAPIListing(t *testing.T) {
	files := map[string]string{
		"service/a.go": `package service
import "context"
const ( A Kind = iota + 1; B; hidden; C )
const Name, text = "x", "y"
var ErrX = errors.New("x")
type Kind int
type List = []string
type Config struct { Name, Other string; Log func(format string, args ...any) (n int, err error) ` + "`json:\"log\" help:\"text\"`" + `; mu int; *Embedded }
type Doer interface { Do(ctx context.Context) (err error); hidden() }
type Set[K comparable, V any] struct{}
type private struct { Public int }
func (p *private) Public() {}
func (c *Config) Check(first, second string) error { return nil }
func Run[T any](ctx context.Context, t T) (int, error) { return 0, nil }
func run() {}
`,
		"service/a_windows.go":       "package service\nfunc OnlyThere() {}\n",
		"service/a_test.go":          "package service\nfunc InATest() {}\n",
		"platform/internal/scm/a.go": "package scm\nfunc Internal() {}\n",
		"test/bed/a.go":              "package bed\nfunc ForTests() {}\n",
		"examples/minimal/a.go":      "package minimal\nfunc Main() {}\n",
	}
	want := []string{
		`service: const A Kind = iota + 1, iota 0`,
		`service: const B Kind = iota + 1, iota 1`,
		`service: const C Kind = iota + 1, iota 3`,
		`service: const Name = "x"`,
		`service: func (*Config) Check(string, string) error`,
		`service: func OnlyThere()  (windows)`,
		`service: func Run[T any](context.Context, T) (int, error)`,
		`service: type Config struct`,
		`service: type Config struct, Log func(string, ...any) (int, error) json:"log"`,
		`service: type Config struct, Name string`,
		`service: type Config struct, Other string`,
		`service: type Config struct, embeds *Embedded`,
		`service: type Doer interface`,
		`service: type Doer interface, Do(context.Context) error`,
		`service: type Doer interface, has methods that only we can have`,
		`service: type Kind int`,
		`service: type List = []string`,
		`service: type Set[K comparable, V any] struct`,
		`service: var ErrX`,
	}
	list := func() []string {
		var all tree
		for name, text := range files {
			all.sources = append(all.sources, parseSource(t, name, text))
		}
		return listAPI(all)
	}
	if got := list(); !slices.Equal(got, want) {
		t.Errorf("the listing is\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for change, tt := range map[string]struct{ from, to, want string }{
		"a method is gone":       {"func (c *Config) Check", "func (c *Config) check", "- service: func (*Config) Check(string, string) error"},
		"a parameter more":       {"first, second string", "first, second, third string", "- service: func (*Config) Check(string, string) error\n+ service: func (*Config) Check(string, string, string) error"},
		"another name for one":   {"first, second string", "a, b string", ""},
		"a field's type":         {"Name, Other string", "Name string; Other int", "- service: type Config struct, Other string\n+ service: type Config struct, Other int"},
		"the order of constants": {"B; hidden; C", "C; hidden; B", "- service: const B Kind = iota + 1, iota 1\n- service: const C Kind = iota + 1, iota 3\n+ service: const B Kind = iota + 1, iota 3\n+ service: const C Kind = iota + 1, iota 1"},
		"a new function":         {"func run()", "func Stop()", "+ service: func Stop()"},
	} {
		before := files["service/a.go"]
		files["service/a.go"] = strings.Replace(before, tt.from, tt.to, 1)
		if got := strings.Join(differences(want, list()), "\n"); got != tt.want {
			t.Errorf("%s:\n%s\nwant\n%s", change, got, tt.want)
		}
		files["service/a.go"] = before
	}
}
