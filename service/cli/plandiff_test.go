package cli_test

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service/cli"
)

// writing makes the manager's plan write these definitions, after a command.
func (p *place) writing(files ...string) {
	p.m.steps = []platform.Step{{Kind: platform.StepRun, Describe: "make ready", Argv: []string{"ready"}}}
	for i := 0; i < len(files); i += 2 {
		p.m.steps = append(p.m.steps, platform.Step{
			Kind: platform.StepWriteFile, Describe: "write " + files[i], Path: filepath.Join(p.dir, files[i]), Mode: 0o644, Content: []byte(files[i+1]),
		})
	}
}

// plan --diff shows line by line how definitions would change, and nothing else. It changes
// nothing.
func TestPlanDiff(t *testing.T) {
	for name, tt := range map[string]struct {
		so   func(*place)
		want string // DIR is the place's
	}{
		"nothing": {func(p *place) { p.writing() }, ""},
		"no change": {func(p *place) {
			p.writing("a", "x\n")
			p.lies("a", "x\n", 0o644)
		}, ""},
		"a new one": {func(p *place) { p.writing("a", "x\ny\n") }, "DIR/a:\n+x\n+y\n"},
		"one line": {func(p *place) {
			p.writing("a", "1\n2\n3\nnew\n5\n6\n7\n")
			p.lies("a", "1\n2\n3\nold\n5\n6\n7\n", 0o644)
		}, "DIR/a:\n 2\n 3\n-old\n+new\n 5\n 6\n"},
		"far apart": {func(p *place) {
			p.writing("a", "A\n1\n2\n3\n4\n5\nB\n")
			p.lies("a", "a\n1\n2\n3\n4\n5\nb\n", 0o644)
		}, "DIR/a:\n-a\n+A\n 1\n 2\n...\n 4\n 5\n-b\n+B\n"},
		"emptied": {func(p *place) {
			p.writing("a", "")
			p.lies("a", "x\n", 0o644)
		}, "DIR/a:\n-x\n"},
		"one of three": {func(p *place) {
			p.writing("a", "x\n", "b", "new\n", "c", "x\n")
			p.lies("a", "x\n", 0o644)
			p.lies("b", "old\n", 0o644)
			p.lies("c", "x\n", 0o644)
		}, "DIR/b:\n-old\n+new\n"},
		"two, in their order": {func(p *place) { p.writing("b", "1\n", "a", "2\n") }, "DIR/b:\n+1\nDIR/a:\n+2\n"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			tt.so(p)
			p.wants("plan --program /opt/feedd --diff", 0, "")
			if got := filepath.ToSlash(strings.ReplaceAll(p.out.String(), p.dir, "DIR")); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			p.wants("plan --program /opt/feedd --diff --json", 0, `"manager": "fake"`)
			changes, is := p.json()["changes"].([]any)
			if want := strings.Count(tt.want, "DIR/"); !is || len(changes) != want {
				t.Errorf("%d changes, want %d in a list:\n%s", len(changes), want, p.out.String())
			}
		})
	}
}

// lies writes a file with exactly that mode.
func (p *place) lies(name, content string, mode os.FileMode) {
	p.t.Helper()
	path := filepath.Join(p.dir, name)
	p.put(path, content)
	if err := os.Chmod(path, mode); err != nil {
		p.t.Fatal(err)
	}
}

// A definition that differs only in its mode counts as different.
func TestPlanDiffOfAMode(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no modes there")
	}
	p := newPlace(t)
	p.writing("a", "x\n")
	p.lies("a", "x\n", 0o600)
	p.wants("plan --program /opt/feedd --diff", 0, "/a:\n-mode 0600\n+mode 0644\n")
}

// Something else at the path of a definition is shown as removed.
func TestPlanDiffOfWhatIsNoFile(t *testing.T) {
	p := newPlace(t)
	p.writing("a", "x\n")
	if err := os.Mkdir(filepath.Join(p.dir, "a"), 0o755); err != nil {
		t.Fatal(err)
	}
	p.wants("plan --program /opt/feedd --diff", 0, "\n+write a\n")
	if strings.Contains(p.out.String(), "+x") {
		t.Errorf("it will not be written:\n%s", p.out.String())
	}
}

// A registry is a manager whose definitions are not files.
type registry struct {
	*manager
	before any
	is     bool
}

func (r registry) Registered(context.Context, platform.ID, platform.Step) (any, bool) {
	return r.before, r.is
}

// If a manager stores definitions itself, its content is compared.
func TestPlanDiffOfARegistry(t *testing.T) {
	type entry struct {
		Account, Start string
	}
	for name, tt := range map[string]struct {
		before any
		is     bool
		want   string
	}{
		"the same":         {entry{"bob", "<auto>"}, true, ""},
		"another account":  {entry{"alice", "<auto>"}, true, "the service \"feedd\":\n {\n-  \"Account\": \"alice\",\n+  \"Account\": \"bob\",\n   \"Start\": \"<auto>\"\n }\n"},
		"not there yet":    {nil, true, "the service \"feedd\":\n+{\n+  \"Account\": \"bob\",\n+  \"Start\": \"<auto>\"\n+}\n"},
		"of no definition": {nil, false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			p.m.steps = []platform.Step{{Kind: "service", Describe: "register", Payload: entry{"bob", "<auto>"}}}
			m := p.machine()
			m.Manager = func(string) (platform.Manager, error) { return registry{p.m, tt.before, tt.is}, nil }
			err := p.runOn(t.Context(), m, "plan", "--diff", "--program", "/opt/feedd")
			if got := p.out.String(); cli.ExitCode(err) != 0 || got != tt.want {
				t.Errorf("%v: got %q, want %q", err, got, tt.want)
			}
		})
	}
}
