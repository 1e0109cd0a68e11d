//go:build linux || darwin

package behaviour_test

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/holdfast-dev/holdfast/test/bed"
)

// TestBehaviour plays the scripts of testdata, one text a behaviour,
// the same text on every bed. Where a manager truly differs, a line says so:
//
//	[systemd] svc ...
//	[!kind:systemd252] ...
//	[slice:0,2] ...
//
// The last is for parts that take long: only the kinds whose place in sliced, or $SLICE, it
// names play them, and all of the kinds with HOLDFAST_FAULTS=all.
//
// Every script has the shipper as /usr/local/bin/shipper and its own files as
// /etc/shipper*.toml, and leaves the bed as clean as it found it. The commands
// are those of testscript and, in the bed:
//
//	svc ARG...        shipper ARG... --config /etc/shipper.toml
//	sh SCRIPT         /bin/sh -c SCRIPT
//	as USER SCRIPT    the same as another user
//	code N            the exit code of the last of these
//	until SCRIPT      SCRIPT again and again until it succeeds
//	repeat N SCRIPT   SCRIPT N times, each of which has to succeed; a slow machine may take its time
//	json PATH VALUE   the last standard output is JSON and has VALUE at a.b.c
//	put FILE PATH     copies a file of the script into the bed
//	trial V B C R TEXT  an upgrade, and all that it promises: see tryCandidate
//	adduser USER      a user with a home and, where there is such a thing, a manager
//	reboot            off and on again, in order
//	powercut          off without warning, and on again
//
// $TESTER is the user for services of a user. $FAULTS is "all" if HOLDFAST_FAULTS is. $ROUNDS is
// the number of repetitions: 200 with HOLDFAST_FAULTS=all, and otherwise 50 on each of the four
// kinds of init.
func TestBehaviour(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("beds take a while")
	}
	programs := map[string]string{
		"/usr/local/bin/shipper":   build(t, "./examples/shipper"),
		"/usr/local/bin/jobs":      build(t, "./examples/jobs"), // of jobs.txtar
		"/usr/local/bin/wrap":      build(t, "./examples/wrap"), // of wrap.txtar
		"/usr/local/lib/candidate": build(t, "./test/behaviour/candidate"),
	}
	bed.Each(t, "", func(t *testing.T, b *bed.Bed) {
		if b.Kind().Manager == "scm" {
			t.Skip("the scripts speak to a shell and to signals; test/windows does there what they do here")
		}
		for path, program := range programs {
			if err := b.Put(program, path, 0o755); err != nil {
				t.Fatal(err)
			}
		}
		scripts(t, b)
	})
}

// built has the programs of the tests, each linked once. They are removed at the end.
var built struct {
	sync.Mutex
	dir      string
	programs map[string]string
}

func TestMain(m *testing.M) {
	var err error
	if built.dir, err = os.MkdirTemp("", "holdfast-behaviour-"); err != nil {
		panic(err)
	}
	built.programs = map[string]string{}
	code := m.Run()
	_ = os.RemoveAll(built.dir)
	os.Exit(code)
}

// build compiles a program of the module as it would be released: statically linked.
func build(t *testing.T, pkg string) string {
	t.Helper()
	built.Lock()
	defer built.Unlock()
	if built.programs[pkg] == "" {
		out := filepath.Join(built.dir, filepath.Base(pkg))
		cmd := exec.Command("go", "build", "-o", out, pkg)
		cmd.Dir = "../.."
		cmd.Env = append(cmd.Environ(), "CGO_ENABLED=0")
		if text, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("go build %s: %v\n%s", pkg, err, text)
		}
		built.programs[pkg] = out
	}
	return built.programs[pkg]
}

func scripts(t *testing.T, b machine) {
	testscript.RunT(serial{t, slices.Index(sliced, b.Kind().Name)}, params(t, b))
}

func params(t *testing.T, b machine) testscript.Params {
	return testscript.Params{
		Dir: "testdata",
		Setup: func(env *testscript.Env) error {
			s := &stage{bed: b}
			env.Values[stageKey{}] = s
			env.Defer(func() { s.clear(t) })
			env.Defer(func() { s.noFalseAlarm(t, filepath.Base(env.WorkDir)) })
			env.Setenv("TESTER", tester(b))
			env.Setenv("FAULTS", cmp.Or(os.Getenv("HOLDFAST_FAULTS"), "some"))
			env.Setenv("ROUNDS", strconv.Itoa(rounds()))
			env.Setenv("SLICE", fmt.Sprint(max(0, slices.Index(sliced, b.Kind().Name))))
			return s.dress(env.WorkDir)
		},
		Condition: func(cond string) (bool, error) {
			if kinds, ok := strings.CutPrefix(cond, "slice:"); ok {
				return os.Getenv("HOLDFAST_FAULTS") == "all" || strings.Contains(kinds, fmt.Sprint(slices.Index(sliced, b.Kind().Name))), nil
			}
			return cond == b.Kind().Manager || cond == "kind:"+b.Kind().Name, nil
		},
		Cmds: maps.Clone(commands),
		// A misspelt condition must not count as one that does not hold.
		RequireExplicitExec: true, RequireUniqueNames: true,
	}
}

// rounds is the number of repetitions of start_reload_200 on one kind.
func rounds() int {
	if os.Getenv("HOLDFAST_FAULTS") == "all" {
		return 200
	}
	return 50
}

// sliced are the kinds of which each plays its slice of the long scripts: see TestBehaviour.
var sliced = []string{"systemd257", "systemd252", "sysvinit", "openrc", "launchd-double"}

// tester is a user that a script may add, unless the machine has its own for that.
func tester(b machine) string {
	if m, ok := b.(interface{ Tester() string }); ok {
		return m.Tester()
	}
	return "tester"
}

// serial is a testing.T that plays one script after the other, because they share a bed. kind is
// the place of its kind in sliced.
type serial struct {
	*testing.T
	kind int
}

func (s serial) Parallel() {}

func (s serial) Run(name string, fn func(testscript.T)) {
	s.T.Run(name, func(t *testing.T) {
		bed.Halve(t, name, s.kind)
		fn(serial{t, s.kind})
	})
}

func (s serial) Verbose() bool { return testing.Verbose() }

// knownConditions returns the conditions that scripts may use.
func TestBehaviourScriptsUseKnownConditions(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	known := map[string]bool{"launchd": true, "kind:launchd-double": true, "kind:macos": true}
	for _, k := range bed.Known() {
		known[k.Manager], known["kind:"+k.Name] = true, true
	}
	for _, path := range files {
		script, _, _ := strings.Cut(readFile(t, path), "\n-- ")
		for _, line := range strings.Split(script, "\n") {
			if !strings.HasPrefix(line, "[") {
				continue
			}
			cond, _, _ := strings.Cut(strings.TrimLeft(line, "[!"), "]")
			if kinds, ok := strings.CutPrefix(cond, "slice:"); ok {
				known[cond] = len(kinds) > 0 && strings.Trim(kinds, "01234,") == ""
			}
			if !known[cond] {
				t.Errorf("%s: unknown condition in %q", path, line)
			}
		}
	}
}
