package cli_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/cli"
	"github.com/holdfast-dev/holdfast/service/logsink"
)

// The command line takes precedence over the file, at the start and at each reload (issue 9,
// 9: the file overrode `run -- ARGS`).
func TestRunArgumentsBeatTheFile(t *testing.T) {
	file := config(t, "[service]\nargs = [\"from\", \"file\"]\n")
	for _, tt := range []struct {
		args []string
		want []string
	}{
		{nil, []string{"from", "file"}},
		{[]string{"--", "-x", "line"}, []string{"-x", "line"}},
	} {
		var lived service.Config
		prog := service.ProgramFunc(func(_ context.Context, rt *service.Runtime) error {
			lived = rt.Config()
			rt.Ready()
			return nil
		})
		dir := filepath.Join(t.TempDir(), "run")
		cfg := service.Config{Name: "feedd", RuntimeDir: dir, StateDir: dir, Log: logsink.Options{File: dir + ".log"}}
		root := cli.Command(cfg, prog)
		root.SetArgs(append([]string{"run", "--config", file, "--scope", "system"}, tt.args...))
		if err := root.ExecuteContext(t.Context()); err != nil {
			t.Fatal(err)
		}
		again, err := lived.Load()
		if err != nil || !slices.Equal(lived.Args, tt.want) || !slices.Equal(again.Args, tt.want) {
			t.Errorf("%q: %q, and %q when it is read again, want %q: %v", tt.args, lived.Args, again.Args, tt.want, err)
		}
		if lived.Scope != platform.ScopeSystem {
			t.Errorf("its scope is %q", lived.Scope)
		}
	}
}

func TestRunRefuses(t *testing.T) {
	p := newPlace(t)
	p.wants("run --scope galaxy", 2, "galaxy")
	p.wants("run --config /nonexistent", 78, "nonexistent")
}

func TestCheck(t *testing.T) {
	p := newPlace(t)
	p.wants("check", 0, "")
	badFile(p)
	p.wants("check", 78, "colour_of_it")
}

func TestVersion(t *testing.T) {
	p := newPlace(t)
	p.cfg.Version = "1.2"
	p.wants("version", 0, "feedd 1.2\nholdfast ")
}

// The hidden commands of scripts refuse senseless values.
func TestSpawnRefuses(t *testing.T) {
	p := newPlace(t)
	p.wants("spawn --umask 8 -- /bin/true", 2, "octal")
	p.wants("spawn", 2, "requires at least 1 arg")
	p.wants("supervise", 2, "requires at least 1 arg")
}

// Paths of flags do not depend on the working directory.
func TestRelativeFlags(t *testing.T) {
	p := newPlace(t)
	t.Chdir(p.dir)
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.run("plan", "--program", "/usr/sbin/feedd", "--runtime-dir", "run", "--state-dir", "../x"); err != nil {
		t.Fatal(err)
	}
	if u := p.m.unit; u.RuntimeDir != filepath.Join(here, "run") || u.StateDir != filepath.Join(filepath.Dir(here), "x") || !strings.Contains(strings.Join(u.Exec, " "), u.StateDir) {
		t.Errorf("%+v", u)
	}
}
