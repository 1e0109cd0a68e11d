package launchd_test

import (
	"context"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/launchd"
)

// A machine is a platform.System with scripted answers. It records the commands.
type machine struct {
	files   map[string]string
	answers map[string][]answer // by command line; the last one repeats
	ran     []string
	info    fs.FileInfo // of every file; nil: mode 0644, owner unknown
}

type answer struct {
	out  string
	code int
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
	if m.info != nil {
		return m.info, nil
	}
	return info{0o644}, nil
}

// An info describes a file with a mode and, if the system has one, an owner.
type info struct{ mode fs.FileMode }

func (i info) Name() string       { return "feedd.plist" }
func (i info) Size() int64        { return 0 }
func (i info) Mode() fs.FileMode  { return i.mode }
func (i info) ModTime() time.Time { return time.Time{} }
func (i info) IsDir() bool        { return i.mode.IsDir() }
func (i info) Sys() any           { return nil }

func (m *machine) Run(ctx context.Context, argv ...string) (string, error) {
	line := strings.Join(argv, " ")
	m.ran = append(m.ran, line)
	answers := m.answers[line]
	switch {
	case ctx.Err() != nil:
		return "", &platform.CommandError{Argv: argv, Code: -1, Err: context.Cause(ctx)}
	case len(answers) == 0 && m.answers == nil:
		return "", &platform.CommandError{Argv: argv, Code: -1, Err: fs.ErrNotExist} // no such command
	case len(answers) == 0:
		return "", &platform.CommandError{Argv: argv, Code: 113, Stderr: "Could not find service"}
	}
	a := answers[0]
	if len(answers) > 1 {
		m.answers[line] = answers[1:]
	}
	if a.code != 0 {
		return a.out, &platform.CommandError{Argv: argv, Code: a.code, Stderr: "it failed"}
	}
	return a.out, nil
}

func (m *machine) count(line string) int {
	n := 0
	for _, l := range m.ran {
		if l == line {
			n++
		}
	}
	return n
}

func (m *machine) did(line string) bool { return slices.Contains(m.ran, line) }

func manager(sys platform.System) *launchd.Manager {
	return launchd.New(sys, launchd.Options{Home: "/Users/ann", Dirs: dirs})
}

const (
	feeddFile  = "/Library/LaunchDaemons/feedd.plist"
	printFeedd = "launchctl print system/feedd"
	stateFile  = "/var/db/feedd/run/feedd.state.json"
)

// installed returns a machine with feedd's property list and these answers of launchctl.
func installed(tb testing.TB, answers map[string][]answer) *machine {
	tb.Helper()
	content, err := render(feedd())
	if err != nil {
		tb.Fatal(err)
	}
	return &machine{files: map[string]string{feeddFile: string(content)}, answers: answers}
}

// loaded returns the output of print with these lines.
func loaded(lines ...string) answer {
	return answer{out: "system/feedd = {\n\tactive count = 1\n\tpath = " + feeddFile + "\n\t" + strings.Join(lines, "\n\t") +
		"\n\n\tendpoints = {\n\t\t\"x\" = {\n\t\t\tstate = active\n\t\t\tpid = 1\n\t\t}\n\t}\n}\n"}
}

// lines returns a plan in short form.
func lines(steps []platform.Step) []string {
	var told []string
	for _, s := range steps {
		line := string(s.Kind) + " " + s.Path + strings.Join(s.Argv, " ")
		if s.Undo != nil {
			line += " <- " + strings.Join(s.Undo, " ")
		}
		for _, b := range s.Back {
			line += " <- " + strings.TrimSpace(string(b.Kind)+" "+strings.Join(b.Argv, " "))
		}
		if s.MayFail {
			line += " ?"
		}
		if s.Until != 0 {
			line += " until"
		}
		told = append(told, line)
	}
	return told
}
