package systemd_test

import (
	"cmp"
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/platform"
)

// A machine is a platform.System with scripted answers. It records the commands.
type machine struct {
	files   map[string]string
	answers map[string]answer // by command line
	ran     []string
}

type answer struct {
	out  string
	code int
	says string // where it fails; empty: that it did
	then func() // what else it does
}

func (m *machine) ReadFile(path string) ([]byte, error) {
	content, ok := m.files[path]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	}
	return []byte(content), nil
}

func (m *machine) WriteFile(string, []byte, fs.FileMode) error { panic("a manager writes nothing") }
func (m *machine) Remove(string) error                         { panic("a manager removes nothing") }

func (m *machine) RemoveAll(string) error { panic("a manager removes nothing") }

func (m *machine) Stat(path string) (fs.FileInfo, error) {
	if _, ok := m.files[path]; !ok {
		return nil, fs.ErrNotExist
	}
	return nil, nil //nolint:nilnil // nobody looks at it
}

func (m *machine) Run(ctx context.Context, argv ...string) (string, error) {
	line := strings.Join(argv, " ")
	m.ran = append(m.ran, line)
	a, ok := m.answers[line]
	if a.then != nil {
		a.then()
	}
	switch {
	case ctx.Err() != nil:
		return "", &platform.CommandError{Argv: argv, Code: -1, Err: ctx.Err()}
	case !ok:
		return "", &platform.CommandError{Argv: argv, Code: 127, Stderr: "no such answer"}
	case a.code != 0:
		return a.out, &platform.CommandError{Argv: argv, Code: a.code, Stderr: cmp.Or(a.says, "it failed")}
	}
	return a.out, nil
}

// did reports whether that command was run.
func (m *machine) did(line string) bool { return slices.Contains(m.ran, line) }

const (
	properties = "LoadState,ActiveState,SubState,UnitFileState,FragmentPath,SourcePath,DropInPaths,MainPID,NRestarts,Result,ReloadResult,CanReload,Requires,BindsTo,Requisite,RestartUSec,RestartUSecNext,StartLimitBurst,StartLimitIntervalUSec," +
		"ExecMainCode,ExecMainStatus,ExecMainExitTimestamp,StatusText,ActiveEnterTimestamp,ActiveExitTimestamp,InactiveEnterTimestamp,InactiveExitTimestampMonotonic,StateChangeTimestamp"
	ctl  = "systemctl --no-pager --no-ask-password "
	show = ctl + "show --timestamp=unix --property=" + properties + " "
)

// recorded returns what `systemctl show` of a real systemd printed in that state.
func recorded(tb testing.TB, version, state string) string {
	tb.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "show", version, state+".txt"))
	if err != nil {
		tb.Fatal(err)
	}
	text := strings.ReplaceAll(string(b), "\r\n", "\n")
	return strings.ReplaceAll(text, "/bad.service", "/feedd.service") // the name at the recording
}

// inState returns a machine with that systemd, whose feedd.service is in that state. Nobody
// needs to ask a new systemd for its version.
func inState(tb testing.TB, version, state string) *machine {
	tb.Helper()
	m := &machine{
		files:   map[string]string{},
		answers: map[string]answer{show + "feedd.service": {out: recorded(tb, version, state)}},
	}
	if version != "257" {
		m.answers["systemctl --version"] = answer{out: "systemd " + version + " (" + version + ".1-1)\n+PAM +AUDIT\n"}
	}
	return m
}

// onBoth runs a test for the recordings of each systemd.
func onBoth(t *testing.T, test func(t *testing.T, version string)) {
	t.Helper()
	for _, version := range []string{"257", "252"} {
		t.Run(version, func(t *testing.T) { test(t, version) })
	}
}

var feeddID = platform.ID{Name: "feedd", Scope: platform.ScopeSystem}
