package policy_test

import (
	"go/ast"
	"go/build"
	"io"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
)

// A longer file has more than one concern. Tests are lists of cases, and may be longer.
const maxLines, maxTestLines = 400, 800

func checkSizes(files tree) []string {
	var violations []string
	for _, s := range files.sources {
		limit := maxLines
		if s.test() {
			limit = maxTestLines
		}
		if lines := strings.Count(s.text, "\n"); lines > limit {
			violations = append(violations, s.at(s.file.Name, "%d lines, the limit is %d: split it by concern", lines, limit))
		}
	}
	return violations
}

// checkPackageComments requires that one file of each package describes it, on every system: a
// user on Windows does not see the comment of a _linux.go file.
func checkPackageComments(files tree) []string {
	packages := map[string][]source{}
	for _, s := range files.sources {
		if !s.test() {
			packages[s.dir()] = append(packages[s.dir()], s)
		}
	}
	var violations []string
	for _, dir := range slices.Sorted(maps.Keys(packages)) {
		sources := packages[dir]
		for _, goos := range []string{"linux", "windows", "darwin", "freebsd"} {
			built, said := 0, []string{}
			for _, s := range sources {
				if !s.builtFor(goos) {
					continue
				}
				built++
				if s.file.Doc == nil {
					continue
				}
				said = append(said, s.path)
				if want := s.introduction(); !strings.HasPrefix(s.file.Doc.Text(), want) {
					violations = append(violations, s.at(s.file.Doc, "the package comment must begin with %q", want))
				}
			}
			if built > 0 && len(said) != 1 {
				violations = append(violations, sources[0].at(sources[0].file.Name,
					"package %s has %d package comments for %s %v, not one", dir, len(said), goos, said))
			}
		}
	}
	return slices.Compact(violations)
}

// introduction matches the beginning of a package comment: see go.dev/doc/comment.
func (s source) introduction() string {
	if s.isMain() {
		return "Command " + path.Base(s.dir()) + " "
	}
	return "Package " + s.file.Name.Name + " "
}

func (s source) builtFor(goos string) bool {
	context := build.Default
	context.GOOS, context.GOARCH, context.CgoEnabled = goos, "amd64", false
	context.OpenFile = func(string) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(s.text)), nil }
	ok, err := context.MatchFile(s.dir(), path.Base(s.path))
	return err == nil && ok
}

func checkGOOS(files tree) []string {
	var violations []string
	for _, s := range files.sources {
		if s.test() || s.below() || s.dir() == "platform/native" {
			continue
		}
		s.uses("runtime", "GOOS", func(n ast.Node) {
			violations = append(violations, s.at(n, "runtime.GOOS is read in platform/native and in tests only: use files with build constraints"))
		})
	}
	return violations
}

// instead has the files in which a process becomes another program than its main. It must do
// so before main, which belongs to a program that knows nothing of this.
var instead = []string{"platform/kardianos/adopt.go", "service/internal/handover/handover.go"}

func checkExit(files tree) []string {
	var violations []string
	for _, s := range files.sources {
		if s.test() || s.isMain() || slices.Contains(instead, s.path) {
			continue
		}
		for _, f := range [][2]string{{"os", "Exit"}, {"syscall", "Exit"}, {"log", "Fatal"}, {"log", "Fatalf"}, {"log", "Fatalln"}} {
			s.uses(f[0], f[1], func(n ast.Node) {
				violations = append(violations, s.at(n, "%s.%s is for main: return an error or an exit code", f[0], f[1]))
			})
		}
	}
	return violations
}

// inits has the packages that test an init, because programs of users have one.
var inits = []string{"test/kardianos/adopts", "test/kardianos/early"}

func checkInit(files tree) []string {
	var violations []string
	for _, s := range files.sources {
		if slices.Contains(inits, s.dir()) {
			continue
		}
		for _, decl := range s.file.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
				violations = append(violations, s.at(f, "func init runs in every program that imports this: do it where it is asked for"))
			}
		}
	}
	return violations
}

var meaningless = regexp.MustCompile(`^(utils?|common|helpers?|misc|shared|base|lib)$`)

func checkNames(files tree) []string {
	var violations []string
	for _, s := range files.sources {
		name := strings.TrimSuffix(s.file.Name.Name, "_test")
		if stem, _, _ := strings.Cut(strings.TrimSuffix(path.Base(s.path), ".go"), "_"); meaningless.MatchString(stem) {
			name = stem
		}
		if meaningless.MatchString(name) {
			violations = append(violations, s.at(s.file.Name, "%q says nothing about what is in it: name it for its concern", name))
		}
	}
	return violations
}

var leftover = regexp.MustCompile(`\b(TODO|FIXME|XXX|HACK)\b`)

func checkLeftovers(files tree) []string {
	var violations []string
	for _, s := range files.sources {
		for _, group := range s.file.Comments {
			for _, c := range group.List {
				if word := leftover.FindString(c.Text); word != "" {
					violations = append(violations, s.at(c, "%s: do it, or open an issue and say here what is so today", word))
				}
			}
		}
		s.uses("context", "TODO", func(n ast.Node) {
			violations = append(violations, s.at(n, "context.TODO: take the caller's context"))
		})
	}
	return violations
}

var (
	required = regexp.MustCompile(`(?m)^(?:require )?\s*([\w.-]+\.[\w.-]+/\S+) v\S+(.*)$`)
	reason   = regexp.MustCompile("(?m)^\\| `([^`]+)` \\| (.*?) *\\|$")
)

// checkDependencies requires a line in CONTRIBUTING.md's table for each module that we use
// directly, and for no other.
func checkDependencies(files tree) []string {
	reasons := map[string]string{}
	for _, row := range reason.FindAllStringSubmatch(files.texts["CONTRIBUTING.md"], -1) {
		reasons[row[1]] = row[2]
	}
	var violations []string
	for _, line := range required.FindAllStringSubmatch(files.texts["go.mod"], -1) {
		name, comment := line[1], line[2]
		if strings.Contains(comment, "// indirect") {
			continue
		}
		if len(strings.Fields(reasons[name])) < 3 {
			violations = append(violations, "go.mod: "+name+" has no reason in CONTRIBUTING.md's table of dependencies")
		}
		delete(reasons, name)
	}
	for _, name := range slices.Sorted(maps.Keys(reasons)) {
		violations = append(violations, "CONTRIBUTING.md: "+name+" is in the table of dependencies and is not required by go.mod")
	}
	return violations
}

// engine matches the modules of an engine that elects among machines. The engine is in its own
// module, singleton/etcd, so that users without a cluster neither download nor link it.
var engine = regexp.MustCompile(`(?m)^(?:require )?\s*((?:google\.golang\.org/grpc|go\.etcd\.io/etcd|go\.etcd\.io/raft)(?:/\S*)?) v`)

// checkEngines requires that go.mod has none of them, not even indirectly.
func checkEngines(files tree) []string {
	var violations []string
	for _, line := range engine.FindAllStringSubmatch(files.texts["go.mod"], -1) {
		violations = append(violations, "go.mod: "+line[1]+" belongs into the module singleton/etcd")
	}
	return violations
}
