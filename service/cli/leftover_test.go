package cli_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/cli"
	"github.com/holdfast-dev/holdfast/singleton"
)

// The leftovers of a dead instance are described, but never trusted, and nobody is signalled
// because of them.
func TestLeftoverPIDFile(t *testing.T) {
	for name, tt := range map[string]struct {
		content string
		says    string
	}{
		"of nobody":       {"4711\n", "names 4711, which is gone)"},
		"of another now":  {"60\n", "names 60, now another process: /usr/sbin/feedd, left alone)"},
		"empty":           {"", "is left: PID file is empty)"},
		"no number":       {"feedd\n", "is left: PID file does not hold a process number)"},
		"zero":            {"0\n", "process number)"},
		"negative":        {"-1\n", "process number)"},
		"very long":       {strings.Repeat("7", 1<<16), "is left: PID file is too long"},
		"more than there": {"60\n61\n", "process number)"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			p.put(filepath.Join(p.cfg.RuntimeDir, "feedd.pid"), tt.content)
			p.wants("status", 1, "it is dead ("+filepath.Join(p.cfg.RuntimeDir, "feedd.pid"))
			p.wants("status", 1, tt.says)
			p.wants("stop", 0, tt.says, "stop")
			p.wants("reload", 1, tt.says)
		})
	}
	t.Run("a directory", func(t *testing.T) {
		p := newPlace(t)
		if err := os.Mkdir(filepath.Join(p.cfg.RuntimeDir, "feedd.pid"), 0o755); err != nil {
			t.Fatal(err)
		}
		p.wants("status", 1, "it is dead")
		if runtime.GOOS != "windows" { // there, it cannot even be opened
			p.wants("stop", 0, "is a directory, not a regular file", "stop")
		}
	})
}

// Every error of a command has its exit code, whoever wraps it.
func TestExitCode(t *testing.T) {
	for _, tt := range []struct {
		err  error
		code int
	}{
		{nil, 0},
		{errors.New("anything"), 1},
		{service.ErrConfig, 78},
		{fmt.Errorf("%w: %w", service.ErrConfig, platform.ErrBadUnit), 78},
		{platform.ErrBadUnit, 78},
		{platform.ErrUnsupported, 2},
		{platform.ErrPermission, 77},
		{platform.ErrNotRunning, 1},
		{platform.ErrNotInstalled, 1},
		{platform.ErrNoManager, 1},
		{platform.ErrTimeout, 1},
		{platform.ErrRejected, 1},
		{&singleton.HeldError{Name: "feedd"}, 75},
		{singleton.ErrDenied, 77},
		{singleton.ErrBroken, 1},
	} {
		wrapped := tt.err
		if wrapped != nil {
			wrapped = fmt.Errorf("start %q: %w", "feedd", tt.err)
		}
		for _, err := range []error{tt.err, wrapped} {
			if code := cli.ExitCode(err); code != tt.code {
				t.Errorf("%v: %d, want %d", err, code, tt.code)
			}
		}
		if cli.Silent(tt.err) {
			t.Errorf("%v: nothing would be printed", tt.err)
		}
	}
}

// The command line overrides what the code overrides.
func TestOverridesAddUp(t *testing.T) {
	p := newPlace(t)
	p.cfg.Override = func(c *service.Config) { c.User, c.Group = "code", "code" }
	p.wants("plan --program /usr/sbin/feedd --user line", 0, "")
	if u := p.m.unit; u.User != "line" || u.Group != "code" {
		t.Errorf("user %q, group %q", u.User, u.Group)
	}
}

// A note says which of two paths the manager uses. With one path there is no note.
func TestInstallSaysWhichProgram(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("links need rights there, and Wine has its own")
	}
	p := newPlace(t)
	m := p.machine()
	image, err := filepath.EvalSymlinks(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(p.dir, "feedd"+filepath.Ext(image))
	if err := os.Symlink(image, link); err != nil {
		t.Skip(err)
	}
	m.Executable = func() (string, error) { return image, nil }
	for called, noted := range map[string]bool{image: false, link: true} {
		m.Program = called
		if err := p.runOn(t.Context(), m, "install"); err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(p.errs.String(), "- the program is "); got != noted {
			t.Errorf("called by %s: %s", called, p.errs.String())
		}
	}
}
