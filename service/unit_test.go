package service_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/native"
	"github.com/holdfast-dev/holdfast/service"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// nowhere is a machine without files and commands, for plans for another machine.
type nowhere struct{ platform.System }

func (nowhere) ReadFile(string) ([]byte, error)  { return nil, fs.ErrNotExist }
func (nowhere) Stat(string) (fs.FileInfo, error) { return nil, fs.ErrNotExist }
func (nowhere) Run(_ context.Context, argv ...string) (string, error) {
	return "", &platform.CommandError{Argv: argv, Code: -1, Err: fs.ErrNotExist}
}

// planFor returns the plan for an install of c by that manager, as text.
func planFor(t *testing.T, manager string, c service.Config) (string, error) {
	t.Helper()
	c, err := c.Load()
	if err != nil {
		return "", err
	}
	program := "/opt/acme/acme"
	if manager == "scm" {
		program = `C:\Program Files\acme\acme.exe`
	}
	u, err := c.Unit(program, platform.ScopeSystem)
	if err != nil {
		return "", err
	}
	m, err := native.ManagerOn(manager, nowhere{}, native.Login{})
	if err != nil {
		t.Fatal(err)
	}
	steps, err := m.Plan(t.Context(), u)
	var text strings.Builder
	for _, s := range steps {
		content := string(s.Content)
		s.Content = nil
		rest, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&text, "%s\n%s", rest, content)
	}
	return text.String(), err
}

// A command tree that is mounted in a larger one is installed as it is mounted. It used to be
// installed with command lines that the program does not know.
func TestMountedTreeIsInstalledAsMounted(t *testing.T) {
	inPlist := regexp.MustCompile(`</string>\s*<string>`)
	for _, manager := range native.Managers() {
		t.Run(manager, func(t *testing.T) {
			plan, err := planFor(t, manager, service.Config{
				Name: "feedd", Command: []string{"admin", "service"}, Args: []string{"--fast"}, Supervise: manager == "sysv",
			})
			if err != nil {
				t.Fatal(err)
			}
			plan = inPlist.ReplaceAllString(plan, " ")
			plan = strings.ReplaceAll(plan, `,"`, "\n\"") // a registration, a line a field
			var lines strings.Builder
			for line := range strings.Lines(plan) {
				if !strings.Contains(line, "acme") {
					continue
				}
				lines.WriteString(strings.TrimSpace(line) + "\n")
				plain := strings.NewReplacer("'", "", `\"`, "", `", "`, " ").Replace(line)
				called := strings.Count(plain, "/acme") - strings.Count(plain, "/opt/acme/acme")
				called += strings.Count(plain, "acme.exe") - strings.Count(plain, "program=")
				if mounted := strings.Count(plain, "/acme admin service ") + strings.Count(plain, ".exe admin service "); mounted != called {
					t.Errorf("the program is called %d times, and %d times where the tree is mounted: %s", called, mounted, line)
				}
			}
			golden := filepath.Join("testdata", "mounted."+manager)
			if *update {
				if err := os.WriteFile(golden, []byte(lines.String()), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if lines.String() != string(want) {
				t.Errorf("differs from %s (-update writes it):\n%s", golden, lines.String())
			}
		})
	}
}

// A configuration and a definition share the defaults of one table.
func TestConfigAndUnitHaveTheSameDefaults(t *testing.T) {
	c, err := service.Config{Name: "feedd"}.Load()
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.Unit("/opt/feedd", platform.ScopeSystem)
	if err != nil {
		t.Fatal(err)
	}
	want := platform.Unit{ID: got.ID, Exec: got.Exec, Reload: got.Reload, Commands: got.Commands}.WithDefaults()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v\nis not\n%+v", got, want)
	}
}
